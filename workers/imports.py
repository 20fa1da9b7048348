"""Importing an event log: read it, write its journeys in batches, note what could not be read.

Memory holds two batches: one is read while the other is written. An import that was interrupted is run again, and
adds what is missing.
"""

import asyncio
import hashlib
import sqlite3
import time
from collections.abc import Callable, Generator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, TextIO

import orjson

from domain.errors import InvalidInput, TooLarge
from domain.identity import Actor, ActorKind
from domain.imports import Narrator, definition
from domain.mapping import Mapping
from domain.record_events import ImportCompleted
from storage.imports import Fate, Imports, Made
from storage.store import Store
from storage.subject import Cause, digest
from workers.eventlog import EventLog, LogCase, Reject
from workers.eventlog_entry import shown, weight

BATCH_CASES: Final = 250
BATCH_WEIGHT: Final = 4 * 1024 * 1024  # bytes that its events take in memory, roughly
DIFFERING: Final = (
    "The case was imported before with another history, which stays as it is; "
    "a mapping with another templateId imports it beside that one."
)
ACTOR: Final = Actor(ActorKind.IMPORT, "journeys import")


@dataclass(slots=True)
class Summary:
    """What an import did; the counts are those of this run."""

    template_id: str
    template_version: int | None = None  # None as long as there is no case
    journeys: int = 0  # added
    known: int = 0  # there already
    step_events: int = 0  # of the journeys added
    rejected: int = 0
    skipped: int = 0  # events whose lifecycle transition makes them no step
    seconds: float = 0.0
    rejects: Path | None = None  # the file that says why; none without rejects


@dataclass(slots=True)
class _Batch:
    cases: list[LogCase] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    made: list[tuple[LogCase, Made]] = field(default_factory=list)


Told = Callable[[int, int, Summary], None]  # bytes of the file read, of how many; what was done so far


async def import_log(
    store: Store,
    tenant_id: str,
    log: EventLog,
    mapping: Mapping,
    *,
    now: Callable[[], datetime],
    rejects: Path | None = None,
    told: Told = lambda *_: None,
) -> Summary:
    """Import the journeys of a log that are not there yet; `told` hears of each batch.

    The mapping is a complete one. Raises InvalidInput for a log or mapping that cannot be used.
    """
    began = time.monotonic()
    run = _Run(store, tenant_id, log, mapping, await asyncio.to_thread(_sha256, log.path))
    with closing(_Rejects(rejects or log.path.with_name(f"{log.path.name}.rejects.jsonl"))) as noted:
        await run.all(noted, told)
        await run.complete(now())
        run.summary.rejects = noted.path if run.summary.rejected else None
    run.summary.seconds = time.monotonic() - began
    return run.summary


class _Run:
    """One import of one file. Its name is made of all that decides what it adds, so that a later run of the same
    import knows itself."""

    def __init__(self, store: Store, tenant_id: str, log: EventLog, mapping: Mapping, sha256: str) -> None:
        self.summary = Summary(mapping.template_id)
        self._imports, self._log = Imports(store), log
        self._tenant, self._mapping = tenant_id, mapping
        self._narrator = Narrator(mapping, tenant_id)
        self._batches = _batches(log, mapping, self._narrator)
        self._name = digest("import", tenant_id, sha256, mapping.model_dump_json())
        self._cause = Cause(ACTOR, self._name, self._name, keyed=True)
        self._own_journeys = self._own_steps = 0  # of all runs of this import

    async def all(self, rejects: "_Rejects", told: Told) -> None:
        """Read and write, batch by batch."""
        await self._imports.resume(self._tenant)
        ahead = asyncio.create_task(self._read())
        try:
            while (batch := await ahead) is not None:
                ahead = asyncio.create_task(self._read())
                noted = batch.rejects + await self._write(batch.made)
                rejects.note(noted)
                self.summary.rejected += len(noted)
                self.summary.skipped = self._log.progress.skipped
                told(self._log.progress.read, self._log.progress.total, self.summary)
        finally:
            with suppress(Exception):
                await ahead  # a thread cannot be stopped; what it found is of no use now
            self._batches.close()

    async def complete(self, at: datetime) -> None:
        """Tell the feed, once for all runs of this import, if they added something."""
        if not self._own_journeys:
            return
        event = ImportCompleted(
            at=at,
            tenant_id=self._tenant,
            template_id=self._mapping.template_id,
            file=self._log.path.name,
            journeys=self._own_journeys,
            step_events=self._own_steps,
            rejected=self.summary.rejected,
        )
        await self._imports.complete(f"imp_{self._name}", event, self._cause)

    async def _read(self) -> _Batch | None:
        """The next batch, its journeys made but not written."""
        batch = await asyncio.to_thread(next, self._batches, None)
        if batch is None or not batch.cases:
            return batch
        if self.summary.template_version is None:
            cause = Cause(ACTOR, digest("template", self._name), self._name)
            template = await self._imports.template(self._tenant, definition(self._mapping), cause)
            self.summary.template_version = template.version
        await asyncio.to_thread(self._make, batch, self.summary.template_version)
        return batch

    def _make(self, batch: _Batch, version: int) -> None:
        for case in batch.cases:
            try:
                past = self._narrator.tell(case.id, case.events, case.attributes, version)
                batch.made.append((case, self._imports.make(self._tenant, past, self._cause)))
            except (InvalidInput, TooLarge) as error:
                batch.rejects.append(Reject(case.events[0].line, case.id, error.message))

    async def _write(self, made: list[tuple[LogCase, Made]]) -> list[Reject]:
        """Write the journeys that are not there yet; those that are there otherwise are rejected."""
        fates = await self._imports.add([each for _, each in made])
        rejects: list[Reject] = []
        for case, each in made:
            fate = fates[each.id]
            if fate is Fate.ADDED:
                self.summary.journeys += 1
                self.summary.step_events += len(case.events)
            elif fate is Fate.DIFFERING:
                rejects.append(Reject(case.events[0].line, case.id, DIFFERING))
            else:
                self.summary.known += 1
            if fate in (Fate.ADDED, Fate.OWN):
                self._own_journeys += 1
                self._own_steps += len(case.events)
        return rejects


def _batches(log: EventLog, mapping: Mapping, narrator: Narrator) -> Generator[_Batch, None, None]:
    batch, heavy = _Batch(), 0
    with closing(_Seen()) as seen:
        for found in log.read(mapping):
            if isinstance(found, Reject):
                batch.rejects.append(found)
            else:
                case, rejects = _fitting(found, narrator, seen)
                batch.rejects += rejects
                if case is not None:
                    batch.cases.append(case)
                    heavy += sum(map(weight, case.events))
            if len(batch.cases) >= BATCH_CASES or len(batch.rejects) >= BATCH_CASES or heavy >= BATCH_WEIGHT:
                yield batch
                batch, heavy = _Batch(), 0
    yield batch


def _fitting(case: LogCase, narrator: Narrator, seen: "_Seen") -> tuple[LogCase | None, list[Reject]]:
    """What of the case can be a journey, and why the rest cannot."""
    if not seen.first(case.id):
        count = len(case.events)
        reason = f"An earlier trace has this id too; this one, with its {count:,} events, is left out."
        return None, [Reject(case.events[0].line, case.id, reason)]
    strange = [event for event in case.events if not narrator.knows(event.activity)]
    if not strange:
        return case, []
    rejects = [
        Reject(event.line, case.id, f"The mapping has no step for the activity {shown(event.activity)}.")
        for event in strange
    ]
    events = [event for event in case.events if narrator.knows(event.activity)]
    return (LogCase(case.id, events, case.position, case.attributes) if events else None), rejects


class _Seen:
    """The ids of the cases so far, in a temporary file that goes with its connection: there may be millions."""

    def __init__(self) -> None:
        self._spilt = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._spilt.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -8192;"
            "CREATE TABLE seen (id TEXT PRIMARY KEY) WITHOUT ROWID; BEGIN;"
        )

    def first(self, id: str) -> bool:
        """Whether the id comes for the first time."""
        return self._spilt.execute("INSERT OR IGNORE INTO seen VALUES (?)", (id,)).rowcount == 1

    def close(self) -> None:
        self._spilt.close()


class _Rejects:
    """The file of what could not be imported, a JSON object a line. It is made when there is something to note."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: TextIO | None = None

    def note(self, rejects: list[Reject]) -> None:
        if not rejects:
            return
        if self._file is None:
            self._file = self.path.open("w", encoding="utf-8")
        for each in rejects:
            line = orjson.dumps({"line": each.line, "case": each.case, "reason": each.reason})
            self._file.write(line.decode() + "\n")

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

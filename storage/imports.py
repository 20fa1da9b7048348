"""Writing imported history in bulk. Ids come from the cases: a second run, or another one meanwhile, adds nothing.

What a process that died has left half-done the next run completes at once, and the relay's sweep a little later.
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from domain import imports as fold
from domain.errors import AlreadyExists, InvalidInput, NotFound, TooLarge
from domain.identity import ActorKind
from domain.imports import Import, Past
from domain.paging import MAX_PAGE, Page
from domain.record_events import ImportCompleted
from domain.template import Definition, Template
from storage.batches import LARGEST, document_size
from storage.codec import Document
from storage.journeys import JOURNEY
from storage.mongo import translated
from storage.store import Store
from storage.subject import Cause, Kind, digest

IMPORT: Final = Kind("imports", Import, fold.begin, fold.evolve, lambda _: {})


class Fate(StrEnum):
    """What became of a case."""

    ADDED = "added"
    OWN = "own"  # an earlier run of this same import added it
    KNOWN = "known"  # another import did
    DIFFERING = "differing"  # another import added it with another history, which stays


@dataclass(frozen=True, slots=True)
class Made:
    """A journey as it will be stored, with its facts."""

    id: str
    document: Document
    size: int  # bytes


class Imports:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._journeys, self._events = store.mongo["journeys"], store.mongo["events"]

    async def template(self, tenant_id: str, definition: Definition, cause: Cause) -> Template:
        """The newest version that is just so, or a new one.

        Raises InvalidInput for a definition that is not valid, or where the template is not an import's: a new
        version of it would be what live journeys start from.
        """
        templates = self._store.templates
        known = [each async for each in self._versions(tenant_id, definition.template_id)]
        same = next((each for each in known if each.definition == definition), None)
        if same is not None:
            return same
        if known and known[0].created_by.kind is not ActorKind.IMPORT:
            raise _taken(definition.template_id)
        try:
            return (await templates.create_version(tenant_id, definition, cause)).state
        except NotFound:
            pass
        try:
            return (await templates.create(tenant_id, definition, cause)).state
        except AlreadyExists:  # another import made it a moment ago
            return await self.template(tenant_id, definition, cause)

    async def resume(self, tenant_id: str) -> None:
        """Complete what an interrupted import has left."""
        batches = self._store.changes.batches
        for id in await batches.left(tenant_id):
            await batches.resume(id)

    def make(self, tenant_id: str, past: Past, cause: Cause) -> Made:
        """A journey that can be added; nothing is written. Takes its time, and may run in a thread.

        Raises TooLarge for one that no document can hold.
        """
        name = digest("import", tenant_id, past.template_id, past.case)
        own = Cause(cause.actor, name, cause.correlation_id, input_hash=digest(past.text))
        document = self._store.changes.made(JOURNEY, f"jrn_{name}", past.events, own)[1]
        size = document_size(document)
        if size > LARGEST:
            raise TooLarge(f"The case is too large for one journey: {past.steps:,} events, {size:,} bytes.")
        return Made(document["_id"], document, size)

    async def add(self, made: Sequence[Made]) -> dict[str, Fate]:
        """Store the journeys that are not there yet; what became of each, by its id."""
        present = await self._present([each.id for each in made])
        added: set[str] = set()
        for batch in _batches(each for each in made if each.id not in present):
            documents = [each.document for each in batch]
            added |= await self._store.changes.batches.write(
                JOURNEY.collection, documents, documents[0]["outboxAt"]
            )
        told = await self._told([each.id for each in made if each.id not in added])
        return {each.id: Fate.ADDED if each.id in added else _fate(told.get(each.id), each) for each in made}

    async def complete(self, id: str, event: ImportCompleted, cause: Cause) -> None:
        """Tell the feed that an import is complete, once."""
        await self._store.changes.create(IMPORT, id, [event], cause)

    async def _versions(self, tenant_id: str, template_id: str) -> AsyncIterator[Template]:
        """The template's versions, the newest first."""
        after, more = None, True
        while more:
            page = await self._store.templates.versions(tenant_id, template_id, Page(MAX_PAGE, after=after))
            for template in page.items:
                yield template
            after, more = page.keys[-1] if page.keys else None, page.has_next

    async def _present(self, ids: list[str]) -> set[str]:
        with translated():
            found = await self._journeys.find({"_id": {"$in": ids}}, {"_id": 1}).to_list(None)
        return {each["_id"] for each in found}

    async def _told(self, ids: list[str]) -> dict[str, Document]:
        """The first event of each of these journeys: which import told it, and what."""
        if not ids:
            return {}
        firsts = {"_id": {"$in": [f"{id}:1:0" for id in ids]}}
        with translated():
            found = await self._events.find(
                firsts, {"subject": 1, "inputHash": 1, "correlationId": 1}
            ).to_list(None)
        return {each["subject"]: each for each in found}


def _batches(made: Iterable[Made]) -> Iterator[list[Made]]:
    """As many at once as one document holds."""
    batch: list[Made] = []
    size = 0
    for each in made:
        if batch and size + each.size > LARGEST:
            yield batch
            batch, size = [], 0
        batch.append(each)
        size += each.size
    if batch:
        yield batch


def _fate(told: Document | None, made: Made) -> Fate:
    """Of a journey that was there before. Where its first event is not in the log any more, nobody can tell."""
    meant = made.document["outbox"][0]
    if told is not None and told.get("inputHash") != meant["inputHash"]:
        return Fate.DIFFERING
    return Fate.OWN if told is not None and told["correlationId"] == meant["correlationId"] else Fate.KNOWN


def _taken(template_id: str) -> InvalidInput:
    return InvalidInput(
        f"There is a template {template_id!r} that no import made; give the mapping another templateId.",
        "templateId",
    )

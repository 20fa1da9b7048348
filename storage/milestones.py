"""Milestones: what the analytics count of the log, as small documents of their own, written with it.

One event is at most a few of them: a journey's start is its first stage, an imported activity enters its step and
completes it. They are made from the log's entries alone, so `rebuild` makes the same ones again.
"""

from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum
from operator import itemgetter
from typing import Any, Final

from pymongo import DeleteOne, InsertOne, ReplaceOne
from pymongo.errors import BulkWriteError

from domain.events import Origin
from domain.journey_events import (
    CustomerLinked,
    JourneyAbandoned,
    JourneyCompleted,
    JourneyFailed,
    JourneyMigrated,
    JourneyPaused,
    JourneyResumed,
    JourneyStarted,
    SlaBreached,
    StageChanged,
    StepCompleted,
    StepEntered,
    StepFailed,
    StepRetried,
    StepSkipped,
    StepTimedOut,
)
from domain.values import timestamp
from storage.codec import Document
from storage.mongo import Collection, Mongo, translated
from storage.written import only_duplicates

MILESTONES: Final = "milestones"
LEADS: Final = "leads"
BATCH: Final = 2_000
_EVER: Final = datetime(1, 1, 1, tzinfo=UTC)


class MilestoneKind(StrEnum):
    """What a milestone is; its name begins with this."""

    STAGE = "stage"  # entered a stage: stage:<stage>
    STEP = "step"  # entered a step: step:<template>/<step>
    DONE = "done"  # completed a step
    SKIPPED = "skipped"  # skipped a step
    FAILED = "failed"  # failed in a step, or its time was over
    RETRIED = "retried"  # entered a failed step anew
    BREACHED = "breached"  # broke a promise of a step, or of the whole: breached:<template>
    MIGRATED = "migrated"  # stands at this step of another version
    STATUS = "status"  # status:<started, paused, resumed, completed, failed, abandoned>


OF_STEPS: Final[Mapping[str, MilestoneKind]] = {
    StepEntered.type: MilestoneKind.STEP,
    StepCompleted.type: MilestoneKind.DONE,
    StepSkipped.type: MilestoneKind.SKIPPED,
    StepFailed.type: MilestoneKind.FAILED,
    StepTimedOut.type: MilestoneKind.FAILED,
    StepRetried.type: MilestoneKind.RETRIED,
}
OF_STATUS: Final = frozenset(
    each.type
    for each in (
        JourneyStarted,
        JourneyPaused,
        JourneyResumed,
        JourneyCompleted,
        JourneyFailed,
        JourneyAbandoned,
    )
)
COUNTED: Final = sorted({*OF_STEPS, *OF_STATUS, StageChanged.type, SlaBreached.type, JourneyMigrated.type})
_KEPT: Final = ("visit", "automatic", "reason", "slaRemaining", "stepSlaRemaining")
_DUE: Final = ("slaDueAt", "stepSlaDueAt")  # until when a promise runs that was made, or goes on


def named(kind: MilestoneKind, *parts: str) -> str:
    """The name that milestones of this kind and value have."""
    return f"{kind.value}:{'/'.join(parts)}"


def milestones(entries: Sequence[Document]) -> list[Document]:
    """What the analytics count of these entries of the log. What the first entry of a change says of the journey holds
    for all of them; where it is missing, nothing is known of the template."""
    found, change = list[Document](), ""
    facets: Mapping[str, Any] = {}
    for entry in entries:
        before, change = change, entry["_id"].rpartition(":")[0]
        if entry["type"] == JourneyStarted.type:
            facets = entry["data"]
        elif entry.get("facets") is not None:
            facets = entry["facets"]
        elif change != before:
            facets = {}
        with suppress(KeyError):  # what says too little counts for nothing: the log does not wait for it
            found += [_milestone(entry, facets, kind, name) for kind, name in _named(entry, facets)]
    return found


def leads(entries: Sequence[Document]) -> list[Document]:
    """The last word of these entries on which customer each lead is; `linkedKey` grows along the log."""
    said = [
        {
            "_id": f"{each['tenantId']}|{lead}",
            "tenantId": each["tenantId"],
            "customerId": customer,
            "linkedKey": f"{timestamp(each['recordedAt'])}|{each['timeKey'].partition('|')[2]}",
        }
        for each in entries
        if each["type"] in (CustomerLinked.type, JourneyStarted.type)
        and (lead := each.get("leadId"))
        and (customer := each.get("customerId"))
    ]
    return list({each["_id"]: each for each in sorted(said, key=itemgetter("linkedKey"))}.values())


def _named(entry: Document, facets: Mapping[str, Any]) -> Iterator[tuple[MilestoneKind, str]]:
    kind, data = entry["type"], entry["data"]
    template = facets.get("templateId", "")
    if kind == JourneyStarted.type:
        yield MilestoneKind.STAGE, named(MilestoneKind.STAGE, data["stage"])
    if kind == StageChanged.type:
        yield MilestoneKind.STAGE, named(MilestoneKind.STAGE, data["toStage"])
    if kind in OF_STATUS:
        yield MilestoneKind.STATUS, named(MilestoneKind.STATUS, kind.partition(":")[2])
    if kind in OF_STEPS:
        if kind == StepCompleted.type and entry.get("origin") == Origin.IMPORT:
            yield MilestoneKind.STEP, named(MilestoneKind.STEP, template, data["step"])
        yield OF_STEPS[kind], named(OF_STEPS[kind], template, data["step"])
    if kind == SlaBreached.type:
        place = (template, data["step"]) if data["scope"] == "step" else (template,)
        yield MilestoneKind.BREACHED, named(MilestoneKind.BREACHED, *place)
    if kind == JourneyMigrated.type:
        yield MilestoneKind.MIGRATED, named(MilestoneKind.MIGRATED, template, data["currentStep"])


def _milestone(entry: Document, facets: Mapping[str, Any], kind: MilestoneKind, name: str) -> Document:
    made = {
        "_id": f"{entry['_id']}|{kind.value}",
        "tenantId": entry["tenantId"],
        "kind": kind.value,
        "name": name,
        "journeyId": entry["subject"],
        "customerId": entry.get("customerId"),
        "leadId": entry.get("leadId"),
        "templateId": facets.get("templateId"),
        "category": facets.get("category"),
        "at": entry["occurredAt"],
        "timeKey": entry["timeKey"],
        **{key: entry["data"].get(key) for key in _KEPT},
        **{key: datetime.fromisoformat(entry["data"][key]) for key in _DUE if entry["data"].get(key)},
    }
    return {key: value for key, value in made.items() if value is not None}


def step_of(milestone: Document) -> str:
    """The step that a milestone of a step is about: what its name has behind the template."""
    return str(milestone["name"]).removeprefix(f"{milestone['kind']}:{milestone['templateId']}/")


class Milestones:
    def __init__(self, mongo: Mongo, *, batch: int = BATCH) -> None:
        self._mongo, self._batch = mongo, batch
        self._milestones, self._leads = mongo[MILESTONES], mongo[LEADS]

    async def add(self, entries: Sequence[Document]) -> None:
        """Keep what these entries of the log count. Twice is once."""
        await _write(self._milestones, [InsertOne(each) for each in milestones(entries)])
        await self._link(entries)

    async def rebuild(self, tenant_id: str, since: datetime | None = None) -> AsyncGenerator[int, None]:
        """Make them anew from the log, which stays as it is; how many entries were read so far, now and then.

        `since`: what lies before may not be in the log any more, and stays. Each is written in its place before any
        goes that no entry tells: wherever this is broken off, the reports count nothing too little.
        """
        recorded = self._mongo["events"].find({"tenantId": tenant_id, "recordedAt": {"$gt": _EVER}})
        log, read = recorded.sort([("recordedAt", 1), ("subject", 1), ("position", 1)]), 0
        async for entries in _parts(log, self._batch):
            # What has no template is of a change that began before the log does: what is there knew it.
            known = [each for each in milestones(entries) if "templateId" in each]
            made = [ReplaceOne({"_id": each["_id"]}, each, upsert=True) for each in known]
            await _write(self._milestones, made)
            await self._link(entries)
            yield (read := read + len(entries))
        behind = {"$gte": "" if since is None else timestamp(since)}
        kept = self._milestones.find({"tenantId": tenant_id, "timeKey": behind}, {"journeyId": 1})
        async for found in _parts(kept, self._batch):
            await self._prune(found)
            yield read

    async def _link(self, entries: Sequence[Document]) -> None:
        """Keep the last word on each lead, whenever it is heard. No upsert: one that another overtakes cannot tell
        whether that knows a later word."""
        heard = leads(entries)
        if await _write(self._leads, [InsertOne(each) for each in heard]):
            return
        no_later = [{"_id": each["_id"], "linkedKey": {"$not": {"$gt": each["linkedKey"]}}} for each in heard]
        await _write(self._leads, [ReplaceOne(*each) for each in zip(no_later, heard, strict=True)])

    async def _prune(self, found: Sequence[Document]) -> None:
        """Delete what no entry tells. The outboxes are asked before the log, where their entries go."""
        journeys = await self._some("journeys", (each["journeyId"] for each in found), "outbox", "batch")
        batches = await self._some("batches", (each.get("batch") for each in journeys), "outbox")
        entries = [entry for each in journeys + batches for entry in each.get("outbox") or ()]
        entries += await self._some("events", (each["_id"].rpartition("|")[0] for each in found))
        told = {each["_id"] for each in milestones(entries)}
        wrong = [each["_id"] for each in found if each["_id"] not in told]
        await _write(self._milestones, [DeleteOne({"_id": id}) for id in wrong])

    async def _some(self, collection: str, ids: Iterable[Any], *fields: str) -> list[Document]:
        wanted = {"_id": {"$in": list(set(ids))}}
        with translated():
            return await self._mongo[collection].find(wanted, fields or None).to_list(None)


async def _parts(found: AsyncIterable[Document], size: int) -> AsyncGenerator[list[Document], None]:
    """Some at a time; what has an `n` above 0 belongs to what is before it."""
    part: list[Document] = []
    with translated():
        async for each in found:
            if len(part) >= size and not each.get("n"):
                yield part
                part = []
            part.append(each)
    yield part


async def _write(collection: Collection, writes: Sequence[Any]) -> bool:
    """In whatever order. A duplicate is there already, and stays; whether there was none."""
    with translated():
        try:
            if writes:
                await collection.bulk_write(writes, ordered=False)
        except BulkWriteError as error:
            if not only_duplicates(error):
                raise
            return False
    return True

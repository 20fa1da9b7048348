"""Milestones: what the analytics count of the log, as small documents of their own, written with it.

One event is at most a few of them: a journey's start is its first stage, an imported activity enters its step and
completes it. They are made from the log's entries alone, so `rebuild` makes the same ones again.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from pymongo import UpdateOne
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
from storage.mongo import Mongo, translated
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
    """What the analytics count of these entries of the log. A change must be whole: what its first entry says of the
    journey holds for all of them."""
    found: list[Document] = []
    facets: Mapping[str, Any] = {}
    for entry in entries:
        if entry["type"] == JourneyStarted.type:
            facets = entry["data"]
        elif entry.get("facets") is not None:
            facets = entry["facets"]
        with suppress(
            KeyError
        ):  # what says too little counts for nothing: the log does not wait for the analytics
            found += [_milestone(entry, facets, kind, name) for kind, name in _named(entry, facets)]
    return found


def leads(entries: Sequence[Document]) -> list[Document]:
    """Which customers leads turn out to be in these entries."""
    said = [each for each in entries if each["type"] in (CustomerLinked.type, JourneyStarted.type)]
    return [
        {"_id": f"{each['tenantId']}|{lead}", "tenantId": each["tenantId"], "customerId": customer}
        for each in said
        if (lead := each.get("leadId")) and (customer := each.get("customerId"))
    ]


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
    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self._milestones, self._leads = mongo[MILESTONES], mongo[LEADS]

    async def add(self, entries: Sequence[Document]) -> None:
        """Keep what these entries of the log count. Twice is once."""
        if found := milestones(entries):
            with translated():
                try:
                    await self._milestones.insert_many(found, ordered=False)
                except BulkWriteError as error:
                    if not only_duplicates(error):
                        raise
        if known := leads(entries):
            # The last word on a lead counts, whoever writes it last.
            updates = [UpdateOne({"_id": each["_id"]}, {"$set": each}, upsert=True) for each in known]
            with translated():
                await self._leads.bulk_write(updates, ordered=True)

    async def rebuild(self, tenant_id: str, since: datetime | None = None) -> AsyncIterator[int]:
        """Make them anew from the log, which stays as it is; how many entries were read so far, now and then.

        `since`: what lies before may not be in the log any more, and stays. Until the end the reports count too little.
        """
        while await self._forget(tenant_id, since):
            pass
        query = {"tenantId": tenant_id, "recordedAt": {"$gt": _EVER}}
        read, held = 0, list[Document]()
        order = [("recordedAt", 1), ("subject", 1), ("position", 1)]
        with translated():
            async for entry in self._mongo["events"].find(query).sort(order):
                if len(held) >= BATCH and entry["n"] == 0:
                    await self.add(held)
                    read, held = read + len(held), []
                    yield read
                held.append(entry)
        await self.add(held)
        yield read + len(held)

    async def _forget(self, tenant_id: str, since: datetime | None) -> int:
        """Delete some; how many."""
        behind = {"$gte": "" if since is None else timestamp(since)}
        with translated():
            found = self._milestones.find({"tenantId": tenant_id, "timeKey": behind}, {"_id": 1}).limit(BATCH)
            ids = [each["_id"] async for each in found]
            await self._milestones.delete_many({"_id": {"$in": ids}})
        return len(ids)

"""Promises kept, from the database: it brings together what milestones tell of each journey with a promise, and
`domain.analytics.sla` reads them, one journey after the other, in the order of its events.

What became of a promise depends on pauses, retries and other versions, so a journey's milestones are read as a whole;
memory grows with the templates and steps, never with the journeys.
"""

from typing import Final

from domain.analytics.scope import Scope
from domain.analytics.sla import Promises, SlaReport, SlaTally
from domain.journey_events import SlaScope
from domain.values import timestamp
from storage.analytics.scope import Stages, changing, read_large, served, steady
from storage.codec import Document
from storage.milestones import MILESTONES, MilestoneKind, named, step_of
from storage.mongo import Mongo

READ: Final = [
    each.value for each in MilestoneKind if each not in (MilestoneKind.STAGE, MilestoneKind.RETRIED)
]
TOLD: Final = (
    "timeKey",
    "kind",
    "name",
    "templateId",
    "at",
    "visit",
    "slaDueAt",
    "stepSlaDueAt",
    "slaRemaining",
    "stepSlaRemaining",
)


async def sla(mongo: Mongo, scope: Scope) -> SlaReport:
    """What became of the promises that were made in the scope's range."""
    tally = SlaTally(scope)
    async for row in read_large(mongo, (MILESTONES, _pipeline(scope))):
        made = Promises()
        for each in sorted(row["told"], key=lambda each: str(each["timeKey"])):
            _tell(made, each)
        tally.add(row["templateId"], made.all)
    return tally.report()


def _pipeline(scope: Scope) -> Stages:
    """One row a journey that was promised something since the range began. What came later counts, whenever."""
    since = "" if scope.since is None else timestamp(scope.since)
    promised = {"$cond": [{"$ifNull": ["$slaDueAt", False]}, 1, 0]}
    return [
        *served(scope, "kind", READ, {"$gte": since}),
        *steady(scope),
        {
            "$group": {
                "_id": "$journeyId",
                "templateId": {"$first": "$templateId"},
                "promised": {"$max": promised},
                "told": {"$push": {name: f"${name}" for name in TOLD}},
            }
        },
        {"$match": {"promised": 1}},
        *changing(scope),
    ]


def _tell(promises: Promises, milestone: Document) -> None:
    """What the milestone makes of the promises: as `Promises.add` reads the event that it was made of."""
    at, due = milestone["at"], milestone.get("slaDueAt")
    match MilestoneKind(milestone["kind"]):
        case MilestoneKind.STATUS:
            _tell_status(promises, milestone)
        case MilestoneKind.STEP:
            promises.entered(step_of(milestone), milestone.get("visit", 0), at, due)
        case MilestoneKind.DONE:
            promises.left(step_of(milestone), at, done=True)
        case MilestoneKind.SKIPPED | MilestoneKind.FAILED:
            promises.left(step_of(milestone), at, done=False)
        case MilestoneKind.MIGRATED:
            promises.moved(step_of(milestone))
        case MilestoneKind.BREACHED:
            whole = milestone["name"] == named(MilestoneKind.BREACHED, milestone["templateId"])
            promises.broken(SlaScope.JOURNEY if whole else SlaScope.STEP)
        case _:
            pass


def _tell_status(promises: Promises, milestone: Document) -> None:
    at, due = milestone["at"], milestone.get("slaDueAt")
    match milestone["name"].removeprefix(f"{MilestoneKind.STATUS.value}:"):
        case "started":
            promises.started(at, due)
        case "paused":
            promises.paused(milestone.get("slaRemaining"), milestone.get("stepSlaRemaining"))
        case "resumed":
            promises.resumed(due, milestone.get("stepSlaDueAt"))
        case "completed" | "abandoned" as end:
            promises.ended(at, done=end == "completed")

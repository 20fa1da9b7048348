"""Drop-off and figures of stages from the database, which tells each journey's way; they are counted here."""

import asyncio
from collections.abc import Collection
from typing import Final

from domain.analytics.dropoff import DropoffCount, StageDropoff, StageVisit
from domain.analytics.scope import Scope, UnitKind
from domain.analytics.stage_metrics import StageRow, StageTally, stage_visits
from domain.analytics.stay import Told, Turn, stays
from domain.journey import Status
from domain.template import Stage
from storage.analytics.ways import Milestone, ways
from storage.codec import Document
from storage.milestones import OF_STATUS, MilestoneKind, named
from storage.mongo import Mongo

STATUSES: Final = {
    named(MilestoneKind.STATUS, Status.COMPLETED): Turn.COMPLETED,
    named(MilestoneKind.STATUS, Status.ABANDONED): Turn.ABANDONED,
    named(MilestoneKind.STATUS, Status.FAILED): Turn.FAILED,
}
RETRIED: Final = f"{MilestoneKind.RETRIED}:"
STAGE: Final = f"{MilestoneKind.STAGE}:"


async def dropoff(mongo: Mongo, scope: Scope, unit: UnitKind = UnitKind.JOURNEY) -> tuple[StageDropoff, ...]:
    """Of the units that entered each stage in the range: who dropped off there and who came back, until now."""
    count = DropoffCount(stage.value for stage in Stage)
    kinds = (MilestoneKind.STAGE, MilestoneKind.STATUS, MilestoneKind.RETRIED)
    async for unit_ways in ways(mongo, scope, kinds, _but(STATUSES), unit):
        visits = [visit for way in unit_ways for visit in stays(map(_told, way))]
        within = [each for each in visits if _begins_in(scope, each)]
        count.add(within, [each.entered_at for each in visits if not _begins_in(scope, each)])
    return await asyncio.to_thread(count.report)  # sorting many takes a moment


async def stage_metrics(mongo: Mongo, scope: Scope) -> tuple[StageRow, ...]:
    """Of the stays that began in the range: how many, how they went on until now, and how long they took."""
    tally = StageTally(until=scope.until)
    ends = [name for name, turn in STATUSES.items() if turn is not Turn.FAILED]
    async for [way] in ways(mongo, scope, (MilestoneKind.STAGE, MilestoneKind.STATUS), _but(ends)):
        entries = [(each.at, _stage(each)) for each in way if each.name.startswith(STAGE)]
        ended = [each.at for each in way if each.name in ends]
        tally.add(stage_visits(entries, ended[-1] if ended else None))
    return await asyncio.to_thread(tally.report)


def _but(statuses: Collection[str]) -> Document:
    """Of the statuses these alone."""
    others = sorted(each.replace("journey:", f"{MilestoneKind.STATUS}:") for each in OF_STATUS)
    return {"name": {"$nin": [each for each in others if each not in statuses]}}


def _told(milestone: Milestone) -> Told:
    if milestone.name.startswith(STAGE):
        return Told(milestone.at, Turn.ENTERED, _stage(milestone))
    turn = STATUSES.get(milestone.name, Turn.RETRIED)
    return Told(milestone.at, turn, reason=milestone.reason)


def _stage(milestone: Milestone) -> Stage:
    return Stage(milestone.name.removeprefix(STAGE))


def _begins_in(scope: Scope, visit: StageVisit) -> bool:
    return scope.begins <= visit.entered_at < scope.ends

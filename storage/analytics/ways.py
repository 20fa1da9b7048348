"""What each journey did, in the order of time: its milestones of some kinds, brought together by the database.

From the report's range's begin until now, so that what began in the range is told to its end.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from domain.analytics.scope import Scope, UnitKind
from domain.values import timestamp
from storage.analytics.scope import (
    Source,
    Stages,
    changing,
    concatenated,
    customers,
    read_large,
    served,
    steady,
    unit_key,
)
from storage.codec import Document
from storage.milestones import MILESTONES, MilestoneKind
from storage.mongo import Mongo

ENTERED: Final = f"{MilestoneKind.STEP}:"
INSTANT: Final = timedelta(milliseconds=1)  # as exact as stored times are


@dataclass(frozen=True, slots=True)
class Milestone:
    """One of a journey's. `event` tells apart the events, in their order."""

    event: str
    at: datetime
    name: str
    automatic: bool
    reason: str | None


Way = list[Milestone]


async def ways(
    mongo: Mongo,
    scope: Scope,
    kinds: Sequence[MilestoneKind],
    wanted: Document,
    unit: UnitKind = UnitKind.JOURNEY,
) -> AsyncIterator[list[Way]]:
    """The ways of the journeys of each unit: of a journey, its own; of a customer or lead, one for each journey, in the
    order of their ids, which is that of events of the same time.

    They are made of the milestones of these kinds that the query wants.
    """
    async for row in read_large(mongo, _source(scope, kinds, wanted, unit)):
        told: dict[str, Way] = {}
        for part in row["ways"]:
            told.setdefault(part["journey"], []).extend(map(_milestone, part["told"]))
        yield [sorted(told[journey], key=_place) for journey in sorted(told)]


def _source(scope: Scope, kinds: Sequence[MilestoneKind], wanted: Document, unit: UnitKind) -> Source:
    begin = "" if scope.since is None else timestamp(scope.since)
    keys = {"$gte": begin, "$lt": timestamp(scope.now + INSTANT)}
    told = {"k": "$timeKey", "t": "$at", "n": "$name", "a": "$automatic", "r": "$reason"}
    own = unit is UnitKind.JOURNEY
    key: Any = "$journeyId" if own else {"u": unit_key(unit), "j": "$journeyId"}
    journey = "$_id" if own else "$_id.j"
    pipeline: Stages = [
        *served(scope, "kind", kinds, keys),
        {"$match": wanted},
        *steady(scope),
        {"$group": {"_id": key, "told": {"$push": told}}},
        *changing(scope, journey[1:]),
        {"$project": {"ways": [{"journey": journey, "told": "$told"}]}},
    ]
    if not own:
        merged = {"ways": {"$push": "$ways"}}
        pipeline += [{"$group": {"_id": "$_id.u", **merged}}, {"$set": concatenated("ways")}]
        pipeline += [*customers(scope, merged), {"$set": concatenated("ways")}]
    return MILESTONES, pipeline


def _place(milestone: Milestone) -> tuple[str, bool]:
    """Of an imported activity, that it enters its step comes first."""
    return milestone.event, not milestone.name.startswith(ENTERED)


def _milestone(told: Document) -> Milestone:
    return Milestone(told["k"], told["t"], told["n"], bool(told.get("a")), told.get("r"))

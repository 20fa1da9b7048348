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
    joined,
    read_large,
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
    mongo: Mongo, scope: Scope, wanted: Sequence[Stages], unit: UnitKind = UnitKind.JOURNEY
) -> AsyncIterator[list[Way]]:
    """The ways of the journeys of each unit: of a journey, its own; of a customer or lead, one for each journey.

    `wanted` are queries for milestones, each as an index serves it first, and what else holds; no milestone is found
    by two of them.
    """
    source = joined([_source(scope, each) for each in wanted])
    async for row in read_large(mongo, _grouped(scope, source, unit)):
        told: dict[str, Way] = {}
        for part in row["ways"]:
            told.setdefault(part["journey"], []).extend(map(_milestone, part["told"]))
        yield [sorted(way, key=_place) for way in told.values()]


def since(scope: Scope) -> Document:
    """The time keys from the range's begin until now."""
    begin = "" if scope.since is None else timestamp(scope.since)
    return {"$gte": begin, "$lt": timestamp(scope.now + INSTANT)}


def _source(scope: Scope, wanted: Stages) -> Source:
    told = {"k": "$timeKey", "t": "$at", "n": "$name", "a": "$automatic", "r": "$reason"}
    row = {"_id": 0, "j": "$journeyId", "u": unit_key(UnitKind.CUSTOMER), "m": told}
    return MILESTONES, [*wanted, *steady(scope), {"$project": row}]


def _grouped(scope: Scope, source: Source, unit: UnitKind) -> Source:
    collection, pipeline = source
    own = unit is UnitKind.JOURNEY
    key: Any = "$j" if own else {"u": "$u", "j": "$j"}
    journey = "$_id" if own else "$_id.j"
    pipeline = [
        *pipeline,
        {"$group": {"_id": key, "told": {"$push": "$m"}}},
        *changing(scope, journey[1:]),
        {"$project": {"ways": [{"journey": journey, "told": "$told"}]}},
    ]
    if not own:
        merged = {"ways": {"$push": "$ways"}}
        pipeline += [{"$group": {"_id": "$_id.u", **merged}}, {"$set": concatenated("ways")}]
        pipeline += [*customers(scope, merged), {"$set": concatenated("ways")}]
    return collection, pipeline


def _place(milestone: Milestone) -> tuple[str, bool]:
    """Of an imported activity, that it enters its step comes first."""
    return milestone.event, not milestone.name.startswith(ENTERED)


def _milestone(told: Document) -> Milestone:
    return Milestone(told["k"], told["t"], told["n"], bool(told.get("a")), told.get("r"))

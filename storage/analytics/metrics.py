"""Key figures from the database: of the journeys that started in the range, the steps completed in it, and the handoffs
created in it."""

from array import array
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from domain.analytics.metrics import (
    NO_JOURNEY_ENDED,
    KeyFigures,
    OpenJourneys,
    journey_metrics,
)
from domain.analytics.quantile import spread
from domain.analytics.scope import Scope
from domain.events import HandoffStatus
from domain.journey import Status
from domain.journey_filter import JourneyFilter, JourneyOrder, TimeRange
from storage.analytics.lengths import PART, length, seconds
from storage.analytics.scope import JOURNEY, Stages, changing, looked_up, read, span, steady, whole
from storage.journey_match import match
from storage.milestones import MILESTONES, MilestoneKind
from storage.mongo import Mongo


async def key_figures(mongo: Mongo, scope: Scope, open_journeys: OpenJourneys) -> KeyFigures:
    """The figures of the scope. Memory: eight bytes for each duration, since exact percentiles need them all."""
    counts, lengths = await _journeys(mongo, scope, open_journeys)
    converted = await _converted(mongo, scope)
    duration = spread(lengths, reason=NO_JOURNEY_ENDED)
    # Asked one after the other, while the tenant goes on: what converted just now may not have been counted before.
    converted = min(converted, sum(counts.values()))
    completed, automatic = await _steps(mongo, scope)
    return KeyFigures(
        journeys=journey_metrics(counts, converted, duration, open_journeys),
        lengths=lengths,
        completed=completed,
        automatic=automatic,
        handoffs=await _handoffs(mongo, scope),
    )


async def _journeys(
    mongo: Mongo, scope: Scope, open_journeys: OpenJourneys
) -> "tuple[Mapping[Status, int], array[float]]":
    """How many there are of each status, and their durations."""
    served, rest = match(scope.tenant_id, _started(scope), JourneyOrder.CREATED_AT)
    if served is None:
        return {}, array("d")
    ended: Any = "$endedAt"
    if open_journeys is OpenJourneys.ENDED_AT_LAST_ACTIVITY:
        ended = {"$ifNull": ["$endedAt", "$lastActivity"]}
    pipeline: Stages = [
        {"$match": served},
        *({"$match": each} for each in rest),
        {
            "$group": {
                "_id": {"status": "$status", "part": PART},
                "count": {"$sum": 1},
                "lengths": {"$push": length("$createdAt", ended)},
            }
        },
    ]
    counts: Counter[Status] = Counter()
    parts = []
    async for row in read(mongo, "journeys", pipeline):
        counts[Status(row["_id"]["status"])] += row["count"]
        parts.append(row["lengths"])
    return counts, seconds(parts)


def _started(scope: Scope) -> JourneyFilter:
    """The filter, with the range beside what it says itself of the start."""
    given = scope.filter.created_at or TimeRange()
    since = max(filter(None, (given.since, scope.since)), default=None)
    until = min(filter(None, (given.until, scope.until)), default=None)
    return replace(scope.filter, created_at=TimeRange(since=since, until=until))


async def _converted(mongo: Mongo, scope: Scope) -> int:
    """How many of the journeys have a conversion, whenever: begun with the conversions, which are fewer."""
    filtered = whole(scope, "_id")
    if scope.since is not None or scope.until is not None:
        filtered = [*(filtered or looked_up("_id")), {"$match": {f"{JOURNEY}.createdKey": span(scope)}}]
    pipeline: Stages = [
        {"$match": {"tenantId": scope.tenant_id, "journeyId": {"$gt": ""}}},
        {"$group": {"_id": "$journeyId"}},
        *filtered,
        {"$count": "count"},
    ]
    return sum([row["count"] async for row in read(mongo, "conversions", pipeline)])


async def _steps(mongo: Mongo, scope: Scope) -> tuple[int, int]:
    """How many visits completed a step, and how many of these did so automatically."""
    kind = MilestoneKind.DONE.value
    counted = {"completed": {"$sum": 1}, "automatic": {"$sum": {"$cond": ["$automatic", 1, 0]}}}
    added = {"completed": {"$sum": "$completed"}, "automatic": {"$sum": "$automatic"}}
    pipeline: Stages = [
        {"$match": {"tenantId": scope.tenant_id, "kind": kind, "timeKey": span(scope)}},
        *steady(scope),
        {"$group": {"_id": "$journeyId", **counted}},
        *changing(scope),
        {"$group": {"_id": None, **added}},
    ]
    found = [(row["completed"], row["automatic"]) async for row in read(mongo, MILESTONES, pipeline)]
    return found[0] if found else (0, 0)


async def _handoffs(mongo: Mongo, scope: Scope) -> dict[HandoffStatus, int]:
    pipeline: Stages = [*handoffs(scope), {"$group": {"_id": "$status", "count": {"$sum": 1}}}]
    found = {row["_id"]: row["count"] async for row in read(mongo, "handoffs", pipeline)}
    return {status: found.get(status.value, 0) for status in HandoffStatus}


def handoffs(scope: Scope) -> Stages:
    """The handoffs that were created in the range; with a filter, those of its journeys."""
    created = {"tenantId": scope.tenant_id, "createdKey": span(scope)}
    return [{"$match": created}, *whole(scope, "journeyId")]

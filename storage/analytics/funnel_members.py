"""The journeys behind one figure of a funnel, as a list of journeys that may be filtered and ordered as any other.

Of a customer these are the journeys in which something happened that the funnel looked at. The units are gone through a
few at a time, and no more than a page of their journeys is kept.
"""

from collections.abc import AsyncIterator, Sequence
from heapq import nlargest, nsmallest

from domain.analytics.funnel import Unit, has_dropped
from domain.analytics.funnel_question import FunnelQuestion, Pick
from domain.analytics.funnel_walk import Stop, walk
from domain.analytics.scope import Scope, UnitKind
from domain.journey_filter import JourneyFilter, JourneyOrder
from domain.paging import Page, Rows, rows
from storage import cursors
from storage.analytics.funnel_judged import judged, judged_here
from storage.analytics.funnel_units import LIVE, OVER, units
from storage.analytics.funnel_way import picked, walked
from storage.analytics.scope import FEW_ROWS, Stages, read_large
from storage.codec import Document
from storage.journey_match import ORDER_KEYS, match
from storage.mongo import Mongo


async def members(
    mongo: Mongo,
    scope: Scope,
    question: FunnelQuestion,
    pick: Pick,
    filter: JourneyFilter,
    order: JourneyOrder,
    page: Page,
) -> Rows[str]:
    """The ids of these journeys from new to old, with their keys in the order asked for.

    Raises InvalidInput where the funnel has no such figure, BadCursor.
    """
    pick.require_in(question)
    cursors.require(page, cursors.TIME_KEY)
    key, best = ORDER_KEYS[order], nsmallest if page.backwards else nlargest
    found: list[tuple[str, str]] = []
    async for ids in _chunks(_picked(mongo, scope, question, pick)):
        some = _meant(scope, filter, order, ids, page)
        some += [{"$sort": {key: 1 if page.backwards else -1}}, {"$limit": page.limit + 1}] if some else []
        more = [(each[key], each["_id"]) async for each in _read(mongo, some, key)]
        found = best(page.limit + 1, {*found, *more})
    return rows(page, [id for _, id in found], [place for place, _ in found])


async def count_members(
    mongo: Mongo, scope: Scope, question: FunnelQuestion, pick: Pick, filter: JourneyFilter
) -> int:
    """How many they are."""
    pick.require_in(question)
    counted = 0
    async for ids in _chunks(_picked(mongo, scope, question, pick)):
        some = _meant(scope, filter, JourneyOrder.CREATED_AT, ids)
        counted += len([each async for each in _read(mongo, some, "_id")])
    return counted


def _meant(
    scope: Scope, filter: JourneyFilter, order: JourneyOrder, ids: Sequence[str], page: Page | None = None
) -> Stages:
    """Those of the journeys that the filter means; nothing where it can mean none."""
    served, rest = match(scope.tenant_id, filter, order, page)
    if served is None:
        return []
    return [{"$match": {"_id": {"$in": list(ids)}}}, *({"$match": each} for each in (served, *rest))]


async def _read(mongo: Mongo, pipeline: Stages, key: str) -> AsyncIterator[Document]:
    if pipeline:
        async for each in mongo.aggregate(mongo["journeys"], [*pipeline, {"$project": {key: 1}}]):
            yield each


async def _picked(
    mongo: Mongo, scope: Scope, question: FunnelQuestion, pick: Pick
) -> AsyncIterator[list[str]]:
    """The journeys of each unit behind the figure."""
    own = question.unit is UnitKind.JOURNEY
    if judged_here(question):
        async for each in judged(mongo, scope, question, journeys=not own):
            if _behind(each.unit, scope, question, pick):
                yield [each.unit.id] if own else sorted(each.journeys)
        return
    collection, pipeline = units(scope, question, journeys=not own)
    looked_at: Document = {
        "input": "$moments",
        "cond": {"$and": [{"$not": {"$in": ["$$this.n", [LIVE, OVER]]}}, {"$gt": ["$$this.j", None]}]},
    }
    journeys: Document = {"$map": {"input": {"$filter": looked_at}, "in": "$$this.j"}}
    told = {"$project": {"journeys": ["$_id"] if own else {"$setUnion": [journeys]}}}
    behind: Stages = [*walked(scope, question), {"$match": picked(question, pick)}, told]
    async for row in read_large(mongo, (collection, pipeline + behind)):
        yield row["journeys"]


def _behind(unit: Unit, scope: Scope, question: FunnelQuestion, pick: Pick) -> bool:
    plan = question.plan(scope)
    way = walk(unit.moments, plan, scope.now)
    return way.reached > 0 and pick.holds(
        way.reached,
        steps=plan.steps,
        dropped=has_dropped(way, unit, plan, scope.now),
        excluded=way.stop is Stop.EXCLUDED,
        row=unit.breakdown,
    )


async def _chunks(found: AsyncIterator[list[str]]) -> AsyncIterator[list[str]]:
    """Lists of about FEW_ROWS."""
    held: list[str] = []
    async for some in found:
        held += some
        if len(held) >= FEW_ROWS:
            yield held
            held = []
    if held:
        yield held

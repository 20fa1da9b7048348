"""Funnels and times to convert from the database.

It walks the units itself where each of their moments has one name. Conditions on events are the domain's to judge: then
it brings each unit's moments together, and they are walked here, a few units at a time.
"""

import asyncio
from typing import Final

from domain.analytics.convert import ConversionTimes, TimeToConvert
from domain.analytics.funnel import Funnel, FunnelCount
from domain.analytics.funnel_question import FunnelQuestion
from domain.analytics.funnel_walk import Walk, walk
from domain.analytics.scope import Scope
from domain.errors import TooLarge
from storage.analytics.funnel_judged import judged, judged_here
from storage.analytics.funnel_units import units
from storage.analytics.funnel_way import walked
from storage.analytics.scope import Source, Stages, read, read_large
from storage.mongo import Mongo

MOST_ROWS: Final = 1_000  # of a breakdown


async def funnel(mongo: Mongo, scope: Scope, question: FunnelQuestion) -> Funnel:
    """How many units reach each step. Memory grows with the breakdown's values, never with the units.

    Raises TooLarge for more than MOST_ROWS values.
    """
    count = FunnelCount(question.plan(scope), scope.now)
    if judged_here(question):
        async for each in judged(mongo, scope, question):
            count.add(each.unit)
            _require_few(count)
        return count.report()
    totals = {name: {"$sum": f"${name}"} for name in ("dropped", "excluded")}
    by = {"b": "$b", "reached": "$reached"}
    counted: Stages = [{"$group": {"_id": by, "units": {"$sum": 1}, **totals}}]
    async for row in read(mongo, *_walked(scope, question, counted)):
        place = row["_id"]
        count.add_counted(
            place.get("b"), place["reached"], row["units"], dropped=row["dropped"], excluded=row["excluded"]
        )
        _require_few(count)
    return count.report()


async def time_to_convert(mongo: Mongo, scope: Scope, question: FunnelQuestion) -> TimeToConvert:
    """How long the units took that reached the last step. Memory: eight bytes for each of them and each step."""
    last = len(question.steps)
    times = ConversionTimes(last)
    if judged_here(question):
        plan = question.plan(scope)
        async for each in judged(mongo, scope, question):
            times.add(walk(each.unit.moments, plan, scope.now))
    else:
        converted: Stages = [{"$match": {"reached": last}}, {"$project": {"_id": 0, "at": 1}}]
        async for row in read_large(mongo, _walked(scope, question, converted)):
            times.add(Walk(tuple(row["at"])))
    return await asyncio.to_thread(times.report)  # sorting many takes a moment


def _walked(scope: Scope, question: FunnelQuestion, more: Stages) -> Source:
    collection, pipeline = units(scope, question)
    return collection, [*pipeline, *walked(scope, question), *more]


def _require_few(count: FunnelCount) -> None:
    if count.rows > MOST_ROWS:
        raise TooLarge(f"The breakdown has more than {MOST_ROWS:,} values; narrow the report.", "breakdown")

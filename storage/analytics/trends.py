"""Trends from the database: what it counts and sums up for each period and stage."""

from datetime import date, datetime
from typing import Any

from domain.analytics.periods import Period
from domain.analytics.revenue import MoneyRow, left_out, usual_currency
from domain.analytics.scope import Scope
from domain.analytics.trend import TrendCount, Trends
from domain.template import Stage
from domain.values import timestamp
from storage.analytics.calendar import period_start
from storage.analytics.scope import Source, Stages, changing, read, steady, whole
from storage.analytics.ways import INSTANT
from storage.codec import Document
from storage.milestones import MILESTONES, MilestoneKind
from storage.mongo import Mongo


async def trends(
    mongo: Mongo, asked: Scope, period: Period, currency: str | None, horizon: datetime | None = None
) -> Trends:
    """How often each stage was entered in each period, and what the conversions to it were worth in the currency; in
    that of most conversions of the range where none is given.

    With a filter on journeys, a conversion without a journey does not count. Raises InvalidInput as TrendCount does,
    NotKept where the range lies before the horizon.
    """
    scope = asked.kept(horizon)
    count = TrendCount(asked, [stage.value for stage in Stage], period, horizon=horizon)
    async for row in read(mongo, *_entries(scope, period)):
        count.add_counted(_day(row), row["_id"]["stage"].partition(":")[2], count=row["count"])
    sums = [row async for row in read(mongo, *_values(scope, period))]
    money = [MoneyRow(None, row["_id"]["currency"], row["count"], int(row["units"])) for row in sums]
    currency = currency or usual_currency(money)
    for row in sums:
        if row["_id"]["currency"] == currency:
            count.add_counted(_day(row), row["_id"]["stage"], value=int(row["units"]))
    return Trends(count.report(), currency, left_out(money, currency))


def _entries(scope: Scope, period: Period) -> Source:
    served = {"tenantId": scope.tenant_id, "kind": MilestoneKind.STAGE.value, "timeKey": _span(scope)}
    place = {"stage": "$name", "start": period_start("$at", scope, period)}
    filtered = changing(scope)
    counted: Stages = [{"$group": {"_id": place, "count": {"$sum": 1}}}]
    if filtered:  # a journey is looked up once
        counted = [
            {"$group": {"_id": "$journeyId", "places": {"$push": place}}},
            *filtered,
            {"$unwind": "$places"},
            {"$group": {"_id": "$places", "count": {"$sum": 1}}},
        ]
    return MILESTONES, [{"$match": served}, *steady(scope), *counted]


def _values(scope: Scope, period: Period) -> Source:
    served = {"tenantId": scope.tenant_id, "timeKey": _span(scope)}
    start = period_start("$added.at", scope, period)
    place = {"stage": "$added.toStage", "start": start, "currency": "$added.value.currency"}
    summed: Document = {"_id": place, "count": {"$sum": 1}, "units": {"$sum": "$added.value.units"}}
    worth = {"$match": {"added.value.currency": {"$gt": ""}}}
    return "conversions", [{"$match": served}, worth, *whole(scope, "journeyId"), {"$group": summed}]


def _span(scope: Scope) -> Document:
    """The report's range, which the future is not in."""
    end = min(scope.ends, scope.now + INSTANT)
    return {"$gte": "" if scope.since is None else timestamp(scope.since), "$lt": timestamp(end)}


def _day(row: Document) -> date:
    start: Any = row["_id"]["start"]
    return date(start.year, start.month, start.day)

"""Cohorts from the database: it groups the conversions of each customer by period, and customers by their first one.

A lead that became a customer is that customer; what is nobody's is left out. With a filter on journeys, only the
conversions of these journeys count, and the first of them is a customer's first, also where it is not kept any more.
"""

from datetime import datetime

from domain.analytics.cohort import CohortRow, Cohorts
from domain.analytics.periods import Period
from domain.analytics.revenue import MoneyRow
from domain.analytics.scope import Scope, UnitKind
from domain.values import timestamp
from storage.analytics.calendar import period_start
from storage.analytics.scope import Stages, concatenated, customers, read, unit_key, whole
from storage.codec import Document
from storage.first_conversions import FIRST_CONVERSIONS
from storage.mongo import Mongo

AT = "$added.at"


async def cohorts(mongo: Mongo, scope: Scope, period: Period, currency: str | None) -> Cohorts:
    """The customers whose first conversion is in the scope's range, and what they did up to its `now`.

    Conversions in another currency, or without a value, have the value 0. One row for each cohort and period is read.
    """
    rows = [_row(each) async for each in read(mongo, "conversions", _pipeline(scope, period, currency))]
    return Cohorts.from_rows(rows, scope, period)


async def money_of_customers(mongo: Mongo, scope: Scope) -> list[MoneyRow]:
    """By currency, the conversions of customers and leads from the beginning of the scope's range to its `now`: those
    that a cohort of the range may have made."""
    value = {"unit": unit_key(UnitKind.CUSTOMER), "value": "$added.value"}
    by_currency = {"_id": "$value.currency", "count": {"$sum": 1}, "units": {"$sum": "$value.units"}}
    pipeline: Stages = [
        *_counted(scope, since="" if scope.since is None else timestamp(scope.since)),
        {"$project": value},
        {"$match": {"unit": {"$ne": None}}},
        {"$group": by_currency},
    ]
    found = [row async for row in read(mongo, "conversions", pipeline)]
    return [MoneyRow(None, row["_id"], row["count"], int(row["units"])) for row in found]


def _counted(scope: Scope, since: str = "") -> Stages:
    keys = {"$gte": since, "$lte": f"{timestamp(scope.now)}|~"}
    return [{"$match": {"tenantId": scope.tenant_id, "timeKey": keys}}, *whole(scope, "journeyId")]


def _pipeline(scope: Scope, period: Period, currency: str | None) -> Stages:
    units = {"$cond": [{"$eq": ["$added.value.currency", currency]}, "$added.value.units", 0]}
    by_period: Document = {
        "_id": {"unit": unit_key(UnitKind.CUSTOMER), "start": period_start(AT, scope, period)},
        "first": {"$min": AT},
        "value": {"$sum": units},
    }
    own: Document = {
        "first": {"$min": "$first"},
        "cohort": {"$min": "$cohort"},
        "last": {"$max": "$last"},
    }
    active: Document = {"start": "$_id.start", "value": "$value"}
    not_kept: Stages = [{"$match": {"tenantId": scope.tenant_id}}, *whole(scope, "journeyId")]
    return [
        *_counted(scope),
        {"$group": by_period},
        {"$unionWith": {"coll": FIRST_CONVERSIONS, "pipeline": [*not_kept, {"$group": by_period}]}},
        {
            "$group": {
                "_id": "$_id.unit",
                "first": {"$min": "$first"},
                "cohort": {"$min": "$_id.start"},
                "last": {"$max": "$_id.start"},
                "active": {"$push": active},
            }
        },
        *customers(scope, own | {"active": {"$push": "$active"}}),
        {"$match": {"first": {"$gte": scope.begins, "$lt": scope.ends}}},
        {"$project": {"cohort": 1, "last": 1, **concatenated("active")}},
        {"$unwind": "$active"},
        # Once more by period: a customer may have been a lead in the same one.
        {
            "$group": {
                "_id": {"unit": "$_id", "start": "$active.start"},
                "cohort": {"$first": "$cohort"},
                "last": {"$first": "$last"},
                "value": {"$sum": "$active.value"},
            }
        },
        {
            "$group": {
                "_id": {"cohort": "$cohort", "start": "$_id.start"},
                "customers": {"$sum": 1},
                "last": {"$sum": {"$cond": [{"$eq": ["$last", "$_id.start"]}, 1, 0]}},
                "value": {"$sum": "$value"},
            }
        },
    ]


def _row(found: Document) -> CohortRow:
    cohort: datetime = found["_id"]["cohort"]
    start: datetime = found["_id"]["start"]
    return CohortRow(cohort.date(), start.date(), found["customers"], found["last"], int(found["value"]))

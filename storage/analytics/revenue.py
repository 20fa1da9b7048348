"""What conversions are worth and what contacts cost, summed up by the database in whole units.

With a filter on journeys, only conversions and contacts of these journeys count.
"""

from typing import Final

from domain.analytics.revenue import Group, MoneyRow, RevenueReport, revenue, usual_currency
from domain.analytics.scope import Scope
from storage.analytics.scope import Stages, read, span, whole
from storage.costs import every_cost
from storage.mongo import Mongo

NO_CURRENCY: Final = "XXX"  # ISO 4217: there is no money


async def revenue_of(mongo: Mongo, scope: Scope, group: Group, currency: str | None) -> RevenueReport:
    """In the currency given; else in that of most conversions, most contacts that cost something, or most costs of
    campaigns; else, without any money, in NO_CURRENCY."""
    earned = await money_of(mongo, scope, group, "conversions", "value")
    spent = await money_of(mongo, scope, group, "touchpoints", "cost")
    costs = await every_cost(mongo, scope.tenant_id)
    planned = [MoneyRow(None, each.amount.currency, 1, 0) for each in costs if each.share(scope) is not None]
    usual = next(filter(None, map(usual_currency, (earned, spent, planned))), NO_CURRENCY)
    return revenue(earned, spent, costs, group=group, currency=currency or usual, scope=scope)


async def money_of(mongo: Mongo, scope: Scope, group: Group, collection: str, field: str) -> list[MoneyRow]:
    """A row for each key and currency of the records in the scope's range."""
    money = f"$added.{field}"
    pipeline: Stages = [
        {"$match": {"tenantId": scope.tenant_id, "timeKey": span(scope)}},
        *whole(scope, "journeyId"),
        {
            "$group": {
                "_id": {"key": f"${group.value}", "currency": f"{money}.currency"},
                "count": {"$sum": 1},
                "units": {"$sum": f"{money}.units"},
            }
        },
    ]
    return [
        MoneyRow(row["_id"].get("key"), row["_id"].get("currency"), row["count"], int(row["units"]))
        async for row in read(mongo, collection, pipeline)
    ]

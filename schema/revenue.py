"""Revenue by campaign, channel or source, and what came back of the costs."""

from typing import Self

import strawberry

from domain.analytics import revenue as domain
from domain.analytics.revenue import Group
from domain.values import Money
from schema.report import Coverage, Figure


@strawberry.type(
    description="Money in a currency that is not the report's. It is never converted, and is in no other figure."
)
class LeftOut:
    currency: str = strawberry.field(description="The ISO 4217 currency.")
    count: int = strawberry.field(description="How many amounts there are in it.")
    value: Money = strawberry.field(description="What they are in all.")

    @classmethod
    def of(cls, given: domain.LeftOut) -> Self:
        return cls(currency=given.currency, count=given.count, value=given.value)


@strawberry.type(
    description="What one campaign, channel or source earned and cost; in the total, all of them."
)
class RevenueRow:
    key: str | None = strawberry.field(
        description="The campaign, channel or source; null for what has none, and in the total."
    )
    conversions: int = strawberry.field(
        description="How many conversions have a value in the report's currency."
    )
    value: Money | None = strawberry.field(
        description="What these are worth in all; null where the report has no currency."
    )
    average: Figure = strawberry.field(
        description="value / conversions, in whole money of the report's currency."
    )
    unvalued: int = strawberry.field(
        description="How many conversions have no value at all; they are in no other figure."
    )
    cost: Money | None = strawberry.field(
        description="What is known to have been spent, in the report's currency: the cost of the touchpoints in the "
        "report's range, and that part of the campaigns' costs (`setCampaignCost`) whose days lie in it and have "
        "begun. Null where nothing is known."
    )
    roi: Figure = strawberry.field(
        description="(value - cost) / cost: -1 where nothing came back, 0 where just the cost did. Null where the cost "
        "is 0, unknown, or partly in another currency; for what has no key; and where costs of campaigns count that "
        "are not known by source, or by journey while the journeys are filtered."
    )

    @classmethod
    def of(cls, given: domain.RevenueRow, *, valued: bool) -> Self:
        return cls(
            key=given.key,
            conversions=given.conversions,
            value=given.value if valued else None,
            average=Figure.of(given.average),
            unvalued=given.unvalued,
            cost=given.cost,
            roi=Figure.of(given.roi),
        )


@strawberry.type(
    description="What the conversions in the report's range are worth, by what whoever reported them puts them down "
    "to, and what was spent on it. All sums of money are exact. A filter narrows conversions and touchpoints to those "
    "of the journeys it means; what has no journey is then left out."
)
class RevenueReport:
    coverage: Coverage = strawberry.field(description="How fresh and complete it is.")
    by: Group = strawberry.field(description="What the rows stand for.")
    currency: str | None = strawberry.field(
        description="The currency of all money: the one asked for, else that of most conversions, or of most costs "
        "where no conversion has a value; null where no money is known."
    )
    rows: list[RevenueRow] = strawberry.field(
        description="One for each campaign, channel or source that earned or cost something, by name; at the end what "
        "has none."
    )
    total: RevenueRow = strawberry.field(description="What the rows add up to.")
    left_out: list[LeftOut] = strawberry.field(
        description="The conversions in other currencies, by currency."
    )
    costs_left_out: list[LeftOut] = strawberry.field(
        description="The costs in other currencies, by currency."
    )

    @classmethod
    def of(cls, given: domain.RevenueReport, coverage: Coverage, *, valued: bool) -> Self:
        return cls(
            coverage=coverage,
            by=given.group,
            currency=given.currency if valued else None,
            rows=[RevenueRow.of(each, valued=valued) for each in given.rows],
            total=RevenueRow.of(given.total, valued=valued),
            left_out=[LeftOut.of(each) for each in given.left_out],
            costs_left_out=[LeftOut.of(each) for each in given.costs_left_out],
        )

"""Cohorts as a table: a row for each, a cell for each age, null where the future is."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Self

import strawberry

from domain.analytics import cohort
from domain.analytics.cohort import Retention
from domain.analytics.figure import Figure as Known
from domain.analytics.periods import Period, bounds
from domain.analytics.revenue import LeftOut as OtherMoney
from domain.analytics.scope import Scope
from domain.values import Money
from schema.report import Coverage, Figure
from schema.revenue import LeftOut

NO_VALUE: Final = "no conversion has a value"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the cells of a report are told with."""

    scope: Scope
    period: Period
    retention: Retention
    currency: str | None


@strawberry.type(description="A cohort at one age: what its members did in one period.")
class CohortCell:
    age: int = strawberry.field(description="How many periods after the cohort's own; 0 is that one.")
    members: int = strawberry.field(
        description="How many members the cohort has; in the total, those of the cohorts that have come to this age."
    )
    active: int | None = strawberry.field(
        description="How many of them count as kept; null where the period has not begun."
    )
    retention: Figure = strawberry.field(description="active / members, from 0 to 1.")
    value: Money | None = strawberry.field(
        description="What the conversions of this period are worth; null where it has not begun or nothing has a "
        "value."
    )
    ltv: Figure = strawberry.field(
        description="What a member has been worth on average from age 0 to this one, in whole money of the report's "
        "currency: observed, not predicted."
    )
    running: bool = strawberry.field(
        description="Whether the period is not over yet, so that the figures may still grow."
    )

    @classmethod
    def of(cls, given: cohort.Cell, currency: str | None) -> Self:
        valued = currency is not None and given.value is not None
        unknown = currency is None and given.ltv.reason is None
        return cls(
            age=given.age,
            members=given.members,
            active=given.active,
            retention=Figure.of(given.retention),
            value=Money(given.value or 0, currency or "") if valued else None,
            ltv=Figure.of(Known(reason=NO_VALUE) if unknown else given.ltv),
            running=given.running,
        )


@strawberry.type(
    description="The customers whose first conversion is in one period; in the total, all of them."
)
class Cohort:
    start: date | None = strawberry.field(
        description="The first date of the period in the report's time zone; null in the total."
    )
    since: datetime | None = strawberry.field(description="When the period begins; null in the total.")
    until: datetime | None = strawberry.field(
        description="When it ends, which is not in it any more; null in the total."
    )
    size: int = strawberry.field(description="How many customers joined.")
    cells: list[CohortCell] = strawberry.field(description="One for each age, from 0 on.")

    @classmethod
    def of(cls, given: cohort.Cohort, asked: Asked) -> Self:
        since, until = (
            (None, None) if given.start is None else bounds(given.start, asked.period, asked.scope.zone)
        )
        return cls(
            start=given.start,
            since=since,
            until=until,
            size=given.size,
            cells=[CohortCell.of(each, asked.currency) for each in given.cells],
        )


@strawberry.type(
    description="Customers by the period of their first conversion, and what they did at each age since. The report's "
    "range says who joins, by their first conversion of all, though it may not be kept any more; what they did later "
    "counts up to now."
)
class CohortReport:
    coverage: Coverage = strawberry.field(description="How fresh and complete it is.")
    period: Period = strawberry.field(description="How long each period is.")
    retention: Retention = strawberry.field(description="When a member counts as kept.")
    time_zone: str = strawberry.field(description="The time zone whose days count.")
    currency: str | None = strawberry.field(
        description="The currency of the values: the one asked for, else that of most conversions since the range "
        "began; null where none has a value."
    )
    left_out: list[LeftOut] = strawberry.field(
        description="The conversions of customers and leads since the range began that are in other currencies, by "
        "currency. They count as activity, with no value."
    )
    cohorts: list[Cohort] = strawberry.field(
        description="A row for each period in which somebody joined, from old to new."
    )
    total: Cohort = strawberry.field(
        description="All cohorts together, at each age those that have come to it."
    )

    @classmethod
    def of(
        cls, given: cohort.CohortReport, asked: Asked, left_out: Iterable[OtherMoney], coverage: Coverage
    ) -> Self:
        return cls(
            coverage=coverage,
            period=asked.period,
            retention=asked.retention,
            time_zone=asked.scope.zone.key,
            currency=asked.currency,
            left_out=[*map(LeftOut.of, left_out)],
            cohorts=[Cohort.of(each, asked) for each in given.cohorts],
            total=Cohort.of(given.total, asked),
        )

"""What all reports have in common: what is asked, how fresh the answer is, and figures that may have no value."""

from datetime import datetime
from typing import Annotated, Self

import strawberry

from domain.analytics import figure, quantile
from domain.analytics.periods import Weekday
from domain.analytics.scope import LAST, Scope
from domain.calendar import Calendar, zone
from schema.journey_inputs import JourneyFilterInput, TimeRangeInput


@strawberry.type(description="A figure, or the reason why there is none. No figure is ever made up.")
class Figure:
    value: float | None = strawberry.field(description="The figure; null exactly where there is a reason.")
    reason: str | None = strawberry.field(description="Why there is none.")

    @classmethod
    def of(cls, given: figure.Figure) -> Self:
        return cls(value=given.value, reason=given.reason)


@strawberry.type(
    description="How long some things took, in seconds: exact figures of all of them, not estimates from a part."
)
class Spread:
    count: int = strawberry.field(description="How many there were.")
    mean: Figure = strawberry.field(description="How long they took on average.")
    median: Figure = strawberry.field(description="What half of them took at most.")
    p90: Figure = strawberry.field(
        description="What nine in ten of them took at most; between two neighbours by linear interpolation."
    )

    @classmethod
    def of(cls, given: quantile.Spread) -> Self:
        return cls(
            count=given.count,
            mean=Figure.of(given.mean),
            median=Figure.of(given.median),
            p90=Figure.of(given.p90),
        )


@strawberry.type(description="How fresh a report is, and how far back it reaches.")
class Coverage:
    as_of: datetime = strawberry.field(description="When it was made.")
    complete_until: datetime = strawberry.field(
        description="Everything that was recorded before this time is counted; usually seconds before `asOf`."
    )
    reaches_back_to: datetime | None = strawberry.field(
        description="What lies before may have been deleted (see `retention`) and is not counted, whether it is still "
        "there or not; null where nothing is ever deleted."
    )
    truncated: bool = strawberry.field(
        description="Whether the range that was asked for begins before `reachesBackTo`, so that the report is only "
        "about what lies behind; of an attribution, whether the touchpoints' lookback before the range does."
    )


@strawberry.input(
    description="What a report is about. Without anything: every journey, all time, in the tenant's calendar."
)
class ReportInput:
    range: TimeRangeInput | None = strawberry.field(
        default=None,
        description="The span of time; without it, or without one of its ends, it is open. What lies before what is "
        "kept (`Coverage.reachesBackTo`) is left out; a range that lies before it whole is refused with NOT_KEPT.",
    )
    time_zone: str | None = strawberry.field(
        default=None,
        description="The IANA name of the time zone whose days count, such as `Europe/Vienna`; without it, that of the "
        "tenant's `calendar`.",
    )
    week_start: Weekday | None = strawberry.field(
        default=None, description="The day on which weeks begin; without it, that of the tenant's `calendar`."
    )
    filter: JourneyFilterInput | None = strawberry.field(
        default=None, description="Which journeys are meant, as they are now."
    )

    def require(self) -> None:
        """Raises InvalidInput for a zone that is none, and a range that ends before it begins."""
        self.to_domain(Calendar(id="", tenant_id=""), LAST)

    def to_domain(self, calendar: Calendar, now: datetime) -> Scope:
        """What the tenant whose calendar this is asks about. Raises InvalidInput as `require`."""
        return Scope(
            tenant_id=calendar.tenant_id,
            now=now,
            since=self.range.since if self.range else None,
            until=self.range.until if self.range else None,
            zone=zone(calendar.time_zone if self.time_zone is None else self.time_zone),
            week_start=calendar.week_start if self.week_start is None else self.week_start,
            **({} if self.filter is None else {"filter": self.filter.to_domain()}),
        )


Report = Annotated[
    ReportInput | None,
    strawberry.argument(
        description="What the report is about; without it: everything, in the tenant's calendar."
    ),
]

Currency = Annotated[
    str | None,
    strawberry.argument(
        description="The ISO 4217 currency of the values, such as `EUR`; without it, that of most conversions in the "
        "report. Money in others is left out, and listed."
    ),
]

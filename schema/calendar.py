"""A tenant's calendar, as GraphQL shows it, and what administrators say about it."""

from datetime import datetime
from typing import Self

import strawberry

from domain import calendar as domain
from domain.analytics.periods import Weekday
from schema.errors import UserError
from schema.identity import Actor


@strawberry.type(
    description="When days and weeks begin for this tenant: a report that does not say so itself goes by it."
)
class Calendar:
    revision: int = strawberry.field(description="Grows by one with every change; 0 while nothing was set.")
    time_zone: str = strawberry.field(
        description="The IANA name of the time zone in which days begin, such as `Europe/Vienna`; `UTC` while nothing "
        "was set."
    )
    week_start: Weekday = strawberry.field(
        description="The day on which weeks begin; Monday while nothing was set."
    )
    updated_at: datetime | None = strawberry.field(
        description="When it was set last; null while it never was."
    )
    updated_by: Actor | None = strawberry.field(description="Who set it last; null while nobody has.")

    @classmethod
    def of(cls, calendar: domain.Calendar) -> Self:
        return cls(
            revision=calendar.revision,
            time_zone=calendar.time_zone,
            week_start=calendar.week_start,
            updated_at=calendar.updated_at,
            updated_by=None if calendar.updated_by is None else Actor.of(calendar.updated_by),
        )


@strawberry.input(description="When days and weeks begin. What is null or not given stays as it is.")
class SetCalendarInput:
    time_zone: str | None = strawberry.field(
        default=None,
        description="The IANA name of the time zone in which days begin, such as `Europe/Vienna`.",
    )
    week_start: Weekday | None = strawberry.field(default=None, description="The day on which weeks begin.")
    expected_revision: int | None = strawberry.field(
        default=None, description="Refuse with CONFLICT when this is not the revision any more."
    )
    idempotency_key: str | None = strawberry.field(
        default=None, description="Given again, the mutation is not carried out again but answers as before."
    )


@strawberry.type(description="The calendar after a mutation, or why it was refused.")
class CalendarPayload:
    calendar: Calendar | None = strawberry.field(description="What holds now; null when refused.")
    settled: bool = strawberry.field(description="Whether its events are in the log already.")
    user_errors: list[UserError] = strawberry.field(description="Why it was refused; empty when it was not.")

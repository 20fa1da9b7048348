"""A tenant's calendar: the query and the mutation."""

from collections.abc import Sequence
from datetime import datetime

import strawberry

from domain import calendar as domain
from domain.calendar import CalendarChanged
from domain.errors import DomainError
from schema import limits
from schema.arguments import Given
from schema.calendar import Calendar, CalendarPayload, SetCalendarInput
from schema.errors import user_errors
from schema.info import Info
from schema.permissions import CanAdminister, CanView


@strawberry.type
class CalendarQueries:
    @strawberry.field(
        description="When days and weeks begin for this tenant, in reports that do not say so themselves.",
        permission_classes=[CanView],
    )
    async def calendar(self, info: Info) -> Calendar:
        context = info.context
        return Calendar.of(await context.store.calendars.get(context.identity.tenant_id))


@strawberry.type
class CalendarMutations:
    @strawberry.mutation(
        description="Say when days and weeks begin for this tenant. Reports go by it from now on, for the past too.",
        permission_classes=[CanAdminister],
    )
    async def set_calendar(self, info: Info, input: Given[SetCalendarInput]) -> CalendarPayload:
        context = info.context

        def command(calendar: domain.Calendar, at: datetime) -> Sequence[CalendarChanged]:
            return domain.set_calendar(
                calendar, time_zone=input.time_zone, week_start=input.week_start, at=at
            )

        try:
            limits.require(input)
            changed = await context.store.calendars.change(
                context.identity.tenant_id,
                command,
                context.cause("setCalendar", input, input.idempotency_key),
                expected=input.expected_revision,
            )
        except DomainError as error:
            return CalendarPayload(calendar=None, settled=True, user_errors=user_errors(error))
        return CalendarPayload(calendar=Calendar.of(changed.state), settled=changed.settled, user_errors=[])

"""Each tenant's calendar: one document, without which it is UTC and weeks begin on Monday."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from domain import calendar as fold
from domain.calendar import Calendar, CalendarChanged
from storage.change import Changes
from storage.mongo import Mongo
from storage.subject import Kind, digest
from storage.tenant_settings import TenantSettings

Command = Callable[[Calendar, datetime], Sequence[CalendarChanged]]


CALENDAR: Final = Kind("calendars", Calendar, fold.begin, fold.evolve, lambda _: {})


def calendar_id(tenant_id: str) -> str:
    return f"cal_{digest('calendar', tenant_id)}"


def _unset(tenant_id: str) -> Calendar:
    return Calendar(id=calendar_id(tenant_id), tenant_id=tenant_id)


class Calendars(TenantSettings[Calendar, CalendarChanged]):
    def __init__(self, mongo: Mongo, changes: Changes, now: Callable[[], datetime]) -> None:
        super().__init__(mongo, changes, now, CALENDAR, _unset)

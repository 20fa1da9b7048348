"""A tenant's calendar: the time zone in which its days begin, and the day on which its weeks do.

Reports that name neither go by it. It is UTC and Monday until an administrator says otherwise.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar
from zoneinfo import ZoneInfo

from domain.analytics.periods import Weekday
from domain.errors import InvalidInput
from domain.events import Event
from domain.identity import Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarChanged(Event):
    """An administrator said in which time zone days begin, and on which day weeks do."""

    type: ClassVar[str] = "calendar:changed"
    tenant_id: str
    time_zone: str
    week_start: Weekday


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """`time_zone` is an IANA name."""

    id: str
    tenant_id: str
    revision: int = 0
    time_zone: str = "UTC"
    week_start: Weekday = Weekday.MONDAY
    updated_at: datetime | None = None
    updated_by: Actor | None = None


def begin(id: str, event: CalendarChanged, by: Actor) -> Calendar:
    return replace(evolve(Calendar(id=id, tenant_id=event.tenant_id), event), updated_by=event.by or by)


def evolve(calendar: Calendar, event: CalendarChanged) -> Calendar:
    return replace(
        calendar,
        time_zone=event.time_zone,
        week_start=event.week_start,
        updated_at=event.at,
        updated_by=event.by,
    )


def set_calendar(
    calendar: Calendar, *, time_zone: str | None = None, week_start: Weekday | None = None, at: datetime
) -> list[CalendarChanged]:
    """What is None stays as it is. Raises InvalidInput for a zone that is none."""
    name = calendar.time_zone if time_zone is None else time_zone
    start = calendar.week_start if week_start is None else week_start
    zone(name)
    if (name, start) == (calendar.time_zone, calendar.week_start):
        return []
    return [CalendarChanged(at=at, tenant_id=calendar.tenant_id, time_zone=name, week_start=start)]


def zone(name: str) -> ZoneInfo:
    """Raises InvalidInput for what names no time zone."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # as zoneinfo tells of odd names, files and unknown ones
        raise InvalidInput("This is no IANA time zone.", "timeZone") from None

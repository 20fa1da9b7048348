"""Schedules: cron expressions of five fields in a time zone, right over daylight saving changes (as Debian's cron: a
time that is left out is made up right after, one that comes twice counts once)."""

from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from domain.errors import Problem

FIELDS: Final = 5


def next_time(schedule: str, time_zone: str, after: datetime) -> datetime | None:
    """The first time behind this one, in UTC; None where there is none in fifty years."""
    try:
        return next(CronSim(schedule, after.astimezone(ZoneInfo(time_zone)))).astimezone(UTC)
    except StopIteration:
        return None


def problems_with(schedule: str, time_zone: str) -> list[Problem]:
    """Why this is no schedule."""
    found = []
    if not _is_schedule(schedule):
        odd = "A schedule is a cron expression of five fields, such as `0 9 * * MON`."
        found.append(Problem(odd, ("schedule",)))
    if not _is_time_zone(time_zone):
        found.append(Problem("A time zone is a name such as Europe/Rome.", ("timeZone",)))
    return found


def _is_schedule(text: str) -> bool:
    if len(text.split()) != FIELDS:  # six would be seconds
        return False
    try:
        CronSim(text, datetime(2026, 1, 1, tzinfo=UTC))
    except (CronSimError, ValueError):
        return False
    return True


def _is_time_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True

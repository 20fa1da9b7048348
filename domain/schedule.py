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


def problem_with(schedule: str, time_zone: str) -> Problem | None:
    """Why this is no schedule."""
    try:
        zone = ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return Problem("A time zone is a name such as Europe/Rome.", ("timeZone",))
    odd = Problem("A schedule is a cron expression of five fields, such as `0 9 * * MON`.", ("schedule",))
    if len(schedule.split()) != FIELDS:  # six would be seconds
        return odd
    try:
        CronSim(schedule, datetime(2026, 1, 1, tzinfo=zone))
    except (CronSimError, ValueError):
        return odd
    return None

"""Periods of a calendar: days, weeks, months and quarters in a time zone.

A period is named by its first date. Its bounds are instants in UTC, the first inclusive and the last exclusive;
the periods of a zone follow each other without gap or overlap, over daylight saving changes too.
"""

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

DAY: Final = timedelta(days=1)
SECOND: Final = timedelta(seconds=1)  # clocks change on whole seconds
DAYS_IN_A_WEEK: Final = 7
MONTHS_IN_A_QUARTER: Final = 3
MONTHS_IN_A_YEAR: Final = 12


class Period(StrEnum):
    """How long a bucket of a report is."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"


class Weekday(StrEnum):
    """The day on which weeks begin."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


NUMBERS: Final = {day: n for n, day in enumerate(Weekday)}  # as `date.weekday` does


def period_start(at: datetime, period: Period, zone: ZoneInfo, week_start: Weekday = Weekday.MONDAY) -> date:
    """The first date of the period that an aware time falls into, as the zone's calendar has it."""
    return first_date(_date(at, zone), period, week_start)


def first_date(day: date, period: Period, week_start: Weekday = Weekday.MONDAY) -> date:
    """The first date of the period that a date falls into."""
    match period:
        case Period.DAY:
            return day
        case Period.WEEK:
            return day - timedelta(days=(day.weekday() - NUMBERS[week_start]) % DAYS_IN_A_WEEK)
        case Period.MONTH:
            return day.replace(day=1)
        case Period.QUARTER:
            return day.replace(month=day.month - (day.month - 1) % MONTHS_IN_A_QUARTER, day=1)


def next_start(start: date, period: Period) -> date:
    """The first date of the period behind the one that begins at `start`."""
    match period:
        case Period.DAY:
            return start + DAY
        case Period.WEEK:
            return start + DAYS_IN_A_WEEK * DAY
        case Period.MONTH:
            return _months_later(start, 1)
        case Period.QUARTER:
            return _months_later(start, MONTHS_IN_A_QUARTER)


def period_number(start: date, at_start: date, period: Period) -> int:
    """How many periods lie between two first dates: 0 for the same, negative where `at_start` is the earlier."""
    months = (at_start.year - start.year) * MONTHS_IN_A_YEAR + at_start.month - start.month
    match period:
        case Period.DAY:
            return (at_start - start).days
        case Period.WEEK:
            return (at_start - start).days // DAYS_IN_A_WEEK
        case Period.MONTH:
            return months
        case Period.QUARTER:
            return months // MONTHS_IN_A_QUARTER


def bounds(start: date, period: Period, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The period that begins at `start`, in UTC: since (inclusive) and until (exclusive).

    A date that a zone left out (Samoa, 30 December 2011) is an empty day: since equals until.
    """
    return _begin(start, zone), _begin(next_start(start, period), zone)


def _date(at: datetime, zone: ZoneInfo) -> date:
    """The date in the zone. Where clocks go back over midnight, the day that has begun is not left again."""
    local = at.astimezone(zone)
    day = local.date()
    return day + DAY if local.fold and at >= _begin(day + DAY, zone) else day


def _begin(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a date, in UTC: midnight, or where clocks skip midnight, the moment they do."""
    midnight = datetime.combine(day, time.min, tzinfo=zone)  # of two midnights the first
    begin = midnight.astimezone(UTC)
    # In a gap fold 0 reads the clock of before and fold 1 that of after (PEP 495): the change lies between.
    before = midnight.replace(fold=1).astimezone(UTC)
    while begin - before > SECOND:
        middle = before + (begin - before) // SECOND // 2 * SECOND
        if middle.astimezone(zone).date() >= day:
            begin = middle
        else:
            before = middle
    return begin


def _months_later(day: date, months: int) -> date:
    total = day.year * MONTHS_IN_A_YEAR + day.month - 1 + months
    return day.replace(year=total // MONTHS_IN_A_YEAR, month=total % MONTHS_IN_A_YEAR + 1)

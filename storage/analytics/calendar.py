"""The calendar of a report as an expression of the database: the first day of the period that a time falls into.

The offsets of the zone are zoneinfo's, with the moments at which they change, so that database and domain agree on
every day, over daylight saving changes too, whatever time-zone tables the server has.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from domain.analytics.periods import Period
from domain.analytics.periods import period_start as day_of
from domain.analytics.scope import Scope
from storage.codec import Document

DAY: Final = timedelta(days=1)
SECOND: Final = timedelta(seconds=1)
MARGIN: Final = timedelta(days=2)  # more than any offset

Offset = tuple[datetime, timedelta]  # from when on, and how far the zone's clock is ahead of UTC


def period_start(at: str, scope: Scope, period: Period) -> Document:
    """The midnight in UTC that bears the date on which the period of the field's time begins.

    Right for times in the scope's range up to its `now`, and at all later ones of that span.
    """
    begins = max(scope.begins, datetime(1970, 1, 1, tzinfo=UTC))
    years = (begins - MARGIN).year, (scope.now + MARGIN).year
    trunc: Document = {
        "date": {"$add": [at, _offset(at, offsets(scope.zone, *years))]},
        "unit": period.value,
    }
    if period is Period.WEEK:
        trunc["startOfWeek"] = scope.week_start.value
    return {"$dateTrunc": trunc}


@lru_cache(256)
def offsets(zone: ZoneInfo, first: int, last: int) -> tuple[Offset, ...]:
    """The offsets of these years, from the first on that holds at their beginning."""
    at = datetime(first, 1, 1, tzinfo=UTC)
    end = datetime(last + 1, 1, 1, tzinfo=UTC)
    found = [(at, _ahead(at, zone))]
    while at < end:
        if _ahead(at + DAY, zone) != found[-1][1]:
            found.append(_change(at, at + DAY, zone))
        at += DAY
    return tuple(found)


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> Offset:
    """The change between two times of different offsets, as dates see it."""
    old, new = _ahead(before, zone), _ahead(after, zone)
    while after - before > SECOND:
        middle = before + (after - before) // SECOND // 2 * SECOND
        if _ahead(middle, zone) == old:
            before = middle
        else:
            after = middle
    # Where clocks go back over midnight, a day that has begun is not left again: its clock goes on until it returns.
    if day_of(after, Period.DAY, zone) != (after + new).date():
        after += old - new
    return after, new


def _ahead(at: datetime, zone: ZoneInfo) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta()


def _offset(at: str, known: Sequence[Offset]) -> Any:
    """The offset at the field's time in milliseconds, found by halves."""
    if len(known) == 1:
        return known[0][1] // timedelta(milliseconds=1)
    middle = len(known) // 2
    since = known[middle][0]
    return {"$cond": [{"$lt": [at, since]}, _offset(at, known[:middle]), _offset(at, known[middle:])]}

"""A tenant's calendar: what may be set, and what stays as it is."""

from functools import reduce
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.analytics.periods import Weekday
from domain.calendar import Calendar, begin, evolve, set_calendar, zone
from domain.errors import InvalidInput
from tests.domain.samples import ANNA, NOON, later

NOTHING = Calendar(id="cal_1", tenant_id="t")
VIENNA = "Europe/Vienna"


def test_it_is_utc_and_monday_until_something_is_set() -> None:
    assert (NOTHING.revision, NOTHING.time_zone, NOTHING.week_start) == (0, "UTC", Weekday.MONDAY)


def test_what_is_set_holds_and_tells_who_set_it_when() -> None:
    [event] = set_calendar(NOTHING, time_zone=VIENNA, week_start=Weekday.SUNDAY, at=NOON)
    known = begin("cal_1", event, ANNA)
    assert (known.time_zone, known.week_start) == (VIENNA, Weekday.SUNDAY)
    assert (known.tenant_id, known.updated_at, known.updated_by) == ("t", NOON, ANNA)


@given(
    st.none() | st.sampled_from(("UTC", VIENNA, "Asia/Kolkata")),
    st.none() | st.sampled_from(Weekday),
    st.sampled_from(("UTC", VIENNA)),
    st.sampled_from(Weekday),
)
def test_what_is_not_given_stays_and_what_is_the_same_is_no_change(
    name: str | None, start: Weekday | None, known_name: str, known_start: Weekday
) -> None:
    known = Calendar(id="cal_1", tenant_id="t", time_zone=known_name, week_start=known_start)
    events = set_calendar(known, time_zone=name, week_start=start, at=later(days=1))
    found = reduce(evolve, events, known)
    assert (found.time_zone, found.week_start) == (name or known_name, start or known_start)
    assert len(events) == ((name or known_name, start or known_start) != (known_name, known_start))


@pytest.mark.parametrize(
    "name", ["", "Mars/Base", "Europe", "../etc/passwd", "/etc/localtime", "a\0b", "x" * 999]
)
def test_what_is_no_time_zone_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput) as error:
        set_calendar(NOTHING, time_zone=name, week_start=Weekday.SUNDAY, at=NOON)
    assert [each.path for each in error.value.problems] == [("timeZone",)]


def test_a_zone_is_found_by_its_name() -> None:
    assert zone(VIENNA) == ZoneInfo(VIENNA)

"""Schedules over daylight saving changes, in time zones, and without end."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.schedule import next_time, problems_with

ROME = "Europe/Rome"


def times(schedule: str, zone: str, after: datetime, count: int) -> list[datetime]:
    """The next times, in UTC."""
    found: list[datetime] = []
    for _ in range(count):
        at = next_time(schedule, zone, found[-1] if found else after)
        assert at is not None
        found.append(at)
    return found


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]  # year, month, day, hour, minute


def test_a_schedule_keeps_its_local_time_over_the_changes_of_the_clock() -> None:
    spring = times("0 9 * * *", ROME, utc(2026, 3, 27, 12), 3)
    assert spring == [utc(2026, 3, 28, 8), utc(2026, 3, 29, 7), utc(2026, 3, 30, 7)]
    autumn = times("0 9 * * *", ROME, utc(2026, 10, 23, 12), 3)
    assert autumn == [utc(2026, 10, 24, 7), utc(2026, 10, 25, 8), utc(2026, 10, 26, 8)]


def test_a_time_that_is_left_out_is_made_up_right_after() -> None:
    found = times("30 2 * * *", ROME, utc(2026, 3, 28, 0), 3)
    assert found == [utc(2026, 3, 28, 1, 30), utc(2026, 3, 29, 1), utc(2026, 3, 30, 0, 30)]


def test_a_time_that_comes_twice_counts_once() -> None:
    found = times("30 2 * * *", ROME, utc(2026, 10, 24, 12), 2)
    assert [each.date().day for each in found] == [25, 26]
    assert found[0] in (utc(2026, 10, 25, 0, 30), utc(2026, 10, 25, 1, 30))


@pytest.mark.parametrize("day", [utc(2026, 3, 28, 23), utc(2026, 10, 24, 22)])
def test_what_comes_every_quarter_of_an_hour_comes_so_over_the_changes_too(day: datetime) -> None:
    found = times("*/15 * * * *", ROME, day, 20)
    assert {later - earlier for earlier, later in pairwise(found)} == {timedelta(minutes=15)}


def test_the_time_zone_decides() -> None:
    after = utc(2026, 6, 1)
    assert times("0 9 * * MON", "UTC", after, 1) == [utc(2026, 6, 1, 9)]
    assert times("0 9 * * MON", "Asia/Kolkata", after, 1) == [utc(2026, 6, 1, 3, 30)]
    assert times("0 9 * * MON", "America/New_York", after, 1) == [utc(2026, 6, 1, 13)]
    assert times("0 0 1 * *", "Pacific/Auckland", after, 1) == [utc(2026, 6, 30, 12)]


def test_a_day_that_comes_every_eighth_year_at_most_is_found() -> None:
    assert times("0 0 29 2 *", "UTC", utc(2096, 3, 1), 1) == [utc(2104, 2, 29)]


def test_the_time_itself_is_not_the_next_one() -> None:
    assert times("0 9 * * *", "UTC", utc(2026, 6, 1, 9), 1) == [utc(2026, 6, 2, 9)]
    just_before = utc(2026, 6, 1, 9) - timedelta(milliseconds=1)
    assert times("0 9 * * *", "UTC", just_before, 1) == [utc(2026, 6, 1, 9)]


SCHEDULES = [
    "* * * * *",
    "30 2 * * *",
    "0 0 31 * *",
    "0 9 * * MON#1",
    "5 4 * * 0",
    "59 23 L * *",
    "0 2,3 * * *",
]


@given(
    st.sampled_from(SCHEDULES),
    st.sampled_from(["UTC", ROME, "America/Santiago", "Australia/Lord_Howe", "Asia/Kathmandu"]),
    st.integers(0, 20 * 365 * 24 * 3600).map(lambda seconds: utc(2020, 1, 1) + timedelta(seconds=seconds)),
)
def test_the_next_time_lies_ahead(schedule: str, zone: str, after: datetime) -> None:
    found = next_time(schedule, zone, after)
    assert found is not None
    assert found > after
    assert found.tzinfo is UTC
    assert found.astimezone(ZoneInfo(zone)).second == 0


@pytest.mark.parametrize(
    "schedule",
    [
        "",
        "x",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "0 0 31 2 *",
        "0 0 30 2 *",
        "@daily",
        "0 9 * * MON ; rm",
        "*/0 * * * *",
        "1-0 * * * *",
        "٣ * * * *",
        "0 9 * *\n* *",
    ],
)
def test_what_is_no_schedule_or_never_comes_is_refused(schedule: str) -> None:
    [problem] = problems_with(schedule, "UTC")
    assert problem.path == ("schedule",)


@pytest.mark.parametrize(
    "zone", ["", "Rome", "Europe", "Mars/Base", "../../etc/passwd", "/etc/passwd", "x\0", "+01:00"]
)
def test_what_is_no_time_zone_is_refused(zone: str) -> None:
    [problem] = problems_with("0 9 * * *", zone)
    assert problem.path == ("timeZone",)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_what_is_a_schedule_is_taken(schedule: str) -> None:
    assert problems_with(schedule, ROME) == []

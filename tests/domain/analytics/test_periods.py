"""Periods follow each other without gap or overlap, in every zone and over every change of its clocks."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.analytics.periods import Period, Weekday, bounds, next_start, period_number, period_start

ROME = ZoneInfo("Europe/Rome")
# Among them: midnight skipped (Sao Paulo, Beirut), twice (Havana), a date left out (Apia), clocks that go back over
# midnight (St_Johns), a change of half an hour (Lord_Howe), a gap around midnight (Toronto, 1919).
ZONES = st.sampled_from(
    tuple(
        ZoneInfo(name)
        for name in (
            "UTC",
            "Europe/Rome",
            "America/Sao_Paulo",
            "America/Havana",
            "America/St_Johns",
            "America/Toronto",
            "Asia/Beirut",
            "Asia/Kathmandu",
            "Australia/Lord_Howe",
            "Pacific/Apia",
        )
    )
)
TIMES = st.integers(-1_700_000_000, 2_800_000_000).map(lambda second: datetime.fromtimestamp(second, UTC))
PERIODS, WEEKDAYS = st.sampled_from(Period), st.sampled_from(Weekday)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@given(TIMES, PERIODS, ZONES, WEEKDAYS)
@example(at("2006-10-29T00:00:30-02:30"), Period.DAY, ZoneInfo("America/St_Johns"), Weekday.MONDAY)
@example(at("2006-10-28T23:30:00-03:30"), Period.DAY, ZoneInfo("America/St_Johns"), Weekday.MONDAY)
@example(at("1919-03-31T04:31:00+00:00"), Period.DAY, ZoneInfo("America/Toronto"), Weekday.MONDAY)
@example(at("2018-11-04T03:00:00+00:00"), Period.DAY, ZoneInfo("America/Sao_Paulo"), Weekday.MONDAY)
@example(at("2018-02-18T02:30:00+00:00"), Period.DAY, ZoneInfo("America/Sao_Paulo"), Weekday.MONDAY)
@example(at("2025-11-02T05:30:00+00:00"), Period.DAY, ZoneInfo("America/Havana"), Weekday.MONDAY)
@example(at("2011-12-30T10:00:00+00:00"), Period.DAY, ZoneInfo("Pacific/Apia"), Weekday.MONDAY)
def test_a_time_lies_within_the_bounds_of_its_period(
    when: datetime, period: Period, zone: ZoneInfo, week_start: Weekday
) -> None:
    since, until = bounds(period_start(when, period, zone, week_start), period, zone)
    assert since <= when < until


@given(TIMES, PERIODS, ZONES, WEEKDAYS)
def test_a_period_ends_where_the_next_begins(
    when: datetime, period: Period, zone: ZoneInfo, week_start: Weekday
) -> None:
    start = period_start(when, period, zone, week_start)
    following = next_start(start, period)
    assert bounds(start, period, zone)[1] == bounds(following, period, zone)[0]
    last = bounds(following, period, zone)[1] - timedelta(microseconds=1)
    assert (
        last < bounds(following, period, zone)[0] or period_start(last, period, zone, week_start) == following
    )


@given(TIMES, st.integers(0, 60), PERIODS, ZONES, WEEKDAYS)
def test_the_number_of_a_period_counts_the_steps_to_it(
    when: datetime, steps: int, period: Period, zone: ZoneInfo, week_start: Weekday
) -> None:
    start = later = period_start(when, period, zone, week_start)
    for _ in range(steps):
        later = next_start(later, period)
    assert period_number(start, later, period) == steps
    assert period_number(later, start, period) == -steps


@pytest.mark.parametrize(
    ("period", "start", "following"),
    [
        (Period.DAY, date(2024, 2, 29), date(2024, 3, 1)),
        (Period.WEEK, date(2024, 2, 26), date(2024, 3, 4)),
        (Period.MONTH, date(2024, 2, 1), date(2024, 3, 1)),
        (Period.QUARTER, date(2024, 1, 1), date(2024, 4, 1)),
    ],
)
def test_each_length_of_period(period: Period, start: date, following: date) -> None:
    assert period_start(at("2024-02-29T12:00:00Z"), period, ROME) == start
    assert next_start(start, period) == following


def test_months_and_quarters_go_over_the_end_of_a_year() -> None:
    assert next_start(date(2023, 12, 1), Period.MONTH) == date(2024, 1, 1)
    assert next_start(date(2023, 10, 1), Period.QUARTER) == date(2024, 1, 1)
    assert period_start(at("2023-12-31T23:30:00Z"), Period.QUARTER, ROME) == date(2024, 1, 1)


@given(TIMES, WEEKDAYS)
def test_a_week_begins_on_its_first_weekday(when: datetime, week_start: Weekday) -> None:
    start = period_start(when, Period.WEEK, ROME, week_start)
    assert f"{start:%A}".lower() == week_start
    assert timedelta(0) <= when.astimezone(ROME).date() - start < timedelta(days=7)


def test_the_date_is_that_of_the_zone() -> None:
    late = at("2024-06-30T22:30:00Z")
    assert period_start(late, Period.DAY, ZoneInfo("UTC")) == date(2024, 6, 30)
    assert period_start(late, Period.DAY, ROME) == date(2024, 7, 1)


def test_days_are_shorter_and_longer_when_clocks_change() -> None:
    spring, autumn = (bounds(day, Period.DAY, ROME) for day in (date(2024, 3, 31), date(2024, 10, 27)))
    assert spring[1] - spring[0] == timedelta(hours=23)
    assert autumn[1] - autumn[0] == timedelta(hours=25)
    assert spring == (at("2024-03-30T23:00:00Z"), at("2024-03-31T22:00:00Z"))


def test_a_day_without_midnight_begins_when_clocks_are_put_forward() -> None:
    assert bounds(date(2018, 11, 4), Period.DAY, ZoneInfo("America/Sao_Paulo"))[0] == at(
        "2018-11-04T03:00:00Z"
    )
    assert bounds(date(1919, 3, 31), Period.DAY, ZoneInfo("America/Toronto"))[0] == at("1919-03-31T04:30:00Z")


def test_a_date_that_a_zone_left_out_is_an_empty_day() -> None:
    since, until = bounds(date(2011, 12, 30), Period.DAY, ZoneInfo("Pacific/Apia"))
    assert since == until == at("2011-12-30T10:00:00Z")

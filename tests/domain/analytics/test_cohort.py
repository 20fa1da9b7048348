"""Cohorts: on data whose answers are known, and at the edges of the calendar."""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest

from domain.analytics.cohort import (
    FUTURE,
    MOST_AGES,
    NOBODY,
    Cell,
    CohortReport,
    CohortRow,
    Cohorts,
    Retention,
)
from domain.analytics.figure import Figure
from domain.analytics.periods import Period, Weekday
from domain.errors import InvalidInput
from tests.domain.analytics.purchases import ONE, Purchases, added, cdnow, grouped, scope

VIENNA = ZoneInfo("Europe/Vienna")
SHOP = scope(now=datetime(1998, 7, 1, tzinfo=UTC) - timedelta(seconds=1))
EXACT, ON_OR_AFTER = Retention.EXACT, Retention.ON_OR_AFTER


def bought(*days: tuple[int, int, int]) -> Purchases:
    return [(datetime(*day, 12, tzinfo=UTC), ONE) for day in days]


def active(report: CohortReport) -> list[list[int | None]]:
    return [[cell.active for cell in each.cells] for each in report.cohorts]


# Known answers


@cache
def shop() -> Cohorts:
    return added(cdnow(), SHOP)


@pytest.mark.parametrize(
    ("retention", "expected"),
    [
        (EXACT, [7846, 1157, 964, 810, 679, 736]),
        (ON_OR_AFTER, [7846, 3654, 3357, 3140, 2958, 2842]),
    ],
)
def test_the_customers_of_january_1997_came_back_as_often_as_is_known(
    retention: Retention, expected: list[int]
) -> None:
    report = shop().report(retention, ages=6)
    january = report.cohorts[0]
    assert (january.start, january.size) == (date(1997, 1, 1), 7846)
    assert [cell.active for cell in january.cells] == expected
    assert [cell.retention for cell in january.cells] == [Figure(count / 7846) for count in expected]


def test_what_a_member_spent_within_the_cohorts_year_is_as_is_known() -> None:
    report = shop().report(ages=12)
    assert [each.size for each in report.cohorts] == [7846, 8476, 7248]
    year = [each.cells[11].ltv.value or 0 for each in report.cohorts]
    assert [f"{value:.4f}" for value in year] == ["92.2843", "87.6684", "87.0070"]


def test_the_database_may_group_the_shops_customers_itself() -> None:
    rows = grouped(cdnow(), SHOP, Period.MONTH)
    assert Cohorts.from_rows(rows, SHOP, Period.MONTH).report() == shop().report()


# The calendar


def test_what_has_not_begun_is_null_and_what_runs_is_counted_so_far() -> None:
    report = added([bought((2026, 3, 2), (2026, 5, 1)), bought((2026, 4, 30))], scope()).report(ages=4)
    assert active(report) == [[1, 0, 1, None], [1, 0, None, None]]
    assert [cell.running for cell in report.cohorts[0].cells] == [False, False, True, False]
    assert report.cohorts[0].cells[3] == Cell(3, 1, None, Figure(reason=FUTURE), None, Figure(reason=FUTURE))
    assert [cell.members for cell in report.total.cells] == [2, 2, 1, 0]
    assert [cell.active for cell in report.total.cells] == [2, 0, 1, None]
    assert [cell.ltv.value for cell in report.total.cells] == [1, 1, 2, None]


def test_a_period_is_the_future_until_its_midnight_in_the_zone() -> None:
    """Summer time began on 29 March: Vienna's April comes at 22:00 UTC, March came at 23:00."""
    customers = [[(datetime(2026, 2, 28, 23, tzinfo=UTC), ONE)]]
    before = scope(now=datetime(2026, 3, 31, 21, 59, 59, tzinfo=UTC), zone=VIENNA)
    after = scope(now=datetime(2026, 3, 31, 22, tzinfo=UTC), zone=VIENNA)
    assert active(added(customers, before).report(ages=2)) == [[1, None]]
    assert active(added(customers, after).report(ages=2)) == [[1, 0]]
    assert added(customers, after).report().cohorts[0].start == date(2026, 3, 1)


@pytest.mark.parametrize(
    ("days", "hours"), [(28, 24), (29, 23)], ids=["an ordinary day", "the day that has 23 hours"]
)
def test_a_day_is_as_long_as_its_clock_says(days: int, hours: int) -> None:
    begin = datetime(2026, 3, days, tzinfo=VIENNA).astimezone(UTC)
    customers = [[(begin, ONE), (begin + timedelta(hours=hours), ONE)]]
    assert active(added(customers, scope(zone=VIENNA), Period.DAY).report(ages=3)) == [[1, 1, 0]]
    customers = [[(begin, ONE), (begin + timedelta(hours=hours, seconds=-1), ONE)]]
    assert active(added(customers, scope(zone=VIENNA), Period.DAY).report(ages=3)) == [[1, 0, 0]]


def test_weeks_begin_when_the_tenants_do() -> None:
    customers = [bought((2026, 5, 2), (2026, 5, 3))]  # Saturday and Sunday
    assert active(added(customers, scope(), Period.WEEK).report(ages=2)) == [[1, 0]]
    sunday = scope(week_start=Weekday.SUNDAY)
    assert active(added(customers, sunday, Period.WEEK).report(ages=2)) == [[1, 1]]


def test_the_range_says_who_joins_and_not_what_they_do() -> None:
    since, until = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)
    customers = [
        bought((2026, 1, 31), (2026, 2, 1)),
        bought((2026, 2, 1), (2026, 4, 1)),
        bought((2026, 3, 1)),
    ]
    report = added(customers, scope(since=since, until=until)).report(ages=4)
    assert [(each.start, each.size) for each in report.cohorts] == [(date(2026, 2, 1), 1)]
    assert active(report) == [[1, 0, 1, 0]]


# Nothing, and what is not accepted


def test_a_tenant_without_customers_has_no_figures_and_says_why() -> None:
    for cohorts in (added([], scope()), added([[]], scope()), Cohorts.from_rows([], scope(), Period.DAY)):
        report = cohorts.report(ages=2)
        assert report.cohorts == ()
        assert report.total.size == 0
        assert [cell.retention for cell in report.total.cells] == [Figure(reason=NOBODY)] * 2
        assert [cell.ltv for cell in report.total.cells] == [Figure(reason=NOBODY)] * 2


@pytest.mark.parametrize("ages", [0, -1, MOST_AGES + 1])
def test_there_are_as_many_ages_as_fit_a_page(ages: int) -> None:
    with pytest.raises(InvalidInput):
        added([], scope()).report(ages=ages)


def test_rows_that_cannot_be_are_refused() -> None:
    may, june = date(2026, 5, 1), date(2026, 6, 1)
    for start, customers, last in ((date(2026, 4, 1), 1, 1), (may, 1, 2), (may, 1, -1)):
        with pytest.raises(ValueError, match="from its own period on"):
            CohortRow(may, start, customers, last, 0)
    with pytest.raises(ValueError, match="not begun"):
        Cohorts.from_rows([CohortRow(may, june, 1, 1, 0)], scope(), Period.MONTH)
    for row in (CohortRow(may, may, 2, 1, 0), CohortRow(date(2026, 4, 1), may, 1, 1, 0)):
        with pytest.raises(ValueError, match="every member"):
            Cohorts.from_rows([row], scope(), Period.MONTH).report()
    with pytest.raises(ValueError, match="same calendar"):
        added([], scope()).merge(added([], scope(), Period.DAY))

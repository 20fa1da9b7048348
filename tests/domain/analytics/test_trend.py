"""What happened when, by the calendar of the report: quiet periods are 0, future ones are left out."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.analytics.periods import Period, Weekday
from domain.analytics.scope import Scope
from domain.analytics.trend import StageTrend, TrendCount, TrendPoint
from domain.errors import InvalidInput

STAGES = ("lead", "customer")
NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)


def day(number: int, hour: int = 12) -> datetime:
    return datetime(2026, 3, number, hour, tzinfo=UTC)


def scope(**changed: object) -> Scope:
    return Scope(**{"tenant_id": "t", "now": NOON, **changed})  # type: ignore[arg-type] # as the test says


def numbers(trend: StageTrend) -> list[tuple[int | None, int | None]]:
    return [(point.count, point.value) for point in trend.points]


def test_days_without_anything_are_0() -> None:
    count = TrendCount(scope(since=day(1), until=day(5, 0)), STAGES)
    count.add(day(2), "lead", value=100)
    count.add(day(2, 23), "lead", value=50)
    count.add(day(4), "customer", value=-7, count=3)
    lead, customer = count.report()
    assert (lead.stage, customer.stage) == STAGES
    assert [point.start for point in lead.points] == [date(2026, 3, number) for number in (1, 2, 3, 4)]
    assert numbers(lead) == [(0, 0), (2, 150), (0, 0), (0, 0)]
    assert numbers(customer) == [(0, 0), (0, 0), (0, 0), (3, -7)]


def test_what_is_outside_the_range_the_stages_or_the_known_past_is_left_out() -> None:
    count = TrendCount(scope(since=day(2), until=day(3)), STAGES)
    for at, stage in ((day(2, 11), "lead"), (day(3), "lead"), (day(2), "churn")):
        count.add(at, stage)
    assert [numbers(trend) for trend in count.report()] == [[(0, 0), (0, 0)]] * 2
    late = TrendCount(scope(), STAGES)
    late.add(NOON + timedelta(microseconds=1), "lead")
    assert late.report()[0].points == ()


def test_the_future_is_left_out_and_the_running_period_is_named() -> None:
    count = TrendCount(scope(since=day(30), until=NOON + timedelta(days=9)), STAGES)
    count.add(NOON, "lead")
    assert count.report()[0].points == (
        TrendPoint(date(2026, 3, 30), 0, 0, running=False),
        TrendPoint(date(2026, 3, 31), 1, 0, running=True),
    )
    assert TrendCount(scope(since=NOON + timedelta(days=2)), STAGES).report()[0].points == ()


def test_a_range_open_to_the_past_begins_with_the_first_happening() -> None:
    count = TrendCount(scope(until=day(6, 0)), STAGES)
    count.add(day(4), "customer")
    assert [numbers(trend) for trend in count.report()] == [[(0, 0), (0, 0)], [(1, 0), (0, 0)]]


def test_an_empty_tenant_has_zeros_in_a_range_and_no_points_without_one() -> None:
    assert [trend.points for trend in TrendCount(scope(), STAGES).report()] == [(), ()]
    assert numbers(TrendCount(scope(since=day(30)), STAGES).report()[0]) == [(0, 0), (0, 0)]


def test_weeks_begin_where_the_report_says_and_days_are_those_of_its_zone() -> None:
    rome = ZoneInfo("Europe/Rome")
    weeks = TrendCount(
        scope(since=day(14), until=day(22), week_start=Weekday.SUNDAY, zone=rome), STAGES, Period.WEEK
    )
    weeks.add(day(14, 23), "lead")  # Sunday in Rome
    points = weeks.report()[0].points
    assert [point.start for point in points] == [date(2026, 3, number) for number in (8, 15, 22)]
    assert [point.count for point in points] == [0, 1, 0]


def test_the_days_when_clocks_change_are_one_day_each() -> None:
    count = TrendCount(scope(since=day(28), until=day(30), zone=ZoneInfo("Europe/Rome")), STAGES)
    count.add(day(28, 22), "lead")  # 23:00
    count.add(day(28, 23), "lead")  # midnight; the clocks go forward at 2:00
    count.add(day(29, 21), "lead")  # 23:00 in summer time
    count.add(day(29, 22), "lead")  # midnight
    assert [point.count for point in count.report()[0].points] == [1, 2, 1]


def test_more_periods_than_anybody_reads_are_refused() -> None:
    count = TrendCount(scope(since=datetime(1, 1, 2, tzinfo=UTC)), STAGES)
    with pytest.raises(InvalidInput, match="longer ones"):
        count.report()
    ten_years = scope(since=NOON - timedelta(days=3_699))
    assert len(TrendCount(ten_years, STAGES).report()[0].points) == 3_700
    with pytest.raises(InvalidInput):
        TrendCount(scope(since=NOON - timedelta(days=3_700)), STAGES).report()


def test_periods_that_begin_before_the_horizon_are_unknown_where_the_range_reaches_back_to_them() -> None:
    """What still stands of them is not all there was."""
    for since, known in (
        (day(3), [False, False, True]),
        (day(4, 11), [False, True]),
        (day(4, 12), [True, True]),
    ):
        count = TrendCount(scope(since=since, until=day(6, 0)), STAGES, horizon=day(4))
        for at in (day(3, 13), day(4, 11), day(4, 13), day(5)):
            count.add(at, "lead", value=7)
        points = count.report()[0].points
        assert [point.count is not None and point.value is not None for point in points] == known
        assert [(point.count, point.value) for point in points if point.count is not None] == [(1, 7)] * sum(
            known
        )
    at_midnight = TrendCount(scope(since=day(3), until=day(6, 0)), STAGES, horizon=day(4, 0))
    assert numbers(at_midnight.report()[0]) == [(None, None), (0, 0), (0, 0)]


def test_the_running_period_may_be_unknown() -> None:
    count = TrendCount(scope(until=NOON + timedelta(days=9)), STAGES, Period.MONTH, horizon=day(20))
    count.add(day(21), "lead")
    assert count.report()[0].points == (TrendPoint(date(2026, 3, 1), None, None, running=True),)


def test_only_counts_of_one_report_add_up() -> None:
    with pytest.raises(ValueError, match="one report"):
        TrendCount(scope(), STAGES).merge(TrendCount(scope(), STAGES, Period.WEEK))
    with pytest.raises(ValueError, match="one report"):
        TrendCount(scope(), STAGES).merge(TrendCount(scope(), STAGES, horizon=NOON))


happenings = st.lists(
    st.tuples(
        st.integers(0, 90 * 24).map(lambda hours: NOON - timedelta(hours=hours)),
        st.sampled_from(STAGES),
        st.integers(-1000, 1000),
    ),
    max_size=12,
)


@given(happenings, st.sampled_from(Period), st.sampled_from(Weekday))
def test_points_add_up_to_what_happened_in_whatever_order_and_however_merged(
    happened: list[tuple[datetime, str, int]], period: Period, week_start: Weekday
) -> None:
    asked = scope(week_start=week_start, zone=ZoneInfo("America/New_York"))
    one, other, whole = (TrendCount(asked, STAGES, period) for _ in range(3))
    for number, (at, stage, value) in enumerate(happened):
        (one if number % 2 else other).add(at, stage, value=value)
    for at, stage, value in reversed(happened):
        whole.add(at, stage, value=value)
    one.merge(other)
    assert one.report() == whole.report()
    for trend in whole.report():
        mine = [value for _, stage, value in happened if stage == trend.stage]
        assert sum(point.count for point in trend.points) == len(mine)
        assert sum(point.value for point in trend.points) == sum(mine)
        assert [point.running for point in trend.points if point.running] in ([], [True])

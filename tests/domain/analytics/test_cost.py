"""Costs of campaigns: which part of them a report counts."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.analytics.cost import CampaignCost
from domain.analytics.periods import Period, bounds
from domain.analytics.scope import Scope
from domain.errors import InvalidInput
from domain.values import Money
from tests.domain.analytics.purchases import NOW, scope

VIENNA = ZoneInfo("Europe/Vienna")


def cost(amount: str = "310 EUR", **rest: Any) -> CampaignCost:
    given = {"campaign": "spring", "since": date(2026, 3, 1), "until": date(2026, 4, 1), **rest}
    return CampaignCost(amount=Money.parse(amount), **given)


def day(month: int, day: int, hour: int = 0) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        (None, None, "310.00 EUR"),
        (day(3, 1), day(4, 1), "310.00 EUR"),
        (day(2, 1), day(3, 11), "100.00 EUR"),
        (day(3, 31), None, "10.00 EUR"),
        (day(3, 5), day(3, 6), "10.00 EUR"),
        (day(3, 5, 1), day(3, 6), None),  # no day begins in it
        (day(3, 5, 1), day(3, 6, 1), "10.00 EUR"),
        (day(4, 1), None, None),
        (None, day(3, 1), None),
    ],
)
def test_a_cost_counts_by_its_share_of_days(
    since: datetime | None, until: datetime | None, expected: str | None
) -> None:
    share = cost().share(scope(since=since, until=until))
    assert (share and str(share)) == expected


def test_what_lies_ahead_is_not_spent_yet() -> None:
    assert cost().share(scope(now=day(3, 10, 12))) == Money.parse("100 EUR")
    assert cost().share(scope(now=day(2, 10))) is None


def test_days_begin_at_the_midnight_of_the_zone() -> None:
    """On 29 March Vienna's clocks go forward: its 30 March begins at 22:00 UTC of the day before."""
    late = datetime(2026, 3, 29, 22, tzinfo=UTC)
    assert cost().share(scope(since=late, zone=VIENNA)) == Money.parse("20 EUR")
    assert cost().share(scope(since=late + timedelta(seconds=1), zone=VIENNA)) == Money.parse("10 EUR")


def test_a_cost_that_cannot_be_is_refused_with_every_reason() -> None:
    with pytest.raises(InvalidInput) as refused:
        cost("-1 EUR", campaign="", until=date(2026, 3, 1))
    assert [problem.path for problem in refused.value.problems] == [("campaign",), ("until",), ("amount",)]


cuts = st.lists(st.integers(0, 60 * 24 * 60).map(lambda minutes: day(2, 15) + timedelta(minutes=minutes)))
zones = st.sampled_from(("UTC", "Europe/Vienna", "America/New_York", "Asia/Kolkata")).map(ZoneInfo)


@given(st.integers(0, 10**9), st.integers(1, 40), cuts, zones)
def test_ranges_that_follow_each_other_count_a_cost_once(
    units: int, days: int, cuts: list[datetime], zone: ZoneInfo
) -> None:
    since = date(2026, 3, 1)
    given = CampaignCost(
        channel="mail", since=since, until=since + timedelta(days=days), amount=Money(units, "EUR")
    )
    edges = [None, *sorted({*cuts}), None]
    shares = [
        given.share(Scope(tenant_id="t", now=NOW, since=a, until=b, zone=zone)) for a, b in pairwise(edges)
    ]
    assert sum(share.units for share in shares if share is not None) == units


@given(st.integers(0, 35), zones)
def test_a_calendar_day_counts_as_one_day(number: int, zone: ZoneInfo) -> None:
    begin, end = bounds(date(2026, 3, 1) + timedelta(days=number), Period.DAY, zone)
    share = cost().share(scope(since=begin, until=end, zone=zone))
    assert share == (Money.parse("10 EUR") if number < 31 else None)

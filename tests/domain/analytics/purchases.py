"""Purchases: those of 23,570 customers of a record shop (the CDNOW data set that comes with PyPI's `lifetimes`), and
those that Hypothesis makes."""

import importlib.util
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from domain.analytics.cohort import CohortRow, Cohorts
from domain.analytics.periods import Period, Weekday, period_start
from domain.analytics.scope import Scope
from domain.values import Money

NOW = datetime(2026, 5, 20, 10, tzinfo=UTC)
ONE = 10_000  # units of Money
Purchases = list[tuple[datetime, int]]


@cache
def cdnow() -> list[list[tuple[datetime, int]]]:
    """The purchases of each customer: the day, and the value in units of Money. Only the file is read."""
    found = importlib.util.find_spec("lifetimes")
    assert found is not None
    assert found.origin is not None
    lines = (Path(found.origin).parent / "datasets" / "CDNOW_master.txt").read_text().splitlines()
    bought: defaultdict[str, list[tuple[datetime, int]]] = defaultdict(list)
    for line in filter(None, map(str.strip, lines[1:])):
        customer, day, _, value = line.split()
        at = datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC)
        bought[customer].append((at, Money.parse(f"{value} USD").units))
    assert len(bought) == 23_570
    return list(bought.values())


# From a year before now to some days after it, with the hours at which zones and clocks differ.
moments = st.integers(-365 * 24, 10 * 24).map(lambda hours: NOW + timedelta(hours=hours))
purchases: st.SearchStrategy[list[Purchases]] = st.lists(
    st.lists(st.tuples(moments, st.integers(-ONE, 100 * ONE)), max_size=6), max_size=12
)
zones = st.sampled_from(("UTC", "Europe/Vienna", "America/New_York", "Pacific/Apia", "Asia/Kolkata")).map(
    ZoneInfo
)
scopes = st.builds(
    Scope, tenant_id=st.just("t"), now=st.just(NOW), zone=zones, week_start=st.sampled_from(Weekday)
)
periods = st.sampled_from(Period)


def scope(**rest: Any) -> Scope:
    return Scope(**{"tenant_id": "t", "now": NOW, **rest})


def added(customers: list[Purchases], scope: Scope, period: Period = Period.MONTH) -> Cohorts:
    cohorts = Cohorts(scope, period)
    for each in customers:
        cohorts.add(each)
    return cohorts


def grouped(customers: list[Purchases], scope: Scope, period: Period) -> list[CohortRow]:
    """What a database makes of them: group by customer and period, then by cohort and period."""

    def start(at: datetime) -> date:
        return period_start(at, period, scope.zone, scope.week_start)

    count: Counter[tuple[date, date]] = Counter()
    last: Counter[tuple[date, date]] = Counter()
    value: defaultdict[tuple[date, date], int] = defaultdict(int)
    for each in customers:
        done = [(start(at), units) for at, units in each if at <= scope.now]
        if not done:
            continue
        cohort = min(done)[0]
        count.update((cohort, day) for day in {day for day, _ in done})
        last[cohort, max(done)[0]] += 1
        for day, units in done:
            value[cohort, day] += units
    return [CohortRow(*key, count[key], last[key], value[key]) for key in count]

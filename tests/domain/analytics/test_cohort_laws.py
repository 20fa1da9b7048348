"""Cohorts: what holds whatever customers may do, whoever groups them, in every calendar."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from domain.analytics.cohort import MOST_AGES, Cohorts, Retention
from domain.analytics.figure import Figure
from domain.analytics.periods import Period
from domain.analytics.scope import Scope
from tests.domain.analytics.purchases import (
    NOW,
    ONE,
    Purchases,
    added,
    grouped,
    periods,
    purchases,
    scopes,
)


@given(purchases, scopes, periods, st.sampled_from(Retention))
def test_rows_that_the_database_grouped_make_the_same_report(
    customers: list[Purchases], scope: Scope, period: Period, retention: Retention
) -> None:
    rows = grouped(customers, scope, period)
    assert Cohorts.from_rows(rows, scope, period).report(retention) == added(customers, scope, period).report(
        retention
    )


@given(purchases, scopes, periods, st.integers(0, 12))
def test_parts_of_the_customers_merge_into_the_whole(
    customers: list[Purchases], scope: Scope, period: Period, cut: int
) -> None:
    part = added(customers[:cut], scope, period)
    part.merge(added(customers[cut:], scope, period))
    assert part.rows() == added(customers, scope, period).rows()
    assert part.report() == added(customers, scope, period).report()


@given(purchases, scopes, periods)
def test_who_is_kept_obeys_the_laws_of_retention(
    customers: list[Purchases], scope: Scope, period: Period
) -> None:
    cohorts = added(customers, scope, period)
    exact, on_or_after = cohorts.report(Retention.EXACT), cohorts.report(Retention.ON_OR_AFTER)
    for one, other in zip(exact.cohorts, on_or_after.cohorts, strict=True):
        assert one.size == one.cells[0].active == other.cells[0].active
        assert one.cells[0].retention == other.cells[0].retention == Figure(1)
        known = [
            (a.active, b.active) for a, b in zip(one.cells, other.cells, strict=True) if a.active is not None
        ]
        assert all(b is not None and a <= b for a, b in known if a is not None)
        assert all((a or 0) >= (b or 0) for (_, a), (_, b) in pairwise(known))
        assert [cell.active is None for cell in one.cells] == sorted(
            cell.active is None for cell in one.cells
        )


@given(purchases, scopes, periods)
def test_cohorts_and_ages_add_up_to_every_customer_and_all_they_spent(
    customers: list[Purchases], scope: Scope, period: Period
) -> None:
    report = added(customers, scope, period).report(ages=MOST_AGES)
    before = [[value for at, value in each if at <= NOW] for each in customers]
    assert report.total.size == sum(each.size for each in report.cohorts) == sum(map(bool, before))
    assert sum(cell.value or 0 for cell in report.total.cells) == sum(map(sum, before))
    for age, cell in enumerate(report.total.cells):
        at_age = [each.cells[age] for each in report.cohorts]
        assert (cell.active or 0) == sum(each.active or 0 for each in at_age)
        assert cell.members == sum(each.members for each in at_age if each.active is not None) or not at_age
    for each in report.cohorts:
        spent = 0
        for cell in each.cells:
            spent += cell.value or 0
            assert cell.ltv.value in (None, spent / (each.size * ONE))

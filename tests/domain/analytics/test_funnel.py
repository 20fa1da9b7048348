"""Many units' funnel: what becomes of those that do not come further, and what always adds up."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.analytics.figure import Figure
from domain.analytics.funnel import (
    FIRST_STEP,
    NOBODY_BEFORE,
    NOBODY_ENTERED,
    Funnel,
    FunnelCount,
    FunnelStep,
    Unit,
    funnel,
)
from domain.analytics.funnel_walk import FunnelPlan, Moment, OrderMode
from tests.domain.analytics.walks import HOUR, hour, moment, plans, times, units

THREE = FunnelPlan(steps=3, window=10 * HOUR)
EMPTY = FunnelStep(0, Figure(reason=NOBODY_ENTERED), Figure(reason=NOBODY_BEFORE), 0, 0, 0)


def unit(*moments: Moment, ended: float | None = None, breakdown: str | None = None) -> Unit:
    return Unit("j", moments, None if ended is None else hour(ended), breakdown)


def counts(found: Funnel) -> list[tuple[int, int, int, int]]:
    return [(step.reached, step.dropped, step.excluded, step.pending) for step in found.steps]


def test_rates_are_of_all_that_entered_and_of_the_step_before() -> None:
    came = [unit(moment(0, 1)), unit(moment(0, 1), moment(1, 2))] * 2
    came += [unit(moment(0, 1), moment(1, 2), moment(2, 3)), unit(moment(0))]
    steps = funnel(came, THREE, hour(3)).steps
    assert [step.reached for step in steps] == [5, 3, 1]
    assert [step.overall_rate for step in steps] == [Figure(1.0), Figure(0.6), Figure(0.2)]
    assert [step.step_rate for step in steps] == [Figure(reason=FIRST_STEP), Figure(0.6), Figure(1 / 3)]


def test_a_unit_is_pending_until_its_window_is_over() -> None:
    waiting = [unit(moment(0, 1))]
    assert counts(funnel(waiting, THREE, hour(10))) == [(1, 0, 0, 1), (0, 0, 0, 0), (0, 0, 0, 0)]
    assert counts(funnel(waiting, THREE, hour(10.001))) == [(1, 1, 0, 0), (0, 0, 0, 0), (0, 0, 0, 0)]


def test_without_a_window_a_unit_is_pending_until_it_ends() -> None:
    plan = replace(THREE, window=None)
    assert counts(funnel([unit(moment(0, 1))], plan, hour(9999)))[0] == (1, 0, 0, 1)
    assert counts(funnel([unit(moment(0, 1), ended=5)], plan, hour(5)))[0] == (1, 1, 0, 0)
    assert counts(funnel([unit(moment(0, 1), ended=5)], plan, hour(4)))[0] == (1, 0, 0, 1)


def test_who_was_stopped_is_dropped_at_once() -> None:
    excluded = unit(moment(0, 1), moment(1, 2), moment(2, excluded=True))
    assert counts(funnel([excluded], THREE, hour(3))) == [(1, 0, 0, 0), (1, 1, 1, 0), (0, 0, 0, 0)]
    strict = replace(THREE, order=OrderMode.STRICT)
    interrupted = unit(moment(0, 1), moment(1))
    assert counts(funnel([interrupted], strict, hour(3)))[0] == (1, 1, 0, 0)


def test_who_converted_is_neither_dropped_nor_pending() -> None:
    done = unit(moment(0, 1), moment(1, 2), moment(2, 3), ended=2)
    assert counts(funnel([done], THREE, hour(99))) == [(1, 0, 0, 0)] * 3


def test_a_funnel_of_one_step_counts_who_entered() -> None:
    assert counts(funnel([unit(moment(0, 1), ended=1)], FunnelPlan(steps=1), hour(9))) == [(1, 0, 0, 0)]


def test_rows_come_in_order_with_those_without_a_value_last() -> None:
    found = funnel(
        [unit(moment(0, 1), breakdown=value) for value in (None, "web", "shop", "web")]
        + [unit(moment(0, 2), breakdown="never entered")],
        THREE,
        hour(1),
    )
    assert [(row.breakdown, row.steps[0].reached) for row in found.rows] == [
        ("shop", 1),
        ("web", 2),
        (None, 1),
    ]


def test_nobody_gives_no_rates_and_no_error() -> None:
    found = funnel([], THREE, hour(0))
    assert found == Funnel((replace(EMPTY, step_rate=Figure(reason=FIRST_STEP)), EMPTY, EMPTY), ())


def test_only_counts_of_one_plan_at_one_time_add_up() -> None:
    with pytest.raises(ValueError, match="one plan"):
        FunnelCount(THREE, hour(0)).merge(FunnelCount(THREE, hour(1)))


def added_up(rows: Sequence[Sequence[FunnelStep]], steps: int) -> list[tuple[int, int, int, int]]:
    return [
        (
            sum(row[place].reached for row in rows),
            sum(row[place].dropped for row in rows),
            sum(row[place].excluded for row in rows),
            sum(row[place].pending for row in rows),
        )
        for place in range(steps)
    ]


@given(st.lists(units(), max_size=6), plans(), times)
def test_rows_add_up_to_the_total(came: list[Unit], plan: FunnelPlan, now: datetime) -> None:
    found = funnel(came, plan, now)
    assert added_up([row.steps for row in found.rows], plan.steps) == counts(found)
    whole = funnel([replace(each, breakdown=None) for each in came], plan, now)
    assert whole.steps == found.steps


@given(st.lists(units(), max_size=6), plans(), times)
def test_whoever_reached_a_step_reached_the_next_or_dropped_or_is_pending(
    came: list[Unit], plan: FunnelPlan, now: datetime
) -> None:
    steps = funnel(came, plan, now).steps
    for one, following in pairwise(steps):
        assert one.reached == following.reached + one.dropped + one.pending
        assert one.excluded <= one.dropped
        assert min(one.reached, one.dropped, one.excluded, one.pending) >= 0
    assert (steps[-1].dropped, steps[-1].pending) == (0, 0)
    rates = [step.overall_rate.value for step in steps if step.overall_rate.value is not None]
    assert rates == sorted(rates, reverse=True)
    assert len(rates) in (0, plan.steps)


@given(st.lists(units(), max_size=6), plans(), times, st.integers(0, 6))
def test_merged_counts_are_one_count(came: list[Unit], plan: FunnelPlan, now: datetime, cut: int) -> None:
    one, other = FunnelCount(plan, now), FunnelCount(plan, now)
    for each in came[:cut]:
        one.add(each)
    for each in came[cut:]:
        other.add(each)
    alone = other.report()
    one.merge(other)
    assert one.report() == funnel(came, plan, now)
    assert other.report() == alone


@given(st.lists(units(), max_size=5), plans(), times, st.randoms(use_true_random=False))
def test_it_does_not_matter_which_of_two_units_does_something_first_at_the_same_time(
    came: list[Unit], plan: FunnelPlan, now: datetime, random: Random
) -> None:
    log = [(number, each) for number, unit in enumerate(came) for each in unit.moments]
    random.shuffle(log)
    log.sort(key=lambda entry: entry[1].at)  # stable: those of the same time stay shuffled
    read = [
        replace(unit, moments=[each for owner, each in log if owner == number])
        for number, unit in enumerate(came)
    ]
    random.shuffle(read)
    assert funnel(read, plan, now) == funnel(came, plan, now)

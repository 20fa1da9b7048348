"""One unit's walk: each rule by hand, and against a search through everything that it might have been."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import combinations, pairwise, permutations, takewhile
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.analytics.funnel import Unit
from domain.analytics.funnel_walk import FunnelPlan, Moment, OrderMode, Stop, Walk, walk
from domain.errors import InvalidInput
from tests.domain.analytics.walks import HOUR, hour, moment, plans, times, units

THREE = FunnelPlan(steps=3, window=10 * HOUR)
STRICT = replace(THREE, order=OrderMode.STRICT)
ANY = replace(THREE, order=OrderMode.ANY)
LATER = hour(1000)


def reached(plan: FunnelPlan, *moments: Moment, now: datetime = LATER) -> list[float]:
    """At which hours this unit reached the steps."""
    return [(at - hour(0)) / HOUR for at in walk(moments, plan, now).reached_at]


def test_ordered_steps_may_have_other_events_between() -> None:
    assert reached(THREE, moment(1, 1), moment(2), moment(3, 2), moment(4, 1), moment(5, 3)) == [1, 3, 5]


def test_a_step_that_comes_before_its_turn_does_not_count() -> None:
    assert reached(THREE, moment(1, 1), moment(2, 3), moment(3, 2)) == [1, 3]


def test_nothing_counts_before_step_1() -> None:
    assert reached(THREE, moment(1, 2), moment(2, 3)) == []
    assert reached(ANY, moment(1, 2), moment(2, 3), moment(3, 1)) == [3]


def test_the_anchor_is_the_first_entry_in_the_range_and_never_moves() -> None:
    ranged = replace(THREE, since=hour(2), until=hour(4))
    assert reached(ranged, moment(1, 1), moment(2, 1), moment(3, 1), moment(9, 2)) == [2, 9]
    assert reached(ranged, moment(1, 1), moment(4, 1), moment(5, 2)) == []
    assert reached(THREE, moment(0, 1), moment(5, 1), moment(11, 2)) == [0]


def test_later_steps_count_behind_the_range() -> None:
    assert reached(replace(THREE, until=hour(2)), moment(1, 1), moment(5, 2), moment(6, 3)) == [1, 5, 6]


def test_the_window_includes_its_end() -> None:
    assert reached(THREE, moment(0, 1), moment(10, 2)) == [0, 10]
    tight = replace(THREE, window=10 * HOUR - timedelta(microseconds=1))
    assert reached(tight, moment(0, 1), moment(10, 2)) == [0]


def test_the_window_runs_from_the_anchor_not_from_the_step_before() -> None:
    assert reached(THREE, moment(0, 1), moment(9, 2), moment(11, 3)) == [0, 9]


def test_what_lies_behind_now_does_not_count() -> None:
    assert reached(THREE, moment(1, 1), moment(2, 2), moment(3, 3), now=hour(2)) == [1, 2]


def test_one_event_takes_one_step() -> None:
    assert reached(THREE, moment(1, 1, 2, 3)) == [1]
    assert reached(THREE, moment(1, 1, 2, 3), moment(2, 1, 2, 3), moment(3, 1, 2, 3)) == [1, 2, 3]
    assert reached(ANY, moment(1, 1, 2, 3), moment(2, 2, 3)) == [1, 2]


def test_events_of_the_same_time_come_in_their_order() -> None:
    assert reached(THREE, moment(1, 2, order="b"), moment(1, 1, order="a")) == [1, 1]
    assert reached(THREE, moment(1, 2, order="a"), moment(1, 1, order="b")) == [1]


def test_strict_steps_have_nothing_between() -> None:
    assert reached(STRICT, moment(0), moment(1, 1), moment(2, 2), moment(3, 3)) == [1, 2, 3]
    stopped = walk([moment(1, 1), moment(2), moment(3, 2)], STRICT, LATER)
    assert stopped == Walk((hour(1),), Stop.INTERRUPTED)
    assert reached(STRICT, moment(1, 1), moment(2, 1), moment(3, 2)) == [1]


def test_any_order_counts_distinct_steps_from_the_anchor_on() -> None:
    assert reached(ANY, moment(0, 2), moment(1, 1), moment(2, 3), moment(3, 3), moment(4, 2)) == [1, 2, 4]


def test_any_order_gives_each_event_the_step_that_lets_most_be_done() -> None:
    assert reached(ANY, moment(1, 1), moment(2, 2, 3), moment(3, 2)) == [1, 2, 3]
    assert reached(ANY, moment(1, 1), moment(2, 2, 3), moment(3, 3)) == [1, 2, 3]


def test_an_excluded_event_ends_the_walk_and_leaves_what_was_reached() -> None:
    gone = [moment(1, 1), moment(2, 2), moment(3, excluded=True), moment(4, 3)]
    assert walk(gone, THREE, LATER) == Walk((hour(1), hour(2)), Stop.EXCLUDED)
    assert walk(gone, ANY, LATER) == Walk((hour(1), hour(2)), Stop.EXCLUDED)
    assert reached(THREE, moment(1, 1), moment(2, 2, excluded=True)) == [1]


def test_an_excluded_event_changes_nothing_before_the_anchor_behind_the_last_step_or_the_window() -> None:
    assert reached(THREE, moment(0, excluded=True), moment(1, 1), moment(2, 2)) == [1, 2]
    done = walk([moment(1, 1), moment(2, 2), moment(3, 3), moment(4, excluded=True)], THREE, LATER)
    assert done == Walk((hour(1), hour(2), hour(3)))
    assert walk([moment(1, 1), moment(20, excluded=True)], THREE, LATER).stop is None


@pytest.mark.parametrize(
    "asked",
    [{"steps": 0}, {"steps": 2, "window": timedelta()}, {"steps": 2, "since": hour(1), "until": hour(1)}],
)
def test_a_plan_that_makes_no_sense_is_refused(asked: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        FunnelPlan(**asked)  # type: ignore[arg-type] # wrong on purpose


def ways(rest: Sequence[Moment], plan: FunnelPlan) -> Iterator[tuple[Moment, ...]]:
    """Every choice of moments behind the anchor, in order, that might take the steps from 2 on."""
    for size in range(plan.steps):
        orders = [tuple(range(2, size + 2))]
        if plan.order is OrderMode.ANY:
            orders = list(permutations(range(2, plan.steps + 1), size))
        for chosen in combinations(rest, size):
            if plan.order is OrderMode.STRICT and chosen != tuple(rest[:size]):
                continue
            if any(all(step in each.steps for step, each in zip(o, chosen, strict=True)) for o in orders):
                yield chosen


@settings(max_examples=400)
@given(units(), plans(), times)
def test_no_other_choice_of_events_leads_further_or_there_earlier(
    unit: Unit, plan: FunnelPlan, now: datetime
) -> None:
    known = sorted((each for each in unit.moments if each.at <= now), key=lambda each: (each.at, each.order))
    anchors = [place for place, each in enumerate(known) if 1 in each.steps and plan.may_enter(each.at)]
    found = walk(unit.moments, plan, now)
    if not anchors:
        assert found == Walk()
        return
    anchor = known[anchors[0]]
    rest = takewhile(lambda each: not each.excluded, known[anchors[0] + 1 :])
    inside = [each for each in rest if plan.window is None or each.at <= anchor.at + plan.window]
    best: dict[int, datetime] = {1: anchor.at}
    for chosen in ways(inside, plan):
        if chosen:
            best[len(chosen) + 1] = min(best.get(len(chosen) + 1, chosen[-1].at), chosen[-1].at)
    assert found.reached_at == tuple(best[count] for count in sorted(best))


@given(units(), plans(), times, st.integers(0, 12))
def test_a_longer_window_and_a_later_now_never_lead_less_far(
    unit: Unit, plan: FunnelPlan, now: datetime, more: int
) -> None:
    longer = replace(plan, window=None if plan.window is None else plan.window + more * HOUR)
    short = walk(unit.moments, plan, now)
    for long in (
        walk(unit.moments, longer, now),
        walk(unit.moments, replace(plan, window=None), now),
        walk(unit.moments, plan, now + more * HOUR),
    ):
        assert long.reached_at[: short.reached] == short.reached_at


@given(units(), plans(), times)
def test_the_freer_the_order_the_further_a_unit_comes(unit: Unit, plan: FunnelPlan, now: datetime) -> None:
    strict, ordered, free = (
        walk(unit.moments, replace(plan, order=order), now).reached
        for order in (OrderMode.STRICT, OrderMode.ORDERED, OrderMode.ANY)
    )
    assert strict <= ordered <= free


@given(units(), plans(), times, st.randoms(use_true_random=False))
def test_a_walk_does_not_depend_on_the_order_in_which_events_are_given(
    unit: Unit, plan: FunnelPlan, now: datetime, random: Random
) -> None:
    given_otherwise = list(unit.moments)
    random.shuffle(given_otherwise)
    assert walk(given_otherwise, plan, now) == walk(unit.moments, plan, now)


@given(units(), plans(), times)
def test_a_walk_takes_time_forwards_and_at_most_all_steps(
    unit: Unit, plan: FunnelPlan, now: datetime
) -> None:
    found = walk(unit.moments, plan, now)
    assert found.reached <= plan.steps
    assert all(before <= after for before, after in pairwise(found.reached_at))
    assert all(plan.in_window(found.reached_at[0], at) and at <= now for at in found.reached_at)
    assert found.stop is None or 0 < found.reached < plan.steps

"""How long the converted took: by hand, and as numpy has it."""

from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.analytics.convert import NOBODY_CONVERTED, ConversionTimes, time_to_convert
from domain.analytics.durations import Durations
from domain.analytics.figure import Figure
from domain.analytics.funnel import Unit
from domain.analytics.funnel_walk import FunnelPlan, Walk, walk
from tests.domain.analytics.walks import hour, plans, times, units

HOUR = 3600.0


def took(*hours: float) -> Walk:
    """A walk that reached its steps at these hours."""
    return Walk(tuple(hour(each) for each in hours))


def test_the_converted_alone_count_end_to_end_and_per_step() -> None:
    found = time_to_convert([took(0, 1, 4), took(1, 3, 3), took(0, 9), took()], 3)
    assert found.converted == 2
    assert found.end_to_end.mean == Figure(3 * HOUR)
    assert found.end_to_end.p90.value == pytest.approx(3.8 * HOUR)
    assert [step.mean for step in found.steps] == [Figure(1.5 * HOUR), Figure(1.5 * HOUR)]
    assert [step.median for step in found.steps] == [Figure(1.5 * HOUR), Figure(1.5 * HOUR)]


def test_a_percentile_lies_between_its_neighbours() -> None:
    found = time_to_convert([took(0, each) for each in (4, 1, 3, 2)], 2).end_to_end
    assert found.count == 4
    assert found.median == Figure(2.5 * HOUR)
    assert found.p90.value == pytest.approx(3.7 * HOUR)  # place 2.7 from 0


def test_nobody_converted_gives_nulls_with_the_reason() -> None:
    found = time_to_convert([took(0, 1)], 3)
    nothing = Figure(reason=NOBODY_CONVERTED)
    assert found.converted == 0
    assert len(found.steps) == 2
    for spread in (found.end_to_end, *found.steps):
        assert (spread.mean, spread.median, spread.p90) == (nothing, nothing, nothing)


def test_a_funnel_of_one_step_takes_no_time() -> None:
    found = time_to_convert([took(5)], 1)
    assert (found.converted, found.end_to_end.mean, found.steps) == (1, Figure(0.0), ())


def test_only_times_of_funnels_of_equal_length_add_up() -> None:
    with pytest.raises(ValueError, match="equal length"):
        ConversionTimes(2).merge(ConversionTimes(3))


def test_no_length_of_time_is_shorter_than_nothing() -> None:
    with pytest.raises(ValueError, match="never shorter"):
        Durations().add(timedelta(microseconds=-1))


@given(st.lists(st.integers(0, 10**14), min_size=1, max_size=40))
def test_figures_are_those_of_numpy(lengths: list[int]) -> None:
    durations = Durations()
    for each in lengths:
        durations.add(timedelta(microseconds=each))
    found = durations.spread(reason="none")
    seconds = np.array(lengths) / 1e6
    assert found.count == len(lengths)
    assert found.mean.value == pytest.approx(np.mean(seconds))
    assert found.median.value == pytest.approx(np.median(seconds))
    assert found.p90.value == pytest.approx(np.percentile(seconds, 90))


@given(st.lists(units(), max_size=8), plans(), times, st.integers(0, 8))
def test_merged_times_are_those_of_all(came: list[Unit], plan: FunnelPlan, now: datetime, cut: int) -> None:
    walks = [walk(each.moments, plan, now) for each in came]
    one, other = ConversionTimes(plan.steps), ConversionTimes(plan.steps)
    for each in walks[:cut]:
        one.add(each)
    for each in walks[cut:]:
        other.add(each)
    one.merge(other)
    assert one.report() == time_to_convert(walks, plan.steps)


@given(st.lists(units(), max_size=8), plans(), times)
def test_the_means_of_the_steps_add_up_to_that_of_the_whole(
    came: list[Unit], plan: FunnelPlan, now: datetime
) -> None:
    found = time_to_convert([walk(each.moments, plan, now) for each in came], plan.steps)
    if found.end_to_end.mean.value is not None:
        parts = sum(step.mean.value or 0.0 for step in found.steps)
        assert parts == pytest.approx(found.end_to_end.mean.value)

"""Quantiles: as numpy and the standard library have them."""

import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.analytics.figure import Figure
from domain.analytics.quantile import (
    Position,
    Spread,
    median_positions,
    no_spread,
    percentile,
    position,
    spread,
)

seconds = st.floats(0, 1e9, allow_subnormal=False)


@pytest.mark.parametrize(
    ("n", "expected"), [(1, (0, 0)), (2, (0, 1)), (3, (1, 1)), (4, (1, 2)), (1001, (500, 500))]
)
def test_the_median_stands_in_the_middle(n: int, expected: tuple[int, int]) -> None:
    assert median_positions(n) == expected


@pytest.mark.parametrize(
    ("n", "percent", "expected"),
    [
        (1, 90, Position(0, 0, 0)),
        (2, 90, Position(0, 1, 0.9)),
        (11, 90, Position(9, 9, 0)),
        (12, 90, Position(9, 10, 0.9)),
        (5, 100, Position(4, 4, 0)),
        (5, 0, Position(0, 0, 0)),
    ],
)
def test_a_percentile_stands_between_neighbours(n: int, percent: int, expected: Position) -> None:
    assert position(n, percent) == expected


@pytest.mark.parametrize(("n", "percent"), [(0, 50), (-1, 50), (1, -1), (1, 101)])
def test_nothing_has_no_percentile(n: int, percent: int) -> None:
    with pytest.raises(ValueError, match="percentile"):
        position(n, percent)


@given(st.lists(seconds, min_size=1), st.integers(0, 100))
def test_percentiles_are_numpys(values: list[float], percent: int) -> None:
    assert percentile(values, percent) == pytest.approx(np.percentile(values, percent), rel=1e-9, abs=1e-6)


@given(st.lists(st.integers(0, 10**9).map(float), min_size=1))
def test_the_median_and_mean_are_the_standard_librarys(values: list[float]) -> None:
    found = spread(values, reason="none")
    assert found.count == len(values)
    assert found.median == Figure(statistics.median(values))
    assert found.mean == Figure(statistics.fmean(values))


@given(st.lists(seconds, min_size=1))
def test_a_database_that_sorts_and_skips_finds_the_same(values: list[float]) -> None:
    ordered = sorted(values)
    lower, upper = median_positions(len(values))
    found = spread(values, reason="none")
    assert found.median.value == pytest.approx((ordered[lower] + ordered[upper]) / 2)
    place = position(len(values), 90)
    assert found.p90.value == place.between(ordered[place.lower], ordered[place.upper])


def test_nothing_has_no_spread_and_says_why() -> None:
    nothing = Figure(reason="nothing ended")
    assert (
        spread([], reason="nothing ended")
        == no_spread("nothing ended")
        == Spread(0, nothing, nothing, nothing)
    )

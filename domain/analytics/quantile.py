"""Means, medians and percentiles: exact, of a list or of what a database has sorted.

A percentile lies between two neighbours of the sorted values, by linear interpolation: Hyndman and Fan's type 7 (1996),
which is numpy's default. The median is the 50th percentile.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import fsum
from typing import Final

from domain.analytics.figure import Figure

HUNDRED: Final = 100
MEDIAN: Final = 50
P90: Final = 90


@dataclass(frozen=True, slots=True)
class Position:
    """Where a percentile lies among sorted values, counted from 0: `weight` of the way, from 0 (inclusive) to 1
    (exclusive), from the value at `lower` to the one at `upper`, which is the next or, at the end, the same."""

    lower: int
    upper: int
    weight: float

    def between(self, lower: float, upper: float) -> float:
        """The percentile, from the values at the two places."""
        return lower + (upper - lower) * self.weight


def position(n: int, percent: int) -> Position:
    """Where the percentile of n sorted values lies: at percent / 100 * (n - 1).

    Raises ValueError unless n >= 1 and 0 <= percent <= 100.
    """
    if n < 1 or not 0 <= percent <= HUNDRED:
        raise ValueError("a percentile is one of 0 to 100, and of one value at least")
    lower, rest = divmod(percent * (n - 1), HUNDRED)
    return Position(lower, lower + bool(rest), rest / HUNDRED)


def median_positions(n: int) -> tuple[int, int]:
    """The places, counted from 0, whose mean is the median of n sorted values; for odd n the same one twice.

    Raises ValueError unless n >= 1.
    """
    middle = position(n, MEDIAN)
    return middle.lower, middle.upper


def percentile(values: Iterable[float], percent: int) -> float:
    """The percentile of the values, in any order. Raises ValueError without a value, or unless 0 <= percent <= 100."""
    ordered = sorted(values)
    place = position(len(ordered), percent)
    return place.between(ordered[place.lower], ordered[place.upper])


@dataclass(frozen=True, slots=True)
class Spread:
    """How long some things took, in seconds: how many there were, and their mean, median and 90th percentile."""

    count: int
    mean: Figure
    median: Figure
    p90: Figure


def spread(seconds: Iterable[float], *, reason: str) -> Spread:
    """The spread of these lengths of time, in any order; without one, no figures for this reason."""
    ordered = sorted(seconds)
    if not ordered:
        return no_spread(reason)
    return Spread(
        len(ordered),
        Figure(fsum(ordered) / len(ordered)),
        Figure(percentile(ordered, MEDIAN)),
        Figure(percentile(ordered, P90)),
    )


def no_spread(reason: str) -> Spread:
    """The spread of nothing."""
    nothing = Figure(reason=reason)
    return Spread(0, nothing, nothing, nothing)

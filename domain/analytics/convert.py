"""Time to convert: how long the units that reached the last step of a funnel took, in all and from step to step."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Self

from domain.analytics.durations import Durations
from domain.analytics.funnel_walk import Walk
from domain.analytics.quantile import Spread

NOBODY_CONVERTED: Final = "no unit has reached the last step"


@dataclass(frozen=True, slots=True)
class TimeToConvert:
    """Of the converted units alone, in seconds. `end_to_end`: from step 1 to the last.

    `steps`: from each step to the next, so one fewer than the funnel has; their means add up to that of the whole.
    """

    converted: int
    end_to_end: Spread
    steps: tuple[Spread, ...]


class ConversionTimes:
    """Counts walks through a funnel of so many steps as they come; it keeps eight bytes a step of those converted."""

    def __init__(self, steps: int) -> None:
        self._whole = Durations()
        self._parts = tuple(Durations() for _ in range(steps - 1))

    def add(self, walk: Walk) -> None:
        """Count a walk; one that did not come to the last step changes nothing."""
        if walk.reached <= len(self._parts):
            return
        self._whole.add(walk.reached_at[-1] - walk.reached_at[0])
        for part, (before, after) in zip(self._parts, pairwise(walk.reached_at), strict=True):
            part.add(after - before)

    def merge(self, other: Self) -> None:
        """Count everything that the other has counted. Raises ValueError for one of a longer or shorter funnel."""
        if len(self._parts) != len(other._parts):
            raise ValueError("only times of funnels of equal length add up")
        self._whole.merge(other._whole)
        for part, more in zip(self._parts, other._parts, strict=True):
            part.merge(more)

    def report(self) -> TimeToConvert:
        """The times of the walks counted so far; all null, with the reason, when none has converted."""
        whole = self._whole.spread(reason=NOBODY_CONVERTED)
        parts = tuple(part.spread(reason=NOBODY_CONVERTED) for part in self._parts)
        return TimeToConvert(whole.count, whole, parts)


def time_to_convert(walks: Iterable[Walk], steps: int) -> TimeToConvert:
    """How long those of these walks took that came to the last of so many steps."""
    times = ConversionTimes(steps)
    for walk in walks:
        times.add(walk)
    return times.report()

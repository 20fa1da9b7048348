"""Trends: how much happened in each period and stage, with nothing as 0 and the future left out."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Self

from domain.analytics.periods import Period, bounds, next_start, period_start
from domain.analytics.revenue import LeftOut
from domain.analytics.scope import Scope
from domain.errors import InvalidInput

MOST_PERIODS: Final = 3_700  # ten years of days
INSTANT: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """What happened in the period that begins on the date `start`.

    `value`: the sum of the values, in units of Money of one currency. Both are None where not all that happened is
    kept. `running`: whether the period is not over yet, so that both may still grow.
    """

    start: date
    count: int | None
    value: int | None
    running: bool


@dataclass(frozen=True, slots=True)
class StageTrend:
    """One stage, with a point for each period of the range, in order; all stages have the same periods."""

    stage: str
    points: tuple[TrendPoint, ...]


@dataclass(frozen=True, slots=True)
class Trends:
    """The stages, the currency of their values, None where there is no money, and conversions in others."""

    stages: tuple[StageTrend, ...]
    currency: str | None
    left_out: tuple[LeftOut, ...]


class TrendCount:
    """Counts happenings as they come. Its memory grows with stages and periods, never with happenings."""

    def __init__(
        self,
        scope: Scope,
        stages: Iterable[str],
        period: Period = Period.DAY,
        *,
        horizon: datetime | None = None,
    ) -> None:
        """The range, calendar and time of the report, and the stages to report on, in this order. What lies before the
        horizon is not all there any more, and is not counted."""
        self.scope = scope
        self.horizon = horizon
        self.period = period
        self.stages = tuple(stages)
        self._counts: Counter[tuple[str, date]] = Counter()
        self._values: Counter[tuple[str, date]] = Counter()

    def add(self, at: datetime, stage: str, *, value: int = 0, count: int = 1) -> None:
        """Count what happened at this time, worth so many units of Money in all.

        What lies outside the range, before the horizon, behind now or in another stage is left out.
        """
        begins = self.scope.begins if self.horizon is None else max(self.scope.begins, self.horizon)
        if begins <= at < self.scope.ends and at <= self.scope.now and stage in self.stages:
            place = stage, self._start(at)
            self._counts[place] += count
            self._values[place] += value

    def add_counted(self, start: date, stage: str, *, value: int = 0, count: int = 0) -> None:
        """Count what happened in the range in the period that begins on this date, as a database counts it."""
        if stage in self.stages:
            self._counts[stage, start] += count
            self._values[stage, start] += value

    def merge(self, other: Self) -> None:
        """Count what the other has counted. Raises ValueError when it asked something else."""
        asked = [(each.scope, each.period, each.stages, each.horizon) for each in (self, other)]
        if asked[0] != asked[1]:
            raise ValueError("only counts of one report add up")
        self._counts.update(other._counts)
        self._values.update(other._values)

    def report(self) -> tuple[StageTrend, ...]:
        """A trend for each stage, from the range's first period to its last or the running one.

        A range that is open to the past begins with the first happening; without any there are no points. In a range
        that begins before the horizon, periods that do are unknown.
        Raises InvalidInput for more than MOST_PERIODS periods.
        """
        starts = tuple(self._starts())
        return tuple(
            StageTrend(stage, tuple(self._point(stage, start) for start in starts)) for stage in self.stages
        )

    def _point(self, stage: str, start: date) -> TrendPoint:
        running = start == self._start(self.scope.now)
        if self.horizon is not None and self.scope.begins < self.horizon:
            begins, _ = bounds(start, self.period, self.scope.zone)
            if begins < self.horizon:
                return TrendPoint(start, None, None, running)
        return TrendPoint(start, self._counts[stage, start], self._values[stage, start], running)

    def _starts(self) -> Iterator[date]:
        if self.scope.since is not None:
            start = self._start(self.scope.since)
        elif self._counts:
            start = min(start for _, start in self._counts)
        else:
            return
        last = self._start(min(self.scope.now, self.scope.ends - INSTANT))
        for _ in range(MOST_PERIODS):
            if start > last:
                return
            yield start
            start = next_start(start, self.period)
        if start <= last:
            raise InvalidInput(
                f"At most {MOST_PERIODS} periods: take longer ones or a shorter range.", "range"
            )

    def _start(self, at: datetime) -> date:
        return period_start(at, self.period, self.scope.zone, self.scope.week_start)

"""Funnels: how many units reach each step, and what becomes of those that do not.

Units are counted one by one and forgotten. At each step: reached = reached the next + dropped + pending.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Final, Self

from domain.analytics.figure import Figure, ratio
from domain.analytics.funnel_walk import FunnelPlan, Moment, Stop, Walk, walk

NOBODY_ENTERED: Final = "no unit has entered the funnel"
NOBODY_BEFORE: Final = "no unit has reached the step before"
FIRST_STEP: Final = "the first step has none before it"


@dataclass(frozen=True, slots=True)
class Unit:
    """A journey or a customer, and what it did.

    `ended_at`: when a journey ended, None while it is live; of a customer, when all that it could go on with had
    ended. `breakdown`: the row that it counts in; None is a row too, of the units that have no value.
    """

    id: str
    moments: Sequence[Moment]
    ended_at: datetime | None = None
    breakdown: str | None = None


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """How many units came to a step, and how it went on.

    `reached`: units that reached it; in any order, that did at least so many of the steps.
    `overall_rate`: reached / entered step 1, `step_rate`: reached / reached the step before, both from 0 to 1.
    `dropped`: reached it and will not reach the next: the window is over, the unit has ended, or its walk was stopped.
    `excluded`: those of the dropped whom an excluded event stopped.
    `pending`: reached it, not the next, and still may. At the last step all three are 0.
    """

    reached: int
    overall_rate: Figure
    step_rate: Figure
    dropped: int
    excluded: int
    pending: int


@dataclass(frozen=True, slots=True)
class FunnelRow:
    """The funnel of the units with one breakdown value; None for those without."""

    breakdown: str | None
    steps: tuple[FunnelStep, ...]


@dataclass(frozen=True, slots=True)
class Funnel:
    """`steps` of all units together; `rows` by breakdown value, in order and None last. Counts of rows add up."""

    steps: tuple[FunnelStep, ...]
    rows: tuple[FunnelRow, ...]


class FunnelCount:
    """Counts units as they come. Its memory grows with the breakdown's values, never with the units."""

    def __init__(self, plan: FunnelPlan, now: datetime) -> None:
        self.plan = plan
        self.now = now
        self._rows: dict[str | None, _Tally] = {}

    @property
    def rows(self) -> int:
        """How many values the breakdown has so far."""
        return len(self._rows)

    def add(self, unit: Unit) -> Walk:
        """Count a unit, once; how far it came. One that never entered is not counted and makes no row."""
        way = walk(unit.moments, self.plan, self.now)
        if way.reached:
            self._row(unit.breakdown).add(way, dropped=has_dropped(way, unit, self.plan, self.now))
        return way

    def add_counted(
        self, breakdown: str | None, reached: int, units: int, *, dropped: int = 0, excluded: int = 0
    ) -> None:
        """Count units that were walked elsewhere, as a database does: so many came to this step, from 1, and no
        further; of these so many dropped, and of them so many excluded. Raises ValueError where that cannot be."""
        if not (1 <= reached <= self.plan.steps and 0 <= excluded <= dropped <= units):
            raise ValueError("the excluded are of the dropped, and these of the units at a step")
        self._row(breakdown).add_counted(reached - 1, units, dropped, excluded)

    def merge(self, other: Self) -> None:
        """Count what the other has counted, of other units. Raises ValueError when it asked something else."""
        if (self.plan, self.now) != (other.plan, other.now):
            raise ValueError("only counts of one plan at one time add up")
        for breakdown, tally in other._rows.items():
            self._row(breakdown).merge(tally)

    def report(self) -> Funnel:
        """The funnel of the units counted so far. Without any, counts are 0 and rates null with the reason."""
        total = _Tally(self.plan.steps)
        for tally in self._rows.values():
            total.merge(tally)
        values = sorted(value for value in self._rows if value is not None)
        order: Iterable[str | None] = chain(values, [None] if None in self._rows else [])
        return Funnel(total.steps(), tuple(FunnelRow(value, self._rows[value].steps()) for value in order))

    def _row(self, breakdown: str | None) -> "_Tally":
        if breakdown not in self._rows:
            self._rows[breakdown] = _Tally(self.plan.steps)
        return self._rows[breakdown]


def has_dropped(way: Walk, unit: Unit, plan: FunnelPlan, now: datetime) -> bool:
    """Whether a unit that entered and walked so far has not come to the last step, and will not."""
    if way.reached == plan.steps:
        return False
    over = not plan.in_window(way.reached_at[0], now)
    return over or way.stop is not None or (unit.ended_at is not None and unit.ended_at <= now)


def funnel(units: Iterable[Unit], plan: FunnelPlan, now: datetime) -> Funnel:
    """How many of these units reach each step of the plan by now."""
    count = FunnelCount(plan, now)
    for unit in units:
        count.add(unit)
    return count.report()


@dataclass(slots=True)
class _Tally:
    """Units by the last step that they reached: all, the dropped, and of these the excluded."""

    size: int
    came_to: list[int] = field(init=False)
    dropped: list[int] = field(init=False)
    excluded: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.came_to, self.dropped, self.excluded = ([0] * self.size for _ in range(3))

    def add(self, way: Walk, *, dropped: bool) -> None:
        self.add_counted(way.reached - 1, 1, dropped, way.stop is Stop.EXCLUDED)

    def add_counted(self, last: int, units: int, dropped: int, excluded: int) -> None:
        self.came_to[last] += units
        self.dropped[last] += dropped
        self.excluded[last] += excluded

    def merge(self, other: "_Tally") -> None:
        for place in range(self.size):
            self.came_to[place] += other.came_to[place]
            self.dropped[place] += other.dropped[place]
            self.excluded[place] += other.excluded[place]

    def steps(self) -> tuple[FunnelStep, ...]:
        reached = [sum(self.came_to[place:]) for place in range(self.size)]
        last = self.size - 1
        return tuple(
            FunnelStep(
                reached=reached[place],
                overall_rate=ratio(reached[place], reached[0], reason=NOBODY_ENTERED),
                step_rate=_step_rate(reached, place),
                dropped=self.dropped[place],
                excluded=self.excluded[place],
                pending=0 if place == last else self.came_to[place] - self.dropped[place],
            )
            for place in range(self.size)
        )


def _step_rate(reached: Sequence[int], place: int) -> Figure:
    if place == 0:
        return Figure(reason=FIRST_STEP)
    return ratio(reached[place], reached[place - 1], reason=NOBODY_BEFORE)

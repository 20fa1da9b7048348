"""One unit's walk through a funnel: from its first entry of step 1 in the report's range as far as it comes.

The anchor is never moved: a later entry of step 1 begins nothing anew, in no order mode. From the anchor on the window
runs, and what lies behind its end or behind now does not count. One event takes at most one step.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import takewhile

from domain.analytics.path import require_length
from domain.errors import InvalidInput


class OrderMode(StrEnum):
    """What the order of a unit's events must be."""

    ORDERED = "ordered"  # step after step, whatever lies between
    STRICT = "strict"  # step after step, with none of the unit's moments between
    ANY = "any"  # step 1, then the others as they come


class Stop(StrEnum):
    """Why a walk can come no further, whatever happens yet."""

    EXCLUDED = "excluded"  # by an event that the funnel excludes
    INTERRUPTED = "interrupted"  # in strict order, by an event that is not the next step


@dataclass(frozen=True, slots=True)
class Moment:
    """One event of a unit.

    `order` puts events of the same time in order, as text: what holds the subject, revision and n of an event in a
    fixed width. `steps`: the steps that the event matches, from 1. In strict order give events that match none too.
    `excluded`: whether the funnel excludes it; then it takes no step but the first.
    """

    at: datetime
    order: str = ""
    steps: frozenset[int] = frozenset()
    excluded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FunnelPlan:
    """What a funnel asks: how many steps, in which order, and how much time there is for them.

    `window`: time from the anchor, its end included; None for any time. `since` (inclusive) and `until` (exclusive)
    are the range of the anchor alone; without one, it is open to that side. Raises InvalidInput without a step, for
    a window that is not longer than nothing, and for a range that ends before it begins.
    """

    steps: int
    window: timedelta | None = None
    order: OrderMode = OrderMode.ORDERED
    since: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise InvalidInput("A funnel has at least one step.", "steps")
        if self.window is not None:
            require_length(self.window, "window")
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise InvalidInput("A range ends after it begins.", "range", "until")

    def may_enter(self, at: datetime) -> bool:
        """Whether an anchor at this time lies in the range."""
        return (self.since is None or self.since <= at) and (self.until is None or at < self.until)

    def in_window(self, anchor: datetime, at: datetime) -> bool:
        """Whether a step at this time still counts for a unit with this anchor."""
        return self.window is None or at - anchor <= self.window


@dataclass(frozen=True, slots=True)
class Walk:
    """How far a unit came: when it reached each step, the anchor first; empty when it never entered.

    In any order, place k is the time when it had done k of the steps. `stop` is None for a walk that has reached the
    last step or may still go on.
    """

    reached_at: tuple[datetime, ...] = ()
    stop: Stop | None = None

    @property
    def reached(self) -> int:
        return len(self.reached_at)


def walk(moments: Iterable[Moment], plan: FunnelPlan, now: datetime) -> Walk:
    """How far these moments of one unit, given in any order, lead by now.

    The first moment that can take a step takes it. In any order the count is that of the distinct steps that can be
    given a moment each, the anchor keeping step 1. A moment that is excluded, behind the anchor and before the last
    step, ends the walk there; the steps reached before it count.
    """
    way = iter(sorted((each for each in moments if each.at <= now), key=_place))
    anchor = next((each for each in way if 1 in each.steps and plan.may_enter(each.at)), None)
    if anchor is None:
        return Walk()
    reached_at = [anchor.at]
    assignment = _Assignment(plan.steps) if plan.order is OrderMode.ANY else None
    for moment in takewhile(lambda each: plan.in_window(anchor.at, each.at), way):
        if len(reached_at) == plan.steps:
            break
        if moment.excluded:
            return Walk(tuple(reached_at), Stop.EXCLUDED)
        if _takes(moment, len(reached_at) + 1, assignment):
            reached_at.append(moment.at)
        elif plan.order is OrderMode.STRICT:
            return Walk(tuple(reached_at), Stop.INTERRUPTED)
    return Walk(tuple(reached_at))


def _place(moment: Moment) -> tuple[datetime, str]:
    return moment.at, moment.order


def _takes(moment: Moment, following: int, assignment: "_Assignment | None") -> bool:
    return following in moment.steps if assignment is None else assignment.take(moment.steps)


@dataclass(slots=True)
class _Assignment:
    """Steps and the moments that took them, as many as can be: a maximum matching that grows by augmenting paths
    (H. W. Kuhn, The Hungarian Method for the Assignment Problem, 1955). A moment that finds no place never will."""

    steps: int
    held: dict[int, frozenset[int]] = field(default_factory=dict)

    def take(self, steps: frozenset[int]) -> bool:
        """Whether one step more is done with a moment that matches these. The anchor has taken step 1."""
        return self._place(steps, {1})

    def _place(self, steps: frozenset[int], tried: set[int]) -> bool:
        for step in steps:
            if step in tried or step > self.steps:
                continue
            tried.add(step)
            if step not in self.held or self._place(self.held[step], tried):
                self.held[step] = steps
                return True
        return False

"""Promises kept (SLA): what became of each promise for a journey and for each visit of a step, and how many were met.

A promise is read from the journey's own events (`domain.promise` says when one is made and told as broken).
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from domain.analytics.figure import Figure, ratio
from domain.analytics.scope import Scope
from domain.journey_events import (
    JourneyAbandoned,
    JourneyCompleted,
    JourneyEvent,
    JourneyMigrated,
    JourneyPaused,
    JourneyResumed,
    JourneyStarted,
    SlaBreached,
    SlaScope,
    StepCompleted,
    StepEntered,
    StepFailed,
    StepSkipped,
    StepTimedOut,
)

NOTHING_DECIDED: Final = "no promise was met or breached"


class PromiseState(StrEnum):
    """What became of a promise."""

    MET = "met"  # done before it was due
    BREACHED = "breached"  # not done when it was due, whether that has been told or not
    RUNNING = "running"  # open, and not due yet
    PAUSED = "paused"  # open, its clock stopped with time left
    VOID = "void"  # left without being done before it was due: skipped, failed, abandoned


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """A promise for a whole journey (`step` and `visit` are None), or for one visit of a step.

    `made_at`: when the journey started, or the step was entered. `due_at`: until when it is to be done; None while the
    clock is stopped, when `remaining` holds the seconds that are left: 0 where it was overdue already.
    `breached`: whether it was told as broken. `ended_at`: when it was done or left; `done` says which.
    """

    step: str | None = None
    visit: int | None = None
    made_at: datetime
    due_at: datetime | None
    remaining: float | None = None
    breached: bool = False
    ended_at: datetime | None = None
    done: bool = False

    def state(self, now: datetime) -> PromiseState:
        """What became of it by now. Due at the very moment is breached, as `domain.promise` tells it."""
        ended = self.ended_at if self.ended_at is not None else now
        if self.breached or self.remaining == 0 or (self.due_at is not None and self.due_at <= ended):
            return PromiseState.BREACHED
        if self.ended_at is not None:
            return PromiseState.MET if self.done else PromiseState.VOID
        return PromiseState.RUNNING if self.due_at is not None else PromiseState.PAUSED


class Promises:
    """Reads what happened to one journey, in its order: its events, or what the database has kept of them."""

    def __init__(self) -> None:
        self._journey: Promise | None = None
        self._step: Promise | None = None  # of the visit that is open
        self._ended: list[Promise] = []

    @property
    def all(self) -> list[Promise]:
        """The promises made so far: of steps in the order in which they were left, of the open step, of the journey."""
        return [*self._ended, *filter(None, (self._step, self._journey))]

    def add(self, event: JourneyEvent) -> None:
        """What the event makes of the promises."""
        at = event.at
        match event:
            case JourneyStarted(sla_due_at=due):
                self.started(at, due)
            case StepEntered(step=step, visit=visit, sla_due_at=due):
                self.entered(step, visit, at, due)
            case StepCompleted(step=step):
                self.left(step, at, done=True)
            case StepSkipped(step=step) | StepFailed(step=step) | StepTimedOut(step=step):
                self.left(step, at, done=False)
            case JourneyPaused():
                self.paused(event.sla_remaining, event.step_sla_remaining)
            case JourneyResumed():
                self.resumed(event.sla_due_at, event.step_sla_due_at)
            case JourneyCompleted() | JourneyAbandoned():
                self.ended(at, done=isinstance(event, JourneyCompleted))
            case JourneyMigrated(current_step=step):
                self.moved(step)
            case SlaBreached(scope=scope):
                self.broken(scope)
            case _:
                pass

    def started(self, at: datetime, due: datetime | None) -> None:
        """The journey began, with a promise where something is due."""
        self._journey = None if due is None else Promise(made_at=at, due_at=due)

    def entered(self, step: str, visit: int, at: datetime, due: datetime | None) -> None:
        """A visit of a step began; the one before is over."""
        self._leave(at, done=False)
        self._step = None if due is None else Promise(step=step, visit=visit, made_at=at, due_at=due)

    def left(self, step: str, at: datetime, *, done: bool) -> None:
        """The step was completed, or left without that."""
        if self._step is not None and self._step.step == step:
            self._leave(at, done=done)

    def paused(self, remaining: float | None, of_step: float | None) -> None:
        """The clock stopped with so many seconds left."""
        self._journey, self._step = _stopped(self._journey, remaining), _stopped(self._step, of_step)

    def resumed(self, due: datetime | None, of_step: datetime | None) -> None:
        """The clock runs again."""
        self._journey, self._step = _running(self._journey, due), _running(self._step, of_step)

    def ended(self, at: datetime, *, done: bool) -> None:
        """The journey was completed, or given up."""
        self._leave(at, done=False)
        if self._journey is not None:
            self._journey = replace(self._journey, ended_at=at, done=done)

    def moved(self, step: str) -> None:
        """The open visit is one of this step now: the journey follows another version."""
        if self._step is not None:
            self._step = replace(self._step, step=step)

    def broken(self, scope: SlaScope) -> None:
        """It was told that the open promise is broken."""
        if scope is SlaScope.JOURNEY:
            self._journey = _broken(self._journey)
        else:
            self._step = _broken(self._step)

    def _leave(self, at: datetime, *, done: bool) -> None:
        if self._step is not None:
            self._ended.append(replace(self._step, ended_at=at, done=done))
        self._step = None


def promises(history: Iterable[JourneyEvent]) -> list[Promise]:
    """The promises of one journey, from all its events so far, in their order."""
    read = Promises()
    for event in history:
        read.add(event)
    return read.all


def _stopped(promise: Promise | None, remaining: float | None) -> Promise | None:
    return None if promise is None else replace(promise, due_at=None, remaining=remaining)


def _running(promise: Promise | None, due: datetime | None) -> Promise | None:
    return None if promise is None else replace(promise, due_at=due, remaining=None)


def _broken(promise: Promise | None) -> Promise | None:
    return None if promise is None else replace(promise, breached=True)


def compliance(met: int, breached: int) -> Figure:
    """met / (met + breached), from 0 to 1. Nothing met or breached is null, not 1 (`semantics`, section Analytics)."""
    return ratio(met, met + breached, reason=NOTHING_DECIDED)


@dataclass(frozen=True, slots=True)
class SlaRow:
    """How many promises became what: of a template's journeys (`step` is None), or of the visits of one of its steps.

    In a total `template_id` and `step` are None. `compliance` is from 0 to 1.
    """

    template_id: str | None
    step: str | None
    counts: Mapping[PromiseState, int]
    compliance: Figure


@dataclass(frozen=True, slots=True)
class SlaReport:
    """`rows` by template, its journeys before its steps. `journeys` and `steps` add up those of all templates."""

    rows: tuple[SlaRow, ...]
    journeys: SlaRow
    steps: SlaRow


class SlaTally:
    """Adds up promises one at a time, or counts that the database has grouped; the scope's range says when a promise
    was made, and its `now` what is overdue."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._counts: Counter[tuple[str, str | None, PromiseState]] = Counter()

    def add(self, template_id: str, promises: Iterable[Promise]) -> None:
        """Promises of journeys of this template, as they are when the report is made."""
        for each in promises:
            if self._scope.begins <= each.made_at < self._scope.ends:
                self.add_count(template_id, each.step, each.state(self._scope.now))

    def add_count(self, template_id: str, step: str | None, state: PromiseState, count: int = 1) -> None:
        """So many promises of the scope's range, of this template's journeys or of one step, became this."""
        self._counts[template_id, step, state] += count

    def report(self) -> SlaReport:
        """What was added so far. Without a promise it has no rows, and totals without a figure."""
        named = {(template, step) for template, step, _ in self._counts}
        return SlaReport(
            tuple(
                self._row(template, step, [(template, step)])
                for template, step in sorted(
                    named, key=lambda name: (name[0], name[1] is not None, name[1] or "")
                )
            ),
            self._row(None, None, [name for name in named if name[1] is None]),
            self._row(None, None, [name for name in named if name[1] is not None]),
        )

    def _row(self, template: str | None, step: str | None, names: Iterable[tuple[str, str | None]]) -> SlaRow:
        of = list(names)
        counts = {state: sum(self._counts[*name, state] for name in of) for state in PromiseState}
        figure = compliance(counts[PromiseState.MET], counts[PromiseState.BREACHED])
        return SlaRow(template, step, counts, figure)

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
    """Reads the events of one journey in their order."""

    def __init__(self) -> None:
        self._journey: Promise | None = None
        self._step: Promise | None = None  # of the visit that is open
        self._ended: list[Promise] = []

    @property
    def all(self) -> list[Promise]:
        """The promises made so far: of steps in the order in which they were left, of the open step, of the journey."""
        return [*self._ended, *filter(None, (self._step, self._journey))]

    def add(self, event: JourneyEvent) -> None:  # noqa: PLR0912  # a branch for each event
        """What the event makes of the promises."""
        at = event.at
        match event:
            case JourneyStarted(sla_due_at=datetime() as due):
                self._journey = Promise(made_at=at, due_at=due)
            case StepEntered(step=step, visit=visit, sla_due_at=due):
                self._leave(at, done=False)
                self._step = None if due is None else Promise(step=step, visit=visit, made_at=at, due_at=due)
            case StepCompleted(step=step):
                if self._is_at(step):
                    self._leave(at, done=True)
            case StepSkipped(step=step) | StepFailed(step=step) | StepTimedOut(step=step):
                if self._is_at(step):
                    self._leave(at, done=False)
            case JourneyPaused():
                self._journey = _stopped(self._journey, event.sla_remaining)
                self._step = _stopped(self._step, event.step_sla_remaining)
            case JourneyResumed():
                self._journey = _running(self._journey, event.sla_due_at)
                self._step = _running(self._step, event.step_sla_due_at)
            case JourneyCompleted() | JourneyAbandoned():
                done = isinstance(event, JourneyCompleted)
                self._leave(at, done=False)
                if self._journey is not None:
                    self._journey = replace(self._journey, ended_at=at, done=done)
            case JourneyMigrated(current_step=step):
                if self._step is not None:
                    self._step = replace(self._step, step=step)
            case SlaBreached(scope=SlaScope.JOURNEY):
                if self._journey is not None:
                    self._journey = replace(self._journey, breached=True)
            case SlaBreached():
                if self._step is not None:
                    self._step = replace(self._step, breached=True)
            case _:
                pass

    def _is_at(self, step: str) -> bool:
        return self._step is not None and self._step.step == step

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

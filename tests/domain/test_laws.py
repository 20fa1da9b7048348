"""Whatever is done to whatever journey, in whatever order: what holds all the same."""

from copy import deepcopy
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

import pytest
from hypothesis import event as note
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import walk
from domain.authoring import problems
from domain.errors import DomainError
from domain.events import HandoffStatus, StepState
from domain.journey import Journey, Status
from domain.journey_events import (
    HandoffEnded,
    HandoffRequested,
    HandoffWithdrawn,
    JourneyCompleted,
    JourneyEvent,
    StepCompleted,
    StepEntered,
    StepRetried,
)
from domain.journey_fold import evolve
from domain.story import entry_unmet, exit_unmet
from domain.template import Definition
from domain.values import JsonObject
from domain.work_events import ActionRequested, ChildRequested, WorkEnded, WorkWithdrawn
from tests.domain.samples import NOON, after, events_of_start, told
from tests.domain.strategies import Move, Subject, contexts, definitions, moves

FAILED = HandoffStatus.FAILED
LEGAL = {
    Status.ACTIVE: {Status.PAUSED, Status.COMPLETED, Status.FAILED, Status.ABANDONED},
    Status.PAUSED: {Status.ACTIVE, Status.ABANDONED},
    Status.FAILED: {Status.ACTIVE, Status.ABANDONED},
    Status.COMPLETED: set(),
    Status.ABANDONED: set(),
}


@settings(max_examples=200, deadline=None)
@given(definitions(), contexts, st.lists(moves(), min_size=8, max_size=24))
def test_no_sequence_of_commands_breaks_a_law(
    template: Definition, context: JsonObject, tried: list[Move]
) -> None:
    history = events_of_start(template, context=context)
    subject = Subject(told(history), template, NOON)
    check_journey(subject)
    for move in tried:
        subject = replace(subject, at=subject.at + move.wait)
        before = deepcopy(subject.journey)
        try:
            events = move.command(subject)
        except DomainError:
            assert subject.journey == before
            continue
        finally:
            assert subject.journey == before
        note(f"{move.name} from {before.status}")
        if not events:
            continue
        assert before.status.live
        subject = move.arrived(subject)
        check_events(subject, events, subject.at)
        subject = replace(subject, journey=after(subject.journey, events))
        check_journey(subject)
        history += events
    assert told(history) == subject.journey
    check_work(history, subject.journey)


def check_events(subject: Subject, events: list[JourneyEvent], at: datetime) -> None:
    """The events of one command, each in the light of the journey before it."""
    assert all(event.at == at for event in events)
    walked = [event for event in events if not isinstance(event, HandoffWithdrawn | WorkWithdrawn)]
    assert not any(isinstance(event, JourneyCompleted) for event in walked[:-1])
    journey, retried = subject.journey, False
    for event in events:
        match event:
            case StepEntered(step=id, visit=visit):
                entered = subject.definition.step(id)
                assert entered is not None
                assert retried or entry_unmet(journey, entered) == ()
                assert visit == journey.visit(id).visit + 1
                assert not journey.visit(id).state.done
            case StepCompleted(step=id, visit=visit):
                assert id == journey.current_step
                assert journey.current.state is StepState.ACTIVE
                assert visit == journey.current.visit
                assert exit_unmet(journey, subject.definition) == ()
            case _:
                pass
        retried = isinstance(event, StepRetried)
        was, journey = journey, evolve(journey, event)
        assert journey.status is was.status or journey.status in LEGAL[was.status]
        assert journey.last_activity >= was.last_activity


def check_journey(subject: Subject) -> None:
    """A journey between two commands."""
    journey, template = subject.journey, subject.definition
    assert [visit.id for visit in journey.steps] == [step.id for step in template.steps]
    assert template.step(journey.current_step) is not None
    assert 0 <= journey.progress <= 100
    assert journey.progress < 100 or journey.status is Status.COMPLETED
    check_current_step(journey)
    check_clock(journey)
    assert journey.awaited is None or journey.current.state is StepState.ACTIVE
    assert None not in journey.context.values()
    assert walk.go_on(journey, template, at=subject.at) == [], "it had more to do by itself"


def check_work(history: list[JourneyEvent], journey: Journey) -> None:
    """All work that was asked for is awaited, was withdrawn, or has ended; none is forgotten or ends twice."""
    over, asked = [], []
    for each in history:
        match each:
            case HandoffRequested(handoff_id=id) | ActionRequested(work_id=id) | ChildRequested(work_id=id):
                asked.append(id)
            case HandoffEnded(handoff_id=id) | WorkEnded(work_id=id) if each.status is not FAILED:
                over.append(id)
            case HandoffWithdrawn(handoff_id=id) | WorkWithdrawn(work_id=id):
                over.append(id)
            case _:
                pass
    awaited = {journey.awaited.id} if journey.awaited is not None else set()
    assert len(set(over)) == len(over)
    assert set(asked) == set(over) | awaited
    assert len(set(asked)) == len(asked)


def check_current_step(journey: Journey) -> None:
    underway = (StepState.ACTIVE, StepState.BLOCKED, StepState.FAILED)
    assert {visit.id for visit in journey.steps if visit.state in underway} <= {journey.current_step}
    waits = journey.current.state is StepState.BLOCKED and journey.status in (Status.ACTIVE, Status.PAUSED)
    assert bool(journey.blocked_by) is waits
    assert (journey.status is Status.FAILED) <= (journey.current.state is StepState.FAILED)
    for visit in journey.steps:
        assert (visit.entered_at is None) is (visit.visit == 0)
        assert visit.entered_at is None or visit.ended_at is None or visit.entered_at <= visit.ended_at


def check_clock(journey: Journey) -> None:
    assert (journey.ended_at is not None) is (journey.status in (Status.COMPLETED, Status.ABANDONED))
    if journey.due_at is not None:
        assert journey.status is Status.ACTIVE
        assert journey.current.state is StepState.ACTIVE
    assert journey.remaining_seconds is None or journey.status is Status.PAUSED
    assert journey.wake_at == journey.due_at


@settings(max_examples=100, deadline=None)
@given(
    definitions(),
    contexts,
    st.lists(moves(), min_size=1, max_size=6),
    st.sampled_from(("abandon", "complete")),
)
def test_nothing_moves_a_journey_that_has_ended(
    template: Definition, context: JsonObject, tried: list[Move], end: str
) -> None:
    status = {"abandon": Status.ABANDONED, "complete": Status.COMPLETED}[end]
    ended = replace(
        told(events_of_start(template, context=context)), status=status, ended_at=NOON, due_at=None
    )
    for move in tried:
        if move.name in ("time out", "go on", "hand back", "carry on"):
            assert move.command(Subject(ended, template, NOON)) == []
        else:
            with pytest.raises(DomainError):
                move.command(Subject(ended, template, NOON))


@given(definitions())
def test_the_templates_these_laws_are_tried_on_are_valid(template: Definition) -> None:
    assert problems(template) == []
    assert all(one.order < other.order for one, other in pairwise(template.steps))

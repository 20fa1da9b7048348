"""Steps that fail or run out of time, and the retry that is a new visit."""

from datetime import timedelta

import pytest

from domain import steer, walk
from domain.condition import Condition, Operator, ValueType
from domain.errors import IllegalTransition, InvalidInput
from domain.events import StepState
from domain.journey import Status
from domain.journey_events import StepFailed, StepTimedOut
from tests.domain.samples import NOON, after, definition, later, started, step, types

SCORE = Condition("score", Operator.GREATER_THAN, 50, ValueType.NUMBER)


def test_a_failed_step_fails_the_journey_and_a_retry_is_a_new_visit() -> None:
    template = definition("a", "b")
    journey = started(template)
    failure = walk.fail(journey, reason="no line", at=later(minutes=1))
    assert types(failure) == ["step_failed", "failed"]
    journey = after(journey, failure)
    assert (journey.status, journey.current.state, journey.current.reason) == (
        Status.FAILED,
        StepState.FAILED,
        "no line",
    )
    assert journey.ended_at is None
    retry = walk.retry(journey, template, at=later(minutes=2), reason="line mended")
    assert types(retry) == ["step_retried", "step_entered"]
    journey = after(journey, retry)
    assert (journey.status, journey.current.state, journey.current.visit) == (
        Status.ACTIVE,
        StepState.ACTIVE,
        2,
    )
    assert (journey.current.entered_at, journey.current.reason) == (later(minutes=2), None)


def test_a_failure_names_the_visit_that_failed() -> None:
    template = definition("a")
    journey = started(template)
    for visit in (1, 2, 3):
        failure = walk.fail(journey, reason="no line", at=NOON)
        assert isinstance(failure[0], StepFailed)
        assert failure[0].visit == visit
        journey = after(journey, failure)
        journey = after(journey, walk.retry(journey, template, at=NOON))


def test_only_a_step_under_way_fails_and_only_for_a_reason() -> None:
    with pytest.raises(InvalidInput):
        walk.fail(started(definition("a")), reason=" ", at=NOON)
    waiting = started(definition(step("a", 1, entry_conditions=(SCORE,))))
    with pytest.raises(IllegalTransition, match="blocked"):
        walk.fail(waiting, reason="no line", at=NOON)


def test_only_a_failed_journey_is_retried() -> None:
    template = definition("a")
    with pytest.raises(IllegalTransition):
        walk.retry(started(template), template, at=NOON)


def test_a_step_times_out_when_its_time_is_over_and_not_before() -> None:
    template = definition(step("a", 1, max_duration=timedelta(minutes=10)), "b")
    journey = started(template)
    assert journey.due_at == journey.wake_at == later(minutes=10)
    assert walk.time_out(journey, at=later(minutes=9, seconds=59)) == []
    events = walk.time_out(journey, at=later(minutes=10))
    assert types(events) == ["step_timed_out", "failed"]
    assert isinstance(events[0], StepTimedOut)
    assert events[0].due_at == later(minutes=10)
    journey = after(journey, events)
    assert (journey.status, journey.due_at) == (Status.FAILED, None)
    assert walk.time_out(journey, at=later(minutes=11)) == [], "a second worker's is a no-op"
    journey = after(journey, walk.retry(journey, template, at=later(minutes=20)))
    assert journey.due_at == later(minutes=30), "the retry has the whole time again"


def test_a_step_without_a_limit_leaves_no_time_from_the_one_before() -> None:
    template = definition(step("a", 1, max_duration=timedelta(minutes=10)), "b")
    journey = started(template)
    journey = after(journey, walk.advance(journey, template, at=NOON))
    assert journey.due_at is None
    assert walk.time_out(journey, at=later(days=1)) == []


def test_a_journey_that_waits_before_a_step_has_no_time_running() -> None:
    template = definition(step("a", 1, max_duration=timedelta(minutes=10), entry_conditions=(SCORE,)))
    journey = started(template)
    assert journey.due_at is None
    journey = after(
        journey, steer.update_context(journey, template, changes={"score": 60}, at=later(hours=1))
    )
    assert journey.due_at == later(hours=1, minutes=10)

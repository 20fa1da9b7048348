"""Steering: pause and resume, ends, assignment, priority, and context."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import steer, walk
from domain.condition import Condition, Operator
from domain.errors import ConditionsNotMet, IllegalTransition, InvalidInput
from domain.events import Priority, StepState
from domain.journey import Journey, Status
from domain.journey_events import JourneyEvent, JourneyPaused, JourneyResumed
from domain.template import Settings
from domain.values import JsonObject
from tests.domain.samples import NOON, after, definition, later, started, states, step, types
from tests.domain.strategies import contexts

LIMITED = definition(step("a", 1, max_duration=timedelta(minutes=10)), "b")
READY = Condition("ready", Operator.EXISTS)
MANUAL = definition("a", "b", settings=Settings(allow_skip_steps=True))
LIVE = {Status.ACTIVE, Status.PAUSED, Status.FAILED}


def in_state(status: Status) -> Journey:
    """A journey of MANUAL in this state."""
    journey = started(MANUAL)
    events: dict[Status, Callable[[], list[JourneyEvent]]] = {
        Status.ACTIVE: list,
        Status.PAUSED: lambda: steer.pause(journey, at=NOON),
        Status.FAILED: lambda: walk.fail(journey, reason="no line", at=NOON),
        Status.COMPLETED: lambda: steer.complete(journey, MANUAL, at=NOON),
        Status.ABANDONED: lambda: steer.abandon(journey, at=NOON),
    }
    return after(journey, events[status]())


COMMANDS: dict[str, tuple[Callable[[Journey], object], set[Status]]] = {
    "advance": (lambda j: walk.advance(j, MANUAL, at=NOON), {Status.ACTIVE}),
    "skip": (lambda j: walk.skip(j, MANUAL, step="b", reason="known", at=NOON), {Status.ACTIVE}),
    "fail": (lambda j: walk.fail(j, reason="no line", at=NOON), {Status.ACTIVE}),
    "retry": (lambda j: walk.retry(j, MANUAL, at=NOON), {Status.FAILED}),
    "pause": (lambda j: steer.pause(j, at=NOON), {Status.ACTIVE}),
    "resume": (lambda j: steer.resume(j, MANUAL, at=NOON), {Status.PAUSED}),
    "complete": (lambda j: steer.complete(j, MANUAL, at=NOON), {Status.ACTIVE}),
    "abandon": (lambda j: steer.abandon(j, at=NOON), LIVE),
    "assign": (lambda j: steer.assign(j, user="anna", team=None, at=NOON), LIVE),
    "prioritise": (lambda j: steer.set_priority(j, MANUAL, priority=Priority.LOW, at=NOON), LIVE),
    "update": (lambda j: steer.update_context(j, MANUAL, changes={"x": 1}, at=NOON), LIVE),
    "migrate": (lambda j: steer.migrate(j, MANUAL, 2, step_map={}, at=NOON), LIVE),
}


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("name", list(COMMANDS))
def test_each_command_is_legal_in_the_states_that_the_table_names(name: str, status: Status) -> None:
    command, legal = COMMANDS[name]
    journey = in_state(status)
    assert journey.status is status
    if status in legal:
        assert command(journey)
    else:
        with pytest.raises(IllegalTransition, match=status.value):
            command(journey)


# Pause and resume


@given(st.integers(0, 600_000), st.integers(0, 10**9))
def test_a_pause_keeps_the_time_left_to_the_millisecond(spent: int, paused: int) -> None:
    journey = started(LIMITED)
    stopped = later(milliseconds=spent)
    journey = after(journey, steer.pause(journey, at=stopped))
    assert (journey.due_at, journey.wake_at) == (None, None)
    resumed = stopped + timedelta(milliseconds=paused)
    journey = after(journey, steer.resume(journey, LIMITED, at=resumed))
    assert journey.due_at is not None
    assert journey.due_at - resumed == timedelta(minutes=10) - timedelta(milliseconds=spent)
    assert journey.remaining_seconds is None


def test_a_journey_paused_when_it_was_overdue_is_due_at_once_when_it_is_resumed() -> None:
    journey = started(LIMITED)
    journey = after(journey, steer.pause(journey, at=later(hours=1)))
    assert journey.remaining_seconds == 0
    assert walk.time_out(journey, at=later(hours=2)) == [], "a paused journey does not time out"
    journey = after(journey, steer.resume(journey, LIMITED, at=later(hours=3)))
    assert types(walk.time_out(journey, at=later(hours=3))) == ["step_timed_out", "failed"]


def test_a_step_without_a_limit_has_no_time_left_to_keep() -> None:
    journey = started(MANUAL)
    [paused] = steer.pause(journey, at=NOON, reason="holiday")
    assert paused == JourneyPaused(at=NOON, reason="holiday", remaining_seconds=None)
    [resumed] = steer.resume(after(journey, [paused]), MANUAL, at=NOON)
    assert resumed == JourneyResumed(at=NOON, due_at=None)


def test_what_became_possible_during_a_pause_is_done_on_resume() -> None:
    template = definition(step("a", 1, entry_conditions=(READY,)))
    journey = started(template)
    journey = after(journey, steer.pause(journey, at=NOON))
    changed = steer.update_context(journey, template, changes={"ready": True}, at=NOON)
    assert types(changed) == ["context_updated"], "a paused journey stands still"
    journey = after(journey, changed)
    assert types(steer.resume(journey, template, at=NOON)) == ["resumed", "step_entered"]


# Ends


def test_completing_a_journey_completes_its_step_and_leaves_later_ones_undone() -> None:
    journey = in_state(Status.COMPLETED)
    assert states(journey) == {"a": StepState.COMPLETED, "b": StepState.PENDING}
    assert journey.progress == 50
    assert journey.ended_at == NOON


def test_a_journey_is_not_completed_against_its_steps_exit_conditions() -> None:
    template = definition(step("a", 1, exit_conditions=(READY,)))
    with pytest.raises(ConditionsNotMet):
        steer.complete(started(template), template, at=NOON)


def test_an_abandoned_journey_keeps_the_reason_and_waits_for_nothing() -> None:
    template = definition(step("a", 1, entry_conditions=(READY,)))
    journey = started(template)
    assert journey.blocked_by
    journey = after(journey, steer.abandon(journey, at=later(hours=1), reason="moved away"))
    assert (journey.end_reason, journey.ended_at, journey.blocked_by) == ("moved away", later(hours=1), ())


def test_nothing_is_due_in_a_journey_that_has_ended() -> None:
    journey = started(LIMITED)
    assert after(journey, steer.abandon(journey, at=NOON)).wake_at is None
    paused = after(journey, steer.pause(journey, at=NOON))
    assert after(paused, steer.abandon(paused, at=NOON)).remaining_seconds is None


# Assignment, priority, context


def test_a_journey_is_assigned_to_a_person_and_a_team_or_nobody() -> None:
    journey = started(MANUAL, assigned_to="anna", assigned_team="field")
    journey = after(journey, steer.assign(journey, user="ben", team=None, at=NOON))
    assert (journey.assigned_to, journey.assigned_team) == ("ben", None)


def test_a_change_of_priority_tells_the_old_and_the_new_one() -> None:
    journey = started(MANUAL)
    [event] = steer.set_priority(journey, MANUAL, priority=Priority.URGENT, at=NOON)
    assert (event.from_priority, event.to_priority) == (Priority.MEDIUM, Priority.URGENT)  # type: ignore[union-attr]
    assert after(journey, [event]).priority is Priority.URGENT


@given(contexts, contexts)
def test_an_update_is_a_merge_in_which_null_removes_a_key(context: JsonObject, changes: JsonObject) -> None:
    journey = started(MANUAL, context=context)
    if changes:
        journey = after(journey, steer.update_context(journey, MANUAL, changes=changes, at=NOON))
    for key in {*context, *changes}:
        assert journey.context.get(key) == changes.get(key, context.get(key))
        assert (key in journey.context) is (journey.context.get(key) is not None)


def test_a_merge_is_at_the_top_level_only() -> None:
    journey = started(MANUAL, context={"plan": {"name": "fiber", "speed": 100}})
    journey = after(journey, steer.update_context(journey, MANUAL, changes={"plan": {"speed": 500}}, at=NOON))
    assert journey.context == {"plan": {"speed": 500}}


def test_linking_the_customer_keeps_the_lead_and_may_open_the_way() -> None:
    template = definition(step("a", 1, required_data=("customerId",)))
    journey = started(template, lead_id="l-1")
    events = steer.update_context(journey, template, changes={}, customer_id="c-1", at=NOON)
    assert types(events) == ["customer_linked", "step_entered"]
    journey = after(journey, events)
    assert (journey.customer_id, journey.lead_id) == ("c-1", "l-1")
    assert steer.update_context(journey, template, changes={}, customer_id="c-1", at=NOON) == []


def test_an_update_of_nothing_is_refused() -> None:
    with pytest.raises(InvalidInput):
        steer.update_context(started(MANUAL), MANUAL, changes={}, at=NOON)

"""Advancing and skipping: what is entered, what is refused, and that a refusal names all that failed."""

import pytest

from domain import walk
from domain.condition import Condition, Operator, ValueType
from domain.errors import ConditionsNotMet, IllegalTransition, InvalidInput, NotFound
from domain.events import StepState
from domain.journey import Status
from domain.journey_events import StepCompleted
from domain.template import Settings, Stage, StepType
from tests.domain.samples import NOON, after, definition, later, started, states, step, types

SKIPPING = Settings(allow_skip_steps=True)
SCORE = Condition("score", Operator.GREATER_THAN, 50, ValueType.NUMBER)
SIGNED = Condition("signed", Operator.EQUALS, True)


def test_advancing_completes_the_step_and_enters_the_next_until_the_end() -> None:
    template = definition("a", "b")
    journey = started(template)
    first = walk.advance(journey, template, at=later(minutes=1))
    assert types(first) == ["step_completed", "step_entered"]
    journey = after(journey, first)
    assert (journey.current_step, journey.progress) == ("b", 50)
    last = walk.advance(journey, template, at=later(minutes=2))
    assert types(last) == ["step_completed", "completed"]
    journey = after(journey, last)
    assert (journey.status, journey.progress, journey.ended_at) == (Status.COMPLETED, 100, later(minutes=2))


def test_a_step_completed_by_a_person_is_not_automatic() -> None:
    template = definition("a", "b")
    [done, _] = walk.advance(started(template), template, at=NOON)
    assert isinstance(done, StepCompleted)
    assert not done.automatic


def test_a_step_of_another_stage_changes_the_stage() -> None:
    template = definition("a", step("b", 2, stage=Stage.CUSTOMER), step("c", 3, stage=Stage.CUSTOMER))
    journey = started(template)
    events = walk.advance(journey, template, at=NOON)
    assert types(events) == ["step_completed", "step_entered", "stage_changed"]
    journey = after(journey, events)
    assert journey.stage is Stage.CUSTOMER
    assert "stage_changed" not in types(walk.advance(journey, template, at=NOON))


def test_a_refusal_names_every_condition_that_failed_and_changes_nothing() -> None:
    template = definition(
        step("a", 1, exit_conditions=(SIGNED,)),
        "b",
        step("c", 3, entry_conditions=(SCORE,), required_data=("plan",), dependencies=("b",)),
    )
    journey = started(template, context={"score": 10, "signed": False})
    with pytest.raises(ConditionsNotMet) as refused:
        walk.advance(journey, template, at=NOON, to="c")
    seen = {each.condition.field: each.condition.seen for each in refused.value.problems}  # type: ignore[attr-defined]
    assert seen == {"signed": False, "steps.b": "pending", "plan": None, "score": 10}
    assert journey == started(template, context={"score": 10, "signed": False})


def test_conditions_stop_the_last_step_too() -> None:
    template = definition(step("a", 1, exit_conditions=(SIGNED,)))
    with pytest.raises(ConditionsNotMet):
        walk.advance(started(template), template, at=NOON)


def test_the_step_just_completed_counts_as_done_for_the_next() -> None:
    template = definition("a", step("b", 2, dependencies=("a",)))
    assert after(started(template), walk.advance(started(template), template, at=NOON)).current_step == "b"


def test_a_named_step_may_lie_ahead_or_behind_if_it_is_not_done() -> None:
    template = definition("a", "b", "c")
    journey = started(template)
    journey = after(journey, walk.advance(journey, template, at=NOON, to="c"))
    assert states(journey) == {"a": StepState.COMPLETED, "b": StepState.PENDING, "c": StepState.ACTIVE}
    journey = after(journey, walk.advance(journey, template, at=NOON, to="b"))
    assert journey.current_step == "b"
    journey = after(journey, walk.advance(journey, template, at=NOON))
    assert (journey.status, journey.progress) == (Status.COMPLETED, 100)


def test_a_completed_journey_that_left_steps_out_is_not_at_100() -> None:
    template = definition("a", "b", "c")
    journey = started(template)
    journey = after(journey, walk.advance(journey, template, at=NOON, to="c"))
    journey = after(journey, walk.advance(journey, template, at=NOON))
    assert (journey.status, journey.progress) == (Status.COMPLETED, 66)


def test_a_step_that_is_done_or_unknown_is_not_entered() -> None:
    template = definition("a", "b")
    journey = started(template)
    with pytest.raises(NotFound):
        walk.advance(journey, template, at=NOON, to="z")
    with pytest.raises(IllegalTransition, match="'a' is completed already"):
        walk.advance(journey, template, at=NOON, to="a")


def test_advancing_a_journey_that_waits_enters_its_step_or_says_why_not() -> None:
    template = definition(step("a", 1, entry_conditions=(SCORE,)), "b")
    journey = started(template)
    with pytest.raises(ConditionsNotMet):
        walk.advance(journey, template, at=NOON)


def test_a_step_the_journey_waited_before_is_pending_again_once_it_goes_elsewhere() -> None:
    template = definition(step("a", 1, entry_conditions=(SCORE,)), "b")
    journey = started(template)
    journey = after(journey, walk.advance(journey, template, at=NOON, to="b"))
    assert states(journey) == {"a": StepState.PENDING, "b": StepState.ACTIVE}
    assert journey.blocked_by == ()


def test_skipping_the_current_step_moves_on_and_keeps_the_reason() -> None:
    template = definition("a", "b", settings=SKIPPING)
    journey = started(template)
    journey = after(journey, walk.skip(journey, template, step="a", reason="known", at=NOON))
    assert (journey.current_step, journey.progress) == ("b", 50)
    assert (journey.visit("a").state, journey.visit("a").reason) == (StepState.SKIPPED, "known")
    assert types(walk.skip(journey, template, step="b", reason="known", at=NOON)) == [
        "step_skipped",
        "completed",
    ]


def test_a_later_step_can_be_skipped_ahead_and_is_passed_over() -> None:
    template = definition("a", "b", "c", settings=SKIPPING)
    journey = started(template)
    journey = after(journey, walk.skip(journey, template, step="b", reason="known", at=NOON))
    assert journey.current_step == "a"
    assert journey.visit("b").entered_at is None
    assert after(journey, walk.advance(journey, template, at=NOON)).current_step == "c"


def test_skipping_what_a_journey_waits_for_lets_it_go_on() -> None:
    template = definition(
        step("a", 1, entry_conditions=(SCORE,)),
        step("b", 2, type=StepType.AUTOMATED),
        step("c", 3, dependencies=("a",)),
        settings=Settings(auto_progress=True, allow_skip_steps=True),
    )
    journey = started(template)
    journey = after(journey, walk.advance(journey, template, at=NOON, to="b"))
    assert (journey.current_step, journey.current.state) == ("c", StepState.BLOCKED)
    events = walk.skip(journey, template, step="a", reason="no score", at=NOON)
    assert types(events) == ["step_skipped", "step_entered"]


def test_a_skip_needs_the_templates_leave_a_reason_and_a_step_not_done() -> None:
    template = definition("a", "b", settings=SKIPPING)
    journey = started(template)
    with pytest.raises(IllegalTransition, match="does not allow"):
        walk.skip(journey, definition("a", "b"), step="a", reason="known", at=NOON)
    with pytest.raises(InvalidInput):
        walk.skip(journey, template, step="a", reason=" ", at=NOON)
    with pytest.raises(NotFound):
        walk.skip(journey, template, step="z", reason="known", at=NOON)
    journey = after(journey, walk.advance(journey, template, at=NOON))
    with pytest.raises(IllegalTransition, match="completed already"):
        walk.skip(journey, template, step="a", reason="known", at=NOON)

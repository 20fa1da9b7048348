"""Moving a journey to another version of its template: what its steps keep, and what the map says."""

import pytest

from domain import steer, walk
from domain.condition import Condition, Operator
from domain.errors import IllegalTransition, InvalidInput
from domain.events import StepState, StepVisit
from domain.journey import Status
from domain.journey_events import JourneyMigrated
from domain.template import Settings, Stage, StepType
from tests.domain.samples import NOON, after, definition, later, started, states, step, types

READY = Condition("ready", Operator.EXISTS)
MANUAL = definition("a", "b")
BY_ITSELF = Settings(auto_progress=True)


def test_a_migrated_journey_keeps_what_its_steps_went_through() -> None:
    old = definition("a", "b", "c")
    new = definition("a", "extra", "b", "c")
    journey = started(old)
    journey = after(journey, walk.advance(journey, old, at=later(minutes=1)))
    [event] = steer.migrate(journey, new, 2, step_map={}, at=later(minutes=2))
    assert isinstance(event, JourneyMigrated)
    assert (event.from_version, event.to_version) == (1, 2)
    moved = after(journey, [event])
    assert (moved.template_version, moved.current_step) == (2, "b")
    assert states(moved) == {
        "a": StepState.COMPLETED,
        "extra": StepState.PENDING,
        "b": StepState.ACTIVE,
        "c": StepState.PENDING,
    }
    assert moved.visit("a") == journey.visit("a")
    assert after(moved, walk.advance(moved, new, at=later(minutes=3))).current_step == "c"


def test_the_map_renames_steps_and_the_current_one_with_them() -> None:
    old = definition("ask", "offer")
    new = definition("question", "offer")
    journey = started(old)
    moved = after(journey, steer.migrate(journey, new, 2, step_map={"ask": "question"}, at=NOON))
    assert moved.current_step == "question"
    assert moved.current == StepVisit("question", StepState.ACTIVE, 1, entered_at=NOON)


def test_where_two_steps_become_one_the_current_one_counts_then_the_later_one() -> None:
    old = definition("a", "b", "c")
    journey = started(old)
    journey = after(journey, walk.advance(journey, old, at=later(minutes=1)))
    merged = definition("ab", "c")
    moved = after(journey, steer.migrate(journey, merged, 2, step_map={"a": "ab", "b": "ab"}, at=NOON))
    assert (moved.current_step, moved.current.state) == ("ab", StepState.ACTIVE)
    journey = after(journey, walk.advance(journey, old, at=later(minutes=2)))
    moved = after(journey, steer.migrate(journey, merged, 2, step_map={"a": "ab", "b": "ab"}, at=NOON))
    assert moved.visit("ab").entered_at == later(minutes=1)
    assert states(moved) == {"ab": StepState.COMPLETED, "c": StepState.ACTIVE}


def test_the_current_step_must_have_a_place_in_the_new_version() -> None:
    journey = started(definition("a", "b"))
    with pytest.raises(InvalidInput) as refused:
        steer.migrate(journey, definition("b"), 2, step_map={}, at=NOON)
    assert [problem.path for problem in refused.value.problems] == [("stepMap", "a")]


def test_every_unknown_step_in_the_map_is_listed() -> None:
    journey = started(definition("a", "b"))
    with pytest.raises(InvalidInput) as refused:
        steer.migrate(journey, definition("a"), 2, step_map={"a": "y", "b": "z"}, at=NOON)
    assert [problem.path for problem in refused.value.problems] == [("stepMap", "a"), ("stepMap", "b")]


def test_a_journey_is_not_migrated_to_the_version_it_follows() -> None:
    with pytest.raises(IllegalTransition, match="version 1 already"):
        steer.migrate(started(MANUAL), MANUAL, 1, step_map={}, at=NOON)


def test_a_journey_that_waits_goes_on_where_the_new_version_asks_for_less() -> None:
    old = definition(step("a", 1, entry_conditions=(READY,)))
    journey = started(old)
    events = steer.migrate(journey, definition("a"), 2, step_map={}, at=NOON)
    assert types(events) == ["migrated", "step_entered"]


def test_a_journey_that_waits_does_not_take_on_the_stage_it_has_not_entered() -> None:
    check = step("check", 1, type=StepType.AUTOMATED)
    sell = step("sell", 2, entry_conditions=(READY,), stage=Stage.CUSTOMER)
    template = definition(check, sell, settings=Settings(auto_progress=True))
    journey = started(template)
    assert (journey.current_step, journey.stage) == ("sell", Stage.LEAD)
    assert types(steer.migrate(journey, template, 2, step_map={}, at=NOON)) == ["migrated"]


def test_a_journey_takes_on_the_stage_its_step_has_in_the_new_version() -> None:
    journey = started(MANUAL)
    target = definition(step("a", 1, stage=Stage.QUALIFIED), "b")
    events = steer.migrate(journey, target, 2, step_map={}, at=NOON)
    assert types(events) == ["migrated", "stage_changed"]
    assert after(journey, events).stage is Stage.QUALIFIED


def test_a_failed_journey_is_retried_in_its_new_version() -> None:
    journey = started(MANUAL)
    journey = after(journey, walk.fail(journey, reason="no line", at=NOON))
    target = definition("fresh", "b")
    journey = after(journey, steer.migrate(journey, target, 2, step_map={"a": "fresh"}, at=NOON))
    assert journey.status is Status.FAILED
    journey = after(journey, walk.retry(journey, target, at=NOON))
    assert (journey.current_step, journey.current.visit) == ("fresh", 2)


def test_where_the_current_step_is_one_of_two_that_become_one_the_journey_waits_as_before() -> None:
    old = definition(
        step("a", 1, type=StepType.AUTOMATED), step("b", 2, entry_conditions=(READY,)), settings=BY_ITSELF
    )
    journey = started(old)
    merged = definition(step("ab", 1, entry_conditions=(READY,)), settings=BY_ITSELF)
    moved = after(journey, steer.migrate(journey, merged, 2, step_map={"a": "ab", "b": "ab"}, at=NOON))
    assert moved.current.state is StepState.BLOCKED


def test_of_two_earlier_steps_that_become_one_the_one_visited_last_counts() -> None:
    old = definition("a", "b", "c", "d")
    journey = started(old)
    for minute, to in enumerate(("c", "b", "d"), 1):
        journey = after(journey, walk.advance(journey, old, at=later(minutes=minute), to=to))
    target = definition("a", "bc", "d")
    moved = after(
        journey, steer.migrate(journey, target, 2, step_map={"b": "bc", "c": "bc"}, at=later(minutes=4))
    )
    assert moved.visit("bc").entered_at == later(minutes=2)

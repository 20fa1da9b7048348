"""Steps that are left while their handoff is under way: it is withdrawn; a pending approval cannot be passed by."""

from collections.abc import Callable

import pytest

from domain import steer, walk
from domain.errors import ConditionsNotMet
from domain.journey import Journey
from domain.journey_events import (
    HandoffEnded,
    HandoffRequested,
    HandoffWithdrawn,
    JourneyEvent,
)
from tests.domain.handed import only
from tests.domain.samples import NOON, after, definition, later, started, step, types
from tests.domain.test_handback import ASK, CALL, FAST, FLOWING, S, calling, left


@pytest.mark.parametrize(
    "command",
    [
        lambda j: walk.advance(j, ASK, at=NOON),
        lambda j: walk.advance(j, ASK, to="b", at=NOON),
        lambda j: walk.skip(j, ASK, step="ask", reason="known", at=NOON),
        lambda j: steer.complete(j, ASK, at=NOON),
    ],
)
def test_a_pending_approval_is_not_passed_by_and_the_refusal_names_it(
    command: Callable[[Journey], object],
) -> None:
    journey = started(ASK)
    with pytest.raises(ConditionsNotMet) as refused:
        command(journey)
    [problem] = refused.value.problems
    assert (problem.path, problem.condition.seen) == (("approval",), "pending")  # type: ignore[attr-defined]


def test_a_handoff_that_needs_no_approval_may_be_passed_by() -> None:
    events = walk.advance(started(CALL), CALL, at=NOON)
    assert types(events) == ["step_completed", "step_entered", "handoff_withdrawn"]


# Leaving

OTHER = definition(step("call", 1), "b", settings=FLOWING)
GONE = definition("b", "call2", settings=FLOWING)
LEAVING: dict[str, Callable[[Journey], list[JourneyEvent]]] = {
    "advance": lambda j: walk.advance(j, CALL, at=NOON),
    "skip": lambda j: walk.skip(j, CALL, step="call", reason="known", at=NOON),
    "fail": lambda j: walk.fail(j, reason="no line", at=NOON),
    "abandon": lambda j: steer.abandon(j, at=NOON),
    "complete": lambda j: steer.complete(j, CALL, at=NOON),
    "migrate to a step of another kind": lambda j: steer.migrate(j, OTHER, 2, step_map={}, at=NOON),
    "migrate elsewhere": lambda j: steer.migrate(j, GONE, 2, step_map={"call": "b"}, at=NOON),
}


@pytest.mark.parametrize("failed", [False, True])
@pytest.mark.parametrize("name", list(LEAVING))
def test_leaving_a_step_withdraws_its_handoff(name: str, failed: bool) -> None:
    journey = started(CALL)
    assert journey.handoff is not None
    id = journey.handoff.id
    journey = left(journey, CALL, S.FAILED) if failed else journey
    events = LEAVING[name](journey)
    assert only(events, HandoffWithdrawn).handoff_id == id
    assert after(journey, events).handoff is None
    assert not after(journey, events).incident


def test_a_step_that_times_out_withdraws_its_handoff() -> None:
    template = definition(calling(max_duration=later(hours=1) - NOON))
    events = walk.time_out(started(template), at=later(hours=1))
    assert types(events) == ["step_timed_out", "failed", "handoff_withdrawn"]


def test_the_next_steps_handoff_is_not_withdrawn_with_the_last_one() -> None:
    template = definition(calling("a", 1), calling("b", 2))
    journey = started(template)
    events = walk.advance(journey, template, at=NOON)
    requested, withdrawn = only(events, HandoffRequested), only(events, HandoffWithdrawn)
    assert journey.handoff is not None
    assert withdrawn.handoff_id == journey.handoff.id
    now = after(journey, events).handoff
    assert now is not None
    assert now.id == requested.handoff_id


def test_what_happens_elsewhere_in_a_journey_withdraws_nothing() -> None:
    template = definition(calling(), "b", "c", settings=FLOWING)
    journey = started(template)
    for events in (
        walk.skip(journey, template, step="c", reason="known", at=NOON),
        steer.pause(journey, at=NOON),
        steer.update_context(journey, template, changes={"x": 1}, at=NOON),
        steer.migrate(journey, template, 2, step_map={}, at=NOON),
    ):
        assert "handoff_withdrawn" not in types(events)
        assert after(journey, events).handoff == journey.handoff


def test_a_result_that_was_taken_is_not_withdrawn() -> None:
    template = definition(calling(exit_conditions=(FAST,)), "b", settings=FLOWING)
    journey = left(started(template), template)
    events = walk.skip(journey, template, step="call", reason="known", at=NOON)
    assert "handoff_withdrawn" not in types(events)
    assert not any(isinstance(each, HandoffEnded) for each in events)

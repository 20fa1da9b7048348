"""Steps whose work is somebody else's: what a journey asks for, and what it makes of the end."""

from typing import Any

import pytest

from domain import handback, steer, walk
from domain.approval import ApprovalPolicy
from domain.condition import Condition, Operator, ValueType
from domain.events import HandoffStatus, StepState
from domain.journey import Journey, Status
from domain.journey_events import (
    HandoffRequested,
    IncidentOpened,
    JourneyEvent,
    StepCompleted,
)
from domain.template import Definition, Settings, Step, StepType
from tests.domain.handed import only
from tests.domain.samples import NOON, after, definition, events_of_start, started, states, step, types

S = HandoffStatus
FLOWING = Settings(auto_progress=True, allow_skip_steps=True)
FAST = Condition("speed", Operator.GREATER_THAN, 50, ValueType.NUMBER)


def calling(id: str = "call", order: int = 1, **rest: Any) -> Step:
    return step(id, order, type=StepType.INTEGRATION, package="crm", action="convert", **rest)


def approving(id: str = "ask", order: int = 1, **rest: Any) -> Step:
    return step(id, order, type=StepType.APPROVAL, **rest)


CALL = definition(calling(), "b", settings=FLOWING)
ASK = definition(approving(), "b", settings=FLOWING)


def ended(
    journey: Journey, template: Definition, status: S = S.COMPLETED, at: Any = NOON, **rest: Any
) -> list[JourneyEvent]:
    """What follows from the end of the handoff that the journey waits for."""
    assert journey.handoff is not None
    given = {"id": journey.handoff.id} | rest
    return handback.hand_back(journey, template, status=status, at=at, **given)


def left(journey: Journey, template: Definition, status: S = S.COMPLETED, **rest: Any) -> Journey:
    return after(journey, ended(journey, template, status, **rest))


# Asking


def test_entering_an_integration_asks_for_a_handoff_of_that_visit() -> None:
    requested = only(events_of_start(CALL), HandoffRequested)
    assert (requested.package, requested.action, requested.policy) == ("crm", "convert", None)
    assert (requested.step, requested.visit) == ("call", 1)
    assert started(CALL).current.state is StepState.ACTIVE


def test_an_approval_is_asked_for_with_the_steps_policy_or_the_usual_one() -> None:
    assert only(events_of_start(ASK), HandoffRequested).policy == ApprovalPolicy()
    own = definition(approving(approval=ApprovalPolicy(quorum=2)))
    assert only(events_of_start(own), HandoffRequested).policy == ApprovalPolicy(quorum=2)


def test_a_template_that_wants_approvals_wants_them_for_its_integrations_too() -> None:
    careful = definition(calling(), settings=Settings(require_approval=True))
    requested = only(events_of_start(careful), HandoffRequested)
    assert (requested.action, requested.policy) == ("convert", ApprovalPolicy())


def test_an_integration_without_anything_to_do_waits_like_a_manual_step() -> None:
    journey = started(definition(step("a", 1, type=StepType.INTEGRATION, package="crm"), "b"))
    assert journey.handoff is None
    assert journey.current.state is StepState.ACTIVE


def test_each_visit_has_a_handoff_of_its_own() -> None:
    journey = started(CALL)
    first = journey.handoff
    journey = after(journey, walk.fail(journey, reason="no line", at=NOON))
    journey = after(journey, walk.retry(journey, CALL, at=NOON))
    assert first is not None
    assert journey.handoff is not None
    assert journey.handoff.id != first.id
    assert ended(journey, CALL, id=first.id) == [], "the ending of an earlier visit is ignored"


# Taking the result


def test_the_result_is_mapped_and_the_journey_goes_on() -> None:
    template = definition(
        calling(output_data=("score", "gone"), output_mapping={"street": "address.street"}),
        "b",
        settings=FLOWING,
    )
    output = {"score": 7, "address": {"street": "Rue 1"}, "other": True}
    events = ended(started(template), template, output=output)
    assert types(events) == ["handoff_ended", "context_updated", "step_completed", "step_entered"]
    journey = after(started(template), events)
    assert (journey.context, journey.current_step) == ({"score": 7, "street": "Rue 1"}, "b")
    assert journey.handoff is None


@pytest.mark.parametrize(("given", "customer"), [("c-9", "c-9"), (42, "42")])
def test_where_the_step_says_so_the_result_names_the_customer_the_lead_became(
    given: object, customer: str
) -> None:
    template = definition(calling(output_mapping={"customerId": "id"}), "b", settings=FLOWING)
    journey = started(template, lead_id="l-1")
    events = ended(journey, template, output={"id": given})
    assert types(events)[1] == "customer_linked"
    journey = after(journey, events)
    assert (journey.customer_id, journey.lead_id, journey.context) == (customer, "l-1", {})


@pytest.mark.parametrize("output", [None, "text", [1], {"customerId": None}, {"customerId": {"x": 1}}])
def test_a_result_without_what_is_mapped_leaves_the_journey_as_it_is(output: Any) -> None:
    template = definition(calling(output_mapping={"customerId": "customerId"}), "b", settings=FLOWING)
    assert types(ended(started(template), template, output=output)) == [
        "handoff_ended",
        "step_completed",
        "step_entered",
    ]


def test_without_auto_progress_the_step_stands_there_done_until_it_is_advanced() -> None:
    template = definition(calling(), "b")
    journey = left(started(template), template)
    assert (journey.current_step, journey.current.state) == ("call", StepState.COMPLETED)
    assert types(walk.advance(journey, template, at=NOON)) == ["step_entered"]


def test_the_last_steps_result_completes_the_journey() -> None:
    template = definition(calling(), settings=FLOWING)
    assert left(started(template), template).status is Status.COMPLETED


def test_a_hundred_integrations_in_a_row_are_each_taken_in_one_command() -> None:
    template = definition(*(calling(f"c{n}", n) for n in range(100)), settings=FLOWING)
    journey = started(template)
    for _ in range(100):
        journey = left(journey, template)
    assert (journey.status, journey.progress) == (Status.COMPLETED, 100)


def test_an_integration_counts_as_automatic_and_an_approval_does_not() -> None:
    for template, automatic in ((CALL, True), (ASK, False)):
        done = only(ended(started(template), template), StepCompleted)
        assert done.automatic is automatic


def test_a_result_waits_for_the_exit_conditions_and_is_written_into_the_context_once() -> None:
    template = definition(calling(exit_conditions=(FAST,), output_data=("speed",)), "b", settings=FLOWING)
    journey = left(started(template), template, output={"speed": 10})
    assert (journey.context, journey.current.state) == ({"speed": 10}, StepState.ACTIVE)
    events = steer.update_context(journey, template, changes={"speed": 100}, at=NOON)
    assert types(events) == ["context_updated", "step_completed", "step_entered"]
    assert after(journey, events).context == {"speed": 100}


# Paused


@pytest.mark.parametrize("status", [S.COMPLETED, S.REJECTED, S.EXPIRED, S.CANCELLED])
def test_a_paused_journey_keeps_the_result_and_applies_it_on_resume(status: S) -> None:
    template = definition(calling(output_data=("x",)), "b", settings=FLOWING)
    paused = after(started(template), steer.pause(started(template), at=NOON))
    events = ended(paused, template, status, output={"x": 1})
    assert types(events) == ["handoff_ended"]
    waiting = after(paused, events)
    assert (waiting.context, waiting.status) == ({}, Status.PAUSED)
    assert ended(waiting, template, status) == [], "told again it is nothing"
    resumed = after(waiting, steer.resume(waiting, template, at=NOON))
    if status is S.COMPLETED:
        assert (resumed.context, resumed.current_step) == ({"x": 1}, "b")
    else:
        assert resumed.status is Status.FAILED


def test_a_second_pause_does_not_apply_the_result_again() -> None:
    template = definition(calling(exit_conditions=(FAST,), output_data=("speed",)), "b", settings=FLOWING)
    journey = after(started(template), steer.pause(started(template), at=NOON))
    journey = left(journey, template, output={"speed": 10})
    journey = after(journey, steer.resume(journey, template, at=NOON))
    journey = after(journey, steer.pause(journey, at=NOON))
    journey = after(journey, steer.update_context(journey, template, changes={"speed": 60}, at=NOON))
    journey = after(journey, steer.resume(journey, template, at=NOON))
    assert (journey.context, journey.current_step) == ({"speed": 60}, "b")


# What does not count


def test_a_repeated_late_or_foreign_ending_does_nothing() -> None:
    journey = started(CALL)
    assert journey.handoff is not None
    once = left(journey, CALL)
    assert ended(journey, CALL, id="hof_other") == []
    for status in (S.COMPLETED, S.FAILED, S.REJECTED):
        again = handback.hand_back(once, CALL, id=journey.handoff.id, status=status, at=NOON)
        assert again == []
    over = after(journey, steer.abandon(journey, at=NOON))
    assert handback.hand_back(over, CALL, id=journey.handoff.id, status=S.COMPLETED, at=NOON) == []


# Failure


def test_a_failed_handoff_is_an_incident_and_leaves_the_journey_active() -> None:
    journey = started(CALL)
    events = ended(journey, CALL, S.FAILED, reason="no line")
    assert types(events) == ["handoff_ended", "incident_opened"]
    assert only(events, IncidentOpened).reason == "no line"
    journey = after(journey, events)
    assert (journey.status, journey.current.state, journey.incident) == (
        Status.ACTIVE,
        StepState.ACTIVE,
        True,
    )
    assert ended(journey, CALL, S.FAILED) == []


def test_retrying_the_handoff_carries_the_journey_on() -> None:
    journey = left(started(CALL), CALL, S.FAILED)
    assert journey.handoff is not None
    id = journey.handoff.id
    assert handback.carry_on(journey, id="hof_other", at=NOON) == []
    events = handback.carry_on(journey, id=id, at=NOON)
    assert types(events) == ["incident_resolved"]
    journey = after(journey, events)
    assert not journey.incident
    assert handback.carry_on(journey, id=id, at=NOON) == []
    assert types(ended(journey, CALL, S.FAILED)) == ["handoff_ended", "incident_opened"]
    assert left(journey, CALL).current_step == "b"


def test_a_completion_counts_though_the_journey_never_heard_of_the_retry() -> None:
    journey = left(left(started(CALL), CALL, S.FAILED), CALL)
    assert (journey.current_step, journey.incident) == ("b", False)


@pytest.mark.parametrize("status", [S.REJECTED, S.EXPIRED, S.CANCELLED])
@pytest.mark.parametrize("template", [CALL, ASK])
def test_another_end_fails_the_step_and_the_journey(status: S, template: Definition) -> None:
    journey = started(template)
    events = ended(journey, template, status, reason="too dear")
    assert types(events) == ["handoff_ended", "step_failed", "failed"]
    journey = after(journey, events)
    assert (journey.status, journey.current.reason, journey.handoff) == (Status.FAILED, "too dear", None)
    again = walk.retry(journey, template, at=NOON)
    assert only(again, HandoffRequested).visit == 2


@pytest.mark.parametrize("status", [S.REJECTED, S.EXPIRED])
def test_a_step_may_say_where_to_go_instead(status: S) -> None:
    template = definition(approving(on_rejected="c"), "b", "c", settings=FLOWING)
    journey = left(started(template), template, status)
    assert (journey.status, journey.current_step) == (Status.ACTIVE, "c")
    assert states(journey) == {"ask": StepState.FAILED, "b": StepState.PENDING, "c": StepState.ACTIVE}


def test_where_to_go_instead_waits_for_its_own_conditions() -> None:
    blocked = step("c", 2, entry_conditions=(FAST,))
    template = definition(approving(on_rejected="c"), blocked, settings=FLOWING)
    journey = left(started(template), template, S.REJECTED)
    assert (journey.current_step, journey.current.state) == ("c", StepState.BLOCKED)


# Pending approvals

"""Steps whose work is the service's own: what a journey asks for, and what it makes of the end."""

from typing import Any

import pytest

from domain import handback, steer, walk
from domain.action import Action, ActionKind
from domain.errors import IllegalTransition
from domain.events import HandoffStatus, StepState, Work
from domain.journey import Journey, Status
from domain.journey_events import (
    IncidentOpened,
    IncidentResolved,
    JourneyEvent,
    StepCompleted,
)
from domain.template import Child, Definition, Settings, Step, StepType
from domain.work_events import ActionRequested, ChildRequested, WorkWithdrawn
from tests.domain.handed import only
from tests.domain.samples import NOON, after, definition, events_of_start, started, step, types

S = HandoffStatus
FLOWING = Settings(auto_progress=True, allow_skip_steps=True)
TELL = Action(kind=ActionKind.EMIT_EVENT, params={"type": "crm:told"})


def performing(id: str = "do", order: int = 1, action: Action = TELL, **rest: Any) -> Step:
    return step(id, order, type=StepType.AUTOMATED, performs=action, **rest)


def nesting_step(id: str = "sub", order: int = 1, **rest: Any) -> Step:
    child = rest.pop("child", Child(template_id="child"))
    return step(id, order, type=StepType.WORKFLOW, child=child, **rest)


DO = definition(performing(), "b", settings=FLOWING)
SUB = definition(nesting_step(), "b", settings=FLOWING)
BOTH = pytest.mark.parametrize("template", [DO, SUB])


def ended(journey: Journey, template: Definition, status: S = S.COMPLETED, **rest: Any) -> list[JourneyEvent]:
    """What follows from the end of the work that the journey waits for."""
    assert journey.awaited is not None
    given = {"id": journey.awaited.id} | rest
    return handback.hand_back(journey, template, status=status, at=NOON, **given)


def left(journey: Journey, template: Definition, status: S = S.COMPLETED, **rest: Any) -> Journey:
    return after(journey, ended(journey, template, status, **rest))


# Asking


def test_entering_an_automated_step_asks_for_its_action_in_that_visit() -> None:
    requested = only(events_of_start(DO), ActionRequested)
    assert (requested.step, requested.visit, requested.action) == ("do", 1, TELL)
    journey = started(DO)
    assert journey.current.state is StepState.ACTIVE
    assert journey.awaited is not None
    assert (journey.awaited.id, journey.awaited.work) == (requested.work_id, Work.ACTION)
    assert journey.handoff is None


def test_entering_a_workflow_step_asks_for_a_child_journey_with_an_id_of_its_own() -> None:
    child = Child(template_id="child", template_version=3, context_mapping={"plan": "offer.plan"})
    requested = only(events_of_start(definition(nesting_step(child=child))), ChildRequested)
    assert (requested.template_id, requested.template_version) == ("child", 3)
    assert requested.context_mapping == {"plan": "offer.plan"}
    assert requested.work_id.startswith("jrn_")


@BOTH
def test_each_visit_asks_anew_and_an_earlier_ones_ending_is_ignored(template: Definition) -> None:
    journey = started(template)
    first = journey.awaited
    journey = after(journey, walk.fail(journey, reason="no", at=NOON))
    journey = after(journey, walk.retry(journey, template, at=NOON))
    assert first is not None
    assert journey.awaited is not None
    assert journey.awaited.id != first.id
    assert ended(journey, template, id=first.id) == []


# Taking the result


@BOTH
def test_with_auto_progress_the_journey_goes_on_by_itself(template: Definition) -> None:
    events = ended(started(template), template)
    assert types(events) == ["work_ended", "step_completed", "step_entered"]
    assert only(events, StepCompleted).automatic
    journey = after(started(template), events)
    assert (journey.current_step, journey.awaited) == ("b", None)


@pytest.mark.parametrize("made", [performing, nesting_step])
def test_without_it_the_step_stands_there_done_until_it_is_advanced(made: Any) -> None:
    template = definition(made(), "b")
    journey = left(started(template), template)
    assert (journey.current_step, journey.current.state) == (template.steps[0].id, StepState.COMPLETED)
    assert types(walk.advance(journey, template, at=NOON)) == ["step_entered"]


@pytest.mark.parametrize("made", [performing, nesting_step])
def test_the_output_is_mapped_into_the_context(made: Any) -> None:
    template = definition(made(output_mapping={"ticketId": "id"}), "b", settings=FLOWING)
    assert left(started(template), template, output={"id": "tic_1"}).context == {"ticketId": "tic_1"}


def test_200_actions_in_a_row_are_each_taken_in_one_command() -> None:
    template = definition(*(performing(f"s{n}", n) for n in range(200)), settings=FLOWING)
    journey = started(template)
    for _ in range(200):
        journey = left(journey, template)
    assert (journey.status, journey.progress) == (Status.COMPLETED, 100)


@BOTH
@pytest.mark.parametrize("status", [S.COMPLETED, S.CANCELLED])
def test_a_paused_journey_keeps_the_result_and_applies_it_on_resume(template: Definition, status: S) -> None:
    paused = after(started(template), steer.pause(started(template), at=NOON))
    events = ended(paused, template, status)
    assert types(events) == ["work_ended"]
    waiting = after(paused, events)
    assert ended(waiting, template, status) == [], "told again it is nothing"
    resumed = after(waiting, steer.resume(waiting, template, at=NOON))
    if status is S.COMPLETED:
        assert resumed.current_step == "b"
    else:
        assert resumed.status is Status.FAILED


@BOTH
def test_a_repeated_late_or_foreign_ending_does_nothing(template: Definition) -> None:
    journey = started(template)
    assert journey.awaited is not None
    id, once = journey.awaited.id, left(journey, template)
    assert ended(journey, template, id="act_other") == []
    for status in (S.COMPLETED, S.FAILED, S.CANCELLED):
        assert handback.hand_back(once, template, id=id, status=status, at=NOON) == []
    over = after(journey, steer.abandon(journey, at=NOON))
    assert handback.hand_back(over, template, id=id, status=S.COMPLETED, at=NOON) == []


# Failure


@BOTH
def test_a_failure_is_an_incident_and_the_step_stands_there_with_its_error(template: Definition) -> None:
    events = ended(started(template), template, S.FAILED, reason="no such customer")
    assert types(events) == ["work_ended", "incident_opened"]
    opened = only(events, IncidentOpened)
    assert (opened.handoff_id, opened.failures, opened.reason) == (None, 1, "no such customer")
    journey = after(started(template), events)
    assert (journey.status, journey.current.state, journey.incident) == (
        Status.ACTIVE,
        StepState.ACTIVE,
        True,
    )
    assert journey.awaited is not None
    assert journey.awaited.reason == "no such customer"
    assert ended(journey, template, S.FAILED) == []


@BOTH
def test_a_person_can_retry_the_step_of_an_active_journey_whose_work_failed(template: Definition) -> None:
    journey = left(started(template), template, S.FAILED)
    events = walk.retry(journey, template, at=NOON)
    asked = "action_requested" if template is DO else "child_requested"
    assert types(events) == ["step_retried", "step_entered", asked, "work_withdrawn"]
    assert only(events, WorkWithdrawn).failures == 1
    journey = after(journey, events)
    assert (journey.status, journey.current.visit, journey.incident) == (Status.ACTIVE, 2, False)
    assert left(journey, template).current_step == "b"


@BOTH
def test_a_step_that_is_still_at_work_is_not_retried(template: Definition) -> None:
    with pytest.raises(IllegalTransition):
        walk.retry(started(template), template, at=NOON)
    failed = left(started(template), template, S.FAILED)
    paused = after(failed, steer.pause(failed, at=NOON))
    with pytest.raises(IllegalTransition):
        walk.retry(paused, template, at=NOON)


@BOTH
def test_what_failed_may_be_passed_by(template: Definition) -> None:
    journey = left(started(template), template, S.FAILED)
    events = walk.advance(journey, template, at=NOON)
    assert types(events) == ["step_completed", "step_entered", "work_withdrawn"]


@BOTH
def test_a_completion_after_a_failure_counts_and_ends_the_incident(template: Definition) -> None:
    journey = left(started(template), template, S.FAILED)
    events = ended(journey, template)
    assert types(events)[:2] == ["incident_resolved", "work_ended"]
    assert after(journey, events).current_step == "b"


def test_each_failure_of_a_child_is_an_incident_of_its_own() -> None:
    journey = started(SUB)
    assert journey.awaited is not None
    id = journey.awaited.id
    journey = left(journey, SUB, S.FAILED)
    [resolved] = handback.carry_on(journey, id=id, at=NOON)
    assert isinstance(resolved, IncidentResolved)
    assert (resolved.work_id, resolved.failures) == (id, 1)
    journey = after(journey, [resolved])
    assert only(ended(journey, SUB, S.FAILED), IncidentOpened).failures == 2


# Leaving


@BOTH
@pytest.mark.parametrize("name", ["advance", "skip", "fail", "abandon", "complete"])
def test_leaving_the_step_withdraws_its_work(template: Definition, name: str) -> None:
    journey = started(template)
    here = journey.current_step
    events = {
        "advance": lambda: walk.advance(journey, template, at=NOON),
        "skip": lambda: walk.skip(journey, template, step=here, reason="known", at=NOON),
        "fail": lambda: walk.fail(journey, reason="no", at=NOON),
        "abandon": lambda: steer.abandon(journey, at=NOON),
        "complete": lambda: steer.complete(journey, template, at=NOON),
    }[name]()
    withdrawn = only(events, WorkWithdrawn)
    assert journey.awaited is not None
    assert (withdrawn.work_id, withdrawn.work) == (journey.awaited.id, journey.awaited.work)
    assert after(journey, events).awaited is None


def test_a_version_that_does_something_else_in_the_step_withdraws_its_work() -> None:
    for other in (step("do"), nesting_step("do"), step("do", type=StepType.APPROVAL)):
        events = steer.migrate(started(DO), definition(other, "b", settings=FLOWING), 2, step_map={}, at=NOON)
        assert "work_withdrawn" in types(events)
    assert "work_withdrawn" not in types(steer.migrate(started(DO), DO, 2, step_map={}, at=NOON))

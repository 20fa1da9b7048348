"""Journeys in journeys: what a child begins with, and what its end means for the step that started it."""

from typing import Any

import pytest

from domain import nesting, steer, walk
from domain.errors import LimitExceeded
from domain.events import Parent, Priority, StepState
from domain.journey import Journey, Status
from domain.journey_events import JourneyStarted
from domain.journey_fold import begin
from domain.template import Child, Definition
from domain.walk import Start
from domain.work_events import ChildRequested
from tests.domain.handed import only
from tests.domain.samples import ANNA, NOON, after, definition, events_of_start, started, states
from tests.domain.test_step_work import FLOWING, SUB, nesting_step

CHILD = definition("x", template_id="child")


def begun(id: str, template: Definition, request: Start) -> Journey:
    events = walk.start(id, template, 1, request, tenant_id="t", by=ANNA, at=NOON)
    first = events[0]
    assert isinstance(first, JourneyStarted)
    return after(begin(id, first, ANNA), events[1:])


def parent_of(**start: Any) -> Journey:
    return started(definition(nesting_step(), "b", settings=FLOWING), **start)


def child_of(parent: Journey, child: Child | None = None) -> Journey:
    """The child journey that the parent waits for."""
    named = definition(nesting_step(child=child or Child(template_id="child")))
    requested = only(events_of_start(named), ChildRequested)
    assert parent.awaited is not None
    request = nesting.start_of(parent, requested)
    return begun(parent.awaited.id, CHILD, request)


def test_a_child_inherits_the_customer_the_lead_the_priority_and_the_context() -> None:
    parent = parent_of(
        customer_id="c-1", lead_id="l-1", priority=Priority.URGENT, context={"plan": {"speed": 100}, "n": 1}
    )
    child = child_of(parent)
    assert (child.customer_id, child.lead_id, child.priority) == ("c-1", "l-1", Priority.URGENT)
    assert child.context == {"plan": {"speed": 100}, "n": 1}
    assert child.parent == Parent(journey_id="jrn_1", step="sub", visit=1, level=1)
    assert child.facets["parentId"] == "jrn_1"
    assert "parentId" not in parent.facets


@pytest.mark.parametrize(
    ("mapping", "context"),
    [
        ({"speed": "plan.speed", "who": "customerId", "gone": "x"}, {"speed": 100, "who": "c-1"}),
        ({}, {}),
    ],
)
def test_with_a_mapping_it_gets_only_what_that_names(mapping: dict[str, str], context: Any) -> None:
    parent = parent_of(customer_id="c-1", context={"plan": {"speed": 100}, "n": 1})
    assert child_of(parent, Child(template_id="child", context_mapping=mapping)).context == context


def test_journeys_are_nested_at_most_16_deep() -> None:
    requested = only(events_of_start(SUB), ChildRequested)
    for level, deeper in ((15, True), (16, False)):
        link = Parent(journey_id="jrn_0", step="s", visit=1, level=level)
        parent = begun("jrn_1", SUB, Start(parent=link))
        if deeper:
            found = nesting.start_of(parent, requested).parent
            assert found is not None
            assert found.level == 16
        else:
            with pytest.raises(LimitExceeded, match="16 deep"):
                nesting.start_of(parent, requested)


def heard(parent: Journey, child: Journey) -> Journey:
    template = definition(
        nesting_step(output_mapping={"done": "result.ok", "customerId": "customerId"}), "b", settings=FLOWING
    )
    return after(parent, nesting.hear(parent, template, child, at=NOON))


def test_a_child_that_completes_completes_the_step_and_its_context_is_the_output() -> None:
    parent = parent_of(lead_id="l-1")
    child = child_of(parent)
    child = after(
        child,
        steer.update_context(
            child, CHILD, changes={"result": {"ok": True}, "own": 1}, customer_id="c-9", at=NOON
        ),
    )
    child = after(child, steer.complete(child, CHILD, at=NOON))
    parent = heard(parent, child)
    assert (parent.current_step, parent.context, parent.customer_id) == ("b", {"done": True}, "c-9")


def test_a_child_that_fails_is_an_incident_until_it_is_retried() -> None:
    parent = parent_of()
    child = child_of(parent)
    failed = after(child, walk.fail(child, reason="no line", at=NOON))
    stuck = heard(parent, failed)
    assert (stuck.status, stuck.incident) == (Status.ACTIVE, True)
    assert stuck.awaited is not None
    assert stuck.awaited.reason == "its journey failed at the step 'x': no line"
    assert heard(stuck, failed) == stuck
    again = after(failed, walk.retry(failed, CHILD, at=NOON))
    carried = heard(stuck, again)
    assert not carried.incident
    assert heard(carried, after(again, steer.complete(again, CHILD, at=NOON))).current_step == "b"


def test_a_child_that_is_abandoned_fails_the_step_and_the_journey() -> None:
    parent = parent_of()
    child = child_of(parent)
    parent = heard(parent, after(child, steer.abandon(child, reason="moved away", at=NOON)))
    assert parent.status is Status.FAILED
    assert parent.current.reason == "its journey was abandoned: moved away"


def test_a_step_may_say_where_to_go_when_its_child_is_abandoned() -> None:
    template = definition(nesting_step(on_rejected="c"), "b", "c", settings=FLOWING)
    journey = started(template)
    child = child_of(journey)
    child = after(child, steer.abandon(child, at=NOON))
    journey = after(journey, nesting.hear(journey, template, child, at=NOON))
    assert states(journey) == {"sub": StepState.FAILED, "b": StepState.PENDING, "c": StepState.ACTIVE}


def test_a_child_of_an_earlier_visit_is_not_heard() -> None:
    parent = parent_of()
    child = child_of(parent)
    parent = after(parent, walk.advance(parent, SUB, at=NOON))
    assert nesting.hear(parent, SUB, after(child, steer.complete(child, CHILD, at=NOON)), at=NOON) == []

"""The prebuilt templates: those of the reference package, and journeys that walk them."""

import pytest

from domain import steer, walk
from domain.authoring import problems
from domain.events import Priority, StepState
from domain.isp.templates import CUSTOMER_ACQUISITION, CUSTOMER_ONBOARDING, ISP_TEMPLATES, SUPPORT_RESOLUTION
from domain.journey import Status
from domain.journey_events import NotificationRequested
from domain.template import Category, Definition, Stage
from tests.domain.samples import NOON, after, events_of_start, started

BOTH_BY_ITSELF = (StepState.COMPLETED, StepState.COMPLETED)


@pytest.mark.parametrize("template", ISP_TEMPLATES, ids=lambda template: template.template_id)
def test_a_prebuilt_template_is_valid_and_in_order(template: Definition) -> None:
    assert problems(template) == []
    assert [step.order for step in template.steps] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("template", "id", "category", "steps", "events"),
    [
        (
            CUSTOMER_ACQUISITION,
            "customer_acquisition",
            Category.ACQUISITION,
            "Lead Qualification, Customer Conversion, Service Selection, Service Activation, Installation Scheduling",
            {"crm:lead_qualified"},
        ),
        (
            SUPPORT_RESOLUTION,
            "support_resolution",
            Category.SUPPORT,
            "Ticket Triage, Agent Assignment, Issue Diagnosis, Resolution Action, Customer Verification",
            {"support:ticket_created"},
        ),
        (
            CUSTOMER_ONBOARDING,
            "customer_onboarding",
            Category.ONBOARDING,
            "Welcome Communication, Billing Setup, Equipment Provisioning, Service Testing, Onboarding Complete",
            {"service:activated", "crm:customer_created"},
        ),
    ],
)
def test_steps_and_triggers_are_those_users_know(
    template: Definition, id: str, category: Category, steps: str, events: set[str]
) -> None:
    assert (template.template_id, template.category) == (id, category)
    assert ", ".join(step.name for step in template.steps) == steps
    assert {trigger.event for trigger in template.triggers} == events


def test_a_lead_with_a_good_score_is_qualified_and_converted_by_the_crm() -> None:
    context = {"leadScore": 85, "interestedServices": ["fiber", "voip"]}
    journey = started(CUSTOMER_ACQUISITION, lead_id="lead_123", context=context)
    assert (journey.current_step, journey.current.state) == ("lead_qualification", StepState.ACTIVE)
    journey = after(journey, walk.advance(journey, CUSTOMER_ACQUISITION, at=NOON))
    assert (journey.current_step, journey.stage) == ("customer_conversion", Stage.CUSTOMER)
    assert journey.current.state is StepState.ACTIVE, "it waits for the crm's answer"


@pytest.mark.parametrize("score", [{}, {"leadScore": 50}, {"leadScore": "unknown"}])
def test_a_lead_without_a_good_score_waits_until_it_has_one(score: dict[str, object]) -> None:
    journey = started(CUSTOMER_ACQUISITION, lead_id="lead_123", context=score)
    assert journey.current.state is StepState.BLOCKED
    assert [each.field for each in journey.blocked_by] == ["leadScore"]
    events = steer.update_context(journey, CUSTOMER_ACQUISITION, changes={"leadScore": "51"}, at=NOON)
    assert after(journey, events).current.state is StepState.ACTIVE


def test_an_acquisition_walks_to_its_end() -> None:
    journey = started(CUSTOMER_ACQUISITION, lead_id="lead_123", context={"leadScore": 85})
    stages = [journey.stage]
    while journey.status is Status.ACTIVE:
        journey = after(journey, walk.advance(journey, CUSTOMER_ACQUISITION, at=NOON))
        stages.append(journey.stage)
    assert (journey.status, journey.progress) == (Status.COMPLETED, 100)
    assert list(dict.fromkeys(stages)) == [Stage.LEAD, Stage.CUSTOMER, Stage.ACTIVE_SERVICE]


def test_a_ticket_is_high_unless_it_says_otherwise_and_one_journey_each() -> None:
    journey = started(SUPPORT_RESOLUTION, customer_id="cust_789", context={"ticketId": "tick_456"})
    assert (journey.priority, journey.entry_key) == (Priority.HIGH, "tick_456")
    assert journey.context["slaHours"] == 4
    urgent = started(SUPPORT_RESOLUTION, context={"ticketId": "tick_456", "priority": "urgent"})
    assert urgent.priority is Priority.URGENT


def test_triage_and_assignment_of_a_ticket_need_nobody() -> None:
    journey = started(SUPPORT_RESOLUTION, context={"ticketId": "tick_456"})
    journey = after(journey, walk.advance(journey, SUPPORT_RESOLUTION, at=NOON))
    journey = after(journey, walk.advance(journey, SUPPORT_RESOLUTION, at=NOON))
    assert (journey.visit("ticket_triage").state, journey.visit("agent_assignment").state) == BOTH_BY_ITSELF
    assert (journey.current_step, journey.current.state) == ("issue_diagnosis", StepState.ACTIVE)


def test_a_new_customer_is_welcomed_and_billing_is_set_up_next() -> None:
    events = events_of_start(CUSTOMER_ONBOARDING, customer_id="cust_101")
    [welcome] = [event for event in events if isinstance(event, NotificationRequested)]
    assert (welcome.title, welcome.customer_id) == ("Welcome Communication", "cust_101")
    journey = started(CUSTOMER_ONBOARDING, customer_id="cust_101")
    assert (journey.current_step, journey.current.state) == ("billing_setup", StepState.ACTIVE)
    for _ in range(3):
        journey = after(journey, walk.advance(journey, CUSTOMER_ONBOARDING, at=NOON))
    assert journey.status is Status.COMPLETED, "the last notification needs nobody"

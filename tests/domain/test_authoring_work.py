"""Writing templates: what a step hands over, who approves it, and what becomes of the result."""

from datetime import timedelta
from typing import Any

from domain.action import Action, ActionKind
from domain.approval import ApprovalPolicy, WhenDue
from domain.template import Child, Settings, StepType
from tests.domain.samples import definition, step
from tests.domain.test_authoring import BAD_PATH, found


def test_every_error_of_approvals_and_handed_over_work_is_listed_with_its_path() -> None:
    nobody = ApprovalPolicy(quorum=0, roles=("manager", " "), due=timedelta(), when_due=WhenDue.ESCALATE)
    template = definition(
        step("a", 1, type=StepType.APPROVAL, approval=nobody, on_rejected="z", sla=timedelta()),
        step("b", 2, approval=ApprovalPolicy(when_due=WhenDue.ESCALATE, escalate_to="chief")),
        step("c", 3, type=StepType.INTEGRATION, action="create_ticket", on_rejected="a"),
        step("d", 4, type=StepType.INTEGRATION, package="crm", approval=ApprovalPolicy()),
        step("e", 5, output_mapping={"customerId": "", "plan": "a b", "speed": "plan.speed"}),
        settings=Settings(sla=timedelta(days=-1)),
    )
    assert found(template) == {
        "steps.0.approval.quorum": "A quorum is 1 to 20.",
        "steps.0.approval.roles": "1 to 20 roles, none of them empty.",
        "steps.0.approval.due": "A due time is longer than nothing.",
        "steps.0.approval.escalateTo": "Say which role it escalates to.",
        "steps.0.onRejected": "There is no step 'z'.",
        "steps.0.sla": "A promise is longer than nothing and at most ten years.",
        "steps.1.approval": "Only APPROVAL and INTEGRATION steps are approved.",
        "steps.1.approval.due": "Without a due time nothing escalates.",
        "steps.2.package": "Say which package does the action.",
        "steps.2.onRejected": "Only what is approved can be rejected: say how.",
        "steps.3.action": "Without an action there is nothing to approve.",
        "steps.4.outputMapping.customerId": BAD_PATH,
        "steps.4.outputMapping.plan": BAD_PATH,
        "settings.sla": "A promise is longer than nothing and at most ten years.",
    }


def test_work_that_is_handed_over_and_approved_is_valid() -> None:
    chief = ApprovalPolicy(
        quorum=2, roles=("manager",), due=timedelta(days=1), when_due=WhenDue.ESCALATE, escalate_to="chief"
    )
    work: dict[str, Any] = {
        "type": StepType.INTEGRATION,
        "package": "crm",
        "action": "convert_lead",
        "sla": timedelta(1),
    }
    template = definition(
        step("a", 1, type=StepType.APPROVAL, on_rejected="d"),
        step("b", 2, **work, approval=chief, on_rejected="a", output_mapping={"customerId": "customer.id"}),
        step("c", 3, **work, on_rejected="d"),
        step("d", 4),
        settings=Settings(require_approval=True, sla=timedelta(days=3)),
    )
    assert found(template) == {}


def test_every_error_of_actions_and_child_journeys_is_listed_with_its_path() -> None:
    odd = Action(
        kind=ActionKind.UPDATE_CONTEXT, params={"context.x": 1, "changes": {}}, mapping={"to": "a b"}
    )
    advance = Action(kind=ActionKind.ADVANCE_JOURNEY, step="gone", params={"to": "nowhere"})
    template = definition(
        step("a", 1, type=StepType.AUTOMATED, performs=odd),
        step("b", 2, type=StepType.AUTOMATED, action="categorize", performs=advance),
        step("c", 3, type=StepType.AUTOMATED, performs=Action(kind=ActionKind.START_JOURNEY)),
        step("d", 4, performs=Action(kind=ActionKind.EMIT_EVENT, params={"type": "crm:told"})),
        step("e", 5, type=StepType.WORKFLOW),
        step("f", 6, child=Child(template_id="X!", template_version=0, context_mapping={"k": "a..b"})),
    )
    known = "update_context knows context, customerId, journeyId, leadId."
    assert found(template) == {
        "steps.0.performs.params.changes": known,
        "steps.0.performs.mapping.to": BAD_PATH,
        "steps.1.action": "An AUTOMATED step says what it does under `performs`; a package's action is an "
        "INTEGRATION's.",
        "steps.1.performs.step": "There is no step 'gone'.",
        "steps.1.performs.params.to": "There is no step 'nowhere'.",
        "steps.2.performs.templateId": "Say which template starts.",
        "steps.3.performs": "Only AUTOMATED steps perform an action.",
        "steps.4.child": "Say which template's journey it starts.",
        "steps.5.child": "Only WORKFLOW steps start a journey.",
        "steps.5.child.templateId": "An id is 1 to 64 lower-case letters, digits, _ and -.",
        "steps.5.child.templateVersion": "Versions begin at 1.",
        "steps.5.child.contextMapping.k": BAD_PATH,
    }


def test_actions_and_child_journeys_are_valid_also_of_templates_that_are_not_there_yet() -> None:
    elsewhere = Action(kind=ActionKind.ADVANCE_JOURNEY, template_id="other", step="of_the_other")
    template = definition(
        step("a", 1, type=StepType.AUTOMATED, performs=elsewhere, output_mapping={"moved": "id"}),
        step("b", 2, type=StepType.WORKFLOW, child=Child(template_id="not_yet"), on_rejected="c"),
        step("c", 3, type=StepType.AUTOMATED),
    )
    assert found(template) == {}

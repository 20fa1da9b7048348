"""Writing templates: what a step hands over, who approves it, and what becomes of the result."""

from datetime import timedelta
from typing import Any

from domain.approval import ApprovalPolicy, WhenDue
from domain.template import Settings, StepType
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

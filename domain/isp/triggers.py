"""What starts and moves journeys by itself in every internet service provider's tenant, beside its templates'
own triggers: those of the reference package's integration examples."""

from datetime import UTC, datetime
from typing import Final

from domain import template
from domain.action import Action, ActionKind
from domain.condition import Condition, Operator
from domain.rule import Rule

SHIPPED: Final = datetime(2026, 1, 1, tzinfo=UTC)

ISP_TRIGGERS: Final[dict[str, Rule]] = {
    "service_activated": Rule(
        name="Service activated",
        description="Completes the activation step of the customer's live acquisition, which then schedules the "
        "installation. Without such a journey the installation is handed over directly.",
        event="service:activated",
        action=Action(
            kind=ActionKind.ADVANCE_JOURNEY, template_id="customer_acquisition", step="service_activation"
        ),
        otherwise=Action(
            kind=ActionKind.CREATE_HANDOFF,
            params={
                "name": "Schedule the installation",
                "fromPackage": "business-logic",
                "toPackage": "field-ops",
                "action": "schedule_installation",
            },
            mapping={
                "data.customerId": "customerId",
                "data.serviceId": "data.serviceId",
                "data.serviceType": "data.serviceType",
                "data.installationType": "data.installationType",
                "data.installationDate": "data.installationDate",
            },
        ),
    ),
    "urgent_ticket": Rule(
        name="High-priority ticket",
        description="Asks approval for sending a technician when a ticket of high priority is created.",
        event="support:ticket_created",
        conditions=(Condition("data.priority", Operator.IN, ["high", "urgent", "critical"]),),
        action=Action(
            kind=ActionKind.CREATE_HANDOFF,
            params={
                "name": "Send a technician",
                "type": "approval_required",
                "fromPackage": "support-system",
                "toPackage": "field-ops",
                "action": "create_work_order",
                "data": {"workType": "repair"},
            },
            mapping={
                "data.customerId": "customerId",
                "data.ticketId": "data.ticketId",
                "data.issue": "data.issue",
            },
        ),
        priority=2,
    ),
}


def of_template(template_id: str, trigger: template.Trigger) -> Rule:
    """A template's own trigger: it starts a journey, whose context its mapping fills."""
    return Rule(
        name=trigger.name,
        description=f"Starts {template_id}.",
        type=trigger.type,
        event=trigger.event,
        schedule=trigger.schedule,
        time_zone=trigger.time_zone or "UTC",
        conditions=trigger.conditions,
        action=Action(
            kind=ActionKind.START_JOURNEY,
            template_id=template_id,
            mapping={f"context.{key}": path for key, path in trigger.context_mapping.items()},
        ),
        priority=trigger.priority,
    )

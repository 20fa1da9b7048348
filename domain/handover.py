"""Handing over: the handoff that a step of a journey asks for."""

from domain.address import PARAMETER
from domain.condition import look_up
from domain.events import Envelope
from domain.handoff_events import HandoffCreated, HandoffType
from domain.journey import Journey
from domain.journey_events import HandoffRequested
from domain.limits import Limits
from domain.package import Package
from domain.template import Step
from domain.values import JsonObject


def created(
    envelope: Envelope,
    event: HandoffRequested,
    journey: Journey,
    step: Step | None,
    package: Package | None,
) -> HandoffCreated:
    """The handoff of a step: with the data that its action and its step name, and the step's own parameters."""
    action = package.action(event.action) if package is not None else None
    needed = step.required_data if step is not None else ()
    offered: tuple[str, ...] = ()
    if action is not None:
        offered = (*action.required_data, *action.optional_data, *PARAMETER.findall(action.path))
    # What a dotted path leads to is handed over with all that stands beside it.
    names = dict.fromkeys(path.partition(".")[0] for path in ("customerId", "leadId", *needed, *offered))
    found = {name: look_up(name, journey.scope)[1] for name in names}
    data: JsonObject = {name: value for name, value in found.items() if value is not None}
    return HandoffCreated(
        at=envelope.occurred_at,
        tenant_id=envelope.tenant_id,
        kind=HandoffType.AUTOMATIC if event.policy is None else HandoffType.APPROVAL_REQUIRED,
        name=step.name if step is not None else event.step,
        from_package="journeys",
        to_package=event.package,
        action=event.action,
        journey_id=journey.id,
        step=event.step,
        visit=event.visit,
        customer_id=journey.customer_id,
        lead_id=journey.lead_id,
        priority=journey.priority,
        data=data | (step.params if step is not None else {}),
        required_data=needed,
        limits=package.limits if package is not None else Limits(),
        policy=event.policy,
        requester=envelope.person,
        correlation_id=envelope.correlation_id,
        depth=envelope.depth,
    )

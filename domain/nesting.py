"""Nesting: a journey that a workflow step starts, and what its end means for the step."""

from datetime import datetime
from typing import Final

from domain import handback
from domain.condition import look_up
from domain.errors import LimitExceeded
from domain.events import HandoffStatus, Parent
from domain.journey import Journey, Status
from domain.journey_events import JourneyEvent
from domain.template import Definition
from domain.values import JsonObject
from domain.walk import Start
from domain.work_events import ChildRequested

DEEPEST: Final = 16  # levels of journeys in journeys


def start_of(parent: Journey, event: ChildRequested) -> Start:
    """What the child begins with: its parent's customer, lead and priority, and what the step says of its context.
    Raises LimitExceeded where it would lie too deep."""
    if parent.level >= DEEPEST:
        raise LimitExceeded(f"Journeys are nested at most {DEEPEST} deep.", limit=DEEPEST)
    context: JsonObject = parent.context
    if event.context_mapping is not None:
        found = {key: look_up(path, parent.scope)[1] for key, path in event.context_mapping.items()}
        context = {key: value for key, value in found.items() if value is not None}
    return Start(
        customer_id=parent.customer_id,
        lead_id=parent.lead_id,
        priority=parent.priority,
        context=context,
        parent=Parent(journey_id=parent.id, step=event.step, visit=event.visit, level=parent.level + 1),
    )


def hear(parent: Journey, definition: Definition, child: Journey, *, at: datetime) -> list[JourneyEvent]:
    """What the parent makes of where its child stands. It goes by the child's state: an old failure that is heard of
    late cannot undo a retry."""

    def end(
        status: HandoffStatus, output: JsonObject | None = None, reason: str | None = None
    ) -> list[JourneyEvent]:
        return handback.hand_back(
            parent, definition, id=child.id, status=status, output=output, reason=reason, at=at
        )

    match child.status:
        case Status.COMPLETED:
            return end(HandoffStatus.COMPLETED, output=child.scope)
        case Status.FAILED:
            why = child.current.reason or "it says not why"
            return end(
                HandoffStatus.FAILED, reason=f"its journey failed at the step {child.current_step!r}: {why}"
            )
        case Status.ABANDONED:
            why = f": {child.end_reason}" if child.end_reason else ""
            return end(HandoffStatus.CANCELLED, reason=f"its journey was abandoned{why}")
        case Status.ACTIVE | Status.PAUSED:
            return handback.carry_on(parent, id=child.id, at=at)

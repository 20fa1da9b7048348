"""Promises (SLA): when a journey and each of its steps should be done, and which are broken. Breaking one is told
once and changes nothing else."""

from datetime import datetime, timedelta
from typing import Final

from domain.events import Origin
from domain.journey import Journey, Status
from domain.journey_events import JourneyEvent, SlaBreached, SlaScope
from domain.template import Definition, Step
from domain.values import JsonObject

LONGEST_HOURS: Final = 24 * 3660


def journey_due(definition: Definition, context: JsonObject, at: datetime) -> datetime | None:
    """When the whole should be done: the template's promise, else `slaHours` of the context, else the estimate."""
    if not definition.settings.sla_tracking:
        return None
    hours = context.get("slaHours")
    if definition.settings.sla is not None:
        return at + definition.settings.sla
    if isinstance(hours, int | float) and hours is not True and 0 < hours <= LONGEST_HOURS:
        return at + timedelta(milliseconds=round(hours * 3_600_000))
    return at + timedelta(minutes=definition.estimated_minutes) if definition.estimated_minutes else None


def step_due(journey: Journey, definition: Definition, step: Step, at: datetime) -> datetime | None:
    """When a step that is entered now should be done: its promise, else its estimate."""
    promise = step.sla or (timedelta(minutes=step.estimated_minutes) if step.estimated_minutes else None)
    tracked = definition.settings.sla_tracking and journey.origin is Origin.LIVE
    return at + promise if tracked and promise else None


def broken(journey: Journey, *, at: datetime) -> list[JourneyEvent]:
    """The promises of the journey and of its current step that are broken by now and not told yet."""
    if journey.status is not Status.ACTIVE:
        return []
    current = journey.current
    promises = ((SlaScope.JOURNEY, journey.sla_due_at), (SlaScope.STEP, journey.step_sla_due_at))
    return [
        SlaBreached(at=at, scope=scope, step=current.id, visit=current.visit, due_at=due)
        for scope, due in promises
        if due is not None and due <= at
    ]

"""Handing back: a journey hears how its step's handoff ended, or that a failed one is tried again.

Only the handoff of the current visit counts; anything else is ignored, so a repeated or late ending does nothing.
"""

from datetime import datetime

from domain.events import HandoffStatus
from domain.journey import Journey, Status
from domain.journey_events import (
    HandoffEnded,
    IncidentOpened,
    IncidentResolved,
    JourneyEvent,
)
from domain.story import Story, proceed
from domain.template import Definition
from domain.values import Json


def hand_back(
    journey: Journey,
    definition: Definition,
    *,
    handoff_id: str,
    status: HandoffStatus,
    output: Json = None,
    reason: str | None = None,
    at: datetime,
) -> list[JourneyEvent]:
    """The handoff has ended. A failed one is an incident; any other end decides what becomes of the step, at once or,
    while the journey is paused, on resume."""
    waiting = journey.handoff
    if waiting is None or waiting.id != handoff_id or waiting.settled or not journey.status.live:
        return []
    if waiting.status is status:
        return []
    story = Story(journey, definition, at)
    if waiting.status is HandoffStatus.FAILED:
        story.tell(IncidentResolved(at=at, handoff_id=handoff_id))  # it was retried, and this is heard first
    story.tell(HandoffEnded(at=at, handoff_id=handoff_id, status=status, output=output, reason=reason))
    if status is HandoffStatus.FAILED:
        story.tell(IncidentOpened(at=at, handoff_id=handoff_id, reason=reason))
    elif journey.status is Status.ACTIVE:
        proceed(story)
    return story.events


def carry_on(journey: Journey, *, handoff_id: str, at: datetime) -> list[JourneyEvent]:
    """The failed handoff is tried again: the incident is over."""
    waiting = journey.handoff
    if waiting is None or waiting.id != handoff_id or waiting.status is not HandoffStatus.FAILED:
        return []
    return [IncidentResolved(at=at, handoff_id=handoff_id)]

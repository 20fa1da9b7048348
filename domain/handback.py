"""Handing back: a journey hears how its step's work ended, or that what failed is tried again.

Only the work of the current visit counts; anything else is ignored, so a repeated or late ending does nothing.
"""

from datetime import datetime

from domain.events import HandoffStatus, Work
from domain.journey import Awaited, Journey, Status
from domain.journey_events import (
    HandoffEnded,
    IncidentOpened,
    IncidentResolved,
    JourneyEvent,
)
from domain.story import Story, proceed
from domain.template import Definition
from domain.values import Json
from domain.work_events import WorkEnded


def hand_back(
    journey: Journey,
    definition: Definition,
    *,
    id: str,
    status: HandoffStatus,
    output: Json = None,
    reason: str | None = None,
    at: datetime,
) -> list[JourneyEvent]:
    """The handoff, action or child journey with this id has ended. A failed one is an incident; any other end decides
    what becomes of the step, at once or, while the journey is paused, on resume."""
    waiting = journey.awaited
    if waiting is None or waiting.id != id or waiting.settled or not journey.status.live:
        return []
    if waiting.status is status:
        return []
    story = Story(journey, definition, at)
    if waiting.status is HandoffStatus.FAILED:
        story.tell(_resolved(waiting, at))  # it was retried, and this is heard first
    if waiting.work is Work.HANDOFF:
        story.tell(HandoffEnded(at=at, handoff_id=id, status=status, output=output, reason=reason))
    else:
        work = waiting.work
        story.tell(WorkEnded(at=at, work=work, work_id=id, status=status, output=output, reason=reason))
    if status is HandoffStatus.FAILED:
        story.tell(_opened(story.journey.awaited or waiting, at))
    elif journey.status is Status.ACTIVE:
        proceed(story)
    return story.events


def carry_on(journey: Journey, *, id: str, at: datetime) -> list[JourneyEvent]:
    """What failed is tried again: the incident is over."""
    waiting = journey.awaited
    if waiting is None or waiting.id != id or waiting.status is not HandoffStatus.FAILED:
        return []
    return [_resolved(waiting, at)]


def _opened(failed: Awaited, at: datetime) -> IncidentOpened:
    if failed.work is Work.HANDOFF:
        return IncidentOpened(at=at, handoff_id=failed.id, reason=failed.reason)
    return IncidentOpened(at=at, work_id=failed.id, failures=failed.failures, reason=failed.reason)


def _resolved(failed: Awaited, at: datetime) -> IncidentResolved:
    if failed.work is Work.HANDOFF:
        return IncidentResolved(at=at, handoff_id=failed.id)
    return IncidentResolved(at=at, work_id=failed.id, failures=failed.failures)

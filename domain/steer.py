"""Steering: commands on a journey that are not steps.

Pause and resume, ends, assignment, priority, context, migration.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from domain.asking import withdrawing, withdrawn, work_of
from domain.errors import IllegalTransition, InvalidInput, Problem
from domain.events import Priority, StepState, StepVisit
from domain.journey import Journey, Status, require, seconds_until
from domain.journey_events import (
    ContextUpdated,
    CustomerLinked,
    JourneyAbandoned,
    JourneyAssigned,
    JourneyCompleted,
    JourneyEvent,
    JourneyMigrated,
    JourneyPaused,
    JourneyResumed,
    PriorityChanged,
    StageChanged,
    StepCompleted,
)
from domain.story import Story, exit_unmet, proceed, refuse_unmet
from domain.template import Definition
from domain.values import Json

_LIVE = (Status.ACTIVE, Status.PAUSED, Status.FAILED)


def pause(journey: Journey, *, at: datetime, reason: str | None = None) -> list[JourneyEvent]:
    """Stop the clock of an active journey; the time that was left is kept."""
    require(journey, Status.ACTIVE, verb="paused")
    return [
        JourneyPaused(
            at=at,
            reason=reason,
            remaining_seconds=seconds_until(journey.due_at, at),
            sla_remaining=seconds_until(journey.sla_due_at, at),
            step_sla_remaining=seconds_until(journey.step_sla_due_at, at),
        )
    ]


def resume(journey: Journey, definition: Definition, *, at: datetime) -> list[JourneyEvent]:
    """Let a paused journey's clock run again, and go on where its context has opened the way meanwhile."""
    require(journey, Status.PAUSED, verb="resumed")

    def due(left: float | None) -> datetime | None:
        return None if left is None else at + timedelta(seconds=left)

    story = Story(journey, definition, at)
    story.tell(
        JourneyResumed(
            at=at,
            due_at=due(journey.remaining_seconds),
            sla_due_at=due(journey.sla_remaining),
            step_sla_due_at=due(journey.step_sla_remaining),
        )
    )
    proceed(story)
    return story.events


def complete(
    journey: Journey, definition: Definition, *, at: datetime, reason: str | None = None
) -> list[JourneyEvent]:
    """End an active journey as a success where it stands: the current step is done, later ones are not."""
    require(journey, Status.ACTIVE, verb="completed")
    story = Story(journey, definition, at)
    current = journey.current
    refuse_unmet(exit_unmet(journey, definition), f"The step {current.id!r} cannot be completed yet.")
    if current.state is StepState.ACTIVE:
        story.tell(StepCompleted(at=at, step=current.id, visit=current.visit))
    story.tell(JourneyCompleted(at=at, reason=reason))
    return withdrawing(journey, story.events)


def abandon(journey: Journey, *, at: datetime, reason: str | None = None) -> list[JourneyEvent]:
    """End a live journey without success."""
    require(journey, *_LIVE, verb="abandoned")
    return withdrawing(journey, [JourneyAbandoned(at=at, reason=reason)])


def assign(journey: Journey, *, user: str | None, team: str | None, at: datetime) -> list[JourneyEvent]:
    """Say who looks after the journey; null takes a person or team off it."""
    require(journey, *_LIVE, verb="assigned")
    return [JourneyAssigned(at=at, user=user, team=team)]


def set_priority(
    journey: Journey, definition: Definition, *, priority: Priority, at: datetime
) -> list[JourneyEvent]:
    """Say how urgent it is, and go on where a step waited for that."""
    require(journey, *_LIVE, verb="given another priority")
    story = Story(journey, definition, at)
    story.tell(PriorityChanged(at=at, from_priority=journey.priority, to_priority=priority))
    proceed(story)
    return story.events


def update_context(
    journey: Journey,
    definition: Definition,
    *,
    changes: Mapping[str, Json],
    at: datetime,
    customer_id: str | None = None,
) -> list[JourneyEvent]:
    """Merge at the top level (null removes a key), link the customer, and go on if that opens the way."""
    require(journey, *_LIVE, verb="updated")
    if not changes and customer_id is None:
        raise InvalidInput("Nothing to update: give changes or a customer.", "changes")
    story = Story(journey, definition, at)
    if changes:
        story.tell(ContextUpdated(at=at, changes=dict(changes)))
    if customer_id is not None and customer_id != journey.customer_id:
        story.tell(CustomerLinked(at=at, customer_id=customer_id, lead_id=journey.lead_id))
    proceed(story)
    return story.events


def migrate(
    journey: Journey,
    target: Definition,
    version: int,
    *,
    step_map: Mapping[str, str],
    at: datetime,
) -> list[JourneyEvent]:
    """Move a live journey to another version of its template.

    Steps keep their id unless the map renames them; what a step went through goes with it. The step it stands
    at must exist in the new version.
    """
    require(journey, *_LIVE, verb="migrated")
    if version == journey.template_version:
        raise IllegalTransition(f"The journey follows version {version} already.", "toVersion")
    known = {step.id for step in target.steps}
    unknown = [
        Problem(f"Version {version} has no step {new!r}.", ("stepMap", old))
        for old, new in step_map.items()
        if new not in known
    ]
    if unknown:
        raise InvalidInput("The step map names steps that are not there.", problems=unknown)
    current = step_map.get(journey.current_step, journey.current_step)
    if current not in known:
        message = (
            f"Version {version} has no step {journey.current_step!r}, the current one: map it to one it has."
        )
        raise InvalidInput(message, "stepMap", journey.current_step)
    moved = {step_map.get(visit.id, visit.id): visit for visit in _least_telling_first(journey)}
    visits = tuple(replace(moved.get(step.id, StepVisit(step.id)), id=step.id) for step in target.steps)
    story = Story(journey, target, at)
    story.tell(
        JourneyMigrated(
            at=at,
            from_version=journey.template_version,
            to_version=version,
            step_map=dict(step_map),
            current_step=current,
            steps=visits,
        )
    )
    step = target.step(current)
    entered = story.journey.current.state is not StepState.BLOCKED
    if step is not None and entered and step.stage is not journey.stage:
        story.tell(StageChanged(at=at, from_stage=journey.stage, to_stage=step.stage))
    waiting = journey.awaited
    if step is not None and waiting is not None and not waiting.settled and work_of(step) is not waiting.work:
        story.tell(withdrawn(waiting, at))  # nobody would wait for it here
    proceed(story)
    return story.events


def _least_telling_first(journey: Journey) -> list[StepVisit]:
    """Where two old steps become one, the current one counts, then the one visited last."""
    start = journey.created_at
    return sorted(
        journey.steps, key=lambda visit: (visit.id == journey.current_step, visit.entered_at or start)
    )

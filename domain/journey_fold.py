"""What each event does to a journey: the one fold, in which no decision is made."""

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from domain.events import HandoffStatus, Origin, StepState, StepVisit, Work
from domain.identity import Actor
from domain.journey import Awaited, Journey, Status
from domain.journey_events import (
    ContextUpdated,
    CustomerLinked,
    HandoffEnded,
    HandoffRequested,
    HandoffWithdrawn,
    IncidentOpened,
    IncidentResolved,
    JourneyAbandoned,
    JourneyAssigned,
    JourneyCompleted,
    JourneyEvent,
    JourneyFailed,
    JourneyMigrated,
    JourneyPaused,
    JourneyResumed,
    JourneyStarted,
    NotificationRequested,
    PriorityChanged,
    SlaBreached,
    SlaScope,
    StageChanged,
    StepBlocked,
    StepCompleted,
    StepEntered,
    StepFailed,
    StepRetried,
    StepSkipped,
    StepTimedOut,
)
from domain.values import Json
from domain.work_events import ActionRequested, ChildRequested, WorkEnded, WorkWithdrawn


def begin(id: str, event: JourneyStarted, by: Actor) -> Journey:
    """The journey that a start makes, standing before its first step."""
    return Journey(
        id=id,
        tenant_id=event.tenant_id,
        template_id=event.template_id,
        template_version=event.template_version,
        name=event.name,
        category=event.category,
        stage=event.stage,
        priority=event.priority,
        customer_id=event.customer_id,
        lead_id=event.lead_id,
        entry_key=event.entry_key,
        reentry=event.reentry,
        context=event.context,
        steps=tuple(StepVisit(step) for step in event.steps),
        current_step=event.steps[0],
        assigned_to=event.assigned_to,
        assigned_team=event.assigned_team,
        tags=event.tags,
        created_at=event.at,
        created_by=event.by or by,
        last_activity=event.at,
        estimated_completion=event.estimated_completion,
        sla_due_at=event.sla_due_at,
        origin=event.origin,
        parent=event.parent,
    )


def evolve(journey: Journey, event: JourneyEvent) -> Journey:  # noqa: PLR0912  # a branch for each event
    """The journey after the event."""
    journey = replace(journey, last_activity=max(journey.last_activity, event.at))
    match event:
        case JourneyStarted():
            raise AssertionError("a journey starts once: see begin")
        case StepEntered(step=step, visit=n, at=at):
            entered = StepVisit(step, StepState.ACTIVE, n, entered_at=at)
            journey = _visited(_passed_by(journey, step), entered)
            return replace(
                journey,
                current_step=step,
                blocked_by=(),
                due_at=event.due_at,
                step_sla_due_at=event.sla_due_at,
            )
        case StepBlocked(step=step):
            waiting = replace(journey.visit(step), state=StepState.BLOCKED)
            return replace(
                _visited(journey, waiting), current_step=step, blocked_by=event.blocked_by, due_at=None
            )
        case StepCompleted(step=step, visit=n, at=at):
            done = _left(journey, step, StepState.COMPLETED, at, visit=n)
            return replace(done, current_step=step) if journey.origin is Origin.IMPORT else done
        case StepSkipped(step=step, reason=reason, at=at):
            return _left(journey, step, StepState.SKIPPED, at, reason)
        case StepFailed(step=step, reason=reason, at=at):
            return _left(journey, step, StepState.FAILED, at, reason)
        case StepTimedOut(step=step, at=at):
            return _left(journey, step, StepState.FAILED, at, "its time was over")
        case StepRetried():
            return replace(journey, status=Status.ACTIVE)
        case StageChanged(to_stage=stage):
            return replace(journey, stage=stage)
        case JourneyPaused():
            return _paused(journey, event)
        case JourneyResumed():
            return _resumed(journey, event)
        case JourneyCompleted(reason=reason, at=at):
            return _ended(journey, Status.COMPLETED, at, reason)
        case JourneyFailed():
            return replace(journey, status=Status.FAILED, due_at=None)
        case JourneyAbandoned(reason=reason, at=at):
            return _ended(journey, Status.ABANDONED, at, reason)
        case JourneyAssigned(user=user, team=team):
            return replace(journey, assigned_to=user, assigned_team=team)
        case PriorityChanged(to_priority=priority):
            return replace(journey, priority=priority)
        case ContextUpdated(changes=changes):
            merged = journey.context | changes
            return replace(journey, context={k: v for k, v in merged.items() if v is not None})
        case CustomerLinked(customer_id=customer):
            return replace(journey, customer_id=customer)
        case JourneyMigrated():
            return replace(
                journey,
                template_version=event.to_version,
                steps=event.steps,
                current_step=event.current_step,
            )
        case HandoffRequested(handoff_id=id, policy=policy):
            return replace(journey, awaited=Awaited(id=id, approval=policy is not None))
        case ActionRequested(work_id=id):
            return replace(journey, awaited=Awaited(id=id, work=Work.ACTION))
        case ChildRequested(work_id=id):
            return replace(journey, awaited=Awaited(id=id, work=Work.CHILD))
        case HandoffEnded() | WorkEnded():
            return _heard(journey, event.status, event.output, event.reason)
        case IncidentResolved():
            return _heard(journey, HandoffStatus.PENDING, None, None)
        case HandoffWithdrawn(handoff_id=id) | WorkWithdrawn(work_id=id):
            gone = journey.awaited is not None and journey.awaited.id == id
            return replace(journey, awaited=None) if gone else journey
        case SlaBreached(scope=SlaScope.JOURNEY):
            return replace(journey, sla_due_at=None)
        case SlaBreached():
            return replace(journey, step_sla_due_at=None)
        case NotificationRequested() | IncidentOpened():
            return journey
        case _:
            assert_never(event)


def _passed_by(journey: Journey, step: str) -> Journey:
    """A step that the journey waited before is pending again when the journey goes elsewhere."""
    waiting = journey.current
    if waiting.state is not StepState.BLOCKED or waiting.id == step:
        return journey
    return _visited(journey, replace(waiting, state=StepState.PENDING))


def _visited(journey: Journey, visit: StepVisit) -> Journey:
    return replace(journey, steps=tuple(visit if old.id == visit.id else old for old in journey.steps))


def _left(
    journey: Journey,
    step: str,
    state: StepState,
    at: datetime,
    reason: str | None = None,
    visit: int | None = None,
) -> Journey:
    """A step ends in this state; where it is the current one, nothing is due or awaited any more."""
    old = journey.visit(step)
    number = old.visit if visit is None else visit
    entered = old.entered_at if number == old.visit and old.entered_at else (at if number else None)
    ended = StepVisit(step, state, number, entered, at, reason)
    journey = _visited(journey, ended)
    if step != journey.current_step:
        return journey
    settled = journey.awaited is not None and journey.awaited.settled
    return replace(
        journey,
        due_at=None,
        blocked_by=(),
        step_sla_due_at=None,
        awaited=None if settled else journey.awaited,
    )


def _heard(journey: Journey, status: HandoffStatus, output: Json, reason: str | None) -> Journey:
    if (waiting := journey.awaited) is None:
        return journey
    applied = journey.status is Status.ACTIVE
    heard = replace(waiting, status=status, output=output, reason=reason, applied=applied)
    failed = waiting.work is not Work.HANDOFF and status is HandoffStatus.FAILED
    return replace(journey, awaited=replace(heard, failures=waiting.failures + failed))


def _paused(journey: Journey, event: JourneyPaused) -> Journey:
    return replace(
        journey,
        status=Status.PAUSED,
        due_at=None,
        remaining_seconds=event.remaining_seconds,
        sla_due_at=None,
        sla_remaining=event.sla_remaining,
        step_sla_due_at=None,
        step_sla_remaining=event.step_sla_remaining,
    )


def _resumed(journey: Journey, event: JourneyResumed) -> Journey:
    waiting = journey.awaited
    return replace(
        journey,
        awaited=replace(waiting, applied=True) if waiting is not None and waiting.settled else waiting,
        status=Status.ACTIVE,
        due_at=event.due_at,
        remaining_seconds=None,
        sla_due_at=event.sla_due_at,
        sla_remaining=None,
        step_sla_due_at=event.step_sla_due_at,
        step_sla_remaining=None,
    )


def _ended(journey: Journey, status: Status, at: datetime, reason: str | None) -> Journey:
    return replace(
        journey,
        status=status,
        ended_at=at,
        end_reason=reason,
        due_at=None,
        blocked_by=(),
        remaining_seconds=None,
        sla_due_at=None,
        sla_remaining=None,
        step_sla_due_at=None,
        step_sla_remaining=None,
    )

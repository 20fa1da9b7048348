"""A journey walks the steps of a template.

A command looks at a Journey and returns the events that follow, or refuses. It changes nothing;
`evolve` alone says what an event does.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from domain import search
from domain.condition import Unmet
from domain.errors import IllegalTransition
from domain.events import (
    HandoffStatus,
    Origin,
    Priority,
    StepState,
    StepVisit,
)
from domain.identity import Actor
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
from domain.template import Category, Reentry, Stage
from domain.values import Json, JsonObject, timestamp


class Status(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    ABANDONED = "abandoned"

    @property
    def live(self) -> bool:
        """Whether it can still go on: active, paused or failed."""
        return self in (Status.ACTIVE, Status.PAUSED, Status.FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaited:
    """The handoff of the current step, and its result once the journey has heard of it."""

    id: str
    approval: bool = False
    status: HandoffStatus = HandoffStatus.PENDING
    output: Json = None
    reason: str | None = None
    applied: bool = False  # what it gave went into the context; what is written there afterwards stays

    @property
    def settled(self) -> bool:
        """Whether its end decides what becomes of the step. A failed one may be retried."""
        return not self.status.open and self.status is not HandoffStatus.FAILED


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    id: str
    tenant_id: str
    revision: int = 0
    template_id: str
    template_version: int
    name: str
    category: Category
    status: Status = Status.ACTIVE
    stage: Stage
    priority: Priority
    customer_id: str | None = None
    lead_id: str | None = None
    entry_key: str | None = None
    reentry: Reentry = Reentry.ANY_TIME
    context: JsonObject = field(default_factory=dict)
    steps: tuple[StepVisit, ...]
    current_step: str
    blocked_by: tuple[Unmet, ...] = ()
    assigned_to: str | None = None
    assigned_team: str | None = None
    tags: tuple[str, ...] = ()
    created_at: datetime
    created_by: Actor
    last_activity: datetime
    ended_at: datetime | None = None
    end_reason: str | None = None
    estimated_completion: datetime | None = None
    due_at: datetime | None = None  # when the current step's time is over
    remaining_seconds: float | None = None  # of that time, while paused
    handoff: Awaited | None = None
    sla_due_at: datetime | None = None  # when the journey's promise is broken; None once it is
    sla_remaining: float | None = None  # seconds, while paused
    step_sla_due_at: datetime | None = None
    step_sla_remaining: float | None = None
    origin: Origin = Origin.LIVE

    def visit(self, step: str) -> StepVisit:
        return next((visit for visit in self.steps if visit.id == step), StepVisit(step))

    @property
    def current(self) -> StepVisit:
        return self.visit(self.current_step)

    @property
    def progress(self) -> int:
        """(completed + skipped) / total as a whole percentage; 100 only when the journey is completed."""
        done = sum(visit.state.done for visit in self.steps)
        percentage = 100 * done // len(self.steps)
        return percentage if self.status is Status.COMPLETED else min(percentage, 99)

    @property
    def scope(self) -> dict[str, Json]:
        """What conditions see: what the journey knows of itself, and its context beside."""
        own = {"customerId": self.customer_id, "leadId": self.lead_id, "priority": self.priority.value}
        return self.context | {name: value for name, value in own.items() if value is not None}

    @property
    def wake_at(self) -> datetime | None:
        """When something is due without anybody asking."""
        if self.status is not Status.ACTIVE:
            return None
        return min(filter(None, (self.due_at, self.sla_due_at, self.step_sla_due_at)), default=None)

    @property
    def incident(self) -> bool:
        """Whether it waits for somebody to mend its handoff."""
        return self.handoff is not None and self.handoff.status is HandoffStatus.FAILED

    @property
    def reservation(self) -> str | None:
        """What no other journey of the tenant may hold at the same time (re-entry)."""
        if self.entry_key is None or self.origin is Origin.IMPORT:
            return None
        held = {
            Reentry.ANY_TIME: False,
            Reentry.ONCE_ACTIVE: self.status.live,
            Reentry.NEVER_AGAIN: True,
        }[self.reentry]
        return f"{self.tenant_id}|{self.template_id}|{self.entry_key}" if held else None

    @property
    def searchable(self) -> list[str]:
        """The words it is found by: its name and ids, its tags, and the short texts of its context."""
        short = [v for v in self.context.values() if isinstance(v, str) and len(v) <= 80]  # noqa: PLR2004
        texts = [self.customer_id, self.lead_id, self.id.removeprefix("jrn_"), self.name, *self.tags, *short]
        return search.tokens(texts)

    @property
    def facets(self) -> JsonObject:
        """What the journey can be filtered by, as the feed carries it."""
        return {
            "status": self.status.value,
            "stage": self.stage.value,
            "category": self.category.value,
            "priority": self.priority.value,
            "templateId": self.template_id,
            "assignedTo": self.assigned_to,
            "assignedTeam": self.assigned_team,
            "customerId": self.customer_id,
            "leadId": self.lead_id,
            "incident": self.incident,
            "createdAt": timestamp(self.created_at),
            "lastActivity": timestamp(self.last_activity),
            "search": list(self.searchable),
        }


def require(journey: Journey, *statuses: Status, verb: str) -> None:
    """Raises IllegalTransition unless the journey is in one of these states."""
    if journey.status not in statuses:
        raise IllegalTransition(f"A journey that is {journey.status.value} cannot be {verb}.", "id")


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
            return replace(journey, handoff=Awaited(id=id, approval=policy is not None))
        case HandoffEnded(status=status, output=output, reason=reason):
            return _heard(journey, status, output, reason)
        case IncidentResolved():
            return _heard(journey, HandoffStatus.PENDING, None, None)
        case HandoffWithdrawn(handoff_id=id):
            gone = journey.handoff is not None and journey.handoff.id == id
            return replace(journey, handoff=None) if gone else journey
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
    settled = journey.handoff is not None and journey.handoff.settled
    return replace(
        journey,
        due_at=None,
        blocked_by=(),
        step_sla_due_at=None,
        handoff=None if settled else journey.handoff,
    )


def _heard(journey: Journey, status: HandoffStatus, output: Json, reason: str | None) -> Journey:
    if journey.handoff is None:
        return journey
    applied = journey.status is Status.ACTIVE
    heard = replace(journey.handoff, status=status, output=output, reason=reason, applied=applied)
    return replace(journey, handoff=heard)


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
    waiting = journey.handoff
    return replace(
        journey,
        handoff=replace(waiting, applied=True) if waiting is not None and waiting.settled else waiting,
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


def seconds_until(due: datetime | None, at: datetime) -> float | None:
    """Seconds that are left, 0 when it is overdue; None where nothing is due."""
    return None if due is None else max(0.0, (due - at) / timedelta(seconds=1))

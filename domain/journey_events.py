"""The facts of a journey's life."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from domain.approval import ApprovalPolicy
from domain.condition import Unmet
from domain.events import Event, HandoffStatus, Origin, Parent, Priority, StepVisit
from domain.template import Category, Reentry, Stage
from domain.values import Json, JsonObject
from domain.work_events import WorkEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyStarted(Event):
    """A journey begins, on this version of a template."""

    type: ClassVar[str] = "journey:started"
    tenant_id: str
    template_id: str
    template_version: int
    name: str
    category: Category
    stage: Stage
    priority: Priority
    customer_id: str | None = None
    lead_id: str | None = None
    entry_key: str | None = None
    reentry: Reentry
    context: JsonObject
    steps: tuple[str, ...]
    assigned_to: str | None = None
    assigned_team: str | None = None
    tags: tuple[str, ...] = ()
    estimated_completion: datetime | None = None
    sla_due_at: datetime | None = None
    origin: Origin = Origin.LIVE
    parent: Parent | None = None  # the step that it is the work of


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEntered(Event):
    """The journey entered a step; each time is a visit with a number."""

    type: ClassVar[str] = "journey:step_entered"
    step: str
    visit: int
    stage: Stage
    due_at: datetime | None = None
    sla_due_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepBlocked(Event):
    """The journey came to a step by itself whose conditions do not hold yet; it waits before it."""

    type: ClassVar[str] = "journey:step_blocked"
    step: str
    blocked_by: tuple[Unmet, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCompleted(Event):
    """The step's work is done."""

    type: ClassVar[str] = "journey:step_completed"
    step: str
    visit: int
    automatic: bool = False
    activity: str | None = None  # an import's own name for it
    data: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSkipped(Event):
    """The step was left out."""

    type: ClassVar[str] = "journey:step_skipped"
    step: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFailed(Event):
    """The step went wrong."""

    type: ClassVar[str] = "journey:step_failed"
    step: str
    visit: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTimedOut(Event):
    """The step took longer than it may."""

    type: ClassVar[str] = "journey:step_timed_out"
    step: str
    visit: int
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRetried(Event):
    """The failed step is entered anew."""

    type: ClassVar[str] = "journey:step_retried"
    step: str
    visit: int
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StageChanged(Event):
    """The customer came to another stage."""

    type: ClassVar[str] = "journey:stage_changed"
    from_stage: Stage
    to_stage: Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyPaused(Event):
    """The journey's clock stopped."""

    type: ClassVar[str] = "journey:paused"
    reason: str | None = None
    remaining_seconds: float | None = None  # of the current step's time limit
    sla_remaining: float | None = None  # seconds of the journey's promise
    step_sla_remaining: float | None = None  # seconds of the step's


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyResumed(Event):
    """The journey's clock runs again."""

    type: ClassVar[str] = "journey:resumed"
    due_at: datetime | None = None
    sla_due_at: datetime | None = None
    step_sla_due_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyCompleted(Event):
    """The journey ended as a success."""

    type: ClassVar[str] = "journey:completed"
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyFailed(Event):
    """The journey stopped at a step that failed, until somebody retries it."""

    type: ClassVar[str] = "journey:failed"
    step: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyAbandoned(Event):
    """The journey was given up."""

    type: ClassVar[str] = "journey:abandoned"
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyAssigned(Event):
    """Somebody else looks after the journey, or nobody any more."""

    type: ClassVar[str] = "journey:assigned"
    user: str | None = None
    team: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorityChanged(Event):
    """The journey's priority changed."""

    type: ClassVar[str] = "journey:priority_changed"
    from_priority: Priority
    to_priority: Priority


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextUpdated(Event):
    """The journey's context changed: a merge at the top level, where a null removes the key."""

    type: ClassVar[str] = "journey:context_updated"
    changes: dict[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerLinked(Event):
    """The journey's customer is known now."""

    type: ClassVar[str] = "journey:customer_linked"
    customer_id: str
    lead_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyMigrated(Event):
    """The journey follows another version of its template from now on."""

    type: ClassVar[str] = "journey:migrated"
    from_version: int
    to_version: int
    step_map: dict[str, str]
    current_step: str
    steps: tuple[StepVisit, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationRequested(Event):
    """Somebody is to be told. Changes nothing in the journey; a touchpoint follows."""

    type: ClassVar[str] = "notification:requested"
    step: str
    channel: str
    title: str
    customer_id: str | None = None
    lead_id: str | None = None
    params: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffRequested(Event):
    """The step's work is somebody else's: a handoff with this id follows, an approval where there is a policy."""

    type: ClassVar[str] = "journey:handoff_requested"
    handoff_id: str
    step: str
    visit: int
    package: str
    action: str | None = None
    policy: ApprovalPolicy | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffWithdrawn(Event):
    """The journey left the step whose handoff had not ended, or had failed: it is cancelled."""

    type: ClassVar[str] = "journey:handoff_withdrawn"
    handoff_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffEnded(Event):
    """The result of the current step's handoff, as the journey heard of it."""

    type: ClassVar[str] = "journey:handoff_ended"
    handoff_id: str
    status: HandoffStatus
    output: Json = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentOpened(Event):
    """The current step's handoff, action or child journey failed; the journey waits for somebody to mend it."""

    type: ClassVar[str] = "journey:incident_opened"
    handoff_id: str | None = None
    work_id: str | None = None  # of an action or child
    failures: int = 0  # of that work, this one counted
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentResolved(Event):
    """What had failed is tried again, or is done after all."""

    type: ClassVar[str] = "journey:incident_resolved"
    handoff_id: str | None = None
    work_id: str | None = None  # of an action or child
    failures: int = 0  # of that work


class SlaScope(StrEnum):
    JOURNEY = "journey"
    STEP = "step"


@dataclass(frozen=True, slots=True, kw_only=True)
class SlaBreached(Event):
    """More time has passed than was promised for the journey, or for the step. Told once; changes nothing else."""

    type: ClassVar[str] = "journey:sla_breached"
    scope: SlaScope
    step: str
    visit: int
    due_at: datetime


JourneyEvent = (
    JourneyStarted
    | StepEntered
    | StepBlocked
    | StepCompleted
    | StepSkipped
    | StepFailed
    | StepTimedOut
    | StepRetried
    | StageChanged
    | JourneyPaused
    | JourneyResumed
    | JourneyCompleted
    | JourneyFailed
    | JourneyAbandoned
    | JourneyAssigned
    | PriorityChanged
    | ContextUpdated
    | CustomerLinked
    | JourneyMigrated
    | NotificationRequested
    | HandoffRequested
    | HandoffWithdrawn
    | HandoffEnded
    | IncidentOpened
    | IncidentResolved
    | SlaBreached
    | WorkEvent
)

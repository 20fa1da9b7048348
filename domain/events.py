"""Every fact the service records, and the envelope it is recorded in.

A new event type is a class here and a name in its union; mypy then names every `match` that must learn of it.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from domain.approval import ApprovalPolicy
from domain.condition import Unmet
from domain.identity import Actor, ActorKind
from domain.template import Category, Definition, Reentry, Stage
from domain.values import Json, JsonObject, Money

POSITIONS_PER_REVISION = 1_000_000


class Origin(StrEnum):
    LIVE = "live"
    IMPORT = "import"  # history from elsewhere: log and analytics only


class StepState(StrEnum):
    PENDING = "pending"
    BLOCKED = "blocked"  # the journey waits before it
    ACTIVE = "active"
    COMPLETED = "completed"
    SKIPPED = "skipped"
    FAILED = "failed"

    @property
    def done(self) -> bool:
        return self in (StepState.COMPLETED, StepState.SKIPPED)


class Priority(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    URGENT = "urgent"


class HandoffStatus(StrEnum):
    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"

    @property
    def open(self) -> bool:
        return self in (HandoffStatus.PENDING, HandoffStatus.IN_PROGRESS)


@dataclass(frozen=True, slots=True)
class StepVisit:
    """Where one step stands: its last visit. Earlier visits are in the history."""

    id: str
    state: StepState = StepState.PENDING
    visit: int = 0
    entered_at: datetime | None = None
    ended_at: datetime | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A fact. `by` is set where it is not whoever gave the command (an import's actors)."""

    type: ClassVar[str]
    at: datetime
    by: Actor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyStarted(Event):
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


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEntered(Event):
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
    type: ClassVar[str] = "journey:step_completed"
    step: str
    visit: int
    automatic: bool = False
    activity: str | None = None  # an import's own name for it
    data: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSkipped(Event):
    type: ClassVar[str] = "journey:step_skipped"
    step: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFailed(Event):
    type: ClassVar[str] = "journey:step_failed"
    step: str
    visit: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTimedOut(Event):
    type: ClassVar[str] = "journey:step_timed_out"
    step: str
    visit: int
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRetried(Event):
    type: ClassVar[str] = "journey:step_retried"
    step: str
    visit: int
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StageChanged(Event):
    type: ClassVar[str] = "journey:stage_changed"
    from_stage: Stage
    to_stage: Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyPaused(Event):
    type: ClassVar[str] = "journey:paused"
    reason: str | None = None
    remaining_seconds: float | None = None  # of the current step's time limit
    sla_remaining: float | None = None  # seconds of the journey's promise
    step_sla_remaining: float | None = None  # seconds of the step's


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyResumed(Event):
    type: ClassVar[str] = "journey:resumed"
    due_at: datetime | None = None
    sla_due_at: datetime | None = None
    step_sla_due_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyCompleted(Event):
    type: ClassVar[str] = "journey:completed"
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyFailed(Event):
    type: ClassVar[str] = "journey:failed"
    step: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyAbandoned(Event):
    type: ClassVar[str] = "journey:abandoned"
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyAssigned(Event):
    type: ClassVar[str] = "journey:assigned"
    user: str | None = None
    team: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorityChanged(Event):
    type: ClassVar[str] = "journey:priority_changed"
    from_priority: Priority
    to_priority: Priority


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextUpdated(Event):
    """A merge at the top level: a null removes the key."""

    type: ClassVar[str] = "journey:context_updated"
    changes: dict[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerLinked(Event):
    type: ClassVar[str] = "journey:customer_linked"
    customer_id: str
    lead_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyMigrated(Event):
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
    """The current step's handoff failed; the journey waits for somebody to mend it."""

    type: ClassVar[str] = "journey:incident_opened"
    handoff_id: str
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentResolved(Event):
    """The handoff that had failed is tried again."""

    type: ClassVar[str] = "journey:incident_resolved"
    handoff_id: str


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
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateCreated(Event):
    type: ClassVar[str] = "template:created"
    tenant_id: str
    version: int
    definition: Definition


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateActivated(Event):
    type: ClassVar[str] = "template:activated"


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateDeactivated(Event):
    type: ClassVar[str] = "template:deactivated"


TemplateEvent = TemplateCreated | TemplateActivated | TemplateDeactivated


class Outcome(StrEnum):
    POSITIVE = "positive"
    NEGATIVE = "negative"
    NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True, kw_only=True)
class TouchpointAdded(Event):
    """`at` is when the contact took place."""

    type: ClassVar[str] = "touchpoint:added"
    tenant_id: str
    kind: str
    channel: str
    source: str
    title: str
    journey_id: str | None = None
    customer_id: str | None = None
    lead_id: str | None = None
    campaign: str | None = None
    description: str | None = None
    outcome: Outcome | None = None
    cost: Money | None = None
    duration_seconds: float | None = None
    metadata: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversionAdded(Event):
    """`at` is when the customer converted."""

    type: ClassVar[str] = "conversion:added"
    tenant_id: str
    kind: str
    from_stage: Stage | None = None
    to_stage: Stage
    value: Money | None = None
    journey_id: str | None = None
    customer_id: str | None = None
    lead_id: str | None = None
    channel: str | None = None
    source: str | None = None
    campaign: str | None = None
    metadata: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportCompleted(Event):
    type: ClassVar[str] = "import:completed"
    tenant_id: str
    template_id: str
    file: str
    journeys: int
    step_events: int
    rejected: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """An event as the log keeps it: who, when, about what, and in which place of its subject's history.

    `facets` is what the subject could be filtered by after the change, `was` the facets that it changed; both
    stand on the first event of a change only.
    """

    id: str
    type: str
    source: str
    subject: str
    revision: int
    n: int
    tenant_id: str
    actor: Actor
    requester: Actor | None = None  # the nearest person in the chain of causes, where the actor is none
    occurred_at: datetime
    recorded_at: datetime
    data: JsonObject
    origin: Origin = Origin.LIVE
    correlation_id: str
    causation_id: str | None = None
    command_id: str
    input_hash: str | None = None
    facets: JsonObject | None = None
    was: JsonObject | None = None

    @property
    def person(self) -> Actor | None:
        """The nearest person in the chain of causes."""
        return self.actor if self.actor.kind is ActorKind.USER else self.requester

    @property
    def position(self) -> int:
        """Its place in the subject's history: revision, then n."""
        return self.revision * POSITIONS_PER_REVISION + self.n


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """All given parts must hold."""

    types: tuple[str, ...] = ()
    subject: str | None = None
    since: datetime | None = None  # inclusive
    until: datetime | None = None  # exclusive

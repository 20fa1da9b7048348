"""The facts of a handoff's life. Its attempts are facts too: what a partner was asked and answered is never lost."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from domain.approval import ApprovalPolicy, Decision
from domain.events import Event, Priority
from domain.identity import Actor
from domain.limits import Limits
from domain.values import Json, JsonObject


class HandoffType(StrEnum):
    AUTOMATIC = "automatic"
    MANUAL = "manual"
    APPROVAL_REQUIRED = "approval_required"


class AttemptOutcome(StrEnum):
    SUCCEEDED = "succeeded"
    ACCEPTED = "accepted"  # 202: the partner answers later
    REFUSED = "refused"  # an answer that trying again does not change
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    LOST = "lost"  # the worker died, or lost its lease


class FailureCode(StrEnum):
    VALIDATION = "validation"
    REFUSED = "refused"
    ATTEMPTS = "attempts"
    TIME = "time"
    NO_ANSWER = "no_answer"
    REPORTED = "reported"


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffCreated(Event):
    """Work is handed over. Journey, step and visit name the step's visit it belongs to, where there is one."""

    type: ClassVar[str] = "handoff:created"
    tenant_id: str
    kind: HandoffType
    name: str
    from_package: str | None = None
    to_package: str
    action: str | None = None
    journey_id: str | None = None
    step: str | None = None
    visit: int | None = None
    customer_id: str | None = None
    lead_id: str | None = None
    priority: Priority = Priority.MEDIUM
    data: JsonObject = field(default_factory=dict)
    required_data: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    policy: ApprovalPolicy | None = None
    assigned_to: str | None = None
    due_at: datetime | None = None
    requester: Actor | None = None
    correlation_id: str | None = None
    depth: int = 0  # of the chain of triggers that led to it


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRequested(Event):
    """People are to decide: whoever notifies them listens to this."""

    type: ClassVar[str] = "approval:requested"
    policy: ApprovalPolicy
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalGiven(Event):
    """Somebody approved."""

    type: ClassVar[str] = "approval:given"
    decision: Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalDelegated(Event):
    """Somebody left the decision to somebody else."""

    type: ClassVar[str] = "approval:delegated"
    from_user: str
    to_user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalEscalated(Event):
    """Nobody decided in time: another role is to."""

    type: ClassVar[str] = "approval:escalated"
    role: str
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffStarted(Event):
    """Approved and to be executed, or taken up by a person, or to be tried at once."""

    type: ClassVar[str] = "handoff:started"
    assigned_to: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptStarted(Event):
    """A worker begins to call the partner."""

    type: ClassVar[str] = "handoff:attempt_started"
    round: int
    attempt: int
    claim: str
    lease_until: datetime
    deadline: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEnded(Event):
    """What came of a call to the partner."""

    type: ClassVar[str] = "handoff:attempt_ended"
    round: int
    attempt: int
    outcome: AttemptOutcome
    status: int | None = None  # of HTTP
    error: str | None = None
    next_attempt_at: datetime | None = None
    due_at: datetime | None = None  # of the partner's answer, after a 202


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffCompleted(Event):
    """The work is done, with its result."""

    type: ClassVar[str] = "handoff:completed"
    output: Json = None


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something in a handoff's data that has to be mended, and where."""

    message: str
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffFailed(Event):
    """The work could not be done, until somebody retries it."""

    type: ClassVar[str] = "handoff:failed"
    code: FailureCode
    reason: str
    validation_errors: tuple[Flaw, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffRejected(Event):
    """Somebody rejected the approval."""

    type: ClassVar[str] = "handoff:rejected"
    decision: Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffExpired(Event):
    """Nobody decided or answered in time."""

    type: ClassVar[str] = "handoff:expired"
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffCancelled(Event):
    """The work is not needed any more."""

    type: ClassVar[str] = "handoff:cancelled"
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffReassigned(Event):
    """Somebody else is to do the work, or nobody in particular."""

    type: ClassVar[str] = "handoff:reassigned"
    user: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffDataChanged(Event):
    """The data handed over changed: a merge at the top level, where a null removes the key. Decisions given before are
    void."""

    type: ClassVar[str] = "handoff:data_changed"
    changes: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffRetried(Event):
    """A person begins a new round, with a new Idempotency-Key."""

    type: ClassVar[str] = "handoff:retried"
    round: int
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LateResult(Event):
    """What a partner said after the handoff had ended, or to a worker that had lost it. It changes nothing."""

    type: ClassVar[str] = "handoff:late_result"
    round: int
    attempt: int | None = None
    status: int | None = None
    output: Json = None
    error: str | None = None


HandoffEvent = (
    HandoffCreated
    | ApprovalRequested
    | ApprovalGiven
    | ApprovalDelegated
    | ApprovalEscalated
    | HandoffStarted
    | AttemptStarted
    | AttemptEnded
    | HandoffCompleted
    | HandoffFailed
    | HandoffRejected
    | HandoffExpired
    | HandoffCancelled
    | HandoffReassigned
    | HandoffDataChanged
    | HandoffRetried
    | LateResult
)

"""A handoff is work passed from one system to another, with the data it needs and its result.

Like a journey it is folded from events (`handoff_fold`); `handing`, `deciding` and `attempting` hold its commands.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime

from domain.approval import Approval
from domain.errors import IllegalTransition
from domain.events import HandoffStatus, Priority
from domain.handoff_events import (
    AttemptOutcome,
    FailureCode,
    Flaw,
    HandoffType,
)
from domain.identity import Actor
from domain.limits import Limits
from domain.values import Json, JsonObject, timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    round: int
    number: int
    started_at: datetime
    ended_at: datetime | None = None
    outcome: AttemptOutcome | None = None  # None while it runs, or where the handoff ended meanwhile
    status: int | None = None  # of HTTP
    error: str | None = None
    claim: str | None = None  # whose it was: what comes late is told of the attempt it belongs to


@dataclass(frozen=True, slots=True, kw_only=True)
class Handoff:
    id: str
    tenant_id: str
    revision: int = 0
    type: HandoffType
    status: HandoffStatus = HandoffStatus.PENDING
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
    output: Json = None
    failure: FailureCode | None = None
    reason: str | None = None  # of its end
    validation_errors: tuple[Flaw, ...] = ()
    assigned_to: str | None = None
    requester: Actor | None = None
    correlation_id: str | None = None
    depth: int = 0
    approval: Approval | None = None
    limits: Limits = field(default_factory=Limits)
    round: int = 1
    attempts: tuple[Attempt, ...] = ()
    next_attempt_at: datetime | None = None
    deadline: datetime | None = None  # of all attempts of the round
    claim: str | None = None  # of the attempt that runs
    lease_until: datetime | None = None
    due_at: datetime | None = None  # of a decision, a person's work, or a partner's later answer
    created_at: datetime
    created_by: Actor
    last_activity: datetime
    ended_at: datetime | None = None

    @property
    def awaits_decision(self) -> bool:
        return self.status is HandoffStatus.PENDING and self.type is HandoffType.APPROVAL_REQUIRED

    @property
    def executes(self) -> bool:
        """Whether a worker has something to do with it: an attempt, or one that was lost."""
        return self.next_attempt_at is not None or self.lease_until is not None

    @property
    def tried(self) -> int:
        """How many attempts there were in this round."""
        return max((each.number for each in self.attempts if each.round == self.round), default=0)

    @property
    def message_id(self) -> str:
        """The Idempotency-Key: the same over all attempts of a round."""
        return f"{self.id}:{self.round}"

    @property
    def wake_at(self) -> datetime | None:
        """When something is due without anybody asking."""
        if not self.status.open:
            return None
        return min(filter(None, (self.next_attempt_at, self.lease_until, self.due_at)), default=None)

    @property
    def queue(self) -> str | None:
        """Whose turn it waits for: those of one target of one tenant take turns with the others."""
        if self.wake_at is None:
            return None
        return f"{self.tenant_id}|{self.to_package if self.executes else ''}"

    @property
    def audience(self) -> tuple[str, ...]:
        """Whose list of pending approvals it is in."""
        return self.approval.audience if self.approval is not None and self.awaits_decision else ()

    @property
    def facets(self) -> JsonObject:
        """What it can be filtered by, as the feed carries it."""
        approval = self.approval
        return {
            "handoff": True,
            "status": self.status.value,
            "type": self.type.value,
            "fromPackage": self.from_package,
            "toPackage": self.to_package,
            "action": self.action,
            "journeyId": self.journey_id,
            "customerId": self.customer_id,
            "leadId": self.lead_id,
            "assignedTo": self.assigned_to,
            "createdAt": timestamp(self.created_at),
            "lastActivity": timestamp(self.last_activity),
            "queue": self.queue if self.executes else None,
            "audience": list(self.audience),
            "excluded": [*sorted(excluded(approval, self.requester))] if approval and self.audience else [],
        }


def excluded(approval: Approval, requester: Actor | None) -> set[str]:
    """The users whose list it is not in though their role would be: they have decided, delegated, or asked for it."""
    users = {each.by.id for each in approval.valid} | set(approval.delegates)
    return users | approval.barred(requester)


def handoff_id(journey_id: str, step: str, visit: int) -> str:
    """The id of the handoff that one visit of a step makes."""
    return f"hof_{hashlib.sha256(f'{journey_id}|{step}|{visit}'.encode()).hexdigest()[:32]}"


def require(handoff: Handoff, *statuses: HandoffStatus, verb: str) -> None:
    """Raises IllegalTransition unless the handoff is in one of these states."""
    if handoff.status not in statuses:
        raise IllegalTransition(f"A handoff that is {handoff.status.value} cannot be {verb}.", "id")

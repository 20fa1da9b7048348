"""Every fact the service records, and the envelope it is recorded in.

A new event type is a class here and a name in its union; mypy then names every `match` that must learn of it.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from domain.identity import Actor, ActorKind
from domain.values import JsonObject

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


class Work(StrEnum):
    """Whose work the current step's is."""

    HANDOFF = "handoff"
    ACTION = "action"
    CHILD = "child"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parent:
    """Where a child journey belongs: the visit of the step that started it. `level` is how many journeys it is in."""

    journey_id: str
    step: str
    visit: int
    level: int


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


class Outcome(StrEnum):
    POSITIVE = "positive"
    NEGATIVE = "negative"
    NEUTRAL = "neutral"


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
    attributes: JsonObject | None = None  # what else a CloudEvent says of itself, by its names
    origin: Origin = Origin.LIVE
    correlation_id: str
    causation_id: str | None = None
    command_id: str
    input_hash: str | None = None
    external_id: str | None = None  # the source's own
    customer_id: str | None = None
    lead_id: str | None = None
    depth: int = 0  # of the chain of triggers that led to it
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
    source: str | None = None
    subject: str | None = None
    customer_id: str | None = None
    since: datetime | None = None  # inclusive
    until: datetime | None = None  # exclusive

"""A journey walks the steps of a template.

A command (`walk`, `steer`, `handback`) looks at a Journey and returns the events that follow, or refuses. It changes
nothing; `journey_fold` alone says what an event does.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from domain import search
from domain.condition import Unmet
from domain.errors import IllegalTransition
from domain.events import HandoffStatus, Origin, Parent, Priority, StepVisit, Work
from domain.identity import Actor
from domain.template import Category, Reentry, Stage
from domain.values import Json, JsonObject, timestamp

MAX_CONTEXT_BYTES: Final = 256 * 1024


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
    """The work that the current step waits for, and its result once the journey has heard of it."""

    id: str
    work: Work = Work.HANDOFF
    approval: bool = False
    status: HandoffStatus = HandoffStatus.PENDING
    output: Json = None
    reason: str | None = None
    failures: int = 0  # of an action or child
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
    awaited: Awaited | None = None
    sla_due_at: datetime | None = None  # when the journey's promise is broken; None once it is
    sla_remaining: float | None = None  # seconds, while paused
    step_sla_due_at: datetime | None = None
    step_sla_remaining: float | None = None
    origin: Origin = Origin.LIVE
    parent: Parent | None = None  # of a child journey

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
        """Whether it waits for somebody to mend its step's handoff, action or child journey."""
        return self.awaited is not None and self.awaited.status is HandoffStatus.FAILED

    @property
    def handoff(self) -> Awaited | None:
        """The handoff that the current step waits for."""
        return self.awaited if self.awaited is not None and self.awaited.work is Work.HANDOFF else None

    @property
    def level(self) -> int:
        """How many journeys it is nested in."""
        return 0 if self.parent is None else self.parent.level

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
            **({} if self.parent is None else {"parentId": self.parent.journey_id}),
        }


def require(journey: Journey, *statuses: Status, verb: str) -> None:
    """Raises IllegalTransition unless the journey is in one of these states."""
    if journey.status not in statuses:
        raise IllegalTransition(f"A journey that is {journey.status.value} cannot be {verb}.", "id")


def seconds_until(due: datetime | None, at: datetime) -> float | None:
    """Seconds that are left, 0 when it is overdue; None where nothing is due."""
    return None if due is None else max(0.0, (due - at) / timedelta(seconds=1))

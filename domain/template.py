"""A template says which steps a journey walks, under which conditions, and what starts it.

Its definition never changes: an edit is a new version, and a journey stays on the version it started with.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from domain.action import Action
from domain.approval import ApprovalPolicy
from domain.condition import Condition
from domain.identity import Actor
from domain.values import JsonObject


class Stage(StrEnum):
    PROSPECT = "prospect"
    LEAD = "lead"
    QUALIFIED = "qualified"
    CUSTOMER = "customer"
    ACTIVE_SERVICE = "active_service"
    SUPPORT = "support"
    RENEWAL = "renewal"
    CHURN = "churn"
    WIN_BACK = "win_back"


class Category(StrEnum):
    """What a journey is for: the `type` of the journeys that follow the template."""

    ACQUISITION = "acquisition"
    ONBOARDING = "onboarding"
    SUPPORT = "support"
    RETENTION = "retention"
    UPGRADE = "upgrade"
    CUSTOM = "custom"


class StepType(StrEnum):
    MANUAL = "manual"
    AUTOMATED = "automated"
    INTEGRATION = "integration"
    APPROVAL = "approval"
    NOTIFICATION = "notification"
    WORKFLOW = "workflow"


class Reentry(StrEnum):
    ANY_TIME = "any_time"
    ONCE_ACTIVE = "once_active"
    NEVER_AGAIN = "never_again"


class TriggerType(StrEnum):
    MANUAL = "manual"
    AUTOMATED = "automated"
    SCHEDULED = "scheduled"
    CONDITIONAL = "conditional"
    EVENT = "event"


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """The journey that a WORKFLOW step starts and ends with."""

    template_id: str
    template_version: int | None = None  # without one, the newest active
    context_mapping: dict[str, str] | None = (
        None  # its context key: path in the parent's; without one, the whole
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    id: str
    name: str
    stage: Stage
    order: int
    type: StepType = StepType.MANUAL
    description: str = ""
    package: str | None = None  # the system that does the work
    action: str | None = None  # what that system is asked to do
    performs: Action | None = None  # what an AUTOMATED step does
    child: Child | None = None  # what a WORKFLOW step starts
    params: JsonObject = field(default_factory=dict)
    estimated_minutes: int = 0
    max_duration: timedelta | None = None
    entry_conditions: tuple[Condition, ...] = ()
    exit_conditions: tuple[Condition, ...] = ()
    required_data: tuple[str, ...] = ()  # paths that must be in the context before the step is entered
    output_data: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()  # steps that must be completed or skipped before
    ui: JsonObject = field(default_factory=dict)
    approval: ApprovalPolicy | None = None  # for APPROVAL, or an INTEGRATION that needs one first
    output_mapping: dict[str, str] = field(default_factory=dict)  # context key: path in its work's output
    on_rejected: str | None = None  # where to go when an approval is rejected or expires, a child abandoned
    sla: timedelta | None = None  # the promise; without one, the estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    id: str
    name: str
    type: TriggerType
    event: str | None = None  # for EVENT and CONDITIONAL
    schedule: str | None = None  # cron, for SCHEDULED
    time_zone: str | None = None
    conditions: tuple[Condition, ...] = ()
    context_mapping: dict[str, str] = field(default_factory=dict)
    active: bool = True
    priority: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    auto_progress: bool = False
    allow_skip_steps: bool = False
    require_approval: bool = False
    notifications_enabled: bool = True
    sla_tracking: bool = False
    sla: timedelta | None = (
        None  # the promise for the whole; without one, `slaHours` of the context, or the estimate
    )
    reentry: Reentry = Reentry.ONCE_ACTIVE
    entry_key: str | None = None  # a path in the context; without one, the customer, else the lead


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """What an author writes; `steps` in their order."""

    template_id: str
    name: str
    category: Category
    steps: tuple[Step, ...]
    description: str = ""
    default_context: JsonObject = field(default_factory=dict)
    triggers: tuple[Trigger, ...] = ()
    settings: Settings = field(default_factory=Settings)
    tags: tuple[str, ...] = ()

    @property
    def estimated_minutes(self) -> int:
        return sum(step.estimated_minutes for step in self.steps)

    def step(self, id: str) -> Step | None:
        return next((step for step in self.steps if step.id == id), None)

    def after(self, id: str | None) -> tuple[Step, ...]:
        """The steps behind this one in order; all of them for None."""
        if id is None:
            return self.steps
        at = next((n for n, step in enumerate(self.steps) if step.id == id), len(self.steps))
        return self.steps[at + 1 :]


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """One version of a template."""

    id: str
    tenant_id: str
    revision: int = 0
    version: int
    definition: Definition
    active: bool = True
    created_at: datetime
    created_by: Actor

"""What a funnel asks: which happenings are its steps, for whom they are counted, and how the rows are told apart."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from domain.analytics.funnel_walk import FunnelPlan, OrderMode
from domain.analytics.scope import Scope, UnitKind
from domain.condition import Condition
from domain.errors import InvalidInput, Problem
from domain.template import Stage

MOST_STEPS: Final = 20
MOST_CONDITIONS: Final = 50  # of one step, as of a trigger


@dataclass(frozen=True, slots=True)
class StageEntered:
    """A journey enters the stage; its start enters the first."""

    stage: Stage


@dataclass(frozen=True, slots=True)
class StepEntered:
    """A journey of the template, in any version, enters the step; an imported activity enters its step."""

    template_id: str
    step: str


@dataclass(frozen=True, slots=True)
class EventOccurred:
    """An event of the type for which all conditions hold. They see what a trigger's conditions see of an event."""

    type: str
    conditions: tuple[Condition, ...] = ()


Happening = StageEntered | StepEntered | EventOccurred


class Breakdown(StrEnum):
    """What the rows of a funnel are told apart by: of the journey in which a unit entered step 1, as it is now."""

    TEMPLATE = "templateId"
    TYPE = "category"
    PRIORITY = "priority"
    STATUS = "status"
    ASSIGNED_TEAM = "assignedTeam"
    ASSIGNED_TO = "assignedTo"


@dataclass(frozen=True, slots=True, kw_only=True)
class FunnelQuestion:
    """Raises InvalidInput, with every reason, for no step, more than MOST_STEPS steps or exclusions, more than
    MOST_CONDITIONS conditions, and a window that is not longer than nothing."""

    steps: tuple[Happening, ...]
    window: timedelta | None = None
    unit: UnitKind = UnitKind.JOURNEY
    order: OrderMode = OrderMode.ORDERED
    exclusions: tuple[Happening, ...] = ()
    breakdown: Breakdown | None = None

    def __post_init__(self) -> None:
        found = []
        if not 1 <= len(self.steps) <= MOST_STEPS:
            found.append(Problem(f"A funnel has 1 to {MOST_STEPS} steps.", ("steps",)))
        if len(self.exclusions) > MOST_STEPS:
            found.append(Problem(f"A funnel has at most {MOST_STEPS} exclusions.", ("exclusions",)))
        for name, given in (("steps", self.steps), ("exclusions", self.exclusions)):
            for n, each in enumerate(given):
                if isinstance(each, EventOccurred) and len(each.conditions) > MOST_CONDITIONS:
                    many = f"A step has at most {MOST_CONDITIONS} conditions."
                    found.append(Problem(many, (name, str(n), "conditions")))
        if self.window is not None and self.window <= timedelta():
            found.append(Problem("It must be longer than nothing.", ("window",)))
        if found:
            raise InvalidInput(found[0].message, problems=found)

    def plan(self, scope: Scope) -> FunnelPlan:
        """How one unit's moments are walked."""
        return FunnelPlan(
            steps=len(self.steps),
            window=self.window,
            order=self.order,
            since=scope.since,
            until=scope.until,
        )


class Outcome(StrEnum):
    """What became of the units behind one figure of a funnel's step."""

    REACHED = "reached"
    DROPPED = "dropped"
    EXCLUDED = "excluded"
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class Pick:
    """One figure of a funnel: a step, from 1, what became of the units there, and the rows that are meant.

    `rows`: of all of them where it is None; else of those values, where None is the row of the units without one.
    """

    step: int
    outcome: Outcome = Outcome.REACHED
    rows: tuple[str | None, ...] | None = None

    def holds(self, reached: int, *, steps: int, dropped: bool, excluded: bool, row: str | None) -> bool:
        """Whether a unit is behind the figure that reached so many of the funnel's steps, and counts in this row."""
        if self.rows is not None and row not in self.rows:
            return False
        if self.outcome is Outcome.REACHED:
            return reached >= self.step
        here = reached == self.step < steps
        match self.outcome:
            case Outcome.DROPPED:
                return here and dropped
            case Outcome.EXCLUDED:
                return here and excluded
            case Outcome.PENDING:
                return here and not dropped

    def require_in(self, question: FunnelQuestion, *path: str) -> None:
        """Raises InvalidInput, below this path, where the funnel has no such step, or no rows to choose from."""
        if not 1 <= self.step <= len(question.steps):
            raise InvalidInput(f"The funnel has steps 1 to {len(question.steps)}.", *path, "step")
        if self.rows is not None and question.breakdown is None:
            raise InvalidInput("A funnel without a breakdown has no rows.", *path, "rows")


class NamedFunnel(StrEnum):
    """The funnels that are ready made."""

    ACQUISITION = "acquisition"
    ONBOARDING = "onboarding"
    SUPPORT = "support"
    RETENTION = "retention"


def _stages(*stages: Stage) -> tuple[Happening, ...]:
    return tuple(map(StageEntered, stages))


SUPPORT_STEPS: Final = (
    "ticket_triage",
    "agent_assignment",
    "issue_diagnosis",
    "resolution_action",
    "customer_verification",
)
NAMED: Final[Mapping[NamedFunnel, tuple[Happening, ...]]] = {
    NamedFunnel.ACQUISITION: _stages(Stage.LEAD, Stage.CUSTOMER, Stage.ACTIVE_SERVICE),
    NamedFunnel.ONBOARDING: _stages(Stage.CUSTOMER, Stage.ACTIVE_SERVICE),
    # Support is one stage, so its steps tell how far a ticket came.
    NamedFunnel.SUPPORT: tuple(StepEntered("support_resolution", step) for step in SUPPORT_STEPS),
    NamedFunnel.RETENTION: _stages(Stage.RENEWAL, Stage.ACTIVE_SERVICE),
}

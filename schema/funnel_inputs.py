"""What clients ask of funnels."""

from datetime import timedelta
from typing import Annotated

import strawberry

from domain.analytics import funnel_question as domain
from domain.analytics.funnel_question import (
    NAMED,
    Breakdown,
    EventOccurred,
    FunnelQuestion,
    Happening,
    NamedFunnel,
    Outcome,
    Pick,
    StageEntered,
    StepEntered,
)
from domain.analytics.funnel_walk import OrderMode
from domain.analytics.scope import UnitKind
from domain.errors import InvalidInput, Problem
from domain.template import Stage
from schema.condition import ConditionInput
from schema.report import ReportInput

THREE_KINDS = (
    "A step is one of these: `stage`; `templateId` and `step`; `eventType`, with or without `conditions`."
)


@strawberry.input(
    description="A step of a funnel, one of these: entering a stage (`stage`); entering a template's step "
    "(`templateId` and `step`); an event (`eventType`), for which all `conditions` hold where some are given."
)
class FunnelStepInput:
    stage: Stage | None = strawberry.field(default=None, description="A journey enters this stage.")
    template_id: str | None = strawberry.field(
        default=None, description="A journey of this template, in any version, enters its step `step`."
    )
    step: str | None = strawberry.field(default=None, description="The step's id in that template.")
    event_type: str | None = strawberry.field(
        default=None,
        description="An event of this type occurs, such as `crm:lead_qualified`. One from elsewhere is its "
        "customer's or lead's, and a journey's where its data has a `journeyId`.",
    )
    conditions: list[ConditionInput] | None = strawberry.field(
        default=None,
        description="On the event, all of them: paths such as `data.score` or `source`, as in a trigger's conditions.",
    )

    def to_domain(self, *path: str) -> Happening:
        """Raises InvalidInput unless it is one kind of step, whole."""
        place = self.template_id is not None or self.step is not None
        kinds = (self.stage is not None, place, self.event_type is not None)
        if sum(kinds) != 1:
            raise InvalidInput(THREE_KINDS, *path)
        if self.conditions and self.event_type is None:
            raise InvalidInput("Only an event has conditions.", *path, "conditions")
        if self.stage is not None:
            return StageEntered(self.stage)
        if self.event_type is not None:
            return EventOccurred(self.event_type, tuple(each.to_domain() for each in self.conditions or ()))
        if self.template_id is None:
            raise InvalidInput("A template's step needs its template.", *path, "templateId")
        if self.step is None:
            raise InvalidInput("A template's step has an id.", *path, "step")
        return StepEntered(self.template_id, self.step)


Steps = Annotated[
    list[FunnelStepInput] | None,
    strawberry.argument(description="Its steps in order, 1 to 20; without them, those of `named`."),
]
Named = Annotated[
    NamedFunnel | None,
    strawberry.argument(
        description="A ready-made funnel, instead of `steps`; where neither is given, ACQUISITION."
    ),
]
Window = Annotated[
    timedelta | None,
    strawberry.argument(
        description="How much time there is for all steps, from a unit's first entry of step 1 in the report's range "
        "on; without it, any time until now."
    ),
]
Unit = Annotated[UnitKind, strawberry.argument(description="What is counted.")]
Order = Annotated[OrderMode, strawberry.argument(description="What the order of a unit's moments must be.")]
Exclusions = Annotated[
    list[FunnelStepInput] | None,
    strawberry.argument(
        description="What ends a unit's way through the funnel when it happens behind step 1 and before the last "
        "step; at most 20."
    ),
]
Rows = Annotated[
    Breakdown | None,
    strawberry.argument(description="What the funnel's rows are told apart by; without it there is one row."),
]


@strawberry.input(description="A funnel, with the same parts as the arguments of `funnel`.")
class FunnelInput:
    steps: list[FunnelStepInput] | None = strawberry.field(
        default=None, description="Its steps in order, 1 to 20; without them, those of `named`."
    )
    named: NamedFunnel | None = strawberry.field(
        default=None,
        description="A ready-made funnel, instead of `steps`; where neither is given, ACQUISITION.",
    )
    window: timedelta | None = strawberry.field(
        default=None, description="How much time there is for all steps, from step 1 on."
    )
    unit: UnitKind = strawberry.field(default=UnitKind.JOURNEY, description="What is counted.")
    order: OrderMode = strawberry.field(
        default=OrderMode.ORDERED, description="What the order of a unit's moments must be."
    )
    exclusions: list[FunnelStepInput] | None = strawberry.field(
        default=None, description="What ends a unit's way between step 1 and the last; at most 20."
    )
    breakdown: Breakdown | None = strawberry.field(
        default=None, description="What the funnel's rows are told apart by."
    )

    def to_domain(self, *path: str) -> FunnelQuestion:
        """Raises InvalidInput, with the path below this one, for what is no funnel."""
        if self.steps is not None and self.named is not None:
            raise InvalidInput(
                "Give the steps or a ready-made funnel's name, not both of them.", *path, "steps"
            )
        named = NAMED[self.named or NamedFunnel.ACQUISITION]
        try:
            return FunnelQuestion(
                steps=named if self.steps is None else _happenings(self.steps, "steps"),
                window=self.window,
                unit=self.unit,
                order=self.order,
                exclusions=_happenings(self.exclusions, "exclusions"),
                breakdown=self.breakdown,
            )
        except InvalidInput as error:
            below = [Problem(each.message, (*path, *each.path)) for each in error.problems]
            raise InvalidInput(error.message, problems=below) from None


@strawberry.input(description="The rows of a funnel whose breakdown has one of these values.")
class FunnelRowsInput:
    values: list[str] = strawberry.field(default_factory=list, description="The values.")
    without: bool = strawberry.field(
        default=False, description="Whether the row of the units without a value is meant, too."
    )

    def to_domain(self) -> tuple[str | None, ...]:
        return (*self.values, *([None] if self.without else []))


@strawberry.input(
    description="One figure of a funnel: the units that reached a step, or of these the ones that dropped, were "
    "excluded or are pending there. Ask with what the funnel was asked with."
)
class FunnelFigureInput:
    funnel: FunnelInput = strawberry.field(description="The funnel.")
    report: ReportInput | None = strawberry.field(
        default=None, description="What the funnel's report is about."
    )
    step: int = strawberry.field(description="The step, from 1.")
    outcome: Outcome = strawberry.field(
        default=Outcome.REACHED, description="What became of the units there."
    )
    rows: FunnelRowsInput | None = strawberry.field(
        default=None, description="Only in these rows of the breakdown; without it, in all of them."
    )

    def pick(self) -> Pick:
        return Pick(self.step, self.outcome, self.rows.to_domain() if self.rows else None)


def _happenings(given: list[FunnelStepInput] | None, name: str) -> tuple[Happening, ...]:
    if len(given or ()) > domain.MOST_STEPS:
        raise InvalidInput(f"A funnel has at most {domain.MOST_STEPS} {name}.", name)
    return tuple(each.to_domain(name, str(n)) for n, each in enumerate(given or ()))

"""Funnels and times to convert as GraphQL shows them."""

from collections.abc import Sequence
from typing import Self

import strawberry

from domain.analytics import convert
from domain.analytics import funnel as domain
from domain.analytics.funnel_question import (
    NAMED,
    EventOccurred,
    FunnelQuestion,
    Happening,
    NamedFunnel,
    StageEntered,
    StepEntered,
)
from domain.template import Stage
from schema.condition import Condition
from schema.report import Coverage, Figure, Spread


@strawberry.type(
    description="What a step of a funnel is: the entering of a stage, of a template's step, or an event."
)
class FunnelStepKind:
    stage: Stage | None = strawberry.field(default=None, description="The stage that a journey enters.")
    template_id: str | None = strawberry.field(default=None, description="The template of `step`.")
    step: str | None = strawberry.field(default=None, description="The template's step that is entered.")
    event_type: str | None = strawberry.field(default=None, description="The type of the event.")
    conditions: list[Condition] = strawberry.field(
        default_factory=list, description="What must hold for the event."
    )

    @classmethod
    def of(cls, happening: Happening) -> Self:
        match happening:
            case StageEntered(stage):
                return cls(stage=stage)
            case StepEntered(template_id, step):
                return cls(template_id=template_id, step=step)
            case EventOccurred(type, conditions):
                return cls(event_type=type, conditions=[Condition.of(each) for each in conditions])


@strawberry.type(
    description="How many units came to a step of a funnel, and how it went on: reached = reached the next + dropped + "
    "pending. `journeys(funnelStep: …)` lists those behind each figure."
)
class FunnelStep:
    number: int = strawberry.field(description="Its place among the steps, from 1.")
    what: FunnelStepKind = strawberry.field(
        description="What it is. In order ANY, the count is of units that did at least so many of the steps, whichever."
    )
    reached: int = strawberry.field(description="Units that reached it.")
    overall_rate: Figure = strawberry.field(description="reached / entered step 1, from 0 to 1.")
    step_rate: Figure = strawberry.field(description="reached / reached the step before, from 0 to 1.")
    dropped: int = strawberry.field(
        description="Units that reached it and will not reach the next: the window is over, the journey was "
        "completed or abandoned (a failed one can be retried), all the customer's journeys were, or an exclusion or, "
        "in order STRICT, something else came between. 0 at the last step."
    )
    excluded: int = strawberry.field(description="Those of the dropped whom an exclusion stopped.")
    pending: int = strawberry.field(
        description="Units that reached it, not the next, and still may. 0 at the last step."
    )

    @classmethod
    def of(cls, steps: Sequence[domain.FunnelStep], question: FunnelQuestion) -> list[Self]:
        return [
            cls(
                number=n,
                what=FunnelStepKind.of(what),
                reached=step.reached,
                overall_rate=Figure.of(step.overall_rate),
                step_rate=Figure.of(step.step_rate),
                dropped=step.dropped,
                excluded=step.excluded,
                pending=step.pending,
            )
            for n, (step, what) in enumerate(zip(steps, question.steps, strict=True), 1)
        ]


@strawberry.type(description="The funnel of the units with one value of the breakdown.")
class FunnelRow:
    value: str | None = strawberry.field(
        description="The value, of the journey in which a unit entered step 1, as it is now; null for units without "
        "one."
    )
    steps: list[FunnelStep] = strawberry.field(description="Its steps.")


@strawberry.type(description="How many journeys or customers come how far. Each unit counts once.")
class FunnelReport:
    steps: list[FunnelStep] = strawberry.field(description="All units together.")
    rows: list[FunnelRow] = strawberry.field(
        description="The same by the breakdown's values, in their order; counts add up to those of `steps`. Without a "
        "breakdown, one row."
    )
    coverage: Coverage = strawberry.field(description="How fresh and complete the report is.")

    @classmethod
    def of(cls, given: domain.Funnel, question: FunnelQuestion, coverage: Coverage) -> Self:
        rows = [
            FunnelRow(value=row.breakdown, steps=FunnelStep.of(row.steps, question)) for row in given.rows
        ]
        return cls(steps=FunnelStep.of(given.steps, question), rows=rows, coverage=coverage)


@strawberry.type(description="How long units take from one step to the next.")
class StepToStep:
    number: int = strawberry.field(description="The step they came to, from 2; from the one before it.")
    time: Spread = strawberry.field(description="How long that took.")


@strawberry.type(
    description="How long the units took that reached the last step of a funnel, and only those."
)
class TimeToConvertReport:
    converted: int = strawberry.field(description="How many did.")
    end_to_end: Spread = strawberry.field(description="From step 1 to the last.")
    steps: list[StepToStep] = strawberry.field(
        description="From each step to the next; their means add up to that of the whole."
    )
    coverage: Coverage = strawberry.field(description="How fresh and complete the report is.")

    @classmethod
    def of(cls, given: convert.TimeToConvert, coverage: Coverage) -> Self:
        return cls(
            converted=given.converted,
            end_to_end=Spread.of(given.end_to_end),
            steps=[StepToStep(number=n, time=Spread.of(each)) for n, each in enumerate(given.steps, 2)],
            coverage=coverage,
        )


@strawberry.type(description="A ready-made funnel.")
class ReadyMadeFunnel:
    name: NamedFunnel = strawberry.field(description="Its name, for `funnel(named: …)`.")
    steps: list[FunnelStepKind] = strawberry.field(description="Its steps.")

    @classmethod
    def all(cls) -> list[Self]:
        return [cls(name=name, steps=[*map(FunnelStepKind.of, steps)]) for name, steps in NAMED.items()]

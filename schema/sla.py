"""Promises kept (SLA): what became of each, by template and step."""

from typing import Self

import strawberry

from domain.analytics import sla
from domain.analytics.sla import PromiseState
from schema.report import Coverage, Figure


@strawberry.type(
    description="What became of the promises for a template's journeys, or for the visits of one of its steps."
)
class SlaRow:
    template_id: str | None = strawberry.field(description="The template; null in a total.")
    step: str | None = strawberry.field(
        description="The step's id; null for promises about whole journeys, and in a total."
    )
    total: int = strawberry.field(description="How many promises were made.")
    met: int = strawberry.field(description="Done before they were due.")
    breached: int = strawberry.field(description="Not done when they were due, the open ones included.")
    running: int = strawberry.field(description="Open, and not due yet.")
    paused: int = strawberry.field(description="Open, with the clock stopped and time left.")
    void: int = strawberry.field(
        description="Left before they were due without being done: skipped, failed or given up."
    )
    compliance: Figure = strawberry.field(
        description="met / (met + breached), from 0 to 1; null where nothing was met or breached."
    )

    @classmethod
    def of(cls, given: sla.SlaRow) -> Self:
        counts = given.counts
        return cls(
            template_id=given.template_id,
            step=given.step,
            total=sum(counts.values()),
            met=counts[PromiseState.MET],
            breached=counts[PromiseState.BREACHED],
            running=counts[PromiseState.RUNNING],
            paused=counts[PromiseState.PAUSED],
            void=counts[PromiseState.VOID],
            compliance=Figure.of(given.compliance),
        )


@strawberry.type(
    description="What became of the promises that were made in the report's range: for a journey when it started, for "
    "a step each time it was entered. Imported history has none."
)
class SlaReport:
    coverage: Coverage = strawberry.field(description="How fresh and complete it is.")
    journeys: SlaRow = strawberry.field(description="The promises for whole journeys, of all templates.")
    steps: SlaRow = strawberry.field(description="The promises for steps, of all templates.")
    rows: list[SlaRow] = strawberry.field(
        description="By template, each with its whole journeys first and then its steps; without promises left out."
    )

    @classmethod
    def of(cls, given: sla.SlaReport, coverage: Coverage) -> Self:
        return cls(
            coverage=coverage,
            journeys=SlaRow.of(given.journeys),
            steps=SlaRow.of(given.steps),
            rows=[SlaRow.of(each) for each in given.rows],
        )

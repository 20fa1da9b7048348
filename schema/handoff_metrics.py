"""Figures of handoffs by the package that does the work and its action."""

from typing import Self

import strawberry

from domain.analytics import handoff_metrics
from schema.metrics import HandoffStatusCount
from schema.report import Coverage, Figure, Spread


@strawberry.type(description="The handoffs to one package for one action; in the total, all of them.")
class HandoffMetricsRow:
    package: str | None = strawberry.field(description="The package that does the work; null in the total.")
    action: str | None = strawberry.field(
        description="What it is asked to do; null where no action is named, and in the total."
    )
    total: int = strawberry.field(description="How many handoffs were created.")
    by_status: list[HandoffStatusCount] = strawberry.field(
        description="How many of them are in each state now, states without any included."
    )
    success: Figure = strawberry.field(
        description="completed / (completed + failed + rejected + expired), from 0 to 1."
    )
    attempts: int = strawberry.field(description="How often a package was called, over all rounds.")
    attempts_each: Figure = strawberry.field(
        description="attempts / handoffs with one at least: manual ones and open decisions have none."
    )
    time: Spread = strawberry.field(
        description="From creation to completion, of completed ones only; the time that a decision, a person or the "
        "partner took is in it."
    )

    @classmethod
    def of(cls, given: handoff_metrics.HandoffRow) -> Self:
        return cls(
            package=given.package,
            action=given.action,
            total=given.total,
            by_status=HandoffStatusCount.each(given.counts),
            success=Figure.of(given.success),
            attempts=given.attempts,
            attempts_each=Figure.of(given.attempts_each),
            time=Spread.of(given.time),
        )


@strawberry.type(description="The handoffs that were created in the report's range, as they are now.")
class HandoffMetrics:
    coverage: Coverage = strawberry.field(description="How fresh and complete it is.")
    total: HandoffMetricsRow = strawberry.field(description="All of them.")
    rows: list[HandoffMetricsRow] = strawberry.field(
        description="By package and action; their counts and attempts add up to the total's."
    )

    @classmethod
    def of(cls, given: handoff_metrics.HandoffReport, coverage: Coverage) -> Self:
        return cls(
            coverage=coverage,
            total=HandoffMetricsRow.of(given.total),
            rows=[HandoffMetricsRow.of(each) for each in given.rows],
        )

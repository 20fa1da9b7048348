"""Drop-off, trends, and the figures of stages and steps as GraphQL shows them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Annotated, Final, Self

import strawberry

from domain.analytics import dropoff, stage_metrics, step_metrics, trend
from domain.analytics.periods import Period
from domain.errors import InvalidInput
from domain.template import Stage
from domain.values import Money
from schema.report import Coverage, Figure, Spread
from schema.revenue import LeftOut

REASONS: Final = 20
MOST_REASONS: Final = 100


@strawberry.type(description="How many dropped off for a reason.")
class DropOffReason:
    reason: str | None = strawberry.field(description="The reason; null where nobody gave one.")
    count: int = strawberry.field(description="How many dropped off for it.")


@strawberry.type(
    description="What became of the units that entered a stage in the report's range, until now."
)
class StageDropOff:
    every_reason: strawberry.Private[Sequence[tuple[str | None, int]]]

    stage: Stage = strawberry.field(description="The stage.")
    entered: int = strawberry.field(description="Units that entered it; each counts once.")
    open: int = strawberry.field(description="Those of them that are in it now.")
    dropped: int = strawberry.field(
        description="Those that dropped off there: a journey was abandoned, or it failed."
    )
    recovered: int = strawberry.field(
        description="Those of the dropped that came back later: the failed step was retried or, counting customers, "
        "the customer entered a stage again, in whichever journey."
    )
    rate: Figure = strawberry.field(description="dropped / entered, from 0 to 1.")
    recovery: Figure = strawberry.field(description="recovered / dropped, from 0 to 1.")
    time_to_drop_off: Spread = strawberry.field(
        description="From entering the stage to dropping off, of the last time a unit did."
    )

    @strawberry.field(
        description="Why, the most frequent reason first. All together they are as many as `dropped`."
    )
    def reasons(
        self,
        first: Annotated[
            int, strawberry.argument(description=f"How many reasons, 1 to {MOST_REASONS}.")
        ] = REASONS,
    ) -> list[DropOffReason]:
        if not 1 <= first <= MOST_REASONS:
            raise InvalidInput(f"1 to {MOST_REASONS} reasons.", "first")
        return [DropOffReason(reason=reason, count=count) for reason, count in self.every_reason[:first]]

    @classmethod
    def of(cls, given: dropoff.StageDropoff) -> Self:
        return cls(
            every_reason=given.reasons,
            stage=Stage(given.stage),
            entered=given.entered,
            open=given.open,
            dropped=given.dropped,
            recovered=given.recovered,
            rate=Figure.of(given.rate),
            recovery=Figure.of(given.recovery),
            time_to_drop_off=Spread.of(given.time_to_drop_off),
        )


@strawberry.type(description="Where journeys or customers are lost.")
class DropOffReport:
    stages: list[StageDropOff] = strawberry.field(description="Every stage, those that nobody entered too.")
    coverage: Coverage = strawberry.field(description="How fresh and complete the report is.")

    @classmethod
    def of(cls, given: Iterable[dropoff.StageDropoff], coverage: Coverage) -> Self:
        return cls(stages=[*map(StageDropOff.of, given)], coverage=coverage)


@strawberry.type(description="The stays of journeys in a stage that began in the report's range, until now.")
class StageFigures:
    stage: Stage = strawberry.field(description="The stage.")
    entries: int = strawberry.field(description="Stays that began.")
    exits: int = strawberry.field(
        description="Those that are over, by another stage or because the journey was completed or abandoned."
    )
    journeys: int = strawberry.field(description="Journeys that entered it.")
    repeated: int = strawberry.field(description="Those of them that entered it more than once.")
    went_on: int = strawberry.field(
        description="Those of them that came to a later stage of their life afterwards, be it the next or one behind."
    )
    conversion: Figure = strawberry.field(
        description="wentOn / journeys, from 0 to 1; null for the last stage."
    )
    time: Spread = strawberry.field(
        description="How long the stays took that are over, in seconds, pauses included."
    )

    @classmethod
    def of(cls, given: stage_metrics.StageRow) -> Self:
        return cls(
            stage=given.stage,
            entries=given.entries,
            exits=given.exits,
            journeys=given.journeys,
            repeated=given.repeated,
            went_on=given.went_on,
            conversion=Figure.of(given.conversion),
            time=Spread.of(given.time),
        )


@strawberry.type(description="How journeys come, stay and go, stage by stage.")
class StageReport:
    stages: list[StageFigures] = strawberry.field(description="Every stage, those that nothing entered too.")
    coverage: Coverage = strawberry.field(description="How fresh and complete the report is.")

    @classmethod
    def of(cls, given: Iterable[stage_metrics.StageRow], coverage: Coverage) -> Self:
        return cls(stages=[*map(StageFigures.of, given)], coverage=coverage)


@strawberry.type(description="The visits of journeys to a step that began in the report's range, until now.")
class StepFigures:
    step: str = strawberry.field(description="The step's id.")
    name: str | None = strawberry.field(
        description="Its name in the newest version; null where only earlier versions have it."
    )
    entries: int = strawberry.field(description="Visits that began.")
    exits: int = strawberry.field(description="Those that are over, whatever their end.")
    journeys: int = strawberry.field(description="Journeys that entered it.")
    repeated: int = strawberry.field(description="Those of them that entered it more than once.")
    completed: int = strawberry.field(description="Visits that completed it.")
    automatic: int = strawberry.field(description="Those of them that no person completed.")
    automation_rate: Figure = strawberry.field(description="automatic / completed, from 0 to 1.")
    skipped: int = strawberry.field(description="Visits that ended with the step skipped.")
    failed: int = strawberry.field(
        description="Visits that ended with the step failed or timed out, or retried because its action had failed."
    )
    time: Spread = strawberry.field(
        description="How long visits took, in seconds, pauses included: of those whose beginning and end are known. An "
        "imported activity has one time only, so it is not among them."
    )

    @classmethod
    def of(cls, given: step_metrics.StepRow, names: Mapping[str, str]) -> Self:
        return cls(
            step=given.step,
            name=names.get(given.step),
            entries=given.entries,
            exits=given.exits,
            journeys=given.journeys,
            repeated=given.repeated,
            completed=given.completed,
            automatic=given.automatic,
            automation_rate=Figure.of(given.automation),
            skipped=given.skipped,
            failed=given.failed,
            time=Spread.of(given.time),
        )


@strawberry.type(description="How the steps of a template are entered and left.")
class StepReport:
    steps: list[StepFigures] = strawberry.field(
        description="The steps of the newest version in their order, those that nothing entered too; then those that "
        "only earlier versions have."
    )
    coverage: Coverage = strawberry.field(description="How fresh and complete the report is.")

    @classmethod
    def of(cls, given: Iterable[step_metrics.StepRow], names: Mapping[str, str], coverage: Coverage) -> Self:
        return cls(steps=[StepFigures.of(each, names) for each in given], coverage=coverage)


@strawberry.type(description="What happened in a stage in a period.")
class TrendPoint:
    start: date = strawberry.field(description="The first date of the period in the report's time zone.")
    count: int | None = strawberry.field(
        description="How often a journey entered the stage; null where the range asked for and the period begin before "
        "`Coverage.reachesBackTo`, so that not all of it is known."
    )
    value: Money | None = strawberry.field(
        description="What the conversions to the stage were worth together, in the report's currency; null where "
        "that has none, and where `count` is."
    )
    running: bool = strawberry.field(
        description="Whether the period is not over yet, so that both may still grow."
    )


@strawberry.type(description="A stage over time.")
class StageTrend:
    stage: Stage = strawberry.field(description="The stage.")
    points: list[TrendPoint] = strawberry.field(
        description="Every period of the range in order, those with nothing too; all stages have the same."
    )


@strawberry.type(
    description="How often stages are entered, and what conversions to them are worth, over time."
)
class TrendReport:
    period: Period = strawberry.field(description="How long each period is.")
    time_zone: str = strawberry.field(description="The time zone whose days count.")
    currency: str | None = strawberry.field(
        description="The currency of the values: the one asked for, else that of most conversions in the range; null "
        "where none has a value."
    )
    left_out: list[LeftOut] = strawberry.field(
        description="The conversions of the range in other currencies, by currency. They are in no value."
    )
    stages: list[StageTrend] = strawberry.field(description="Every stage.")
    coverage: Coverage = strawberry.field(description="How fresh and complete the report is.")

    @classmethod
    def of(cls, given: trend.Trends, period: Period, time_zone: str, coverage: Coverage) -> Self:
        currency = given.currency

        def point(each: trend.TrendPoint) -> TrendPoint:
            value = None if currency is None or each.value is None else Money(each.value, currency)
            return TrendPoint(start=each.start, count=each.count, value=value, running=each.running)

        stages = [
            StageTrend(stage=Stage(each.stage), points=[*map(point, each.points)]) for each in given.stages
        ]
        left_out = [*map(LeftOut.of, given.left_out)]
        return cls(
            period=period,
            time_zone=time_zone,
            currency=currency,
            left_out=left_out,
            stages=stages,
            coverage=coverage,
        )

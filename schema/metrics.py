"""Key figures: how many journeys there are, how they end, how long they take, what runs by itself."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Annotated, Final, Self

import strawberry

from domain.analytics.metrics import JourneyMetrics as Journeys
from domain.analytics.metrics import KeyFigures, OpenJourneys, within
from domain.errors import InvalidInput
from domain.events import HandoffStatus
from domain.retention import Part
from schema.journey_inputs import StatusCount
from schema.report import Coverage, Figure, Spread

MOST_DAYS: Final = 100
SECONDS_A_DAY: Final = 86_400
KEPT_AS: Final = (Part.ANALYTICS, Part.TOUCHPOINTS)  # what the key figures read, beside journeys and handoffs

Days = Annotated[
    list[float],
    strawberry.argument(description="Lengths of time in days, such as `[1, 7, 30.5]`; at most 100."),
]


@strawberry.type(description="How many journeys took at most so many days.")
class DurationWithin:
    days: float = strawberry.field(description="The days that were asked about.")
    count: int = strawberry.field(description="How many took at most that long.")
    share: Figure = strawberry.field(
        description="Their part of all journeys that have a duration, from 0 to 1."
    )


@strawberry.type(description="The journeys that started in the report's range, as they are now.")
class JourneyMetrics:
    lengths: strawberry.Private[Sequence[float]]

    total: int = strawberry.field(description="How many journeys started.")
    by_status: list[StatusCount] = strawberry.field(
        description="How many of them are in each state now, states without any included."
    )
    converted: int = strawberry.field(description="How many of them have a conversion, whenever it happened.")
    conversion_rate: Figure = strawberry.field(description="converted / total, from 0 to 1.")
    completion_rate: Figure = strawberry.field(
        description="completed / (completed + abandoned), from 0 to 1; those that can still go on are in neither."
    )
    open_journeys: OpenJourneys = strawberry.field(
        description="What the durations make of journeys that have not ended."
    )
    duration: Spread = strawberry.field(description="How long they took from start to end, pauses included.")

    @strawberry.field(
        description="How many took at most so many days, for each number of days in the order given: the durations' "
        "cumulative distribution, at the points you choose."
    )
    def duration_within(self, days: Days) -> list[DurationWithin]:
        if not 1 <= len(days) <= MOST_DAYS or not all(isfinite(each) and each >= 0 for each in days):
            raise InvalidInput(f"1 to {MOST_DAYS} numbers of days, none below 0.", "days")
        found = [(each, within(self.lengths, each * SECONDS_A_DAY)) for each in days]
        return [
            DurationWithin(days=each, count=part.count, share=Figure.of(part.share)) for each, part in found
        ]

    @classmethod
    def of(cls, given: Journeys, lengths: Sequence[float]) -> Self:
        return cls(
            lengths=lengths,
            total=given.total,
            by_status=[StatusCount(status=status, count=count) for status, count in given.counts.items()],
            converted=given.converted,
            conversion_rate=Figure.of(given.conversion_rate),
            completion_rate=Figure.of(given.completion_rate),
            open_journeys=given.open_journeys,
            duration=Spread.of(given.duration),
        )


@strawberry.type(description="The steps that were completed in the report's range.")
class StepMetrics:
    completed: int = strawberry.field(description="How many; each visit that completes a step counts.")
    automatic: int = strawberry.field(description="How many of them were completed without a person.")
    automation_rate: Figure = strawberry.field(description="automatic / completed, from 0 to 1.")


@strawberry.type(description="How many handoffs there are in a state.")
class HandoffStatusCount:
    status: HandoffStatus = strawberry.field(description="The state.")
    count: int = strawberry.field(description="How many.")

    @classmethod
    def each(cls, counts: Mapping[HandoffStatus, int]) -> list[Self]:
        return [cls(status=status, count=count) for status, count in counts.items()]


@strawberry.type(description="The handoffs that were created in the report's range, as they are now.")
class HandoffTotals:
    total: int = strawberry.field(description="How many handoffs were created.")
    by_status: list[HandoffStatusCount] = strawberry.field(
        description="How many of them are in each state now, states without any included."
    )
    success: Figure = strawberry.field(
        description="completed / (completed + failed + rejected + expired), from 0 to 1."
    )


@strawberry.type(description="The key figures of a tenant, or of the journeys of a filter.")
class Metrics:
    coverage: Coverage = strawberry.field(description="How fresh and complete these figures are.")
    journeys: JourneyMetrics = strawberry.field(description="Journeys: counts, rates and durations.")
    steps: StepMetrics = strawberry.field(description="Completed steps: how many by themselves.")
    handoffs: HandoffTotals = strawberry.field(
        description="Handoffs and their success; `handoffMetrics` has them by package and action."
    )

    @classmethod
    def of(cls, given: KeyFigures, coverage: Coverage) -> Self:
        return cls(
            coverage=coverage,
            journeys=JourneyMetrics.of(given.journeys, given.lengths),
            steps=StepMetrics(
                completed=given.completed,
                automatic=given.automatic,
                automation_rate=Figure.of(given.automation_rate),
            ),
            handoffs=HandoffTotals(
                total=sum(given.handoffs.values()),
                by_status=HandoffStatusCount.each(given.handoffs),
                success=Figure.of(given.handoff_success),
            ),
        )

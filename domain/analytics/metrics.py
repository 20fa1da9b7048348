"""Key figures of journeys and handoffs: how many there are, how they end, how long they take, what runs by itself."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from domain.analytics.figure import Figure, ratio
from domain.analytics.quantile import Spread, spread
from domain.events import HandoffStatus
from domain.journey import Journey, Status
from domain.journey_events import JourneyEvent, StepCompleted

NO_JOURNEY: Final = "no journey started"
NO_JOURNEY_ENDED: Final = "no journey has ended"
NO_STEP_COMPLETED: Final = "no step was completed"
NO_HANDOFF_ENDED: Final = "no handoff has succeeded or failed"
ENDED: Final = (Status.COMPLETED, Status.ABANDONED)
UNSUCCESSFUL: Final = (HandoffStatus.FAILED, HandoffStatus.REJECTED, HandoffStatus.EXPIRED)
SECOND: Final = timedelta(seconds=1)


class OpenJourneys(StrEnum):
    """What durations make of journeys that have not ended: active, paused and failed ones."""

    RUNNING = "running"  # they have no duration yet
    ENDED_AT_LAST_ACTIVITY = "ended_at_last_activity"  # they took until their last event


def automation_rate(automatic: int, completed: int) -> Figure:
    """Automatically completed steps / completed steps, from 0 to 1; each visit that completes a step counts.

    Source: `semantics`, section Analytics.
    """
    return ratio(automatic, completed, reason=NO_STEP_COMPLETED)


def automation(events: Iterable[JourneyEvent]) -> Figure:
    """The automation rate of these events, whatever journeys they are of; other events are passed over."""
    completed = [event.automatic for event in events if isinstance(event, StepCompleted)]
    return automation_rate(sum(completed), len(completed))


def handoff_success(counts: Mapping[HandoffStatus, int]) -> Figure:
    """completed / (completed + failed + rejected + expired), from 0 to 1: open and cancelled ones do not count.

    Source: `semantics`, section Analytics.
    """
    completed = counts.get(HandoffStatus.COMPLETED, 0)
    without = sum(counts.get(status, 0) for status in UNSUCCESSFUL)
    return ratio(completed, completed + without, reason=NO_HANDOFF_ENDED)


@dataclass(frozen=True, slots=True)
class JourneyMetrics:
    """The journeys that started in a report's range, as they are now.

    `counts`: by status, every status named; they add up to `total`. `converted`: journeys with a conversion at least.
    `conversion_rate`: converted / total; `completion_rate`: completed / (completed + abandoned); both from 0 to 1.
    `duration`: from start to end in seconds, pauses included, of those that have ended: completed and abandoned. One
    that failed has not, since it can be retried. `open_journeys` says whether the others have one too.
    """

    counts: Mapping[Status, int]
    total: int
    converted: int
    conversion_rate: Figure
    completion_rate: Figure
    duration: Spread
    open_journeys: OpenJourneys = OpenJourneys.RUNNING


def journey_metrics(
    counts: Mapping[Status, int],
    converted: int,
    duration: Spread,
    open_journeys: OpenJourneys = OpenJourneys.RUNNING,
) -> JourneyMetrics:
    """The metrics from what the database has counted, and the spread of the durations it has told.

    Raises ValueError when more journeys converted than there are, or their durations are not those of the ended.
    """
    every = {status: counts.get(status, 0) for status in Status}
    total, ended = sum(every.values()), sum(every[status] for status in ENDED)
    timed = ended if open_journeys is OpenJourneys.RUNNING else total
    if not 0 <= converted <= total or duration.count != timed:
        raise ValueError("journeys convert once at most, and have a duration once they have ended")
    return JourneyMetrics(
        counts=every,
        total=total,
        converted=converted,
        conversion_rate=ratio(converted, total, reason=NO_JOURNEY),
        completion_rate=ratio(every[Status.COMPLETED], ended, reason=NO_JOURNEY_ENDED),
        duration=duration,
        open_journeys=open_journeys,
    )


def metrics_of(
    journeys: Iterable[Journey],
    converted: Container[str],
    open_journeys: OpenJourneys = OpenJourneys.RUNNING,
) -> JourneyMetrics:
    """The metrics of these journeys; `converted` holds the ids of all journeys with a conversion."""
    counts: Counter[Status] = Counter()
    seconds = []
    conversions = 0
    for journey in journeys:
        counts[journey.status] += 1
        conversions += journey.id in converted
        ended = journey.ended_at
        if ended is None and open_journeys is OpenJourneys.ENDED_AT_LAST_ACTIVITY:
            ended = journey.last_activity
        if ended is not None:
            seconds.append((ended - journey.created_at) / SECOND)
    duration = spread(seconds, reason=NO_JOURNEY_ENDED)
    return journey_metrics(counts, conversions, duration, open_journeys)


@dataclass(frozen=True, slots=True)
class Within:
    """How many took at most `seconds`, and their part of all, from 0 to 1."""

    seconds: float
    count: int
    share: Figure


def within(lengths: Sequence[float], seconds: float) -> Within:
    """Of these lengths of time, in seconds and sorted."""
    count = bisect_right(lengths, seconds)
    return Within(seconds, count, ratio(count, len(lengths), reason=NO_JOURNEY_ENDED))


@dataclass(frozen=True, slots=True)
class KeyFigures:
    """The metrics of a report. `lengths`: the durations that `journeys.duration` is about, in seconds, sorted.

    `completed`: visits that completed a step; `automatic`: those that did so by themselves. `handoffs`: by status,
    every status named.
    """

    journeys: JourneyMetrics
    lengths: Sequence[float]
    completed: int
    automatic: int
    handoffs: Mapping[HandoffStatus, int]

    @property
    def automation_rate(self) -> Figure:
        return automation_rate(self.automatic, self.completed)

    @property
    def handoff_success(self) -> Figure:
        return handoff_success(self.handoffs)

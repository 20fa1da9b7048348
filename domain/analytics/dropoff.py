"""Drop-off by stage: who left for good or for a while, why, how soon, and who came back.

A unit counts once at each stage it ever entered. It has dropped off there when any of its visits ended so; the last
such visit gives the reason and the time, and what came after it tells whether the unit recovered.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Self

from domain.analytics.durations import Durations
from domain.analytics.figure import Figure, ratio
from domain.analytics.quantile import Spread

NOBODY_ENTERED: Final = "no unit has entered this stage"
NOBODY_DROPPED: Final = "no unit has dropped off in this stage"


class Ending(StrEnum):
    """How a visit to a stage ended."""

    WENT_ON = "went_on"  # to another stage, or to the journey's good end
    DROPPED = "dropped"  # abandoned or failed
    OPEN = "open"  # not yet


@dataclass(frozen=True, slots=True)
class StageVisit:
    """One stay of a unit in a stage. `reason`: why it dropped off, None where nobody said.

    Raises ValueError when it is open and yet was left, or the reverse, when it was left before it was entered, and
    when a visit that did not drop off has a reason.
    """

    stage: str
    entered_at: datetime
    left_at: datetime | None = None
    ending: Ending = Ending.OPEN
    reason: str | None = None

    def __post_init__(self) -> None:
        if (self.left_at is None) != (self.ending is Ending.OPEN):
            raise ValueError("a visit is open exactly until it was left")
        if self.left_at is not None and self.left_at < self.entered_at:
            raise ValueError("a stage is left after it was entered")
        if self.reason is not None and self.ending is not Ending.DROPPED:
            raise ValueError("only who dropped off has a reason for it")


@dataclass(frozen=True, slots=True)
class StageDropoff:
    """What became of the units that entered a stage.

    `entered`: units that were ever there; `open`: those that are there now. `dropped`: those that dropped off there;
    `recovered`: those of the dropped that came back later, to any stage. `rate`: dropped / entered and `recovery`:
    recovered / dropped, both from 0 to 1. `reasons`: how many dropped off for which reason, the most frequent first;
    they add up to the dropped. `time_to_drop_off`: from entering the stage to leaving it, in seconds.
    """

    stage: str
    entered: int
    open: int
    dropped: int
    recovered: int
    rate: Figure
    recovery: Figure
    reasons: tuple[tuple[str | None, int], ...]
    time_to_drop_off: Spread


class DropoffCount:
    """Counts units as they come; of those that dropped off it keeps eight bytes each."""

    def __init__(self, stages: Iterable[str]) -> None:
        """The stages to report on, in this order. Visits to others count as a way back and no more."""
        self._stages = {stage: _Tally() for stage in stages}

    def add(self, visits: Iterable[StageVisit], resumed_at: Iterable[datetime] = ()) -> None:
        """Count one unit by its visits, those of equal times in their order, and by when it was resumed otherwise.

        It recovered when it entered a stage or was resumed at the time it had left, or later.
        """
        way = sorted(visits, key=lambda visit: visit.entered_at)
        resumed = max(resumed_at, default=None)
        for stage in {visit.stage for visit in way} & self._stages.keys():
            tally = self._stages[stage]
            tally.entered += 1
            tally.open += any(visit.stage == stage and visit.ending is Ending.OPEN for visit in way)
            if (place := _last_drop(way, stage)) is not None:
                left = _left(way[place])
                later = place + 1 < len(way) and way[-1].entered_at >= left
                tally.recovered += later or (resumed is not None and resumed >= left)
                tally.reasons[way[place].reason] += 1
                tally.times.add(left - way[place].entered_at)

    def merge(self, other: Self) -> None:
        """Count what the other has counted, of other units. Raises ValueError when it has other stages."""
        if list(self._stages) != list(other._stages):
            raise ValueError("only counts of the same stages add up")
        for stage, tally in other._stages.items():
            self._stages[stage].merge(tally)

    def report(self) -> tuple[StageDropoff, ...]:
        """Every stage, also those where nobody was: there rates and times are null with the reason."""
        return tuple(tally.report(stage) for stage, tally in self._stages.items())


@dataclass(slots=True)
class _Tally:
    entered: int = 0
    open: int = 0
    recovered: int = 0
    reasons: Counter[str | None] = field(default_factory=Counter)
    times: Durations = field(default_factory=Durations)

    def merge(self, other: "_Tally") -> None:
        self.entered += other.entered
        self.open += other.open
        self.recovered += other.recovered
        self.reasons.update(other.reasons)
        self.times.merge(other.times)

    def report(self, stage: str) -> StageDropoff:
        dropped = self.reasons.total()
        return StageDropoff(
            stage=stage,
            entered=self.entered,
            open=self.open,
            dropped=dropped,
            recovered=self.recovered,
            rate=ratio(dropped, self.entered, reason=NOBODY_ENTERED),
            recovery=ratio(self.recovered, dropped, reason=NOBODY_DROPPED),
            reasons=tuple(
                sorted(self.reasons.items(), key=lambda item: (-item[1], item[0] is None, item[0] or ""))
            ),
            time_to_drop_off=self.times.spread(reason=NOBODY_DROPPED),
        )


def _last_drop(way: Sequence[StageVisit], stage: str) -> int | None:
    """Where the visit is with which the unit last dropped off in this stage."""
    drops = [
        place for place, visit in enumerate(way) if visit.stage == stage and visit.ending is Ending.DROPPED
    ]
    return max(drops, key=lambda place: (_left(way[place]), place), default=None)


def _left(visit: StageVisit) -> datetime:
    return visit.left_at or visit.entered_at

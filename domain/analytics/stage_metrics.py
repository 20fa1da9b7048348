"""Figures of stages: how many enter and leave each, how long they stay, and how many go on to a later one."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from domain.analytics.figure import Figure, ratio
from domain.analytics.metrics import SECOND
from domain.analytics.quantile import Spread, spread
from domain.template import Stage

NOBODY_ENTERED: Final = "nothing entered this stage"
NOBODY_LEFT: Final = "nothing has left this stage"
LAST_STAGE: Final = "no stage comes after this one"


@dataclass(frozen=True, slots=True)
class StageVisit:
    """A stay in a stage: `left_at` is when another stage or the end came, None while it lasts."""

    stage: Stage
    entered_at: datetime
    left_at: datetime | None


def stage_visits(entries: Iterable[tuple[datetime, Stage]], ended_at: datetime | None) -> list[StageVisit]:
    """The stays of one journey: when it came to which stage, in its own order, and its end. To come again to the stage
    it is in is no new stay. What came after its end is one that was left at once."""
    found: list[StageVisit] = []
    for at, stage in entries:
        if found and found[-1].stage is stage:
            continue
        if found:
            found[-1] = StageVisit(found[-1].stage, found[-1].entered_at, at)
        found.append(StageVisit(stage, at, None))
    if found and ended_at is not None:
        last = found[-1]
        found[-1] = StageVisit(last.stage, last.entered_at, max(ended_at, last.entered_at))
    return found


@dataclass(frozen=True, slots=True)
class StageRow:
    """One stage. `entries` - `exits` journeys are in it now.

    `entries`, `exits`: stays that began, and those that are over, by another stage or the journey's end.
    `journeys`: that were in it at least once, `repeated`: those of them that came more than once. `went_on`: those that
    came to a later stage of the order afterwards, be it the next or one behind it. `conversion`: went_on / journeys,
    from 0 to 1; null for the last stage. `time`: of the stays that are over, in seconds, pauses included.
    """

    stage: Stage
    entries: int
    exits: int
    journeys: int
    went_on: int
    conversion: Figure
    time: Spread
    repeated: int = 0


def stage_row(
    stage: Stage,
    *,
    entries: int,
    journeys: int,
    went_on: int,
    time: Spread,
    repeated: int = 0,
    last: bool = False,
) -> StageRow:
    """A row from what the database has counted, and the spread of what it has sorted; `last` where none comes after.

    Raises ValueError when more went on than were there, or more left than entered.
    """
    if not 0 <= went_on <= journeys <= entries or time.count > entries:
        raise ValueError("who leaves a stage or goes on has entered it")
    conversion = Figure(reason=LAST_STAGE) if last else ratio(went_on, journeys, reason=NOBODY_ENTERED)
    return StageRow(stage, entries, time.count, journeys, went_on, conversion, time, repeated)


class StageTally:
    """Adds up journeys one at a time. Its memory grows with the stays that are over, whose times the median needs.

    `order` says which stage is later than which; stages that are not in it are not reported.
    """

    def __init__(self, order: Sequence[Stage] = tuple(Stage), until: datetime | None = None) -> None:
        """Stays that begin at `until` or later are not counted; they only tell who went on."""
        self._until = until
        self._rank = {stage: n for n, stage in enumerate(order)}
        self._entries: Counter[Stage] = Counter()
        self._journeys: Counter[Stage] = Counter()
        self._went_on: Counter[Stage] = Counter()
        self._repeated: Counter[Stage] = Counter()
        self._seconds: defaultdict[Stage, list[float]] = defaultdict(list)

    def add(self, visits: Sequence[StageVisit]) -> None:
        """The stays of one journey, in its own order."""
        reached = -1  # the latest stage of the order that came afterwards
        went_on: dict[Stage, bool] = {}
        entries: Counter[Stage] = Counter()
        for visit in reversed(visits):
            rank = self._rank.get(visit.stage)
            if rank is None:
                continue
            if self._until is not None and visit.entered_at >= self._until:
                reached = max(reached, rank)
                continue
            went_on[visit.stage] = went_on.get(visit.stage, False) or rank < reached
            reached = max(reached, rank)
            entries[visit.stage] += 1
            if visit.left_at is not None:
                self._seconds[visit.stage].append((visit.left_at - visit.entered_at) / SECOND)
        self._entries.update(entries)
        self._journeys.update(went_on.keys())
        self._repeated.update(stage for stage, n in entries.items() if n > 1)
        self._went_on.update(stage for stage, later in went_on.items() if later)

    def report(self) -> tuple[StageRow, ...]:
        """Every stage of the order, those that nothing entered too."""
        return tuple(
            stage_row(
                stage,
                entries=self._entries[stage],
                journeys=self._journeys[stage],
                went_on=self._went_on[stage],
                repeated=self._repeated[stage],
                time=spread(self._seconds[stage], reason=NOBODY_LEFT),
                last=rank == len(self._rank) - 1,
            )
            for stage, rank in self._rank.items()
        )

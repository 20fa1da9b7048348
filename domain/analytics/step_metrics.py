"""Figures of a template's steps: how often each is entered and left, how long that takes, and what runs by itself."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from domain.analytics.durations import Durations
from domain.analytics.figure import Figure
from domain.analytics.metrics import automation_rate
from domain.analytics.quantile import Spread

NOTHING_MEASURED: Final = "no visit whose beginning and end are known has ended"


class Deed(StrEnum):
    """What a journey did with a step."""

    ENTERED = "step"
    COMPLETED = "done"
    SKIPPED = "skipped"
    FAILED = "failed"
    MIGRATED = "migrated"  # it stands at this step, since it follows another version
    ENDED = "ended"  # the journey itself, wherever it stands


@dataclass(frozen=True, slots=True)
class Done:
    """One thing that a journey did. `event`: the one that tells it; an imported activity enters its step and completes
    it with one event, so how long it took is not known."""

    at: datetime
    event: str
    deed: Deed
    step: str = ""
    automatic: bool = False


@dataclass(frozen=True, slots=True)
class StepVisit:
    """A journey's stay at a step: `left_at` is None while it lasts, `ending` how it was left; MIGRATED where it went on
    in another step of another version. One that is over without `left_at` has a length that is not known."""

    step: str
    entered_at: datetime
    event: str
    left_at: datetime | None = None
    ending: Deed | None = None
    automatic: bool = False

    @property
    def over(self) -> bool:
        return self.ending is not None


def step_visits(done: Iterable[Done]) -> list[StepVisit]:
    """The visits of one journey, from what it did in the order of time. What ends no visit that is told of is passed
    over, as the skipping of a step that was never entered is. A step that is entered anew while a visit of it lasts is
    retried because its action failed: so ended that visit."""
    found: list[StepVisit] = []
    for each in done:
        here = [n for n, visit in enumerate(found) if not visit.over]
        own = [n for n in here if found[n].step == each.step]
        match each.deed:
            case Deed.ENTERED:
                for n in own:
                    found[n] = _left(found[n], replace(each, deed=Deed.FAILED))
                found.append(StepVisit(each.step, each.at, each.event))
            case Deed.ENDED:
                for n in here:
                    found[n] = _left(found[n], each)
            case Deed.MIGRATED:
                moved = [n for n in here if found[n].step != each.step]
                for n in moved:
                    found[n] = _left(found[n], each)
                if moved:
                    found.append(StepVisit(each.step, each.at, each.event))
            case _:
                if own:
                    found[own[-1]] = _left(found[own[-1]], each)
    return found


def _left(visit: StepVisit, by: Done) -> StepVisit:
    """The visit, over. Its length is known where it has one: it was neither migrated nor told by one event."""
    same = by.event == visit.event
    left_at = None if same or by.deed is Deed.MIGRATED else by.at
    return replace(visit, left_at=left_at, ending=by.deed, automatic=by.automatic)


@dataclass(frozen=True, slots=True)
class StepRow:
    """One step. `entries` - `exits` journeys are at it now.

    `entries`, `exits`: visits that began, and those that are over. `journeys`: that entered it at all, `repeated`:
    those of them that did so more than once. `completed`, of these `automatic`: visits that completed it, those that
    no person completed; `automation`: automatic / completed, from 0 to 1. `skipped`, `failed`: visits that ended so.
    `time`: of visits whose beginning and end are known, in seconds, pauses included.
    """

    step: str
    entries: int
    exits: int
    journeys: int
    repeated: int
    completed: int
    automatic: int
    automation: Figure
    skipped: int
    failed: int
    time: Spread


class StepTally:
    """Adds up journeys one at a time. Its memory grows with the steps, and by eight bytes for each visit's time."""

    def __init__(self, until: datetime | None = None) -> None:
        """Visits that begin at `until` or later are left out."""
        self._until = until
        self._counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._times: defaultdict[str, Durations] = defaultdict(Durations)

    def add(self, visits: Iterable[StepVisit]) -> None:
        """The visits of one journey."""
        entries: Counter[str] = Counter()
        for visit in visits:
            if self._until is not None and visit.entered_at >= self._until:
                continue
            entries[visit.step] += 1
            counts = self._counts[visit.step]
            counts["entries"] += 1
            if visit.ending is not None:
                counts["exits"] += 1
                counts[visit.ending] += 1
                counts["automatic"] += visit.ending is Deed.COMPLETED and visit.automatic
            if visit.left_at is not None:
                self._times[visit.step].add(visit.left_at - visit.entered_at)
        for step, n in entries.items():
            self._counts[step]["journeys"] += 1
            self._counts[step]["repeated"] += n > 1

    def report(self, steps: Sequence[str] = ()) -> tuple[StepRow, ...]:
        """These steps in their order, those that nothing entered too; then the others that were entered, by name."""
        others = sorted(self._counts.keys() - set(steps))
        return tuple(self._row(step) for step in (*steps, *others))

    def _row(self, step: str) -> StepRow:
        counts = self._counts.get(step, Counter())
        completed, automatic = counts[Deed.COMPLETED], counts["automatic"]
        return StepRow(
            step=step,
            entries=counts["entries"],
            exits=counts["exits"],
            journeys=counts["journeys"],
            repeated=counts["repeated"],
            completed=completed,
            automatic=automatic,
            automation=automation_rate(automatic, completed),
            skipped=counts[Deed.SKIPPED],
            failed=counts[Deed.FAILED],
            time=self._times.get(step, Durations()).spread(reason=NOTHING_MEASURED),
        )

"""Figures of handoffs by the package that does the work and its action: ends, attempts, time to completion."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from domain.analytics.figure import Figure, ratio
from domain.analytics.metrics import SECOND, handoff_success
from domain.analytics.quantile import Spread, spread
from domain.events import HandoffStatus
from domain.handoff import Handoff

NOT_ATTEMPTED: Final = "no handoff was attempted"
NONE_COMPLETED: Final = "no handoff was completed"


@dataclass(frozen=True, slots=True)
class HandoffRow:
    """The handoffs to one package for one action, None for those without; in the total, all of them.

    `counts`: by status, every status named. `success`: completed / (completed + failed + rejected + expired), 0 to 1.
    `attempts`: over all rounds. `attempted`: handoffs with one at least: manual ones and open decisions have none.
    `attempts_each`: attempts / attempted. `time`: from creation to completion in seconds, of completed ones only; the
    time that a decision, a person or the partner took is in it.
    """

    package: str | None
    action: str | None
    counts: Mapping[HandoffStatus, int]
    success: Figure
    attempts: int
    attempted: int
    attempts_each: Figure
    time: Spread

    @property
    def total(self) -> int:
        """How many handoffs there are, of all statuses."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class HandoffReport:
    """`rows` by package and action, those without an action first. Their counts and attempts add up to the total's."""

    rows: tuple[HandoffRow, ...]
    total: HandoffRow


def handoff_row(
    package: str | None,
    action: str | None,
    counts: Mapping[HandoffStatus, int],
    *,
    attempts: int,
    attempted: int,
    time: Spread,
) -> HandoffRow:
    """A row from what the database has counted, and the spread of what it has sorted.

    Raises ValueError when the times are not those of the completed, or attempts belong to no handoff.
    """
    every = {status: counts.get(status, 0) for status in HandoffStatus}
    if time.count != every[HandoffStatus.COMPLETED] or not attempted <= min(attempts, sum(every.values())):
        raise ValueError("completed handoffs have a time, and attempts have a handoff")
    return HandoffRow(
        package=package,
        action=action,
        counts=every,
        success=handoff_success(every),
        attempts=attempts,
        attempted=attempted,
        attempts_each=ratio(attempts, attempted, reason=NOT_ATTEMPTED),
        time=time,
    )


@dataclass(slots=True)
class HandoffTally:
    """Handoffs counted as they come: `seconds` are the times of the completed ones."""

    counts: Counter[HandoffStatus] = field(default_factory=Counter)
    attempts: int = 0
    attempted: int = 0
    seconds: list[float] = field(default_factory=list)

    def add(self, handoff: Handoff) -> None:
        self.counts[handoff.status] += 1
        self.attempts += len(handoff.attempts)
        self.attempted += bool(handoff.attempts)
        if handoff.status is HandoffStatus.COMPLETED and handoff.ended_at is not None:
            self.seconds.append((handoff.ended_at - handoff.created_at) / SECOND)

    def merge(self, other: "HandoffTally") -> None:
        """Count everything that the other has counted."""
        self.counts += other.counts
        self.attempts += other.attempts
        self.attempted += other.attempted
        self.seconds += other.seconds

    def row(self, package: str | None, action: str | None) -> HandoffRow:
        return handoff_row(
            package,
            action,
            self.counts,
            attempts=self.attempts,
            attempted=self.attempted,
            time=spread(self.seconds, reason=NONE_COMPLETED),
        )


def handoff_report(groups: Mapping[tuple[str, str | None], HandoffTally]) -> HandoffReport:
    """The report on what was counted by package and action. Without any: no rows, and a total without figures."""
    total = HandoffTally()
    for each in groups.values():
        total.merge(each)
    keys = sorted(groups, key=lambda key: (key[0], key[1] is not None, key[1] or ""))
    return HandoffReport(tuple(groups[key].row(*key) for key in keys), total.row(None, None))


def handoff_metrics(handoffs: Iterable[Handoff]) -> HandoffReport:
    """The figures of these handoffs, as they are now."""
    groups: defaultdict[tuple[str, str | None], HandoffTally] = defaultdict(HandoffTally)
    for handoff in handoffs:
        groups[handoff.to_package, handoff.action].add(handoff)
    return handoff_report(groups)

"""Figures of handoffs by the package that does the work and its action: ends, attempts, time to completion."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
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


def handoff_metrics(handoffs: Iterable[Handoff]) -> HandoffReport:
    """The figures of these handoffs, as they are now. Without one: no rows, and a total without figures."""
    groups: defaultdict[tuple[str, str | None], list[Handoff]] = defaultdict(list)
    for handoff in handoffs:
        groups[handoff.to_package, handoff.action].append(handoff)
    rows = (
        _row(package, action, groups[package, action])
        for package, action in sorted(groups, key=lambda key: (key[0], key[1] is not None, key[1] or ""))
    )
    return HandoffReport(tuple(rows), _row(None, None, [each for group in groups.values() for each in group]))


def _row(package: str | None, action: str | None, handoffs: list[Handoff]) -> HandoffRow:
    completed = [each for each in handoffs if each.status is HandoffStatus.COMPLETED]
    seconds = [(each.ended_at - each.created_at) / SECOND for each in completed if each.ended_at is not None]
    return handoff_row(
        package,
        action,
        Counter(each.status for each in handoffs),
        attempts=sum(len(each.attempts) for each in handoffs),
        attempted=sum(bool(each.attempts) for each in handoffs),
        time=spread(seconds, reason=NONE_COMPLETED),
    )

"""Cohorts: customers by the period of their first conversion, and what they did at each age since.

The age of a cohort is counted in periods of the report's calendar; its own period is age 0. A period that has not begun
is null, never 0; the running one is counted so far. Values are observed, none is predicted.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from domain.analytics.figure import Figure, ratio
from domain.analytics.periods import Period, next_start, period_start
from domain.analytics.scope import Scope
from domain.errors import InvalidInput
from domain.values import UNITS_PER_ONE

AGES: Final = 12
MOST_AGES: Final = 366
NOBODY: Final = "nobody joined"
FUTURE: Final = "this period has not begun"


class Retention(StrEnum):
    """When a customer counts as kept at an age."""

    EXACT = "exact"  # with a conversion in that very period
    ON_OR_AFTER = "on_or_after"  # with a conversion in that period or any later one


@dataclass(frozen=True, slots=True)
class CohortRow:
    """What the customers of the cohort that begins at `cohort` did in the period that begins at `start`.

    `customers`: how many had a conversion in the period. `last`: how many of these have had none in a later one.
    `value`: of all their conversions in the period, in units of Money. Rows of equal dates add up. Raises ValueError
    when the period lies before the cohort's, or more are at their last than are there.
    """

    cohort: date
    start: date
    customers: int
    last: int
    value: int

    def __post_init__(self) -> None:
        if self.start < self.cohort or not 0 <= self.last <= self.customers:
            raise ValueError("a cohort is active from its own period on, and who leaves was there")


@dataclass(frozen=True, slots=True)
class Cell:
    """A cohort at one age. Everything but `age` and `members` is null while the period has not begun.

    `members`: the cohort's size; in the total row, the sizes of the cohorts that have reached this age.
    `active`: the members that count as kept. `retention`: active / members, from 0 to 1.
    `value`: in this period alone, in units of Money; the values of all ages add up to what the members spent.
    `ltv`: value from age 0 to this one / members, in whole money: with months, age 11 closes the year of the calendar
    that begins with the cohort's month. `running`: whether the period is not over yet, so that all may still grow.
    """

    age: int
    members: int
    active: int | None
    retention: Figure
    value: int | None
    ltv: Figure
    running: bool = False


@dataclass(frozen=True, slots=True)
class Cohort:
    """The customers whose first conversion is in the period that begins at `start`; None for all cohorts together."""

    start: date | None
    size: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class CohortReport:
    """Cohorts by their start; a period in which nobody joined is none. `total` adds the cells of all cohorts up, at
    each age of those that have reached it; without any cohort its figures are null with a reason."""

    cohorts: tuple[Cohort, ...]
    total: Cohort


class Cohorts:
    """Adds up customers one at a time, or rows that the database has grouped; parts can be merged.

    Its memory grows with the pairs of cohort and period, not with the customers. The members are the customers whose
    first conversion ever is in the scope's range; what they did later counts up to the scope's `now`, also behind the
    range. Conversions in another currency or without a value are given with value 0: they are activity all the same.
    """

    def __init__(self, scope: Scope, period: Period) -> None:
        self._scope, self._period = scope, period
        self._today = self._start(scope.now)
        self._customers: Counter[tuple[date, date]] = Counter()
        self._last: Counter[tuple[date, date]] = Counter()
        self._value: Counter[tuple[date, date]] = Counter()

    @classmethod
    def from_rows(cls, rows: Iterable[CohortRow], scope: Scope, period: Period) -> "Cohorts":
        """What `add` makes of each customer, from rows of the same scope. Raises ValueError for a row of the future."""
        cohorts = cls(scope, period)
        for row in rows:
            cohorts.add_row(row)
        return cohorts

    def add(self, conversions: Iterable[tuple[datetime, int]]) -> None:
        """All conversions of one customer, in any order: when, and the value in units of Money of one currency."""
        known = [(at, value) for at, value in conversions if at <= self._scope.now]
        if not known or not self._scope.begins <= min(at for at, _ in known) < self._scope.ends:
            return
        values: defaultdict[date, int] = defaultdict(int)
        for at, value in known:
            values[self._start(at)] += value
        cohort, last = min(values), max(values)
        for start, value in values.items():
            self.add_row(CohortRow(cohort, start, 1, int(start == last), value))

    def add_row(self, row: CohortRow) -> None:
        """Some customers of one cohort in one period. Raises ValueError when the period has not begun."""
        if row.start > self._today:
            raise ValueError("nobody is active in a period that has not begun")
        key = (row.cohort, row.start)
        self._customers[key] += row.customers
        self._last[key] += row.last
        self._value[key] += row.value

    def merge(self, other: "Cohorts") -> None:
        """Add other customers of the same scope and period. Raises ValueError when these differ."""
        if (self._scope, self._period) != (other._scope, other._period):
            raise ValueError("only cohorts of the same calendar and range can be merged")
        for row in other.rows():
            self.add_row(row)

    def rows(self) -> list[CohortRow]:
        """What was added so far, by cohort and period."""
        return [
            CohortRow(*key, self._customers[key], self._last[key], self._value[key])
            for key in sorted(self._customers)
        ]

    def report(self, retention: Retention = Retention.EXACT, ages: int = AGES) -> CohortReport:
        """Every cohort at the ages 0 to `ages` - 1.

        Raises InvalidInput unless 1 <= ages <= MOST_AGES, and ValueError when rows of a cohort are missing.
        """
        if not 1 <= ages <= MOST_AGES:
            raise InvalidInput(f"There are 1 to {MOST_AGES} ages.", "ages")
        by_cohort: defaultdict[date, list[CohortRow]] = defaultdict(list)
        for row in self.rows():
            by_cohort[row.cohort].append(row)
        cohorts = tuple(self._cohort(start, rows, retention, ages) for start, rows in by_cohort.items())
        return CohortReport(cohorts, _total(cohorts, ages))

    def _cohort(self, start: date, rows: list[CohortRow], retention: Retention, ages: int) -> Cohort:
        at_start = {row.start: row for row in rows}
        size = sum(row.last for row in rows)
        if start not in at_start or at_start[start].customers != size:
            raise ValueError(
                "every member of a cohort is active in its first period, and has one last period"
            )
        cells: list[Cell] = []
        left = spent = 0  # the members whose last period is over; the value so far
        period = start
        for age in range(ages):
            if period > self._today:
                cells.append(_cell(age, size))
                continue
            row = at_start.get(period, CohortRow(start, period, 0, 0, 0))
            spent += row.value
            active = row.customers if retention is Retention.EXACT else size - left
            cells.append(_cell(age, size, active, row.value, spent, running=period == self._today))
            left += row.last
            period = next_start(period, self._period)
        return Cohort(start, size, tuple(cells))

    def _start(self, at: datetime) -> date:
        return period_start(at, self._period, self._scope.zone, self._scope.week_start)


def _cell(
    age: int,
    members: int,
    active: int | None = None,
    value: int = 0,
    spent: int = 0,
    *,
    running: bool = False,
) -> Cell:
    if active is None:
        return Cell(age, members, None, Figure(reason=FUTURE), None, Figure(reason=FUTURE))
    ltv = ratio(spent, members * UNITS_PER_ONE, reason=NOBODY)
    return Cell(age, members, active, ratio(active, members, reason=NOBODY), value, ltv, running)


def _total(cohorts: tuple[Cohort, ...], ages: int) -> Cohort:
    """All cohorts together. An age that none has reached is in the future; without a cohort there is no figure."""
    nothing = Figure(reason=NOBODY)
    cells = []
    spent: Counter[int] = Counter()  # by cohort, up to the age
    for age in range(ages):
        reached = [n for n, each in enumerate(cohorts) if each.cells[age].active is not None]
        if not reached:
            cells.append(_cell(age, 0) if cohorts else Cell(age, 0, None, nothing, None, nothing))
            continue
        at_age = [cohorts[n].cells[age] for n in reached]
        value = {n: cohorts[n].cells[age].value or 0 for n in reached}
        spent.update(value)
        cells.append(
            _cell(
                age,
                sum(cell.members for cell in at_age),
                sum(cell.active or 0 for cell in at_age),
                sum(value.values()),
                sum(spent[n] for n in reached),
                running=any(cell.running for cell in at_age),
            )
        )
    return Cohort(None, sum(each.size for each in cohorts), tuple(cells))

"""The report on cohorts."""

from dataclasses import dataclass
from typing import Annotated, Final

import strawberry

from domain.analytics.cohort import AGES, MOST_AGES, Cohorts, Retention
from domain.analytics.periods import Period
from domain.analytics.question import require_currency
from domain.analytics.revenue import LeftOut, left_out, usual_currency
from domain.analytics.scope import Scope
from domain.errors import InvalidInput
from domain.retention import Part
from resolvers.reports import covered, scope_of
from schema.cohort import Asked, CohortReport
from schema.info import Info
from schema.permissions import CanView
from schema.report import Coverage, Currency, Report
from storage.analytics.cohort import cohorts, money_of_customers

MOST_CELLS: Final = 12_000  # a year of days with a month of ages


Periods = Annotated[
    Period, strawberry.argument(description="How long the periods are that make a cohort and an age.")
]
Ages = Annotated[
    int, strawberry.argument(description="How many ages each cohort is shown at, from 0 on; at most 366.")
]


@dataclass(frozen=True, slots=True)
class Table:
    """What the database has counted, for a report of either retention."""

    scope: Scope
    period: Period
    ages: int
    currency: str | None
    left_out: tuple[LeftOut, ...]
    counted: Cohorts
    coverage: Coverage

    @classmethod
    async def read(cls, info: Info, scope: Scope, period: Period, ages: int, currency: str | None) -> "Table":
        """Raises InvalidInput for ages out of bounds, a currency that is none, and a table too large to answer."""
        if not 1 <= ages <= MOST_AGES:
            raise InvalidInput(f"There are 1 to {MOST_AGES} ages.", "ages")
        require_currency(currency)
        scope, fresh = await covered(info, scope, Part.TOUCHPOINTS)
        mongo = info.context.store.reports
        money = await money_of_customers(mongo, scope)
        currency = currency or usual_currency(money)
        counted = await cohorts(mongo, scope, period, currency)
        if len({row.cohort for row in counted.rows()}) * ages > MOST_CELLS:
            raise InvalidInput(
                f"This table would have more than {MOST_CELLS:,} cells: ask for fewer ages, longer periods or a "
                "shorter range.",
                "ages",
            )
        return cls(scope, period, ages, currency, left_out(money, currency), counted, fresh)

    def report(self, retention: Retention) -> CohortReport:
        asked = Asked(self.scope, self.period, retention, self.currency)
        return CohortReport.of(self.counted.report(retention, self.ages), asked, self.left_out, self.coverage)


@strawberry.type
class CohortQueries:
    @strawberry.field(
        description="Customers by the period of their first conversion, and how many came back at each age since.",
        permission_classes=[CanView],
    )
    async def cohorts(
        self,
        info: Info,
        period: Periods = Period.MONTH,
        retention: Annotated[
            Retention, strawberry.argument(description="When a member counts as kept at an age.")
        ] = Retention.EXACT,
        ages: Ages = AGES,
        currency: Currency = None,
        report: Report = None,
    ) -> CohortReport | None:
        table = await Table.read(info, await scope_of(info, report), period, ages, currency)
        return table.report(retention)

"""The report on cohorts."""

from typing import Annotated, Final

import strawberry

from domain.analytics.cohort import AGES, MOST_AGES, Retention
from domain.analytics.periods import Period
from domain.analytics.question import require_currency
from domain.analytics.scope import Scope
from domain.errors import InvalidInput
from resolvers.reports import coverage, scope_of
from schema.cohort import Asked, CohortReport
from schema.info import Info
from schema.permissions import CanView
from schema.report import Currency, Report
from storage.analytics.cohort import cohorts, currency_of

MOST_CELLS: Final = 12_000  # a year of days with a month of ages


async def cohort_report(
    info: Info,
    scope: Scope,
    *,
    period: Period = Period.MONTH,
    retention: Retention = Retention.EXACT,
    ages: int = AGES,
    currency: str | None = None,
) -> CohortReport:
    """Raises InvalidInput for ages out of bounds, a currency that is none, and a table too large to answer with."""
    if not 1 <= ages <= MOST_AGES:
        raise InvalidInput(f"There are 1 to {MOST_AGES} ages.", "ages")
    require_currency(currency)
    fresh = await coverage(info, scope)
    mongo = info.context.store.reports
    asked = Asked(scope, period, retention, currency or await currency_of(mongo, scope))
    found = await cohorts(mongo, scope, period, asked.currency)
    if len({row.cohort for row in found.rows()}) * ages > MOST_CELLS:
        raise InvalidInput(
            f"This table would have more than {MOST_CELLS:,} cells: ask for fewer ages, longer periods or a shorter "
            "range.",
            "ages",
        )
    return CohortReport.of(found.report(retention, ages), asked, fresh)


@strawberry.type
class CohortQueries:
    @strawberry.field(
        description="Customers by the period of their first conversion, and how many came back at each age since.",
        permission_classes=[CanView],
    )
    async def cohorts(
        self,
        info: Info,
        period: Annotated[
            Period, strawberry.argument(description="How long the periods are that make a cohort and an age.")
        ] = Period.MONTH,
        retention: Annotated[
            Retention, strawberry.argument(description="When a member counts as kept at an age.")
        ] = Retention.EXACT,
        ages: Annotated[
            int,
            strawberry.argument(description="How many ages each cohort is shown at, from 0 on; at most 366."),
        ] = AGES,
        currency: Currency = None,
        report: Report = None,
    ) -> CohortReport:
        scope = scope_of(info, report)
        return await cohort_report(
            info, scope, period=period, retention=retention, ages=ages, currency=currency
        )

"""The reports that people ask for by name, composed of others: only the parts that are asked for are worked out."""

from typing import Annotated

import strawberry

from domain.analytics.cohort import AGES, Retention
from domain.analytics.funnel_question import NAMED, FunnelQuestion, NamedFunnel
from domain.analytics.metrics import OpenJourneys
from domain.analytics.periods import Period
from domain.analytics.question import require_currency
from domain.analytics.revenue import Group
from domain.analytics.scope import Scope, UnitKind
from resolvers.attribution import revenue_report
from resolvers.cohorts import Ages, Periods, Table
from resolvers.funnels import conversion_times, funnel_report, kept_as
from resolvers.metrics import metrics_of
from resolvers.reports import covered, scope_of
from resolvers.stages import dropoff_report
from schema.cohort import CohortReport
from schema.funnel import FunnelReport, TimeToConvertReport
from schema.info import Info
from schema.metrics import KEPT_AS, Metrics
from schema.permissions import CanView
from schema.report import Coverage, Currency, Report
from schema.revenue import RevenueReport
from schema.stage_report import DropOffReport

Ready = Annotated[NamedFunnel, strawberry.argument(description="Which ready-made funnel.")]


@strawberry.type(description="How many convert, how soon, and what it is worth.")
class ConversionSummary:
    scope: strawberry.Private[Scope]
    question: strawberry.Private[FunnelQuestion]
    currency: strawberry.Private[str | None]

    coverage: Coverage = strawberry.field(
        description="How fresh and complete it is; each part says so itself, and one that fails is null with its "
        "error."
    )

    @strawberry.field(description="The journeys that started in the range: conversions, ends and durations.")
    async def metrics(self, info: Info) -> Metrics | None:
        return await metrics_of(info, self.scope, OpenJourneys.RUNNING)

    @strawberry.field(description="How many come how far through the funnel.")
    async def funnel(self, info: Info) -> FunnelReport | None:
        return await funnel_report(info, self.scope, self.question)

    @strawberry.field(description="How long those take that come through the funnel.")
    async def time_to_convert(self, info: Info) -> TimeToConvertReport | None:
        return await conversion_times(info, self.scope, self.question)

    @strawberry.field(description="What the conversions are worth, and what came back of the costs.")
    async def revenue(
        self,
        info: Info,
        by: Annotated[
            Group, strawberry.argument(description="What conversions and costs are grouped by.")
        ] = Group.CHANNEL,
    ) -> RevenueReport | None:
        return await revenue_report(info, self.scope, by, self.currency)


@strawberry.type(description="How many customers come back, and what they are worth, cohort by cohort.")
class CohortAnalysis:
    table: strawberry.Private[Table]

    coverage: Coverage = strawberry.field(description="How fresh and complete it is.")

    @strawberry.field(description="Members count as kept in a period with a conversion in that very one.")
    def exact(self) -> CohortReport:
        return self.table.report(Retention.EXACT)

    @strawberry.field(description="Members count as kept until the period of their last conversion so far.")
    def on_or_after(self) -> CohortReport:
        return self.table.report(Retention.ON_OR_AFTER)


@strawberry.type(description="Where journeys and customers are lost, why, and who comes back.")
class DropOffAnalysis:
    scope: strawberry.Private[Scope]
    question: strawberry.Private[FunnelQuestion]

    coverage: Coverage = strawberry.field(
        description="How fresh and complete it is; each part says so itself, and one that fails is null with its "
        "error."
    )

    @strawberry.field(description="Stage by stage, counting journeys.")
    async def journeys(self, info: Info) -> DropOffReport | None:
        return await dropoff_report(info, self.scope, UnitKind.JOURNEY)

    @strawberry.field(
        description="Stage by stage, counting customers: one may come back with another journey."
    )
    async def customers(self, info: Info) -> DropOffReport | None:
        return await dropoff_report(info, self.scope, UnitKind.CUSTOMER)

    @strawberry.field(description="Step by step of the funnel: who dropped off, and who is still on the way.")
    async def funnel(self, info: Info) -> FunnelReport | None:
        return await funnel_report(info, self.scope, self.question)


@strawberry.type
class NamedReportQueries:
    @strawberry.field(
        description="The report `conversion_summary`: key figures, a funnel, the time it takes and the revenue.",
        permission_classes=[CanView],
    )
    async def conversion_summary(
        self,
        info: Info,
        funnel: Ready = NamedFunnel.ACQUISITION,
        currency: Currency = None,
        report: Report = None,
    ) -> ConversionSummary | None:
        require_currency(currency)
        scope = await scope_of(info, report)
        question = FunnelQuestion(steps=NAMED[funnel])
        _, fresh = await covered(info, scope, *KEPT_AS)  # each part has its own
        return ConversionSummary(scope=scope, question=question, currency=currency, coverage=fresh)

    @strawberry.field(
        description="The report `cohort_analysis`: `cohorts`, counted both ways.",
        permission_classes=[CanView],
    )
    async def cohort_analysis(
        self,
        info: Info,
        period: Periods = Period.MONTH,
        ages: Ages = AGES,
        currency: Currency = None,
        report: Report = None,
    ) -> CohortAnalysis | None:
        table = await Table.read(info, await scope_of(info, report), period, ages, currency)
        return CohortAnalysis(table=table, coverage=table.coverage)

    @strawberry.field(
        description="The report `drop_off_analysis`: where journeys and customers are lost, by stage and along a "
        "funnel.",
        permission_classes=[CanView],
    )
    async def drop_off_analysis(
        self, info: Info, funnel: Ready = NamedFunnel.ACQUISITION, report: Report = None
    ) -> DropOffAnalysis | None:
        scope = await scope_of(info, report)
        question = FunnelQuestion(steps=NAMED[funnel])
        _, fresh = await covered(info, scope, *kept_as(question))
        return DropOffAnalysis(scope=scope, question=question, coverage=fresh)

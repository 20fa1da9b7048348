"""Reports of key figures: of journeys, of promises, of handoffs."""

from typing import Annotated

import strawberry

from domain.analytics.metrics import OpenJourneys
from domain.analytics.scope import Scope
from resolvers.reports import covered, scope_of
from schema.handoff_metrics import HandoffMetrics
from schema.info import Info
from schema.metrics import KEPT_AS, Metrics
from schema.permissions import CanView
from schema.report import Report
from schema.sla import SlaReport
from storage.analytics.handoff_metrics import handoff_metrics
from storage.analytics.metrics import key_figures
from storage.analytics.sla import sla

Open = Annotated[
    OpenJourneys,
    strawberry.argument(description="What durations make of journeys that have not ended."),
]


async def metrics_of(info: Info, scope: Scope, open_journeys: OpenJourneys) -> Metrics:
    scope, fresh = await covered(info, scope, *KEPT_AS)
    return Metrics.of(await key_figures(info.context.store.reports, scope, open_journeys), fresh)


async def sla_report(info: Info, scope: Scope) -> SlaReport:
    scope, fresh = await covered(info, scope)
    return SlaReport.of(await sla(info.context.store.reports, scope), fresh)


async def handoff_report(info: Info, scope: Scope) -> HandoffMetrics:
    scope, fresh = await covered(info, scope)
    return HandoffMetrics.of(await handoff_metrics(info.context.store.reports, scope), fresh)


@strawberry.type
class MetricsQueries:
    @strawberry.field(
        description="How many journeys there are, how they end and how long they take; how many steps are completed "
        "automatically; how many handoffs succeed.",
        permission_classes=[CanView],
    )
    async def metrics(
        self, info: Info, open_journeys: Open = OpenJourneys.RUNNING, report: Report = None
    ) -> Metrics | None:
        return await metrics_of(info, await scope_of(info, report), open_journeys)

    @strawberry.field(
        description="Which promises (SLA) were met and which were not, by template and step.",
        permission_classes=[CanView],
    )
    async def sla(self, info: Info, report: Report = None) -> SlaReport | None:
        return await sla_report(info, await scope_of(info, report))

    @strawberry.field(
        description="How handoffs end, how often packages are called and how long they take, by package and action.",
        permission_classes=[CanView],
    )
    async def handoff_metrics(self, info: Info, report: Report = None) -> HandoffMetrics | None:
        return await handoff_report(info, await scope_of(info, report))

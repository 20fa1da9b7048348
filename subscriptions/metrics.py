"""Live key figures: at once, and again whenever they have changed."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Annotated

import strawberry

from domain.analytics.metrics import KeyFigures, OpenJourneys
from domain.analytics.scope import Scope
from domain.errors import Unavailable
from schema.info import Info
from schema.metrics import KEPT_AS, Metrics
from schema.permissions import CanView
from schema.report import Coverage, Report, ReportInput
from storage.analytics.metrics import key_figures
from subscriptions.recomputed import recomputed


@dataclass(frozen=True, slots=True)
class _Made:
    """Two are the same when their figures are, however fresh."""

    figures: KeyFigures
    coverage: Coverage = field(compare=False)


@strawberry.type
class MetricsSubscriptions:
    @strawberry.subscription(
        description="The key figures of `metrics`: at once, and again when they have changed. At most once a second; "
        "where working them out takes t seconds, they rest for 2 t after it.",
        permission_classes=[CanView],
    )
    async def metrics_changes(
        self,
        info: Info,
        open_journeys: Annotated[
            OpenJourneys,
            strawberry.argument(description="What durations make of journeys that have not ended."),
        ] = OpenJourneys.RUNNING,
        report: Report = None,
    ) -> AsyncIterator[Metrics]:
        context, asked = info.context, report or ReportInput()
        tenant = context.identity.tenant_id

        async def scope() -> Scope:
            return asked.to_domain(await context.store.calendars.get(tenant), context.now())

        async def compute() -> _Made:
            about, fresh = await context.covered(info, await scope(), *KEPT_AS)
            return _Made(await key_figures(context.store.reports, about, open_journeys), fresh)

        asked.require()  # before anything is read
        context.snapshots = True
        cursor = await context.feed.cursor(tenant)  # before the first reading, so that nothing falls between
        if cursor is None:
            raise Unavailable("Live updates are away for the moment; try again.")
        async for made in recomputed(context.feed.listen(tenant, cursor), compute):
            context.delivered = ("metrics", None)
            yield Metrics.of(made.figures, made.coverage)

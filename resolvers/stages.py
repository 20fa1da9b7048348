"""Reports on stages and steps: drop-off, trends, and how they are entered and left."""

from typing import Annotated

import strawberry

from domain.analytics.periods import Period
from domain.analytics.question import require_currency
from domain.analytics.scope import Scope, UnitKind
from domain.errors import NotFound
from domain.retention import Part
from resolvers.reports import covered, scope_of
from schema.arguments import TemplateId
from schema.info import Info
from schema.permissions import CanView
from schema.report import Currency, Report
from schema.stage_report import DropOffReport, StageReport, StepReport, TrendReport
from storage.analytics.stages import dropoff, stage_metrics
from storage.analytics.steps import step_metrics
from storage.analytics.trends import trends


async def dropoff_report(info: Info, scope: Scope, unit: UnitKind = UnitKind.JOURNEY) -> DropOffReport:
    scope, fresh = await covered(info, scope)
    return DropOffReport.of(await dropoff(info.context.store.reports, scope, unit), fresh)


async def trend_report(
    info: Info, scope: Scope, period: Period = Period.DAY, currency: str | None = None
) -> TrendReport:
    """Raises InvalidInput for a currency that is none, and for more periods than a report can have."""
    require_currency(currency)
    _, fresh = await covered(info, scope, Part.ANALYTICS, Part.TOUCHPOINTS)
    found = await trends(info.context.store.reports, scope, period, currency, fresh.reaches_back_to)
    return TrendReport.of(found, period, scope.zone.key, fresh)


async def stage_report(info: Info, scope: Scope) -> StageReport:
    scope, fresh = await covered(info, scope)
    return StageReport.of(await stage_metrics(info.context.store.reports, scope), fresh)


async def step_report(info: Info, scope: Scope, template_id: str) -> StepReport:
    """Of a template that is not known, no steps."""
    scope, fresh = await covered(info, scope)
    store = info.context.store
    try:
        newest = (await store.templates.newest(scope.tenant_id, template_id)).definition
        names = {step.id: step.name for step in sorted(newest.steps, key=lambda step: step.order)}
    except NotFound:
        names = {}
    found = await step_metrics(store.reports, scope, template_id, list(names))
    return StepReport.of(found, names, fresh)


@strawberry.type
class StageQueries:
    @strawberry.field(
        description="Where journeys or customers are lost: of those that entered each stage in the report's range, how "
        "many dropped off, why, how soon, and how many came back.",
        permission_classes=[CanView],
    )
    async def drop_off(
        self,
        info: Info,
        unit: Annotated[
            UnitKind,
            strawberry.argument(
                description="What is counted. A journey that was abandoned does not come back; a customer may, with "
                "another."
            ),
        ] = UnitKind.JOURNEY,
        report: Report = None,
    ) -> DropOffReport | None:
        return await dropoff_report(info, await scope_of(info, report), unit)

    @strawberry.field(
        description="How often each stage is entered, and what the conversions to it are worth, period by period. "
        "With a filter, the conversions of the journeys that it means count, and those without a journey do not.",
        permission_classes=[CanView],
    )
    async def trends(
        self,
        info: Info,
        period: Annotated[Period, strawberry.argument(description="How long the periods are.")] = Period.DAY,
        currency: Currency = None,
        report: Report = None,
    ) -> TrendReport | None:
        return await trend_report(info, await scope_of(info, report), period, currency)

    @strawberry.field(
        description="How journeys come to each stage, stay there and go on.", permission_classes=[CanView]
    )
    async def stage_metrics(self, info: Info, report: Report = None) -> StageReport | None:
        return await stage_report(info, await scope_of(info, report))

    @strawberry.field(
        description="How journeys come to each step of a template, how long they stay and how they leave it; all its "
        "versions together.",
        permission_classes=[CanView],
    )
    async def step_metrics(
        self, info: Info, template_id: TemplateId, report: Report = None
    ) -> StepReport | None:
        return await step_report(info, await scope_of(info, report), template_id)

"""What an export writes: which columns, and where the rows come from.

A report is worked out once, by the very function that answers its query, and told row by row: with the fields of what
a row is in, such as the `value` of a funnel's row before its steps, ahead of its own.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from types import SimpleNamespace
from typing import Any, Final, cast

from domain.analytics.metrics import OpenJourneys
from domain.analytics.scope import UnitKind
from domain.export import What
from domain.export_format import Row
from resolvers.attribution import attribution_report, revenue_report
from resolvers.cohorts import Table as Cohorts
from resolvers.context import Context
from resolvers.export_lists import Table, list_table
from resolvers.funnels import conversion_times, funnel_report
from resolvers.metrics import handoff_report, metrics_of, sla_report
from resolvers.reports import scope_of
from resolvers.stages import dropoff_report, stage_report, step_report, trend_report
from schema.attribution import AttributionRow
from schema.cohort import Cohort, CohortCell
from schema.export_inputs import (
    LISTS,
    ExportCohortsInput,
    ExportRevenueInput,
    ExportTrendsInput,
    RequestExportInput,
    below,
    require_parts,
)
from schema.funnel import FunnelRow, FunnelStep, TimeToConvertReport
from schema.handoff_metrics import HandoffMetricsRow
from schema.info import Info
from schema.metrics import Metrics
from schema.plain import columns, plain_object
from schema.revenue import RevenueRow
from schema.sla import SlaRow
from schema.stage_report import StageDropOff, StageFigures, StageTrend, StepFigures, TrendPoint

CURRENCY: Final = "currency"


def require_table(input: RequestExportInput) -> None:
    """Raises InvalidInput for what no table can be made of, as far as that is seen without reading anything."""
    require_parts(input)
    for name in ("journeys", "events", "records", "handoffs", "attribution", "funnel"):
        part = getattr(input, name)
        with below(name):
            _ = None if part is None else part.to_domain()
    if input.report is not None:
        with below("report"):
            input.report.require()


async def table(context: Context, input: RequestExportInput) -> Table:
    """The table of an export. Raises what the report's query raises."""
    require_table(input)
    if input.what in LISTS:
        return await list_table(context, input)
    return await _report_table(context, input)


async def _report_table(context: Context, input: RequestExportInput) -> Table:  # noqa: PLR0912  # one for each report
    info = cast(Info, SimpleNamespace(context=context))  # reports look at nothing else of it
    scope = await scope_of(info, input.report)
    match input.what:
        case What.FUNNEL if input.funnel is not None:
            funnel = await funnel_report(info, scope, input.funnel.to_domain("funnel"))
            return _table((FunnelRow, FunnelStep), ((row, step) for row in funnel.rows for step in row.steps))
        case What.TIME_TO_CONVERT if input.funnel is not None:
            times = await conversion_times(info, scope, input.funnel.to_domain("funnel"))
            return _table((TimeToConvertReport,), [(times,)])
        case What.COHORTS:
            asked = input.cohorts or ExportCohortsInput()
            read = await Cohorts.read(info, scope, asked.period, asked.ages, asked.currency)
            cohorts = read.report(asked.retention)
            rows = ((cohort, cell) for cohort in cohorts.cohorts for cell in cohort.cells)
            return _table((Cohort, CohortCell), rows, {CURRENCY: cohorts.currency})
        case What.ATTRIBUTION if input.attribution is not None:
            credit = await attribution_report(info, scope, input.attribution.to_domain())
            return _table((AttributionRow,), zip(credit.rows), {CURRENCY: credit.currency})
        case What.REVENUE:
            by = input.revenue or ExportRevenueInput()
            revenue = await revenue_report(info, scope, by.by, by.currency)
            return _table((RevenueRow,), zip(revenue.rows), {CURRENCY: revenue.currency})
        case What.TRENDS:
            over = input.trends or ExportTrendsInput()
            trends = await trend_report(info, scope, over.period, over.currency)
            points = ((stage, point) for stage in trends.stages for point in stage.points)
            return _table((StageTrend, TrendPoint), points, {CURRENCY: trends.currency})
        case What.METRICS:
            metrics = await metrics_of(info, scope, input.open_journeys or OpenJourneys.RUNNING)
            return _table((Metrics,), [(metrics,)])
        case What.SLA:
            return _table((SlaRow,), zip((await sla_report(info, scope)).rows))
        case What.HANDOFF_METRICS:
            return _table((HandoffMetricsRow,), zip((await handoff_report(info, scope)).rows))
        case What.DROP_OFF:
            lost = await dropoff_report(info, scope, input.unit or UnitKind.JOURNEY)
            return _table((StageDropOff,), zip(lost.stages))
        case What.STAGE_METRICS:
            return _table((StageFigures,), zip((await stage_report(info, scope)).stages))
        case What.STEP_METRICS if input.template_id is not None:
            return _table((StepFigures,), zip((await step_report(info, scope, input.template_id)).steps))
        case _:
            raise AssertionError("this is a list, or its parts were not looked at")


def _table(kinds: Sequence[type], given: Iterable[tuple[Any, ...]], ahead: Row | None = None) -> Table:
    """Rows of one object each, or of what it is in and itself."""
    *outer, inner = kinds
    ahead = ahead or {}
    paths: list[tuple[str, ...]] = [(name,) for name in ahead]
    for kind in outer:
        paths += columns(kind, lists=False)
    paths += columns(inner)
    rows = list(given)

    async def told() -> AsyncIterator[Row]:
        for *around, each in rows:
            row = dict(ahead)
            for one in around:
                row |= plain_object(one, lists=False)
            yield row | plain_object(each)

    return Table(paths, told(), len(rows))

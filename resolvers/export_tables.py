"""What an export writes: which columns, and where the rows come from.

A report is worked out once, by the very function that answers its query, and told row by row: ahead of a row's own
fields come those of what it is in, such as the `value` of a funnel's row before its steps, and what the report says of
all rows. A report without rows says nothing.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from types import SimpleNamespace
from typing import Any, Final, cast

import strawberry
from pydantic.alias_generators import to_camel

from domain.analytics.metrics import OpenJourneys
from domain.analytics.scope import UnitKind
from domain.export import What
from domain.export_format import Row
from resolvers.attribution import attribution_report, comparison_report, revenue_report
from resolvers.cohorts import Table as Cohorts
from resolvers.context import Context
from resolvers.export_lists import Table, behind, list_table
from resolvers.funnels import conversion_times, funnel_report
from resolvers.metrics import handoff_report, metrics_of, sla_report
from resolvers.reports import scope_of
from resolvers.stages import dropoff_report, stage_report, step_report, trend_report
from schema.attribution import AttributionRow
from schema.cohort import Cohort, CohortCell
from schema.export_inputs import (
    LISTS,
    ExportCohortsInput,
    ExportComparisonInput,
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
from schema.stage_report import (
    DropOffReason,
    StageDropOff,
    StageFigures,
    StageTrend,
    StepFigures,
    TrendPoint,
)

COVERAGE: Final = "coverage"
MONEY: Final = ("currency", "left_out")
UNATTRIBUTED: Final = ("unattributed", "unattributed_value", "unattributed_reason")


@strawberry.type
class EveryReason:
    """What `StageDropOff` tells when it is asked for some of them."""

    reasons: list[DropOffReason]

    @classmethod
    def of(cls, stage: StageDropOff) -> "EveryReason":
        return cls(reasons=[DropOffReason(reason=reason, count=n) for reason, n in stage.every_reason])


def require_table(context: Context, input: RequestExportInput) -> None:
    """Raises InvalidInput for what no table can be made of, as far as that is seen without reading anything."""
    require_parts(input)
    for name in ("journeys", "events", "records", "handoffs", "attribution", "compare_attribution", "funnel"):
        part = getattr(input, name)
        with below(to_camel(name)):
            _ = None if part is None else part.to_domain()
    behind(context, input)
    if input.report is not None:
        with below("report"):
            input.report.require()


async def table(context: Context, input: RequestExportInput) -> Table:
    """The table of an export. Raises what the report's query raises."""
    require_table(context, input)
    if input.what in LISTS:
        return list_table(context, input)
    return await _report_table(context, input)


async def _report_table(context: Context, input: RequestExportInput) -> Table:  # noqa: PLR0912  # one for each report
    info = cast(Info, SimpleNamespace(context=context))  # reports look at nothing else of it
    scope = await scope_of(info, input.report)
    match input.what:
        case What.FUNNEL if input.funnel is not None:
            funnel = await funnel_report(info, scope, input.funnel.to_domain("funnel"))
            steps = ((row, step) for row in funnel.rows for step in row.steps)
            return _table(funnel, (FunnelRow, FunnelStep), steps)
        case What.TIME_TO_CONVERT if input.funnel is not None:
            times = await conversion_times(info, scope, input.funnel.to_domain("funnel"))
            return _table(times, (TimeToConvertReport,), [(times,)])
        case What.COHORTS:
            asked = input.cohorts or ExportCohortsInput()
            read = await Cohorts.read(info, scope, asked.period, asked.ages, asked.currency)
            cohorts = read.report(asked.retention)
            cells = ((cohort, cell) for cohort in cohorts.cohorts for cell in cohort.cells)
            return _table(cohorts, (Cohort, CohortCell), cells, *MONEY)
        case What.ATTRIBUTION if input.attribution is not None:
            credit = await attribution_report(info, scope, input.attribution.to_domain())
            return _table(credit, (AttributionRow,), zip(credit.rows), *MONEY, *UNATTRIBUTED)
        case What.COMPARE_ATTRIBUTION:
            models = input.compare_attribution or ExportComparisonInput()
            compared = await comparison_report(info, scope, models.to_domain())
            credits = (
                (AttributionRow(key=row.key, conversions=row.conversions, credit=each),)
                for row in compared.rows
                for each in row.credits
            )
            return _table(compared, (AttributionRow,), credits, *MONEY, *UNATTRIBUTED)
        case What.REVENUE:
            by = input.revenue or ExportRevenueInput()
            revenue = await revenue_report(info, scope, by.by, by.currency)
            return _table(revenue, (RevenueRow,), zip(revenue.rows), *MONEY, "costs_left_out")
        case What.TRENDS:
            over = input.trends or ExportTrendsInput()
            trends = await trend_report(info, scope, over.period, over.currency)
            points = ((stage, point) for stage in trends.stages for point in stage.points)
            return _table(trends, (StageTrend, TrendPoint), points, *MONEY)
        case What.METRICS:
            metrics = await metrics_of(info, scope, input.open_journeys or OpenJourneys.RUNNING)
            return _table(metrics, (Metrics,), [(metrics,)])
        case What.SLA:
            promises = await sla_report(info, scope)
            return _table(promises, (SlaRow,), zip(promises.rows))
        case What.HANDOFF_METRICS:
            handoffs = await handoff_report(info, scope)
            return _table(handoffs, (HandoffMetricsRow,), zip(handoffs.rows))
        case What.DROP_OFF:
            lost = await dropoff_report(info, scope, input.unit or UnitKind.JOURNEY)
            stages = ((stage, EveryReason.of(stage)) for stage in lost.stages)
            return _table(lost, (StageDropOff, EveryReason), stages)
        case What.STAGE_METRICS:
            entered = await stage_report(info, scope)
            return _table(entered, (StageFigures,), zip(entered.stages))
        case What.STEP_METRICS if input.template_id is not None:
            visits = await step_report(info, scope, input.template_id)
            return _table(visits, (StepFigures,), zip(visits.steps))
        case _:
            raise AssertionError("this is a list, or its parts were not looked at")


def _table(report: Any, kinds: Sequence[type], given: Iterable[tuple[Any, ...]], *ahead: str) -> Table:
    """Rows of one object each, or of what it is in and itself. `ahead`: the fields of the report that each begins with,
    behind its coverage."""
    *outer, inner = kinds
    said = (COVERAGE, *ahead)
    paths = list(columns(type(report), only=said))
    for kind in outer:
        paths += columns(kind, lists=False)
    paths += columns(inner)
    rows, first = list(given), plain_object(report, only=said)

    async def told() -> AsyncIterator[Row]:
        for *around, each in rows:
            row = dict(first)
            for one in around:
                row |= plain_object(one, lists=False)
            yield row | plain_object(each)

    async def count() -> int:
        return len(rows)

    return Table(paths, told(), count)

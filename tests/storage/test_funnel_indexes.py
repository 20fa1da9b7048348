"""Every query of the reports on funnels, stages and steps has its index."""

from itertools import product
from typing import Any

from tests.storage.service import Service, check

RANGES: list[dict[str, Any]] = [
    {},
    {"range": {"since": "2026-01-01T00:00:00Z"}},
    {"range": {"since": "2026-01-01T00:00:00Z", "until": "2026-02-01T00:00:00Z"}},
]
FILTERS: list[dict[str, Any]] = [
    {},
    {"filter": {"templateId": "fibre"}},
    {"filter": {"status": ["ACTIVE", "PAUSED"], "search": "a word", "priority": ["HIGH"]}},
]
STAGES = "steps: [{ stage: LEAD }, { stage: CUSTOMER }]"
MIXED = 'steps: [{ stage: LEAD }, { templateId: "fibre", step: "sign" }, { eventType: "crm:lead_qualified" }]'
JUDGED = 'steps: [{ eventType: "crm:met", conditions: [{ field: "data.score", operator: EXISTS }] }]'
FUNNELS = [
    f'funnel({steps}, unit: {unit}, order: {order}, window: "P1D", breakdown: {breakdown}, '
    'exclusions: [{ stage: CHURN }, { eventType: "web:left" }], report: $report) { steps { reached } }'
    for steps, unit, (order, breakdown) in product(
        (STAGES, MIXED, JUDGED), ("JOURNEY", "CUSTOMER"), (("ANY", "TEMPLATE"), ("STRICT", "PRIORITY"))
    )
]
BEHIND = [
    "journeys(first: 5, orderBy: LAST_ACTIVITY, filter: { priority: HIGH }, funnelStep: { funnel: "
    f"{{ {steps}, unit: {unit} }}, report: $report, step: 1, outcome: REACHED }}) {{ totalCount nodes {{ id }} }}"
    for steps, unit in product((STAGES, JUDGED), ("JOURNEY", "CUSTOMER"))
]
REPORTS = (
    *FUNNELS,
    *BEHIND,
    f"timeToConvert({STAGES}, report: $report) {{ converted }}",
    "dropOff(report: $report) { stages { dropped } }",
    "dropOff(unit: CUSTOMER, report: $report) { stages { dropped } }",
    'trends(currency: "EUR", report: $report) { stages { points { count } } }',
    "trends(period: MONTH, report: $report) { currency }",
    "stageMetrics(report: $report) { stages { entries } }",
    'stepMetrics(templateId: "customer_acquisition", report: $report) { steps { entries } }',
)


async def test_a_report_is_served_by_indexes(service: Service) -> None:
    await service.do("startJourney", "StartJourneyInput", templateId="customer_acquisition", leadId="l")
    for asked, span, filter in product(REPORTS, RANGES, FILTERS):
        await service.ask(f"query($report: ReportInput) {{ {asked} }}", {"report": span | filter})
    await check(service)

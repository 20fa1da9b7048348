"""Every query of the reports on cohorts, key figures, promises, handoffs and attribution has its index."""

from itertools import product
from typing import Any

import pytest

from domain.export import ExportState, Progress, complete
from storage.subject import Cause
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
    {"filter": {"lastActivity": {"since": "2026-01-01T00:00:00Z"}, "assignedTo": "anna"}},
]
REPORTS = (
    "cohorts(report: $report) { total { size } }",
    "metrics(report: $report) { steps { completed } }",
    "metrics(openJourneys: ENDED_AT_LAST_ACTIVITY, report: $report) { journeys { duration { count } } }",
    "sla(report: $report) { steps { met } }",
    "handoffMetrics(report: $report) { total { attempts } }",
    "conversionSummary(report: $report) { metrics { steps { completed } } timeToConvert { converted } }",
    "cohortAnalysis(report: $report) { onOrAfter { currency } }",
    "dropOffAnalysis(report: $report) { customers { stages { dropped } } }",
    "attribution(model: LINEAR, report: $report) { conversions }",
    'attribution(model: MARKOV, currency: "EUR", conversionKind: "sale", report: $report) { conversions }',
    "compareAttribution(by: CAMPAIGN, report: $report) { conversions }",
    "revenue(by: SOURCE, report: $report) { total { conversions } }",
)


@pytest.mark.parametrize("asked", REPORTS, ids=lambda asked: asked.partition("(")[0])
async def test_a_report_is_served_by_indexes(service: Service, asked: str) -> None:
    for span, filter in product(RANGES, FILTERS):
        query = f"query($report: ReportInput) {{ {asked} }}"
        await service.ask(query, {"report": span | filter})
    await check(service)


async def test_what_is_set_of_costs_is_served_by_indexes(service: Service) -> None:
    cost = {"campaign": "spring", "since": "2026-01-01", "until": "2026-02-01", "amount": "5 EUR"}
    for given in (cost, cost, cost | {"amount": "6 EUR", "idempotencyKey": "another"}):
        await service.do("setCampaignCost", "SetCampaignCostInput", **{"idempotencyKey": "k"} | given)
    listed = (await service.ask("{ campaignCosts { totalCount nodes { id } } }"))["campaignCosts"]
    id = listed["nodes"][0]["id"]
    await service.ask("query($id: ID!) { node(id: $id) { id } }", {"id": id})
    await service.do("removeCampaignCost", "RemoveCampaignCostInput", id=id, idempotencyKey="remove")
    await check(service)


async def test_what_is_set_and_read_of_a_calendar_is_served_by_indexes(service: Service) -> None:
    for key, given in (("k", {"timeZone": "Asia/Kolkata"}),) * 2 + (("another", {"weekStart": "SUNDAY"}),):
        await service.do("setCalendar", "SetCalendarInput", **given, idempotencyKey=key)
    found = await service.ask("{ calendar { revision timeZone weekStart } }")
    assert found["calendar"] == {"revision": 2, "timeZone": "Asia/Kolkata", "weekStart": "SUNDAY"}
    await check(service)


async def test_what_exports_are_and_how_far_they_have_come_is_served_by_indexes(service: Service) -> None:
    for key in ("k", "k", "another"):
        await service.do("requestExport", "RequestExportInput", what="JOURNEYS", idempotencyKey=key)
    listed = (await service.ask("{ exports(first: 1) { totalCount nodes { id } } }"))["exports"]
    id = listed["nodes"][0]["id"]
    await service.ask("query($id: ID!) { export(id: $id) { id } node(id: $id) { id } }", {"id": id})
    exports = service.store.exports
    export = await exports.get(id, service.tenant)
    await exports.note(export, Progress("d", 1, None, export.created_at))
    cause = Cause(export.created_by, "done", "done")
    changed = await exports.change(export, lambda now, at: complete(now, rows=1, at=at), cause)
    assert (listed["totalCount"], changed.state.state) == (2, ExportState.COMPLETED)
    await check(service)

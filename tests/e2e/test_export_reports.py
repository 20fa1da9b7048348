"""Exports of reports, and of journeys as they are listed: each has the rows of its query."""

import json
from typing import Any

import pytest

from domain.export import What
from schema.export_inputs import LISTS
from tests.e2e.exporting import add_conversion, add_touchpoints, fetched, requested, table
from tests.e2e.harness import Client
from tests.e2e.test_metrics import TEMPLATE

STAGES = {"steps": [{"stage": "SUPPORT"}, {"stage": "CUSTOMER"}]}
REPORTS: dict[str, dict[str, Any]] = {
    "FUNNEL": {"funnel": {**STAGES, "window": "P30D", "breakdown": "PRIORITY"}},
    "TIME_TO_CONVERT": {
        "funnel": {
            "steps": [
                {"stage": "LEAD"},
                {
                    "eventType": "crm:x",
                    "conditions": [{"field": "data.score", "operator": "GREATER_THAN", "value": 3}],
                },
            ]
        }
    },
    "COHORTS": {"cohorts": {"period": "WEEK", "ages": 3}},
    "ATTRIBUTION": {"attribution": {"model": "LINEAR"}},
    "COMPARE_ATTRIBUTION": {"compareAttribution": {"models": ["FIRST", "LAST"], "by": "CAMPAIGN"}},
    "REVENUE": {"report": {"timeZone": "Europe/Vienna"}},
    "METRICS": {"openJourneys": "RUNNING"},
    "SLA": {"report": {"filter": {"customerId": "c1"}}},
    "HANDOFF_METRICS": {},
    "DROP_OFF": {"unit": "CUSTOMER"},
    "TRENDS": {"trends": {"period": "MONTH"}},
    "STAGE_METRICS": {},
    "STEP_METRICS": {"templateId": "support_resolution"},
}


@pytest.fixture
async def busy(api: Client) -> Client:
    """Somebody to tell of in every report."""
    made = "mutation($input: TemplateInput!) { createTemplate(input: $input) { userErrors { message } } }"
    assert (await api.ask(made, input=TEMPLATE))["createTemplate"]["userErrors"] == []
    journey = await api.start(customerId="c1")
    await api.start("fibre", customerId="c1")
    await add_touchpoints(api, {"title": "one", "campaign": "a"})
    await add_conversion(api, value="9.00 EUR", campaign="a")
    work = "mutation($input: CreateHandoffInput!) { createHandoff(input: $input) { userErrors { message } } }"
    given = {"type": "MANUAL", "name": "Visit", "toPackage": "crew", "journeyId": journey["id"]}
    assert (await api.ask(work, input=given))["createHandoff"]["userErrors"] == []
    return api


def test_no_report_is_forgotten() -> None:
    assert set(REPORTS) == {what.name for what in What if what not in LISTS}


@pytest.mark.parametrize("what", REPORTS)
async def test_every_report_is_exported_with_how_fresh_and_complete_it_is(busy: Client, what: str) -> None:
    more = REPORTS[what]
    rows = await table(busy, what, **more)
    array = (await fetched(busy, await requested(busy, what, format="JSON", **more))).json()
    assert len(rows) == len(array) > 0
    for row, each in zip(rows, array, strict=True):
        assert {name.partition(".")[0] for name in row} == set(each)
        assert set(each["coverage"]) == {"asOf", "completeUntil", "reachesBackTo", "truncated"}
        assert row["coverage.truncated"] == "false"
        assert row["coverage.asOf"] >= row["coverage.completeUntil"] > "2026"


async def test_the_figures_of_a_report_are_those_of_its_query(api: Client) -> None:
    await api.start(customerId="c1")
    await api.start(customerId="c2", priority="HIGH")
    query = """{ funnel(steps: [{ stage: SUPPORT }, { stage: CUSTOMER }], breakdown: PRIORITY) {
      rows { value steps { number reached overallRate { value } } } } }"""
    asked = (await api.ask(query))["funnel"]["rows"]
    rows = await table(api, "FUNNEL", funnel=STAGES | {"breakdown": "PRIORITY"})
    told = [(row["value"], int(row["number"]), int(row["reached"])) for row in rows]
    assert told == [(row["value"], step["number"], step["reached"]) for row in asked for step in row["steps"]]
    assert {row["what.stage"] for row in rows} == {"SUPPORT", "CUSTOMER"}


async def test_drop_off_tells_every_reason(api: Client) -> None:
    for reason in ("too slow", "too dear", "too slow"):
        journey = await api.start(customerId="c1")
        assert (await api.do("abandonJourney", id=journey["id"], reason=reason))["userErrors"] == []
    query = "{ dropOff { stages { stage dropped reasons { reason count } } } }"
    asked = {each["stage"]: each["reasons"] for each in (await api.ask(query))["dropOff"]["stages"]}
    rows = await table(api, "DROP_OFF")
    array = (await fetched(api, await requested(api, "DROP_OFF", format="JSON"))).json()
    assert {row["stage"]: json.loads(row["reasons"]) for row in rows} == asked
    assert {each["stage"]: each["reasons"] for each in array} == asked
    assert asked["SUPPORT"] == [{"reason": "too slow", "count": 2}, {"reason": "too dear", "count": 1}]


async def test_what_is_in_no_row_of_an_attribution_is_told_in_each(api: Client) -> None:
    await add_touchpoints(api, {"title": "one"}, {"channel": "mail"})
    await add_conversion(api, value="9.00 EUR")
    await add_conversion(api, customerId="c2", value="-5.50 EUR")
    await add_conversion(api, customerId="c3", value="1.00 USD")
    rows = await table(api, "ATTRIBUTION", attribution={"model": "LINEAR", "currency": "EUR"})
    assert {row["key"] for row in rows} == {"phone", "mail"}
    for row in rows:
        assert (row["currency"], row["unattributed"]) == ("EUR", "1")
        assert (row["unattributedValue.amount"], row["unattributedValue.currency"]) == ("-5.50", "EUR")
        assert row["unattributedReason"] != ""
        assert json.loads(row["leftOut"]) == [{"currency": "USD", "count": 1, "value": "1.00 USD"}]
    [row] = await table(api, "REVENUE", revenue={"currency": "EUR"})
    assert (row["value.amount"], row["value.currency"]) == ("3.50", "EUR")
    assert json.loads(row["leftOut"])[0]["value"] == "1.00 USD"
    assert row["costsLeftOut"] == "[]"


async def test_a_comparison_has_a_row_for_each_key_and_model(api: Client) -> None:
    await add_touchpoints(api, {"title": "one"})
    await add_touchpoints(api, {"channel": "mail"})
    await add_conversion(api, value="9.00 EUR")
    query = """{ compareAttribution { rows { key conversions credits { model conversions { value } } } } }"""
    asked = (await api.ask(query))["compareAttribution"]["rows"]
    array = (await fetched(api, await requested(api, "COMPARE_ATTRIBUTION", format="JSON"))).json()
    told = [
        (each["key"], each["conversions"], each["credit"]["model"], each["credit"]["conversions"]["value"])
        for each in array
    ]
    assert told == [
        (row["key"], row["conversions"], credit["model"], credit["conversions"]["value"])
        for row in asked
        for credit in row["credits"]
    ]
    assert len(told) > 2


async def test_journeys_are_exported_as_they_are_listed(api: Client) -> None:
    first, second, third = [await api.start(customerId=f"c{n}") for n in range(3)]
    assert (await api.do("setJourneyPriority", id=second["id"], priority="HIGH"))["userErrors"] == []
    rows = await table(api, "JOURNEYS", orderBy="LAST_ACTIVITY")
    assert [row["id"] for row in rows] == [second["id"], third["id"], first["id"]]
    assert (await api.do("abandonJourney", id=third["id"], reason="x"))["userErrors"] == []
    figure = {"funnel": STAGES, "step": 1, "outcome": "DROPPED"}
    assert [row["id"] for row in await table(api, "JOURNEYS", funnelStep=figure)] == [third["id"]]
    figure |= {"outcome": "REACHED"}
    rows = await table(api, "JOURNEYS", funnelStep=figure, journeys={"status": ["ACTIVE"]})
    assert [row["id"] for row in rows] == [second["id"], first["id"]]

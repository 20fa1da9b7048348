"""The named reports say what the reports say that they are made of."""

from typing import Any

import pytest

from tests.e2e.harness import Client

FIGURE = "{ value reason }"
JOURNEYS = f"journeys {{ total converted conversionRate {FIGURE} }}"
FUNNEL = "steps { number reached dropped pending }"
TIME = "converted endToEnd { count }"
REVENUE = f"currency total {{ conversions value roi {FIGURE} }} rows {{ key conversions }}"
COHORTS = f"retention currency cohorts {{ start size cells {{ age active retention {FIGURE} }} }}"
DROP_OFF = f"stages {{ stage entered dropped recovered rate {FIGURE} }}"
NAMED = f"""query($report: ReportInput) {{
  conversionSummary(report: $report) {{
    coverage {{ asOf completeUntil truncated }}
    metrics {{ {JOURNEYS} }} funnel {{ {FUNNEL} }} timeToConvert {{ {TIME} }} revenue {{ {REVENUE} }} }}
  cohortAnalysis(period: WEEK, ages: 3, report: $report) {{
    coverage {{ asOf }} exact {{ {COHORTS} }} onOrAfter {{ {COHORTS} }} }}
  dropOffAnalysis(report: $report) {{
    coverage {{ asOf }} journeys {{ {DROP_OFF} }} customers {{ {DROP_OFF} }} funnel {{ {FUNNEL} }} }} }}"""
APART = f"""query($report: ReportInput) {{
  metrics(report: $report) {{ {JOURNEYS} }}
  funnel(named: ACQUISITION, report: $report) {{ {FUNNEL} }}
  timeToConvert(named: ACQUISITION, report: $report) {{ {TIME} }}
  revenue(by: CHANNEL, report: $report) {{ {REVENUE} }}
  exact: cohorts(period: WEEK, ages: 3, report: $report) {{ {COHORTS} }}
  onOrAfter: cohorts(period: WEEK, retention: ON_OR_AFTER, ages: 3, report: $report) {{ {COHORTS} }}
  journeys: dropOff(report: $report) {{ {DROP_OFF} }}
  customers: dropOff(unit: CUSTOMER, report: $report) {{ {DROP_OFF} }} }}"""
SALE = {"kind": "sale", "toStage": "CUSTOMER", "channel": "web", "value": "30.00 EUR"}


async def same(api: Client, report: dict[str, Any]) -> dict[str, Any]:
    """What the named reports say, held against the reports they are made of: as they were just before or, where a day
    or a week has turned, just after."""
    before: dict[str, Any] = await api.ask(APART, report=report)
    named: dict[str, Any] = await api.ask(NAMED, report=report)
    after: dict[str, Any] = await api.ask(APART, report=report)
    summary, cohorts, lost = (
        named[each] for each in ("conversionSummary", "cohortAnalysis", "dropOffAnalysis")
    )
    for name in ("metrics", "funnel", "timeToConvert", "revenue"):
        assert summary[name] in (before[name], after[name])
    for name in ("exact", "onOrAfter"):
        assert cohorts[name] in (before[name], after[name])
    for name in ("journeys", "customers", "funnel"):
        assert lost[name] in (before[name], after[name])
    assert not summary["coverage"]["truncated"]
    return after


@pytest.mark.parametrize("report", [{}, {"filter": {"status": ["ABANDONED"]}, "timeZone": "Europe/Vienna"}])
async def test_a_named_report_is_made_of_the_others(api: Client, report: dict[str, Any]) -> None:
    first, second = [await api.start("customer_acquisition", leadId=f"l{n}") for n in range(2)]
    assert (await api.do("abandonJourney", id=second["id"], reason="too dear"))["userErrors"] == []
    sales = [SALE | {"journeyId": each["id"]} for each in (first, second)]
    await api.ask(
        "mutation($input: AddConversionsInput!) { addConversions(input: $input) { userErrors { message } } }",
        input={"conversions": sales},
    )
    apart = await same(api, report)
    assert (
        apart["metrics"]["journeys"]["converted"] == apart["exact"]["cohorts"][0]["size"] == 2 - bool(report)
    )
    assert sum(each["dropped"] for each in apart["journeys"]["stages"]) == 1


async def test_an_empty_tenant_has_named_reports_without_figures(api: Client) -> None:
    apart = await same(api, {})
    assert apart["metrics"]["journeys"]["conversionRate"]["value"] is None


@pytest.mark.parametrize(
    ("asked", "argument"),
    [
        ('conversionSummary(currency: "euro") { coverage { asOf } }', "currency"),
        ("cohortAnalysis(ages: 0) { coverage { asOf } }", "ages"),
        ('dropOffAnalysis(report: {timeZone: "x"}) { coverage { asOf } }', "timeZone"),
    ],
)
async def test_what_cannot_be_is_refused_with_its_place(api: Client, asked: str, argument: str) -> None:
    [error] = (await api.send(f"{{ {asked} }}"))["errors"]
    assert (error["extensions"]["code"], error["extensions"]["argument"]) == ("INVALID_INPUT", argument)

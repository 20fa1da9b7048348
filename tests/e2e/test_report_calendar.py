"""Reports go by the tenant's calendar, unless they are asked by another."""

from typing import Any

import pytest

from tests.e2e.harness import BOUND, Client, Server, client, fresh
from tests.e2e.watching import told, watching

VIENNA = "Europe/Vienna"
SALES = {"carl": "2026-03-31T23:30:00Z", "dora": "2026-04-05T12:00:00Z"}  # a Tuesday and a Sunday
FROM_MARCH = {"range": {"since": "2026-03-01T00:00:00Z", "until": "2026-05-01T00:00:00Z"}}
COHORTS = "timeZone cohorts { start since size }"
SEEN = f"""query($report: ReportInput, $hours: ReportInput) {{
  months: cohorts(period: MONTH, report: $report) {{ {COHORTS} }}
  weeks: cohorts(period: WEEK, report: $report) {{ {COHORTS} }}
  cohortAnalysis(report: $report) {{ exact {{ {COHORTS} }} }}
  trends(period: MONTH, report: $report) {{ stages {{ stage points {{ start value }} }} }}
  revenue(report: $hours) {{ total {{ cost }} }}
  conversionSummary(report: $hours) {{ revenue {{ total {{ cost }} }} }}
}}"""


async def sell(api: Client) -> None:
    """Two sales, and a campaign that costs something on the first of April."""
    sales = [
        {"kind": "sale", "toStage": "CUSTOMER", "customerId": who, "at": at, "value": "10.00 EUR"}
        for who, at in SALES.items()
    ]
    cost = {"campaign": "spring", "since": "2026-04-01", "until": "2026-04-02", "amount": "5.00 EUR"}
    for mutation, kind, input in (
        ("addConversions", "AddConversionsInput", {"conversions": sales}),
        ("setCampaignCost", "SetCampaignCostInput", cost),
    ):
        query = (
            f"mutation($input: {kind}!) {{ {mutation}(input: $input) {{ userErrors {{ message path }} }} }}"
        )
        assert (await api.ask(query, input=input))[mutation]["userErrors"] == []


async def set_calendar(api: Client, **given: str) -> None:
    query = "mutation($input: SetCalendarInput!) { setCalendar(input: $input) { userErrors { message } } }"
    assert (await api.ask(query, input=given))["setCalendar"]["userErrors"] == []


async def seen(api: Client, **calendar: str) -> dict[str, Any]:
    """Where the sales are put, and what the campaign has cost in the two hours before midnight in UTC."""
    hours = {"range": {"since": "2026-03-31T22:00:00Z", "until": "2026-04-01T00:00:00Z"}}
    found = await api.ask(SEEN, report=FROM_MARCH | calendar, hours=hours | calendar)
    assert found["cohortAnalysis"]["exact"] == found["months"]
    [sold] = [each["points"] for each in found["trends"]["stages"] if each["stage"] == "CUSTOMER"]
    cost = found["revenue"]["total"]["cost"]
    assert found["conversionSummary"]["revenue"]["total"]["cost"] == cost
    return {
        "zone": found["months"]["timeZone"],
        "months": {each["start"]: each["size"] for each in found["months"]["cohorts"]},
        "began": found["months"]["cohorts"][0]["since"],
        "weeks": {each["start"]: each["size"] for each in found["weeks"]["cohorts"]},
        "sold": {each["start"]: each["value"] for each in sold if each["value"] != "0.00 EUR"},
        "cost": cost,
    }


IN_UTC = {
    "zone": "UTC",
    "months": {"2026-03-01": 1, "2026-04-01": 1},
    "began": "2026-03-01T00:00:00.000Z",
    "weeks": {"2026-03-30": 2},
    "sold": {"2026-03-01": "10.00 EUR", "2026-04-01": "10.00 EUR"},
    "cost": None,
}
IN_VIENNA = {
    "zone": VIENNA,
    "months": {"2026-04-01": 2},
    "began": "2026-03-31T22:00:00.000Z",
    "weeks": {"2026-03-30": 2},
    "sold": {"2026-04-01": "20.00 EUR"},
    "cost": "5.00 EUR",
}
FROM_SUNDAY = {"weeks": {"2026-03-29": 1, "2026-04-05": 1}}


async def test_reports_go_by_the_tenants_time_zone_and_week_start(api: Client) -> None:
    await sell(api)
    assert await seen(api) == IN_UTC
    await set_calendar(api, timeZone=VIENNA)
    assert await seen(api) == IN_VIENNA
    await set_calendar(api, weekStart="SUNDAY")
    assert await seen(api) == IN_VIENNA | FROM_SUNDAY


async def test_a_report_that_names_a_calendar_goes_by_that(api: Client) -> None:
    await sell(api)
    await set_calendar(api, timeZone=VIENNA, weekStart="SUNDAY")
    assert await seen(api, timeZone="UTC", weekStart="MONDAY") == IN_UTC
    assert await seen(api, timeZone="UTC") == IN_UTC | FROM_SUNDAY  # what it does not name is the tenant's
    assert await seen(api, weekStart="MONDAY") == IN_VIENNA


async def test_another_tenants_calendar_is_nothing_to_a_report(api: Client, server: Server) -> None:
    await sell(api)
    async with client(server.url, fresh()) as other:
        await set_calendar(other, timeZone=VIENNA, weekStart="SUNDAY")
        await sell(other)
        assert await seen(other) == IN_VIENNA | FROM_SUNDAY
    assert await seen(api) == IN_UTC


@pytest.mark.parametrize(
    ("calendar", "expected"),
    [({}, {"2026-04-01": 2}), ({"timeZone": "UTC"}, {"2026-03-01": 1, "2026-04-01": 1})],
)
async def test_an_export_of_a_report_goes_by_it_when_it_is_fetched(
    api: Client, calendar: dict[str, str], expected: dict[str, int]
) -> None:
    await sell(api)
    query = """mutation($input: RequestExportInput!) {
      requestExport(input: $input) { export { path } userErrors { message } } }"""
    asked = {"what": "COHORTS", "format": "JSON", "report": FROM_MARCH | calendar}
    made = (await api.ask(query, input=asked))["requestExport"]
    assert made["userErrors"] == []
    await set_calendar(api, timeZone=VIENNA)
    address = api.url.removesuffix("/graphql") + made["export"]["path"]
    rows = (await api.http.get(address, headers=api.headers, timeout=BOUND)).json()
    assert {row["start"]: row["size"] for row in rows} == expected


async def test_live_figures_and_those_behind_a_figure_are_told_in_any_calendar(api: Client) -> None:
    await set_calendar(api, timeZone=VIENNA, weekStart="SUNDAY")
    journey = await api.start()
    watch = "subscription { metricsChanges { journeys { total } } }"
    async with watching("websocket", api, watch) as stream:
        assert (await told(stream, "metricsChanges"))["journeys"]["total"] == 1
    figure = "{ funnel: { steps: [{ stage: SUPPORT }] }, step: 1 }"
    found = await api.ask(f"{{ journeys(funnelStep: {figure}) {{ totalCount nodes {{ id }} }} }}")
    assert found["journeys"] == {"totalCount": 1, "nodes": [{"id": journey["id"]}]}

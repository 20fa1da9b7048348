"""Key figures, promises and figures of handoffs from outside: of a tenant at work, of an empty one, and refused."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.identity import Role
from domain.values import timestamp
from tests.e2e.harness import Client, Server, client, fresh

FIGURE = "{ value reason }"
SPREAD = f"{{ count mean {FIGURE} median {FIGURE} p90 {FIGURE} }}"
METRICS = f"""metrics(openJourneys: $open, report: $report) {{
  coverage {{ asOf completeUntil reachesBackTo truncated }}
  journeys {{
    total byStatus {{ status count }} converted conversionRate {FIGURE} completionRate {FIGURE} openJourneys
    duration {SPREAD} durationWithin(days: [0, 1, 9.5]) {{ days count share {FIGURE} }} }}
  steps {{ completed automatic automationRate {FIGURE} }}
  handoffs {{ total byStatus {{ status count }} success {FIGURE} }} }}"""
ROW = f"templateId step total met breached running paused void compliance {FIGURE}"
SLA = (
    f"sla(report: $report) {{ coverage {{ asOf }} journeys {{ {ROW} }} steps {{ {ROW} }} rows {{ {ROW} }} }}"
)
HANDOFF = (
    f"package action total byStatus {{ status count }} success {FIGURE} attempts attemptsEach {FIGURE} "
    f"time {SPREAD}"
)
HANDOFFS = (
    f"handoffMetrics(report: $report) {{ coverage {{ asOf }} total {{ {HANDOFF} }} rows {{ {HANDOFF} }} }}"
)
CELL = f"age members active retention {FIGURE} value ltv {FIGURE} running"
COHORTS = f"""cohorts(report: $report) {{ coverage {{ asOf }} currency timeZone
  cohorts {{ start since until size cells {{ {CELL} }} }} total {{ start size cells {{ {CELL} }} }} }}"""
EVERYTHING = (
    f"query($report: ReportInput, $open: OpenJourneys! = RUNNING) {{ {METRICS} {SLA} {HANDOFFS} {COHORTS} }}"
)
TEMPLATE = {
    "id": "fibre",
    "name": "Fibre",
    "category": "CUSTOM",
    "steps": [
        {"id": "check", "name": "Check", "stage": "LEAD", "order": 1, "sla": "PT1H"},
        {"id": "note", "name": "Note", "stage": "LEAD", "order": 2, "type": "AUTOMATED"},
        {"id": "visit", "name": "Visit", "stage": "CUSTOMER", "order": 3, "sla": "PT1H"},
    ],
    "settings": {"autoProgress": True, "slaTracking": True, "sla": "P1D", "reentry": "ANY_TIME"},
}


def by_status(counts: list[dict[str, Any]]) -> dict[str, int]:
    return {each["status"]: each["count"] for each in counts if each["count"]}


@pytest.fixture
async def busy(api: Client) -> Client:
    """Three journeys: one advanced and with a sale, one paused, one given up; two handoffs, one of them done."""
    created = await api.ask(
        "mutation($input: TemplateInput!) { createTemplate(input: $input) { userErrors { message } } }",
        input=TEMPLATE,
    )
    assert created["createTemplate"]["userErrors"] == []
    first, second, third = [await api.start("fibre", customerId=f"c{n}") for n in range(3)]
    for mutation, journey in (
        ("advanceJourney", first),
        ("pauseJourney", second),
        ("abandonJourney", third),
    ):
        assert (await api.do(mutation, id=journey["id"]))["userErrors"] == []
    sale = {"kind": "sale", "toStage": "CUSTOMER", "journeyId": first["id"], "value": "30.00 EUR"}
    await api.ask(
        "mutation($input: AddConversionsInput!) { addConversions(input: $input) { userErrors { message } } }",
        input={"conversions": [sale]},
    )
    for n in range(2):
        work = {"type": "MANUAL", "name": "Visit", "toPackage": "crew", "journeyId": first["id"]}
        made = await api.ask(
            "mutation($input: CreateHandoffInput!) { createHandoff(input: $input) "
            "{ handoff { id } userErrors { message } } }",
            input=work,
        )
        assert made["createHandoff"]["userErrors"] == [], made
        if n == 0:
            id = made["createHandoff"]["handoff"]["id"]
            await api.ask(
                "mutation($id: ID!) { processHandoff(input: {id: $id}) { userErrors { message } } "
                "completeHandoff(input: {id: $id}) { userErrors { message } } }",
                id=id,
            )
    return api


async def test_the_figures_of_a_tenant_at_work(busy: Client) -> None:
    found = await busy.ask(EVERYTHING)
    journeys = found["metrics"]["journeys"]
    assert (journeys["total"], journeys["converted"]) == (3, 1)
    assert by_status(journeys["byStatus"]) == {"ACTIVE": 1, "PAUSED": 1, "ABANDONED": 1}
    assert journeys["conversionRate"]["value"] == pytest.approx(1 / 3)
    assert journeys["completionRate"] == {"value": 0.0, "reason": None}
    assert journeys["duration"]["count"] == 1
    assert [each["count"] for each in journeys["durationWithin"]] == [0, 1, 1]
    steps = found["metrics"]["steps"]
    assert (steps["completed"], steps["automatic"]) == (2, 1)
    assert steps["automationRate"]["value"] == 0.5
    handoffs = found["metrics"]["handoffs"]
    assert (handoffs["total"], handoffs["success"]["value"]) == (2, 1.0)
    open_too = (await busy.ask(EVERYTHING, open="ENDED_AT_LAST_ACTIVITY"))["metrics"]["journeys"]
    assert (open_too["duration"]["count"], open_too["durationWithin"][1]["count"]) == (3, 3)

    sla = found["sla"]
    counted = {
        row["step"]: {
            name: row[name] for name in ("met", "breached", "running", "paused", "void") if row[name]
        }
        for row in sla["rows"]
    }
    assert counted == {
        None: {"running": 1, "paused": 1, "void": 1},
        "check": {"met": 1, "paused": 1, "void": 1},
        "visit": {"running": 1},
    }
    assert {row["templateId"] for row in sla["rows"]} == {"fibre"}
    assert sla["steps"]["compliance"] == {"value": 1.0, "reason": None}
    assert sla["journeys"]["compliance"]["value"] is None
    assert sla["journeys"]["compliance"]["reason"]

    [row] = found["handoffMetrics"]["rows"]
    assert (row["package"], row["action"], row["total"], row["attempts"]) == ("crew", None, 2, 0)
    assert by_status(row["byStatus"])["COMPLETED"] == 1
    assert row["time"]["count"] == 1
    assert row["attemptsEach"]["value"] is None

    cohorts = found["cohorts"]
    [cohort] = cohorts["cohorts"]
    assert (cohorts["currency"], cohort["size"]) == ("EUR", 1)
    now, *future = cohort["cells"]
    assert (now["active"], now["value"], now["ltv"]["value"]) == (1, "30.00 EUR", 30.0)
    if not now["running"]:  # the month has turned since the sale
        assert cohort["start"][:7] < timestamp(datetime.now(UTC))[:7]
        assert future.pop(0)["running"]
    assert len(future) == 11 - (not now["running"])
    for cell in future:
        assert (cell["active"], cell["value"], cell["retention"]["value"]) == (None, None, None)
        assert cell["retention"]["reason"]


async def test_a_filter_and_a_range_narrow_every_report(busy: Client) -> None:
    only_active = {"filter": {"status": ["ACTIVE"]}}
    found = await busy.ask(EVERYTHING, report=only_active)
    assert (found["metrics"]["journeys"]["total"], found["metrics"]["journeys"]["converted"]) == (1, 1)
    assert (found["sla"]["journeys"]["total"], found["sla"]["steps"]["total"]) == (1, 2)
    assert found["handoffMetrics"]["total"]["total"] == 2
    assert found["cohorts"]["total"]["size"] == 1
    for report in ({"filter": {"status": ["PAUSED"]}}, {"range": {"until": "2020-01-01T00:00:00Z"}}):
        found = await busy.ask(EVERYTHING, report=report)
        assert (found["metrics"]["steps"]["completed"], found["handoffMetrics"]["rows"]) == (0, [])
        assert found["cohorts"]["total"]["size"] == 0


async def test_an_empty_tenant_has_no_figures_and_the_reasons_why(api: Client) -> None:
    found = await api.ask(EVERYTHING)
    nothing = [
        found["metrics"]["journeys"]["conversionRate"],
        found["metrics"]["journeys"]["completionRate"],
        found["metrics"]["journeys"]["duration"]["median"],
        found["metrics"]["journeys"]["durationWithin"][0]["share"],
        found["metrics"]["steps"]["automationRate"],
        found["metrics"]["handoffs"]["success"],
        found["sla"]["journeys"]["compliance"],
        found["sla"]["steps"]["compliance"],
        found["handoffMetrics"]["total"]["success"],
        found["handoffMetrics"]["total"]["attemptsEach"],
        found["handoffMetrics"]["total"]["time"]["p90"],
        *(cell["retention"] for cell in found["cohorts"]["total"]["cells"]),
        *(cell["ltv"] for cell in found["cohorts"]["total"]["cells"]),
    ]
    assert all(each["value"] is None and each["reason"] for each in nothing)
    assert found["cohorts"]["cohorts"] == found["sla"]["rows"] == found["handoffMetrics"]["rows"] == []
    assert (found["cohorts"]["currency"], found["metrics"]["journeys"]["total"]) == (None, 0)
    coverage = found["metrics"]["coverage"]
    assert coverage["completeUntil"] <= coverage["asOf"]
    assert (coverage["reachesBackTo"], coverage["truncated"]) == (None, False)


async def test_conversions_that_may_have_gone_are_told_beside_the_key_figures(api: Client) -> None:
    kept = await api.ask("mutation { setRetention(input: {touchpoints: 30}) { userErrors { message } } }")
    assert kept["setRetention"]["userErrors"] == []
    found = await api.ask(EVERYTHING)
    coverage = found["metrics"]["coverage"]
    reach = datetime.fromisoformat(coverage["reachesBackTo"])
    assert datetime.fromisoformat(coverage["asOf"]) - reach <= timedelta(days=31)
    assert coverage["truncated"]
    yesterday = {"range": {"since": timestamp(datetime.now(UTC) - timedelta(days=1))}}
    found = await api.ask(EVERYTHING, report=yesterday)
    assert not found["metrics"]["coverage"]["truncated"]


async def test_another_tenant_sees_nothing_of_it(busy: Client, server: Server) -> None:
    async with client(server.url, fresh()) as other:
        found = await other.ask(EVERYTHING)
    assert found["metrics"]["journeys"]["total"] == found["cohorts"]["total"]["size"] == 0
    assert found["sla"]["rows"] == found["handoffMetrics"]["rows"] == []


@pytest.mark.parametrize(
    ("asked", "argument"),
    [
        ('metrics(report: {timeZone: "Mars/Base"}) { steps { completed } }', "timeZone"),
        ('sla(report: {timeZone: "../etc"}) { rows { met } }', "timeZone"),
        (
            'handoffMetrics(report: {range: {since: "2026-02-01T00:00:00Z", until: "2026-01-01T00:00:00Z"}}) '
            "{ rows { total } }",
            "range.until",
        ),
        ("cohorts(ages: 0) { total { size } }", "ages"),
        ("cohorts(ages: 367) { total { size } }", "ages"),
        ('cohorts(currency: "euro") { total { size } }', "currency"),
        ("metrics { journeys { durationWithin(days: []) { count } } }", "days"),
        ("metrics { journeys { durationWithin(days: [-1]) { count } } }", "days"),
    ],
)
async def test_what_cannot_be_is_refused_with_its_place(api: Client, asked: str, argument: str) -> None:
    body = await api.send(f"{{ {asked} }}")
    [error] = body["errors"]
    assert error["extensions"]["code"] == "INVALID_INPUT"
    assert error["extensions"]["argument"] == argument


async def test_reports_need_a_role_and_a_viewers_is_enough(server: Server, tenant: str) -> None:
    async with client(server.url, tenant, Role.VIEWER) as viewer:
        assert (await viewer.ask(EVERYTHING))["metrics"]["journeys"]["total"] == 0
        viewer.token = None
        body = await viewer.send("{ metrics { steps { completed } } }")
    assert body["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"

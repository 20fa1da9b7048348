"""Funnels from outside: what they count, the journeys that each figure opens, and what is refused."""

from typing import Any

import pytest

from tests.e2e.harness import Client
from tests.e2e.refusals import codes, make_template, send

STEPS = ("one", "two", "three")
THREE = [{"templateId": "sample", "step": each} for each in STEPS]
FUNNEL = """query($steps: [FunnelStepInput!], $unit: ReportUnit! = JOURNEY, $breakdown: FunnelBreakdown) {
  funnel(steps: $steps, unit: $unit, breakdown: $breakdown) {
    coverage { asOf completeUntil truncated }
    rows { value steps { reached } }
    steps { number what { templateId step } reached dropped pending excluded
      overallRate { value } stepRate { value reason } } } }"""
BEHIND = """query($figure: FunnelFigureInput!, $after: String) {
  journeys(first: 1, after: $after, funnelStep: $figure) {
    totalCount pageInfo { hasNextPage endCursor } nodes { id } } }"""

EMIT = (
    "mutation($input: EmitEventInput!) { emitEvent(input: $input) { event { id } userErrors { message } } }"
)


async def walked(api: Client) -> dict[str, str]:
    """Journeys by how far they came; the one called `lost` was abandoned at its second step."""
    await make_template(api)
    found = {}
    for name, steps in (("new", 0), ("lost", 1), ("far", 2)):
        journey = await api.start("sample", customerId=f"c-{name}")
        found[name] = journey["id"]
        for _ in range(steps):
            await api.do("advanceJourney", id=journey["id"])
    await api.do("abandonJourney", id=found["lost"], reason="price")
    return found


async def behind(api: Client, **figure: Any) -> list[str]:
    """Every page of the journeys behind a figure."""
    found: list[str] = []
    after = None
    while True:
        page = (await api.ask(BEHIND, figure=figure, after=after))["journeys"]
        found += [each["id"] for each in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            assert page["totalCount"] == len(found)
            return found
        after = page["pageInfo"]["endCursor"]


async def test_a_funnel_counts_and_each_figure_opens_its_journeys(api: Client) -> None:
    ids = await walked(api)
    for unit in ("JOURNEY", "CUSTOMER"):
        report = (await api.ask(FUNNEL, steps=THREE, unit=unit, breakdown="PRIORITY"))["funnel"]
        steps = report["steps"]
        assert [each["what"]["step"] for each in steps] == [*STEPS]
        assert [each["reached"] for each in steps] == [3, 2, 1]
        assert [(each["dropped"], each["pending"]) for each in steps] == [(0, 1), (1, 0), (0, 0)]
        assert steps[2]["overallRate"]["value"] == 1 / 3
        assert steps[0]["stepRate"]["reason"]
        assert [row["value"] for row in report["rows"]] == ["medium"]
        assert not report["coverage"]["truncated"]
        funnel = {"steps": THREE, "unit": unit, "breakdown": "PRIORITY"}
        assert await behind(api, funnel=funnel, step=1) == [ids["far"], ids["lost"], ids["new"]]
        assert await behind(api, funnel=funnel, step=1, outcome="PENDING") == [ids["new"]]
        assert await behind(api, funnel=funnel, step=2, outcome="DROPPED") == [ids["lost"]]
        assert await behind(api, funnel=funnel, step=2, outcome="EXCLUDED") == []
        assert await behind(api, funnel=funnel, step=2, rows={"values": ["medium"]}) == [
            ids["far"],
            ids["lost"],
        ]
        assert await behind(api, funnel=funnel, step=2, rows={"without": True}) == []


async def test_an_event_with_conditions_is_a_step(api: Client) -> None:
    for n, score in enumerate((10, "80", 90)):
        event = {"id": str(n), "type": "crm:scored", "source": "crm", "leadId": f"l{n}"}
        await api.ask(EMIT, input=event | {"data": {"score": score}})
    found = await api.ask(
        "query($steps: [FunnelStepInput!]) { funnel(steps: $steps, unit: CUSTOMER) { steps { reached } } }",
        steps=[
            {
                "eventType": "crm:scored",
                "conditions": [
                    {"field": "data.score", "operator": "GREATER_THAN", "value": 50, "type": "NUMBER"}
                ],
            }
        ],
    )
    assert found["funnel"]["steps"] == [{"reached": 2}]


async def test_ready_made_funnels_are_listed_and_asked_by_their_names(api: Client) -> None:
    found = (await api.ask("{ funnels { name steps { stage templateId step } } }"))["funnels"]
    assert [each["name"] for each in found] == ["ACQUISITION", "ONBOARDING", "SUPPORT", "RETENTION"]
    assert [each["stage"] for each in found[0]["steps"]] == ["LEAD", "CUSTOMER", "ACTIVE_SERVICE"]
    for each in found:
        asked = f"{{ funnel(named: {each['name']}) {{ steps {{ reached what {{ stage }} }} }} }}"
        report = (await api.ask(asked))["funnel"]
        assert [step["what"]["stage"] for step in report["steps"]] == [
            step["stage"] for step in each["steps"]
        ]
        assert {step["reached"] for step in report["steps"]} == {0}


async def test_what_is_not_known_is_empty(api: Client) -> None:
    found = await api.ask(
        '{ funnel(steps: [{ templateId: "no", step: "no" }, { eventType: "no:no" }]) { steps { reached '
        'overallRate { value reason } } rows { value } } stepMetrics(templateId: "no") { steps { step } } '
        "trends { currency stages { stage points { count } } } dropOff { stages { entered reasons { count } } } }"
    )
    assert [each["reached"] for each in found["funnel"]["steps"]] == [0, 0]
    assert all(each["overallRate"]["reason"] for each in found["funnel"]["steps"])
    assert found["funnel"]["rows"] == found["stepMetrics"]["steps"] == []
    assert found["trends"]["currency"] is None
    assert {each["entered"] for each in found["dropOff"]["stages"]} == {0}


async def test_without_steps_a_funnel_is_that_of_the_stages_to_active_service(api: Client) -> None:
    found = (await api.ask("{ funnel { steps { what { stage } } } }"))["funnel"]
    assert [each["what"]["stage"] for each in found["steps"]] == ["LEAD", "CUSTOMER", "ACTIVE_SERVICE"]


LEAD = "steps: [{ stage: LEAD }]"
FIGURE = "journeys(funnelStep: { %s }) { nodes { id } }"
REFUSED = {
    "funnel(steps: []) { steps { reached } }": "steps",
    f"funnel({LEAD}, named: SUPPORT) {{ steps {{ reached }} }}": "steps",
    f"funnel(steps: [{'{ stage: LEAD } ' * 21}]) {{ steps {{ reached }} }}": "steps",
    f"funnel({LEAD}, exclusions: [{'{ stage: CHURN } ' * 21}]) {{ steps {{ reached }} }}": "exclusions",
    "funnel(steps: [{ stage: LEAD }, {}]) { steps { reached } }": "steps.1",
    'funnel(steps: [{ stage: LEAD, eventType: "a:b" }]) { steps { reached } }': "steps.0",
    'funnel(steps: [{ templateId: "a" }]) { steps { reached } }': "steps.0.step",
    'funnel(steps: [{ step: "a" }]) { steps { reached } }': "steps.0.templateId",
    'funnel(steps: [{ stage: LEAD, conditions: [{ field: "a", operator: EXISTS }] }]) { steps { reached } }': (
        "steps.0.conditions"
    ),
    f"funnel({LEAD}, exclusions: [{{}}]) {{ steps {{ reached }} }}": "exclusions.0",
    f'funnel({LEAD}, window: "PT0S") {{ steps {{ reached }} }}': "window",
    f'funnel({LEAD}, report: {{ timeZone: "Mars" }}) {{ steps {{ reached }} }}': "timeZone",
    f'funnel({LEAD}, report: {{ range: {{ since: "2026-02-01T00:00:00Z", until: "2026-01-01T00:00:00Z" }} }}) '
    "{ steps { reached } }": "range.until",
    "timeToConvert(steps: []) { converted }": "steps",
    'stageMetrics(report: { timeZone: "" }) { stages { entries } }': "timeZone",
    "dropOff { stages { reasons(first: 0) { count } } }": "first",
    'trends(currency: "euro") { currency }': "currency",
    'trends(report: { range: { since: "1990-01-01T00:00:00Z" } }) { currency }': "range",
    FIGURE % "funnel: { steps: [] }, step: 1": "funnelStep.funnel.steps",
    FIGURE % f"funnel: {{ {LEAD} }}, step: 2": "funnelStep.step",
    FIGURE % f"funnel: {{ {LEAD} }}, step: 0": "funnelStep.step",
    FIGURE % f'funnel: {{ {LEAD}, window: "PT0S" }}, step: 1': "funnelStep.funnel.window",
    FIGURE % f"funnel: {{ {LEAD} }}, step: 1, rows: {{ without: true }}": "funnelStep.rows",
}


@pytest.mark.parametrize("asked", REFUSED)
async def test_what_is_no_report_is_refused_with_a_code_and_a_path(api: Client, asked: str) -> None:
    body = await send(api, f"{{ {asked} }}")
    assert codes(body) == ["INVALID_INPUT"] * len(body["errors"])
    assert {each["extensions"]["argument"] for each in body["errors"]} == {REFUSED[asked]}

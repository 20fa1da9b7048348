"""Steps that the service does itself, from outside: what authors write, and what journeys make of it."""

from typing import Any

from tests.e2e.harness import Client, eventually

FIELDS = """currentStepId context incident awaited { id kind status reason } parentId parentStepId
  parent { id } children(first: 5) { totalCount nodes { id status parentStepId customerId context } }
  allowedActions { action allowed }"""
INCIDENTS = (
    "query($id: ID!) { incidents(filter: { journeyId: $id, kind: STEP }) { nodes { status reason step } } }"
)


def step(id: str, order: int, **rest: Any) -> dict[str, Any]:
    return {"id": id, "name": id.title(), "stage": "CUSTOMER", "order": order, **rest}


NOTE = step(
    "note",
    1,
    type="AUTOMATED",
    performs={
        "kind": "ADD_TOUCHPOINT",
        "params": {"kind": "call", "channel": "phone"},
        "mapping": {"title": "reason"},
    },
    outputMapping={"touchpointId": "id"},
)
VISIT = step(
    "visit",
    2,
    type="WORKFLOW",
    child={"templateId": "visit", "contextMapping": {"why": "reason"}},
    outputMapping={"found": "finding"},
)
REPAIR = {
    "id": "repair",
    "name": "Repair",
    "category": "SUPPORT",
    "settings": {"autoProgress": True},
    "steps": [NOTE, VISIT, step("close", 3)],
}
ON_SITE = {"id": "visit", "name": "Visit", "category": "SUPPORT", "steps": [step("drive", 1)]}
CREATE = """mutation($input: TemplateInput!) { createTemplate(input: $input) { userErrors { message path }
  template { steps { id performs { kind params mapping } child { templateId templateVersion contextMapping } } } } }"""


async def create(api: Client, **template: Any) -> Any:
    return (await api.ask(CREATE, input=template))["createTemplate"]


async def now(api: Client, id: str) -> Any:
    asked = f"query($id: ID!) {{ journey(id: $id) {{ id status {FIELDS} touchpoints {{ nodes {{ id title }} }} }} }}"
    return (await api.ask(asked, id=id))["journey"]


async def until(api: Client, id: str, step: str, *, incident: bool = False) -> Any:
    """The journey once it stands at this step, with or without an incident."""

    async def there() -> bool:
        found = await now(api, id)
        work = found["children"]["nodes"] if step == "visit" and not incident else [True]
        return bool(work) and (found["currentStepId"], found["incident"]) == (step, incident)

    await eventually(there, f"the journey comes to {step}")
    return await now(api, id)


async def test_a_journey_does_its_steps_itself_and_waits_for_its_child(api: Client) -> None:
    made = await create(api, **REPAIR)
    assert made["userErrors"] == []
    performing, starting, _ = made["template"]["steps"]
    assert performing["performs"]["kind"] == "ADD_TOUCHPOINT"
    assert starting["child"] == {
        "templateId": "visit",
        "templateVersion": None,
        "contextMapping": {"why": "reason"},
    }
    started = await api.start("repair", customerId="c-1", context={"reason": "no line"})

    # The child's template is not there yet.
    journey = await until(api, started["id"], "visit", incident=True)
    [touchpoint] = journey["touchpoints"]["nodes"]
    assert (touchpoint["title"], journey["context"]["touchpointId"]) == ("no line", touchpoint["id"])
    assert (journey["awaited"]["kind"], journey["awaited"]["status"]) == ("CHILD", "FAILED")
    assert {each["action"]: each["allowed"] for each in journey["allowedActions"]}["RETRY"]
    [incident] = (await api.ask(INCIDENTS, id=journey["id"]))["incidents"]["nodes"]
    assert (incident["status"], incident["step"], incident["reason"]) == (
        "OPEN",
        "visit",
        journey["awaited"]["reason"],
    )

    assert (await create(api, **ON_SITE))["userErrors"] == []
    assert (await api.do("retryStep", id=journey["id"]))["userErrors"] == []
    journey = await until(api, journey["id"], "visit")
    [child] = journey["children"]["nodes"]
    assert journey["awaited"]["id"] == child["id"]
    assert (child["parentStepId"], child["customerId"], child["context"]) == (
        "visit",
        "c-1",
        {"why": "no line"},
    )
    seen = await now(api, child["id"])
    assert (seen["parentId"], seen["parent"]["id"]) == (journey["id"], journey["id"])
    [incident] = (await api.ask(INCIDENTS, id=journey["id"]))["incidents"]["nodes"]
    assert incident["status"] == "RESOLVED"

    changed = await api.do("updateJourneyContext", id=child["id"], changes={"finding": "a torn cable"})
    assert changed["userErrors"] == []
    assert (await api.do("completeJourney", id=child["id"]))["journey"]["status"] == "COMPLETED"
    journey = await until(api, journey["id"], "close")
    assert (journey["context"]["found"], journey["awaited"]) == ("a torn cable", None)
    assert journey["children"]["totalCount"] == 1


async def test_what_cannot_be_done_is_refused_when_it_is_written(api: Client) -> None:
    odd = {"kind": "UPDATE_CONTEXT", "params": {"contxt": {}}}
    steps = [step("a", 1, type="AUTOMATED", performs=odd), step("b", 2, type="WORKFLOW")]
    made = await create(api, **(ON_SITE | {"id": "odd", "steps": steps}))
    assert [each["path"] for each in made["userErrors"]] == [
        ["steps", "0", "performs", "params", "contxt"],
        ["steps", "1", "child"],
    ]

"""Incidents from outside: what fails opens one, what mends it resolves it, and a person can close it by hand."""

from typing import Any

import pytest

from tests.e2e.handing import act, done, forbidden, handoff, incident, incidents, manual, refused, somebody
from tests.e2e.harness import Client, Server, eventually, fresh

TEMPLATE = (
    "mutation($input: TemplateInput!) { createTemplate(input: $input) { userErrors { code message } } }"
)
JOURNEY = """query($id: ID!) { journey(id: $id) { status incident currentStepId
  handoff { id status failure validationErrors { message path } } } }"""


async def failed(api: Client, **input: Any) -> tuple[str, str]:
    """A handoff that was reported to be impossible, and its incident."""
    made = await manual(api, **input)
    await done(api, "failHandoff", id=made["id"], reason="nobody home")
    found = await incident(api, "OPEN", **({"journeyId": input["journeyId"]} if input else {}))
    return made["id"], found["id"]


async def test_a_failed_handoff_opens_an_incident_and_its_retry_resolves_it(api: Client) -> None:
    id, first = await failed(api)
    [found] = await incidents(api)
    assert (found["kind"], found["reason"], found["handoffId"]) == ("HANDOFF", "nobody home", id)
    assert (found["handoff"], found["journey"]) == ({"id": id, "status": "FAILED"}, None)
    await done(api, "retryHandoff", id=id, reason="they are back")
    mended = await incident(api, "RESOLVED")
    assert (mended["id"], mended["resolution"]) == (first, "they are back")
    assert mended["endedAt"]
    await done(api, "failHandoff", id=id, reason="gone again")

    async def another() -> bool:
        return [each["status"] for each in await incidents(api)] == ["OPEN", "RESOLVED"]

    await eventually(another, "an incident of the second round")
    [again] = await incidents(api, status="OPEN")
    assert (again["reason"], again["id"] != first) == ("gone again", True)


async def test_a_bulk_of_retries_resolves_their_incidents(api: Client) -> None:
    ids = [(await manual(api))["id"] for _ in range(3)]
    for id in ids:
        await done(api, "failHandoff", id=id, reason="no")

    async def all_are(status: str) -> bool:
        return [each["status"] for each in await incidents(api)] == [status] * 3

    await eventually(lambda: all_are("OPEN"), "three incidents")
    payload = await act(api, "retryHandoffs", ids=ids, reason="mended")
    assert all(not result["userErrors"] for result in payload["results"])
    await eventually(lambda: all_are("RESOLVED"), "three resolved incidents")


async def test_a_person_closes_an_incident_once_and_says_how(api: Client) -> None:
    id, found = await failed(api)
    for wrong in ({"resolution": " "}, {"resolution": "x" * 2_001}):
        [error] = (await act(api, "resolveIncident", id=found, **wrong))["userErrors"]
        assert (error["code"], error["path"]) == ("INVALID_INPUT", ["resolution"])
    conflict = await act(api, "resolveIncident", id=found, resolution="done by hand", expectedRevision=7)
    assert [each["currentRevision"] for each in conflict["userErrors"]] == [1]
    for _ in range(2):
        payload = await act(
            api,
            "resolveIncident",
            id=found,
            resolution="done by hand",
            expectedRevision=1,
            idempotencyKey="k",
        )
        assert payload["userErrors"] == []
        assert (payload["incident"]["status"], payload["incident"]["resolution"]) == (
            "RESOLVED",
            "done by hand",
        )
    again = await act(api, "resolveIncident", id=found, resolution="once more")
    assert [each["code"] for each in again["userErrors"]] == ["ILLEGAL_TRANSITION"]
    assert (await handoff(api, id))["status"] == "FAILED"


async def test_who_may_not_and_other_tenants_learn_nothing_of_an_incident(
    server: Server, api: Client, tenant: str
) -> None:
    _, found = await failed(api)
    for roles in (("viewer",), ("approver",)):
        async with somebody(server, tenant, "vic", *roles) as vic:
            words = {
                await forbidden(vic, "resolveIncident", id=id, resolution="x") for id in (found, "inc_none")
            }
            assert len(words) == 1
            assert len(await incidents(vic)) == 1
    async with somebody(server, fresh(), "eve", "admin") as eve:
        payload = await act(eve, "resolveIncident", id=found, resolution="x")
        assert [each["code"] for each in payload["userErrors"]] == ["NOT_FOUND"]
        assert await incidents(eve) == []
        nodes = await eve.ask("query($id: ID!) { node(id: $id) { id } nodes(ids: [$id]) { id } }", id=found)
        assert nodes == {"node": None, "nodes": [None]}
    read = "query($id: ID!) { node(id: $id) { id ... on Incident { status revision } } }"
    assert (await api.ask(read, id=found))["node"] == {"id": found, "status": "OPEN", "revision": 1}


async def test_incidents_are_found_by_what_they_are_about(api: Client) -> None:
    journey = (await api.start(customerId="c1"))["id"]
    id, first = await failed(api, journeyId=journey)
    await manual(api)
    assert [each["id"] for each in await incidents(api, status="OPEN", kind="HANDOFF")] == [first]
    assert await incidents(api, kind="RELAY") == []
    assert await incidents(api, status="RESOLVED") == []
    assert await incidents(api, journeyId="jrn_other") == []
    [found] = await incidents(api, journeyId=journey)
    assert (found["journey"], found["handoff"]) == ({"id": journey}, {"id": id, "status": "FAILED"})
    told = (await api.ask(JOURNEY, id=journey))["journey"]
    assert (told["incident"], told["handoff"]) == (False, None)  # no step of it waits for this one


@pytest.fixture
async def stuck(api: Client) -> tuple[str, str]:
    """A journey at a step whose package has no address, and that step's handoff."""
    step = {"id": "bill", "name": "Bill", "stage": "LEAD", "order": 1, "type": "INTEGRATION"}
    step |= {"package": "business-logic", "action": "setup_billing"}
    rest = {"id": "rest", "name": "Rest", "stage": "LEAD", "order": 2}
    template = {"id": "billing", "name": "Billing", "category": "CUSTOM", "steps": [step, rest]}
    template |= {"settings": {"reentry": "ANY_TIME", "autoProgress": True}}
    assert (await api.ask(TEMPLATE, input=template))["createTemplate"]["userErrors"] == []
    journey = (await api.start("billing", customerId="c1"))["id"]

    async def stands_still() -> bool:
        return bool((await api.ask(JOURNEY, id=journey))["journey"]["incident"])

    await eventually(stands_still, "an incident on the journey")
    return journey, (await api.ask(JOURNEY, id=journey))["journey"]["handoff"]["id"]


async def test_a_step_that_cannot_be_handed_over_stops_its_journey_until_it_is_mended(
    api: Client, stuck: tuple[str, str]
) -> None:
    journey, id = stuck
    told = (await api.ask(JOURNEY, id=journey))["journey"]
    assert (told["status"], told["handoff"]["failure"]) == ("ACTIVE", "VALIDATION")
    assert ["toPackage"] in [each["path"] for each in told["handoff"]["validationErrors"]]
    found = await incident(api, "OPEN", journeyId=journey)
    assert (found["step"], found["handoffId"]) == ("bill", id)
    errors = await refused(api, "INVALID_INPUT", "retryHandoff", id=id, reason="try")
    assert {each["path"][0] for each in errors} <= {"toPackage", "data"}
    configure = (
        "mutation($input: ConfigurePackageInput!) { configurePackage(input: $input) { userErrors { code } } }"
    )
    switch = (
        "mutation($input: DisablePackageInput!) { disablePackage(input: $input) { userErrors { code } } }"
    )
    set_up = {"name": "business-logic", "address": "https://billing.example"}
    assert (await api.ask(configure, input=set_up))["configurePackage"]["userErrors"] == []
    # Switched off, so that nobody calls that address; its handoffs wait.
    assert (await api.ask(switch, input={"name": "business-logic"}))["disablePackage"]["userErrors"] == []
    data = {"serviceId": "s1", "serviceType": "internet", "customerId": "c1", "plan": "p"}
    retried = await done(api, "retryHandoff", id=id, changes=data)
    assert (retried["status"], retried["round"]) == ("PENDING", 2)
    await incident(api, "RESOLVED", journeyId=journey)

    async def waits_again() -> bool:
        return not (await api.ask(JOURNEY, id=journey))["journey"]["incident"]

    await eventually(waits_again, "the end of the journey's incident")
    payload = await act(api, "completeHandoff", id=id, output={"billed": True})
    assert payload["userErrors"][0]["code"] == "ILLEGAL_TRANSITION"  # it was not handed over yet


async def test_leaving_the_step_resolves_the_incident(api: Client, stuck: tuple[str, str]) -> None:
    journey, _ = stuck
    await incident(api, "OPEN", journeyId=journey)
    assert (await api.do("abandonJourney", id=journey))["userErrors"] == []
    found = await incident(api, "RESOLVED", journeyId=journey)
    assert found["resolution"] == "the journey went on without it"

"""A whole acquisition as its people and partners see it: over HTTP and a WebSocket only.

Five steps, three systems that answer (one at once, one late, one after it had failed), and one approval.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from cryptography.fernet import Fernet

from domain.identity import Role
from tests.conftest import Servers
from tests.e2e.harness import Client, Server, Stream, client, fresh, serving, socket, token
from tests.e2e.partners import Partner, partner

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
WATCH = """subscription($id: ID!, $after: String) { journeyChanged(id: $id, after: $after) {
  journey { status currentStepId progress customerId } events { type } } }"""
APPROVALS = """subscription($after: String) { pendingApprovalsChanged(after: $after) {
  kind handoff { id name journeyId } } }"""
WHOLE = """query($id: ID!) { journey(id: $id) { status progress customerId context
  steps { id state visit } handoffs(first: 10) { nodes { toPackage action status output round
    attempts { number outcome status } approval { decisions { by { id } verdict } } } }
  history(first: 100) { nodes { type } } } }"""


@pytest.fixture(scope="module")
def server(servers: Servers) -> Iterator[Server]:
    settings = {
        "JOURNEYS_TARGET_NETWORKS": "127.0.0.0/8",
        "JOURNEYS_SECRETS_KEY": Fernet.generate_key().decode(),
    }
    # A database of its own: another test's worker would not know the key of this tenant's secrets.
    with serving(replace(servers, database=fresh("acquisition")), "--work", **settings) as server:
        yield server


@pytest.fixture
def systems(server: Server, tenant: str) -> Iterator[Partner]:
    """The example partner, which may complete handoffs."""
    bearer = token(tenant, Role.SERVICE, user="partner")
    with partner(secret=SECRET, callback=server.url, token=bearer) as running:
        yield running


async def mutate(api: Client, mutation: str, kind: str, fields: str, **input: Any) -> Any:
    query = f"mutation($input: {kind}!) {{ {mutation}(input: $input) {{ {fields} userErrors {{ code message }} }} }}"
    payload = (await api.ask(query, input=input))[mutation]
    assert payload["userErrors"] == [], payload
    return payload


async def settle(admin: Client, systems: Partner) -> None:
    """The administrator says where the systems are, signs their calls and tries one."""
    for name in ("crm", "business-logic", "field-ops"):
        address = f"{systems.url}/{name}"
        await mutate(
            admin, "configurePackage", "ConfigurePackageInput", "package { id }", name=name, address=address
        )
        await mutate(
            admin,
            "rotatePackageSecret",
            "RotatePackageSecretInput",
            "package { id }",
            name=name,
            secret=SECRET,
        )
    tried = await mutate(
        admin, "testPackage", "TestPackageInput", "ok status", name="crm", action="convert_lead"
    )
    assert tried["ok"], tried


async def template_with_an_approval(admin: Client) -> None:
    """The built-in acquisition, whose activation needs an approval first."""
    fields = """id name description stage order type package action estimatedMinutes requiredData outputData
      outputMapping entryConditions { field operator value type }"""
    found = (
        await admin.ask(
            f"""{{ template(id: "customer_acquisition") {{ name category description defaultContext
            steps {{ {fields} }} }} }}"""
        )
    )["template"]
    steps = found["steps"]
    activation = next(step for step in steps if step["id"] == "service_activation")
    activation["approval"] = {"quorum": 1, "due": "PT24H"}
    await mutate(
        admin,
        "createTemplateVersion",
        "TemplateInput",
        "template { version }",
        id="customer_acquisition",
        name=found["name"],
        category=found["category"],
        description=found["description"],
        defaultContext=found["defaultContext"],
        steps=steps,
        settings={"autoProgress": True, "allowSkipSteps": True, "slaTracking": True},
    )


async def until(stream: Stream, step: str) -> list[str]:
    """Read the journey's changes until it has come to a step; all event types on the way."""
    types: list[str] = []
    while True:
        change = (await stream.next())["data"]["journeyChanged"]
        types += [event["type"] for event in change["events"]]
        if step in (change["journey"]["currentStepId"], change["journey"]["status"]):
            return types


async def test_a_lead_becomes_a_customer_with_a_scheduled_installation(
    server: Server, systems: Partner, tenant: str
) -> None:
    async with (
        client(server.url, tenant) as admin,
        client(server.url, tenant, Role.OPERATOR, user="olga") as operator,
        client(server.url, tenant, Role.APPROVER, user="anton") as approver,
        socket(server.url, operator.token) as watching,
        socket(server.url, approver.token) as deciding,
    ):
        await settle(admin, systems)
        await template_with_an_approval(admin)
        started = await operator.start(
            "customer_acquisition", leadId="lead_ada", context={"leadScore": 85, "serviceType": "fiber"}
        )
        cursor = (await operator.ask("{ journeys { liveCursor } }"))["journeys"]["liveCursor"]
        journey = await watching.subscribe(WATCH, id=started["id"], after=cursor)
        approvals = await deciding.subscribe(APPROVALS, after=cursor)

        systems.behave(accept=True)  # the CRM answers 202 and completes the conversion later
        await operator.do("advanceJourney", id=started["id"])
        types = await until(journey, "service_selection")
        assert "journey:customer_linked" in types

        systems.behave(status=503, times=1)  # the activation fails once
        await operator.do("advanceJourney", id=started["id"])
        pending = (await approvals.next())["data"]["pendingApprovalsChanged"]
        assert (pending["kind"], pending["handoff"]["journeyId"]) == ("ENTERED", started["id"])
        fields = "handoff { status }"
        await mutate(approver, "approveHandoff", "DecideHandoffInput", fields, id=pending["handoff"]["id"])
        types = await until(journey, "COMPLETED")

        whole = (await operator.ask(WHOLE, id=started["id"]))["journey"]
        assert (whole["status"], whole["progress"], whole["customerId"]) == ("COMPLETED", 100, "cust_ada")
        assert [(step["state"], step["visit"]) for step in whole["steps"]] == [("COMPLETED", 1)] * 5
        assert {"serviceId", "appointmentId", "installationDate"} <= whole["context"].keys()
        handoffs = {each["action"]: each for each in whole["handoffs"]["nodes"]}
        assert {action: each["status"] for action, each in handoffs.items()} == {
            "convert_lead": "COMPLETED",
            "activate_service": "COMPLETED",
            "schedule_installation": "COMPLETED",
        }
        assert [each["outcome"] for each in handoffs["convert_lead"]["attempts"]] == ["ACCEPTED"]
        outcomes = [each["outcome"] for each in handoffs["activate_service"]["attempts"]]
        assert outcomes == ["FAILED", "SUCCEEDED"]
        assert handoffs["activate_service"]["approval"]["decisions"][0]["by"]["id"] == "anton"
        assert all(len(each["statuses"]) == each["count"] for each in systems.calls())
        assert {each["key"].partition(":")[2] for each in systems.calls() if each["handoff"]} == {"1"}

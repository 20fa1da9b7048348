"""The three integrations that every new tenant has: another system posts its events, and journeys start and move."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from domain.identity import Role
from tests.conftest import Servers
from tests.e2e.harness import Client, Server, client, eventually, fresh, serving, token
from tests.e2e.ingesting import post
from tests.e2e.partners import Partner, partner

JOURNEYS = """query($f: JourneyFilterInput) { journeys(filter: $f) { nodes {
  id templateId status currentStepId customerId leadId context steps { id state } } } }"""
HANDOFFS = """query($f: HandoffFilterInput) { handoffs(filter: $f) { nodes {
  id name status toPackage action journeyId data } } }"""


@pytest.fixture(scope="module")
def server(servers: Servers) -> Iterator[Server]:
    # A database of its own: another test's worker would not call partners on this machine.
    alone = replace(servers, database=fresh("integrations"))
    with serving(alone, "--work", JOURNEYS_TARGET_NETWORKS="127.0.0.0/8") as server:
        yield server


@pytest.fixture
def systems(server: Server, tenant: str) -> Iterator[Partner]:
    with partner(callback=server.url, token=token(tenant, Role.SERVICE, user="partner")) as running:
        yield running


async def report(api: Client, type: str, source: str, **data: Any) -> None:
    event = {"specversion": "1.0", "id": fresh("e"), "source": source, "type": type, "data": data}
    answer = await post(api, event)
    assert answer.status_code == 202, answer.text


async def journeys(api: Client, **filter: Any) -> list[Any]:
    nodes: list[Any] = (await api.ask(JOURNEYS, f=filter))["journeys"]["nodes"]
    return nodes


async def the_journey(api: Client, step: str | None = None, **filter: Any) -> Any:
    """The one journey of this filter, once there is one that stands at the step."""

    async def there() -> bool:
        found = await journeys(api, **filter)
        return bool(found) and step in (None, found[0]["currentStepId"])

    await eventually(there, f"a journey of {filter} at {step}")
    [journey] = await journeys(api, **filter)
    return journey


async def the_handoff(api: Client, action: str, **filter: Any) -> Any:
    async def found() -> list[Any]:
        nodes = (await api.ask(HANDOFFS, f=filter))["handoffs"]["nodes"]
        return [each for each in nodes if each["action"] == action]

    async def there() -> bool:
        return bool(await found())

    await eventually(there, f"a handoff for {action}")
    [handoff] = await found()
    return handoff


async def configure(admin: Client, systems: Partner, *packages: str) -> None:
    query = """mutation($input: ConfigurePackageInput!) {
      configurePackage(input: $input) { userErrors { message } } }"""
    for name in packages:
        done = await admin.ask(query, input={"name": name, "address": f"{systems.url}/{name}"})
        assert done["configurePackage"]["userErrors"] == []


async def test_a_qualified_lead_starts_its_acquisition(server: Server, tenant: str) -> None:
    async with client(server.url, tenant) as admin, client(server.url, tenant, Role.SERVICE) as crm:
        await report(crm, "crm:lead_qualified", "/crm", leadId="lead_ada", score=85, services=["fiber"])
        journey = await the_journey(admin, templateId="customer_acquisition")
        assert (journey["status"], journey["leadId"]) == ("ACTIVE", "lead_ada")
        assert (journey["currentStepId"], journey["context"]["leadScore"]) == ("lead_qualification", 85)


async def test_an_activated_service_moves_the_acquisition_and_starts_the_onboarding(
    server: Server, systems: Partner, tenant: str
) -> None:
    async with (
        client(server.url, tenant) as admin,
        client(server.url, tenant, Role.SERVICE, user="systems") as reporting,
    ):
        await configure(admin, systems, "crm", "field-ops", "business-logic")
        await report(reporting, "crm:lead_qualified", "/crm", leadId="lead_ada", score=85)
        journey = await the_journey(admin, templateId="customer_acquisition")
        await admin.do("advanceJourney", id=journey["id"])
        await the_journey(admin, "service_selection", templateId="customer_acquisition")
        systems.behave(accept=True, delay=60.0)  # business logic accepts, and reports by an event instead
        await admin.do("advanceJourney", id=journey["id"])
        await the_journey(admin, "service_activation", templateId="customer_acquisition")
        await report(
            reporting, "service:activated", "/business-logic", customerId="cust_ada",
            serviceId="svc_1", serviceType="fiber", installationType="home",
        )  # fmt: skip
        moved = await the_journey(admin, "installation_schedule", templateId="customer_acquisition")
        states = {step["id"]: step["state"] for step in moved["steps"]}
        assert states["service_activation"] == "COMPLETED"
        installation = await the_handoff(admin, "schedule_installation")
        assert (installation["toPackage"], installation["journeyId"]) == ("field-ops", journey["id"])
        onboarding = await the_journey(admin, templateId="customer_onboarding")
        assert (onboarding["customerId"], onboarding["context"]["serviceType"]) == ("cust_ada", "fiber")


async def test_an_urgent_ticket_starts_its_resolution_and_asks_for_an_approval(
    server: Server, tenant: str
) -> None:
    async with (
        client(server.url, tenant, Role.APPROVER, user="anton") as approver,
        client(server.url, tenant, Role.SERVICE, user="support") as support,
    ):
        ticket = {"ticketId": "T-7", "customerId": "cust_ada", "priority": "high", "issue": "no light"}
        await report(support, "support:ticket_created", "/support", **ticket)
        journey = await the_journey(approver, templateId="support_resolution")
        assert (journey["customerId"], journey["context"]["ticketId"]) == ("cust_ada", "T-7")
        dispatch = await the_handoff(approver, "create_work_order", customerId="cust_ada")
        assert (dispatch["status"], dispatch["toPackage"]) == ("PENDING", "field-ops")
        pending = (await approver.ask("{ pendingApprovals { nodes { id } } }"))["pendingApprovals"]["nodes"]
        assert [each["id"] for each in pending] == [dispatch["id"]]

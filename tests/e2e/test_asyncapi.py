"""What the service really records, as CloudEvents, is what the AsyncAPI document says; and what that says is taken."""

import json
from typing import Any

import httpx

from domain.cloudevent import as_cloud_event
from domain.events import EventFilter
from domain.paging import Page
from storage.store import Store
from tests.app.test_asyncapi import EVENT_TYPES, messages, problems
from tests.e2e.harness import BOUND, Client, eventually
from tests.e2e.packages import do

ALL = Page(100)


async def test_what_is_recorded_is_what_is_promised(api: Client, store: Store, tenant: str) -> None:
    lead = await api.start("customer_acquisition", leadId="lead_1", context={"leadScore": 85})
    await api.do("advanceJourney", id=lead["id"])
    await api.do("pauseJourney", id=lead["id"], reason="a rest")
    await api.do("resumeJourney", id=lead["id"])
    await api.do("updateJourneyContext", id=lead["id"], changes={"a": [None, {"b": 1.5}]})
    ticket = await api.start(context={"ticketId": "tic_1"})
    await api.do("abandonJourney", id=ticket["id"], reason="x")
    await do(api, "configurePackage", name="crm", address="https://crm.example")
    for mutation, kind, input in (
        (
            "addTouchpoints",
            "AddTouchpointsInput",
            {"touchpoints": [{"kind": "call", "channel": "phone", "customerId": "c", "cost": "1.50 EUR"}]},
        ),
        (
            "addConversions",
            "AddConversionsInput",
            {"conversions": [{"kind": "sale", "toStage": "CUSTOMER", "customerId": "c"}]},
        ),
        ("updateCustomerFacts", "UpdateCustomerFactsInput", {"customerId": "c", "changes": {"a": None}}),
        ("setRetention", "SetRetentionInput", {"events": 365}),
        ("setCalendar", "SetCalendarInput", {"timeZone": "Europe/Vienna", "weekStart": "SUNDAY"}),
        (
            "createHandoff",
            "CreateHandoffInput",
            {"type": "APPROVAL_REQUIRED", "name": "n", "toPackage": "crm", "approval": {"due": "PT1H"}},
        ),
        (
            "emitEvent",
            "EmitEventInput",
            {"type": "crm:lead_created", "source": "the crm", "data": {"leadId": None}},
        ),
        (
            "emitEvent",
            "EmitEventInput",
            {
                "type": "support:ticket_created",
                "source": "desk",
                "data": {"ticketId": "t", "customerId": "c"},
            },
        ),
    ):
        query = (
            f"mutation($input: {kind}!) {{ {mutation}(input: $input) {{ userErrors {{ message path }} }} }}"
        )
        payload = (await api.ask(query, input=input))[mutation]
        assert payload["userErrors"] == [], (mutation, payload)

    async def fired() -> bool:
        return "trigger:fired" in {each.type for each in await recorded(store, tenant)}

    await eventually(fired, "a trigger fires")
    known, seen = messages("webhooks"), set()
    for envelope in await recorded(store, tenant):
        event = json.loads(json.dumps(as_cloud_event(envelope)))
        assert problems(known[envelope.type], event) == [], event
        seen.add(envelope.type)
    assert seen >= {
        "journey:started",
        "journey:step_completed",
        "journey:paused",
        "journey:resumed",
        "journey:context_updated",
        "journey:abandoned",
        "template:created",
        "package:added",
        "touchpoint:added",
        "conversion:added",
        "customer:facts_updated",
        "retention:changed",
        "calendar:changed",
        "handoff:created",
        "crm:lead_created",
        "support:ticket_created",
    }


async def recorded(store: Store, tenant: str) -> list[Any]:
    """All of a tenant's events."""
    rows = await store.events.page(tenant, EventFilter(), ALL)
    found = rows.items
    while rows.has_next:
        rows = await store.events.page(tenant, EventFilter(), Page(100, after=rows.keys[-1]))
        found = found + rows.items
    return found


async def test_every_example_can_be_reported(api: Client) -> None:
    url = api.url.removesuffix("/graphql")
    headers = api.headers | {"content-type": "application/cloudevents+json"}
    for type, message in messages("reports").items():
        event = message["examples"][0]["payload"]
        answer = await api.http.post(f"{url}/events", json=event, headers=headers, timeout=BOUND)
        assert answer.status_code == 202, (type, answer.text)
    query = "query($types: [String!]) { events(first: 100, filter: { types: $types }) { nodes { type } } }"
    found = await api.ask(query, types=list(EVENT_TYPES))
    assert {each["type"] for each in found["events"]["nodes"]} == set(EVENT_TYPES)


async def test_the_document_is_there_for_everybody(api: Client) -> None:
    async with httpx.AsyncClient() as nobody:
        answer = await nobody.get(api.url.replace("/graphql", "/asyncapi.json"), timeout=BOUND)
    assert answer.status_code == 200
    assert answer.json()["asyncapi"] == "3.0.0"

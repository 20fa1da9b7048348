"""Events that other systems report over HTTP: taken once, refused with a path, found, watched, and followed up."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.identity import Role
from domain.values import timestamp
from tests.e2e.harness import Client, Server, client, eventually
from tests.e2e.watching import TRANSPORTS, told, watching

EVENT = """id type source subject revision n externalId customerId leadId depth data occurredAt recordedAt
  correlationId actor { kind id }"""
ERRORS = "userErrors { code message path }"
ONE = f"mutation($input: EmitEventInput!) {{ emitEvent(input: $input) {{ event {{ {EVENT} }} duplicate {ERRORS} }} }}"
MANY = f"""mutation($input: EmitEventsInput!) {{ emitEvents(input: $input) {{
  results {{ event {{ {EVENT} }} duplicate {ERRORS} }} {ERRORS} }} }}"""
FOUND = f"query($f: EventFilterInput) {{ events(filter: $f, first: 100) {{ nodes {{ {EVENT} }} }} }}"
WATCH = """subscription($types: [String!], $source: String, $subject: ID, $after: String) {
  events(types: $types, source: $source, subject: $subject, after: $after) {
    cursor events { type source subject externalId } } }"""
LEAD = {"type": "crm:lead_qualified", "source": "crm", "data": {"score": 85, "services": ["fiber"]}}


async def emit(api: Client, **input: Any) -> Any:
    """What `emitEvent` answers; a qualified lead where nothing else is said."""
    return (await api.ask(ONE, input=LEAD | input))["emitEvent"]


async def emit_many(api: Client, *events: dict[str, Any], **input: Any) -> Any:
    return (await api.ask(MANY, input={"events": list(events), **input}))["emitEvents"]


async def found(api: Client, **filter: Any) -> list[Any]:
    nodes: list[Any] = (await api.ask(FOUND, f=filter or None))["events"]["nodes"]
    return nodes


async def reported(api: Client) -> list[str]:
    """The sources' ids of what was taken, the newest first."""
    return [each["externalId"] for each in await found(api) if each["externalId"] is not None]


def refusals(payload: Any) -> list[tuple[str, list[str]]]:
    return [(error["code"], error["path"]) for error in payload["userErrors"]]


async def test_an_event_is_kept_as_it_was_reported(api: Client) -> None:
    at = timestamp(datetime.now(UTC) - timedelta(days=3))
    payload = await emit(
        api, id="7", occurredAt=at, leadId="lead_1", customerId="cust_1", correlationId="order-9"
    )
    assert (payload["duplicate"], payload["userErrors"]) == (False, [])
    event = payload["event"]
    assert event | {"id": None, "subject": None, "recordedAt": None} == {
        "id": None,
        "type": "crm:lead_qualified",
        "source": "crm",
        "subject": None,
        "revision": 1,
        "n": 0,
        "externalId": "7",
        "customerId": "cust_1",
        "leadId": "lead_1",
        "depth": 0,
        "data": LEAD["data"],
        "occurredAt": at,
        "recordedAt": None,
        "correlationId": "order-9",
        "actor": {"kind": "USER", "id": "ann"},
    }
    assert await found(api, subject=event["subject"]) == [event]


async def test_the_same_source_and_id_is_taken_once(api: Client) -> None:
    first = await emit(api, id="7")
    again = await emit(api, id="7", data={"score": 1})
    assert again == first | {"duplicate": True}
    assert (await emit(api, id="7", source="other"))["duplicate"] is False
    assert await reported(api) == ["7", "7"]


async def test_another_tenants_id_is_another_event(api: Client, server: Server, tenant: str) -> None:
    mine = await emit(api, id="7")
    async with client(server.url, f"{tenant}x") as other:
        theirs = await emit(other, id="7", data={"score": 1})
        assert theirs["duplicate"] is False
        assert theirs["event"]["id"] != mine["event"]["id"]
        assert await found(other, subject=mine["event"]["subject"]) == []


async def test_many_at_the_same_moment_are_one(api: Client) -> None:
    payloads = await asyncio.gather(*(emit(api, id="7", data={"score": n}) for n in range(10)))
    assert sorted(each["duplicate"] for each in payloads) == [False] + [True] * 9
    assert len({str(each["event"]) for each in payloads}) == 1


async def test_without_an_id_each_report_is_an_event_of_its_own(api: Client) -> None:
    first, second = await emit(api), await emit(api)
    assert first["event"]["externalId"] != second["event"]["externalId"]
    assert len(await reported(api)) == 2


async def test_a_key_given_again_answers_as_before(api: Client) -> None:
    for given in ({}, {"id": "7"}):
        key = f"key {given}"
        first = await emit(api, idempotencyKey=key, **given)
        assert first["duplicate"] is False
        assert await emit(api, idempotencyKey=key, **given) == first
        other = await emit(api, idempotencyKey=key, data={"score": 1}, **given)
        assert refusals(other) == [("IDEMPOTENCY_KEY_REUSED", ["idempotencyKey"])]
    assert len(await reported(api)) == 2


async def test_a_batch_given_again_with_its_key_answers_as_before(api: Client) -> None:
    events = (LEAD, LEAD | {"data": {}}, LEAD | {"id": "7"}, LEAD | {"id": "7"})
    first = await emit_many(api, *events, idempotencyKey="k")
    assert [each["duplicate"] for each in first["results"]] == [False, False, False, True]
    assert await emit_many(api, *events, idempotencyKey="k") == first
    other = await emit_many(api, *events[:1], idempotencyKey="k")
    assert (other["results"], refusals(other)) == ([], [("IDEMPOTENCY_KEY_REUSED", ["idempotencyKey"])])
    assert len(await reported(api)) == 2


async def test_a_batch_takes_what_is_good_and_says_which_was_refused(api: Client) -> None:
    await emit(api, id="old")
    payload = await emit_many(
        api,
        LEAD | {"id": "a"},
        LEAD | {"id": "old"},
        LEAD | {"id": "a", "data": {"score": 3}},
        LEAD | {"id": "b", "data": {"score": "85", "services": "fiber"}},
        LEAD | {"id": "c", "type": "journey:started"},
        LEAD | {"id": "d", "data": [1]},
        LEAD | {"id": "e", "data": {"score": 1, "x": "x" * 256 * 1024}},
        LEAD | {"id": "f", "source": "x" * 201},
        LEAD | {"id": "g"},
    )
    assert payload["userErrors"] == []
    results = payload["results"]
    assert [None if each["event"] is None else each["event"]["externalId"] for each in results] == [
        *("a", "old", "a"),
        *(None,) * 5,
        "g",
    ]
    assert [each["duplicate"] for each in results] == [False, True, True, *(False,) * 6]
    assert results[2]["event"] == results[0]["event"]
    assert [refusals(each) for each in results[3:8]] == [
        [
            ("INVALID_INPUT", ["events", "3", "data", "score"]),
            ("INVALID_INPUT", ["events", "3", "data", "services"]),
        ],
        [("INVALID_INPUT", ["events", "4", "type"])],
        [("INVALID_INPUT", ["events", "5", "data"])],
        [("TOO_LARGE", ["events", "6", "data"])],
        [("INVALID_INPUT", ["events", "7", "source"])],
    ]
    assert sorted(await reported(api)) == ["a", "g", "old"]


async def test_a_batch_has_1_to_1000_events(api: Client) -> None:
    event = {"type": "weather:rain", "source": "sky"}
    for count in (0, 1_001):
        payload = await emit_many(api, *[event] * count)
        assert (payload["results"], refusals(payload)) == ([], [("INVALID_INPUT", ["events"])])
    assert await reported(api) == []
    payload = await emit_many(api, *({**event, "id": str(n)} for n in range(1_000)))
    assert [each["event"]["externalId"] for each in payload["results"]] == [str(n) for n in range(1_000)]


@pytest.mark.parametrize(
    ("code", "path", "input"),
    [
        ("INVALID_INPUT", ["type"], {"type": "journey:completed"}),
        ("INVALID_INPUT", ["type"], {"type": "trigger:due"}),
        ("INVALID_INPUT", ["type"], {"type": "customer:facts_updated"}),
        ("INVALID_INPUT", ["type"], {"type": "lead qualified"}),
        ("INVALID_INPUT", ["source"], {"source": "journeys"}),
        ("INVALID_INPUT", ["source"], {"source": ""}),
        ("INVALID_INPUT", ["id"], {"id": " "}),
        ("INVALID_INPUT", ["id"], {"id": "x" * 201}),
        ("INVALID_INPUT", ["customerId"], {"customerId": ""}),
        ("INVALID_INPUT", ["data"], {"data": "85"}),
        ("INVALID_INPUT", ["data", "score"], {"data": {}}),
        ("INVALID_INPUT", ["data", "score"], {"data": None}),
        ("INVALID_INPUT", ["data", "score"], {"data": {"score": True}}),
        ("INVALID_INPUT", ["idempotencyKey"], {"idempotencyKey": ""}),
        ("TOO_LARGE", ["data"], {"data": {"score": 1, "x": "é" * 128 * 1024}}),
    ],
)
async def test_a_wrong_report_is_refused_with_its_path(
    api: Client, code: str, path: list[str], input: dict[str, Any]
) -> None:
    payload = await emit(api, **input)
    assert (payload["event"], payload["duplicate"], refusals(payload)) == (None, False, [(code, path)])
    assert await reported(api) == []


async def test_more_than_five_minutes_ahead_is_refused(api: Client) -> None:
    now = datetime.now(UTC)
    payload = await emit(api, id="far", occurredAt=timestamp(now + timedelta(minutes=6)))
    assert refusals(payload) == [("INVALID_INPUT", ["occurredAt"])]
    payload = await emit(api, id="near", occurredAt=timestamp(now + timedelta(minutes=4)))
    assert refusals(payload) == []
    assert await reported(api) == ["near"]


async def test_an_unknown_type_and_unknown_fields_are_kept(api: Client) -> None:
    data = {"wind": [1, {"gusts": None}], "score": "high"}
    assert (await emit(api, type="weather:storm_coming", data=data))["event"]["data"] == data
    more = {"score": 10, "owner": {"name": "Bo"}}
    assert (await emit(api, data=more))["event"]["data"] == more


async def test_who_only_looks_reports_nothing(server: Server, tenant: str) -> None:
    for roles, allowed in (((Role.VIEWER, Role.APPROVER), False), ((Role.SERVICE,), True)):
        async with client(server.url, tenant, *roles) as user:
            for query, input in ((ONE, LEAD), (MANY, {"events": [LEAD]})):
                body = await user.send(query, input=input)
                assert ("errors" not in body) == allowed


async def test_events_are_found_by_source_customer_and_type(api: Client) -> None:
    payment, overdue = "billing:payment_received", "billing:invoice_overdue"
    await emit_many(
        api,
        {"type": payment, "source": "billing", "id": "1", "customerId": "c1", "data": {"amount": 5}},
        {"type": payment, "source": "bank", "id": "2", "data": {"amount": 5, "customerId": "c1"}},
        {"type": overdue, "source": "billing", "id": "3", "customerId": "c2", "data": {"invoiceId": "i"}},
        {"type": overdue, "source": "billing", "id": "4", "customerId": "c1", "data": {"invoiceId": "i"}},
    )
    journey = await api.start(customerId="c1")

    async def ids(**filter: Any) -> set[str]:
        return {each["externalId"] for each in await found(api, **filter) if each["source"] != "journeys"}

    assert await ids(source="billing") == {"1", "3", "4"}
    assert await ids(customerId="c1") == {"1", "2", "4"}
    assert await ids(customerId="c1", source="billing") == {"1", "4"}
    assert await ids(customerId="c1", source="billing", types=[overdue]) == {"4"}
    assert await ids(types=[payment], source="bank") == {"2"}
    assert await ids(types=[payment, overdue], customerId="c2") == {"3"}
    assert await ids(source="nobody") == set()
    [own] = {each["subject"] for each in await found(api, customerId="c1", source="journeys")}
    assert own == journey["id"]


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_events_are_watched_by_source_and_subject(api: Client, transport: str) -> None:
    after = (await api.ask("{ events(first: 1) { liveCursor } }"))["events"]["liveCursor"]
    async with watching(transport, api, WATCH, source="bank", after=after) as stream:
        await emit(api, id="1")
        second = await emit(api, id="2", source="bank")
        await emit(api, id="2", source="bank")
        await emit(api, id="3", source="bank", type="weather:rain")
        changes = [(await told(stream, "events"))["events"] for _ in range(2)]
    assert [[each["externalId"] for each in change] for change in changes] == [["2"], ["3"]]
    subject = second["event"]["subject"]
    async with watching(transport, api, WATCH, subject=subject, after=after) as stream:
        [event] = (await told(stream, "events"))["events"]
    assert (event["subject"], event["externalId"]) == (subject, "2")


async def test_the_catalogue_tells_of_every_type(api: Client) -> None:
    types = (await api.ask("{ eventTypes { type description source schema example } }"))["eventTypes"]
    by_type = {each["type"]: each for each in types}
    assert len(by_type) == len(types)
    assert by_type["journey:started"]["source"] == "OWN"
    assert {"templateId", "context"} <= by_type["journey:started"]["schema"]["properties"].keys()
    assert {"at", "by"}.isdisjoint(by_type["journey:started"]["schema"]["properties"])
    qualified = by_type["crm:lead_qualified"]
    assert (qualified["source"], qualified["schema"]["required"]) == ("EXTERNAL", ["score"])
    external = [each for each in types if each["source"] == "EXTERNAL"]
    events = [{"type": each["type"], "source": "x", "data": each["example"]} for each in external]
    results = (await emit_many(api, *events))["results"]
    assert [refusals(each) for each in results] == [[]] * len(external)


async def test_a_qualified_lead_starts_its_acquisition(api: Client) -> None:
    payload = await emit(api, id="7", leadId="lead_ada", correlationId="campaign-1")
    query = """{ journeys(filter: { leadId: "lead_ada" }) { nodes { templateId context currentStepId
      history(first: 1) { nodes { correlationId causationId depth } } } } }"""

    async def started() -> bool:
        return bool((await api.ask(query))["journeys"]["nodes"])

    await eventually(started, "the acquisition starts")
    for _ in range(2):
        assert (await emit(api, id="7", leadId="lead_ada"))["duplicate"] is True
    [journey] = (await api.ask(query))["journeys"]["nodes"]
    assert journey["templateId"] == "customer_acquisition"
    assert journey["currentStepId"] == "lead_qualification"
    assert journey["context"] | {"leadScore": 85, "interestedServices": ["fiber"]} == journey["context"]
    [first] = journey["history"]["nodes"]
    assert first == {"correlationId": "campaign-1", "causationId": payload["event"]["id"], "depth": 1}

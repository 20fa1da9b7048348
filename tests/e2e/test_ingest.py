"""CloudEvents over HTTP with a token: each mode, what is kept, what is told of a batch, and each refusal."""

from datetime import UTC, datetime
from typing import Any

import httpx
from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent

from tests.conftest import Servers
from tests.e2e.harness import Client, Server, client, eventually, serving
from tests.e2e.ingesting import BATCH, ORDER, STRUCTURED, binary, kept, post, refusal
from tests.e2e.test_reported_events import emit

LEAD = ORDER | {"id": "lead", "type": "crm:lead_qualified", "data": {"score": 85}}
AT = "2026-01-31T12:00:00.000Z"
FULL = ORDER | {
    "time": "2026-01-31T13:00:00+01:00",
    "subject": "order-7",
    "dataschema": "https://example.com/order.json",
    "traceparent": "00-4bf9",
    "customerid": "cust_1",
    "leadid": "lead_1",
    "correlationid": "basket-9",
}
KEPT = {
    "type": "com.example.order.created",
    "source": "/shop",
    "externalId": "1",
    "customerId": "cust_1",
    "leadId": "lead_1",
    "correlationId": "basket-9",
    "occurredAt": AT,
    "data": {"total": 5},
    "attributes": {
        "subject": "order-7",
        "dataschema": "https://example.com/order.json",
        "traceparent": "00-4bf9",
    },
    "actor": {"kind": "USER", "id": "ann"},
}


async def test_every_mode_keeps_the_same(api: Client, server: Server, tenant: str) -> None:
    attributes = {name: value for name, value in FULL.items() if name != "data"}
    written = CloudEvent({**attributes, "time": datetime(2026, 1, 31, 12, tzinfo=UTC)}, FULL["data"])
    sent = [
        (FULL, STRUCTURED),
        ([FULL], BATCH),
        binary(FULL),
        *((each.body, each.headers) for each in (to_structured_event(written), to_binary_event(written))),
    ]
    for n, (body, headers) in enumerate(sent):
        async with client(server.url, f"{tenant}-{n}") as fresh:
            answer = await post(fresh, body, headers)
            assert (answer.status_code, answer.json()) == (
                202,
                {"results": [{"id": "1", "duplicate": False}]},
            )
            assert await kept(fresh) == [KEPT]
    assert await kept(api) == []


async def test_the_same_event_is_taken_once_whichever_way_it_comes(
    api: Client, server: Server, tenant: str
) -> None:
    first = await post(api, ORDER)
    assert first.json()["results"] == [{"id": "1", "duplicate": False}]
    for body, headers in ((ORDER, STRUCTURED), ([ORDER], BATCH), binary(ORDER)):
        again = await post(api, body, headers)
        assert (again.status_code, again.json()["results"]) == (202, [{"id": "1", "duplicate": True}])
    told = await emit(api, type=ORDER["type"], source="/shop", id="1", data={})
    assert (told["duplicate"], told["event"]["data"]) == (True, {"total": 5})
    await emit(api, source="crm", id="2")
    assert (await post(api, LEAD | {"id": "2", "source": "crm"})).json()["results"][0]["duplicate"] is True
    assert len(await kept(api)) == 2
    async with client(server.url, f"{tenant}x") as other:
        assert (await post(other, ORDER)).json()["results"] == [{"id": "1", "duplicate": False}]


async def test_a_batch_says_what_became_of_each(api: Client) -> None:
    await post(api, ORDER | {"id": "old"})
    batch = [
        ORDER | {"id": "a"},
        ORDER | {"id": "old"},
        ORDER | {"id": "a", "data": {"total": 6}},
        LEAD | {"id": "b", "data": {"score": "85", "services": "fiber"}},
        "no event",
        ORDER | {"id": None, "time": "soon"},
        ORDER | {"id": "c", "data": {"x": "x" * 256 * 1024}},
        ORDER | {"id": "d"},
    ]
    answer = await post(api, batch, BATCH)
    results = answer.json()["results"]
    assert answer.status_code == 207
    assert [each.get("id") for each in results] == ["a", "old", "a", "b", None, None, "c", "d"]
    assert [each.get("duplicate") for each in results] == [False, True, True, None, None, None, None, False]
    paths = [[(one["code"], one["path"]) for one in each.get("errors", [])] for each in results]
    assert paths[3] == [("INVALID_INPUT", ["data", "score"]), ("INVALID_INPUT", ["data", "services"])]
    assert paths[4] == [("INVALID_INPUT", [])]
    assert sorted(paths[5]) == [("INVALID_INPUT", ["id"]), ("INVALID_INPUT", ["time"])]
    assert paths[6] == [("TOO_LARGE", ["data"])]
    assert all(one["message"] for each in results for one in each.get("errors", []))
    assert sorted(each["externalId"] for each in await kept(api)) == ["a", "d", "old"]
    again = (await post(api, batch, BATCH)).json()["results"]
    assert [each.get("duplicate") for each in again] == [True, True, True, None, None, None, None, True]


async def test_a_batch_of_which_nothing_can_be_taken_is_refused(api: Client) -> None:
    answer = await post(api, [LEAD | {"data": {}}, 5], BATCH)
    assert answer.status_code == 422
    assert [each["errors"][0]["path"] for each in answer.json()["results"]] == [["data", "score"], []]
    empty = await post(api, [], BATCH)
    assert (empty.status_code, empty.json()) == (202, {"results": []})
    assert await kept(api) == []


async def test_a_batch_has_at_most_1000_events(api: Client) -> None:
    batch = [ORDER | {"id": str(n)} for n in range(1_001)]
    assert refusal(await post(api, batch, BATCH)) == (413, {("TOO_LARGE", "")})
    assert await kept(api) == []
    results = (await post(api, batch[:1_000], BATCH)).json()["results"]
    assert results == [{"id": str(n), "duplicate": False} for n in range(1_000)]


async def test_development_needs_no_token(servers: Servers) -> None:
    mine = Servers(servers.mongodb_uri, servers.redis_url, f"{servers.database}_dev")
    with serving(mine, JOURNEYS_MODE="development") as server:
        async with httpx.AsyncClient() as http:
            developer = Client(http, server.url, None)
            assert (await post(developer, ORDER)).status_code == 202
            assert [each["actor"]["id"] for each in await kept(developer)] == ["developer"]


async def test_triggers_wait_for_any_type_and_see_the_attributes(api: Client) -> None:
    condition = {"field": "attributes.subject", "operator": "EQUALS", "value": "order-7"}
    rule = {"name": "Orders", "type": "EVENT", "event": ORDER["type"], "conditions": [condition]}
    rule |= {"action": {"kind": "START_JOURNEY", "templateId": "customer_onboarding"}}
    query = (
        "mutation($input: CreateTriggerInput!) { createTrigger(input: $input) { userErrors { message } } }"
    )
    made = await api.ask(query, input={"rule": rule})
    assert made["createTrigger"]["userErrors"] == []
    batch = [ORDER | {"id": "a", "subject": "order-6"}, FULL | {"id": "b"}]
    assert (await post(api, batch, BATCH)).status_code == 202

    async def started() -> list[Any]:
        found = await api.ask("{ journeys { nodes { customerId } } }")
        return list(found["journeys"]["nodes"])

    async def holds() -> bool:
        return bool(await started())

    await eventually(holds, "the order starts a journey")
    assert await started() == [{"customerId": "cust_1"}]

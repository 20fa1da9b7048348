"""Ten thousand events in batches, with the processes that take them killed at random: each is stored once, and fires
once."""

import asyncio
import random
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest

from domain.identity import Role
from storage.mongo import connected
from tests.conftest import Servers
from tests.e2e.harness import Client, Server, client, eventually, fresh, serving, token
from tests.e2e.workforce import working

EVENTS, BATCH, KILLS = 10_000, 250, 4
EVERY = 40  # one in so many makes the trigger fire
LONG = 420.0  # far more than it takes; a loaded machine is no error
EMIT = """mutation($input: EmitEventsInput!) {
  emitEvents(input: $input) { results { event { id } userErrors { message } } userErrors { message } } }"""
TRIGGER = {
    "name": "Counted",
    "type": "EVENT",
    "event": "meter:read",
    "conditions": [{"field": "data.counts", "operator": "EQUALS", "value": True}],
    "action": {
        "kind": "ADD_TOUCHPOINT",
        "params": {"kind": "reading", "channel": "meter", "title": "Counted"},
        "mapping": {"customerId": "customerId"},
    },
}


@pytest.fixture
def own(servers: Servers) -> Servers:
    """A database of its own, whose events no other worker sees."""
    return replace(servers, database=fresh("bus"))


def events(batch: int) -> list[dict[str, Any]]:
    numbers = range(batch * BATCH, (batch + 1) * BATCH)
    return [
        {
            "type": "meter:read",
            "source": "meters",
            "id": str(n),
            "customerId": f"c{n % 97}",
            "data": {"n": n, "counts": n % EVERY == 0},
        }
        for n in numbers
    ]


@dataclass
class Fleet:
    """Two servers that work as well. A killed one is followed by another."""

    servers: Servers
    stack: ExitStack
    running: list[Server] = field(default_factory=list)
    kills: int = 0

    def start(self) -> None:
        while len(self.running) < 2:
            self.running.append(self.stack.enter_context(serving(self.servers, JOURNEYS_WORK="true")))

    def kill(self, one: Server) -> None:
        self.running.remove(one)
        one.kill()
        self.kills += 1


async def send(http: httpx.AsyncClient, server: Server, bearer: str, number: int) -> bool:
    """Report a batch, by GraphQL or as CloudEvents in turn; whether the answer came."""
    headers = {"authorization": f"Bearer {bearer}"}
    try:
        if number % 2:
            body = {"query": EMIT, "variables": {"input": {"events": events(number)}}}
            answer = await http.post(server.url, json=body, headers=headers, timeout=60)
            done = answer.json()["data"]["emitEvents"]
            assert not done["userErrors"]
            assert not [each for each in done["results"] if each["userErrors"]]
        else:
            kind = "application/cloudevents-batch+json"
            answer = await http.post(
                server.url.replace("/graphql", "/events"),
                json=[cloud_event(each) for each in events(number)],
                headers=headers | {"content-type": kind},
                timeout=60,
            )
            assert answer.status_code == 202, answer.text
    except httpx.TransportError:
        return False
    return True


def cloud_event(event: dict[str, Any]) -> dict[str, Any]:
    same = {name: event[name] for name in ("type", "source", "id", "data")}
    return {"specversion": "1.0", "customerid": event["customerId"], **same}


async def test_each_event_is_stored_once_and_fires_once_whoever_dies(own: Servers, tenant: str) -> None:
    chance = random.Random(5)
    deaths = {n: chance.random() for n in chance.sample(range(EVENTS // BATCH), KILLS)}
    bearer = token(tenant, Role.ADMIN)
    with ExitStack() as stack:
        fleet = Fleet(own, stack)
        fleet.start()
        async with client(fleet.running[0].url, tenant) as api, httpx.AsyncClient() as http:
            await create_trigger(api)
            for number in range(EVENTS // BATCH):
                fleet.start()
                server = fleet.running[number % 2]
                if number in deaths:
                    await dying(http, fleet, server, bearer, number, deaths[number])
                    fleet.start()
                    server = fleet.running[0]
                assert await send(http, server, bearer, number), "a living server answers"
        for server in list(fleet.running):
            fleet.kill(server)
        worker = stack.enter_context(working(own, {}))
        await settled(own, tenant, worker)
        await require_once(own, tenant)
    assert fleet.kills == KILLS + 2


async def create_trigger(api: Client) -> None:
    query = "mutation($input: CreateTriggerInput!) { createTrigger(input: $input) { userErrors { message path } } }"
    made = await api.ask(query, input={"rule": TRIGGER})
    assert made["createTrigger"]["userErrors"] == []


async def dying(
    http: httpx.AsyncClient, fleet: Fleet, server: Server, bearer: str, number: int, moment: float
) -> None:
    """Kill the server while it takes a batch, or just afterwards: the batch is sent again, as a sender does."""
    sending = asyncio.create_task(send(http, server, bearer, number))
    await asyncio.wait({sending}, timeout=moment)
    await asyncio.to_thread(fleet.kill, server)
    await sending


async def settled(servers: Servers, tenant: str, worker: Server) -> None:
    """Nothing is left to be done with any event."""
    waiting = {"tenantId": tenant, "pending": {"$exists": True}}
    boxes = {"tenantId": tenant, "outboxAt": {"$exists": True}}
    async with connected(servers.mongodb_uri, servers.database) as mongo:

        async def nothing_left() -> bool:
            await asyncio.sleep(1)  # a look costs the embedded database something
            assert worker.process.poll() is None, "the worker lives"
            if await mongo["events"].find_one(waiting) is not None:
                return False
            return not [name for name in ("touchpoints", "firings") if await mongo[name].find_one(boxes)]

        await eventually(nothing_left, "that nothing is left to do", LONG)


async def require_once(servers: Servers, tenant: str) -> None:
    """Every event is there once, and fired once where it counts."""
    reported = {"tenantId": tenant, "type": "meter:read"}
    stored: Counter[str] = Counter()
    counted: set[str] = set()
    async with connected(servers.mongodb_uri, servers.database) as mongo:
        async for each in mongo["events"].find(reported, {"externalId": 1, "data": 1}):
            stored[each["externalId"]] += 1
            if each["data"]["counts"]:
                counted.add(each["_id"])
        firings = await mongo["firings"].find({"tenantId": tenant}).to_list(None)
        touchpoints = await mongo["touchpoints"].find({"tenantId": tenant}, {"_id": 1}).to_list(None)
    assert stored == Counter(str(n) for n in range(EVENTS))
    assert Counter(each["eventId"] for each in firings) == Counter(counted)
    assert {each["status"] for each in firings} == {"fired"}
    assert sorted(each["result"] for each in firings) == sorted(each["_id"] for each in touchpoints)

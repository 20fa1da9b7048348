"""Twenty clients at once, two server processes: nothing is lost, and every subscriber sees it all once and in order."""

import asyncio
import random
from contextlib import AsyncExitStack
from typing import Any

from tests.conftest import Servers
from tests.e2e.harness import Client, Server, Stream, client, serving, socket

CLIENTS, JOURNEYS, STEPS, UPDATES = 20, 200, 3, 4
TOLD = "journey { id } events { revision n }"
WATCH_ALL = f"subscription($after: String) {{ journeyChanges(after: $after) {{ {TOLD} }} }}"
WATCH_ONE = (
    f"subscription($id: ID!, $after: String) {{ journeyChanged(id: $id, after: $after) {{ {TOLD} }} }}"
)
TEMPLATE = "mutation($input: TemplateInput!) { createTemplate(input: $input) { userErrors { code } } }"
HISTORY = """query($ids: [ID!]!) { nodes(ids: $ids) { ... on Journey {
  id status revision context history(first: 100) { nodes { id revision n type } } } } }"""


async def template(api: Client) -> None:
    steps = [{"id": f"s{n}", "name": f"Step {n}", "stage": "SUPPORT", "order": n} for n in range(STEPS)]
    settings = {"reentry": "ANY_TIME"}
    made = await api.ask(
        TEMPLATE,
        input={"id": "walk", "name": "Walk", "category": "SUPPORT", "steps": steps, "settings": settings},
    )
    assert made["createTemplate"]["userErrors"] == []


async def advance_some(
    api: Client, ids: list[str], seed: int, advanced: list[str], wrote: dict[str, Any]
) -> None:
    """Walk journeys in an order of one's own until all are at their end, and write some keys on the way."""
    chance = random.Random(seed)
    left = chance.sample(ids, len(ids))
    for n in range(UPDATES):
        key, id = f"key{seed}x{n}", chance.choice(ids[: JOURNEYS // 10])
        updated = await api.do("updateJourneyContext", id=id, changes={key: n})
        if not updated["userErrors"]:
            wrote[key] = id
    while left:
        id = left.pop()
        known = None
        if chance.random() < 0.3:
            known = (await api.ask("query($id: ID!) { journey(id: $id) { revision } }", id=id))["journey"][
                "revision"
            ]
        answer = await api.do("advanceJourney", id=id, **({"expectedRevision": known} if known else {}))
        match [error["code"] for error in answer["userErrors"]]:
            case []:
                advanced.append(id)
                if answer["journey"]["status"] != "COMPLETED":
                    left.insert(0, id)
            case ["CONFLICT"]:
                left.insert(0, id)
            case ["ILLEGAL_TRANSITION"]:
                pass  # somebody else was there
            case other:
                raise AssertionError(other)


async def revisions(stream: Stream, field: str, total: int) -> dict[str, list[int]]:
    """The revisions that a subscriber is told of, by journey, until it has been told so many changes."""
    told: dict[str, list[int]] = {}
    for _ in range(total):
        payload = await stream.next(60)
        assert "errors" not in payload, payload
        change = payload["data"][field]
        told.setdefault(change["journey"]["id"], []).append(change["events"][0]["revision"])
        assert [event["n"] for event in change["events"]] == list(range(len(change["events"])))
    return told


async def test_twenty_clients_on_two_servers_lose_nothing(
    servers: Servers, server: Server, tenant: str
) -> None:
    async with AsyncExitStack() as stack:
        other = stack.enter_context(serving(servers))
        urls = [server.url, other.url]
        clients = [await stack.enter_async_context(client(urls[n % 2], tenant)) for n in range(CLIENTS)]
        await template(clients[0])
        sockets = [await stack.enter_async_context(socket(url, clients[0].token)) for url in (*urls, *urls)]
        begin = (await clients[0].ask("{ journeys { liveCursor } }"))["journeys"]["liveCursor"]
        everything = [await each.subscribe(WATCH_ALL, after=begin) for each in sockets]

        async def start(n: int) -> list[str]:
            return [(await clients[n].start("walk"))["id"] for _ in range(JOURNEYS // CLIENTS)]

        ids = sum(await asyncio.gather(*(start(n) for n in range(CLIENTS))), list[str]())
        watched = {
            id: await sockets[n % 4].subscribe(WATCH_ONE, id=id, after=begin) for n, id in enumerate(ids[:4])
        }

        advanced: list[str] = []
        wrote: dict[str, str] = {}
        await asyncio.gather(*(advance_some(each, ids, n, advanced, wrote) for n, each in enumerate(clients)))

        found: list[dict[str, Any]] = []
        for at in range(0, len(ids), 100):
            found += (await clients[0].ask(HISTORY, ids=ids[at : at + 100]))["nodes"]
        changes = {journey["id"]: journey["revision"] for journey in found}
        for journey in found:
            events = journey["history"]["nodes"]
            assert journey["status"] == "COMPLETED"
            assert [event["revision"] for event in events if event["n"] == 0] == list(
                range(1, journey["revision"] + 1)
            )
            assert len({event["id"] for event in events}) == len(events)
            assert [event["type"] for event in events].count("journey:step_completed") == STEPS
            assert {key for key, id in wrote.items() if id == journey["id"]} <= set(journey["context"])
        assert len(advanced) == JOURNEYS * STEPS

        for stream in everything:
            told = await revisions(stream, "journeyChanges", sum(changes.values()))
            assert {id: told[id] for id in ids} == {id: list(range(1, changes[id] + 1)) for id in ids}
        for id, stream in watched.items():
            told = await revisions(stream, "journeyChanged", changes[id])
            assert told == {id: list(range(1, changes[id] + 1))}

"""Events of other systems: how many a second, by GraphQL and as CloudEvents, against bare bulk inserts of the same
documents; and how long after its acceptance the journey that an event starts is told to a subscriber."""

import asyncio
import time
from typing import Any

import httpx

from app.wiring import new_id, utc_now
from domain import external
from domain.identity import Actor, ActorKind, Role
from storage.entries import entry_documents
from storage.indexes import create_indexes
from storage.mongo import Mongo
from tests.benchmarks.measure import report
from tests.conftest import Servers
from tests.e2e.harness import Server, client, fresh, serving, socket, token

BATCH, BATCHES, STARTS = 100, 30, 100
PAUSE_SECONDS = 0.1
BY = Actor(ActorKind.SERVICE, "benchmark")
EMIT = "mutation($input: EmitEventsInput!) { emitEvents(input: $input) { results { event { id } } } }"
WATCH = 'subscription { events(types: ["journey:started"]) { events { data } } }'


async def run(servers: Servers) -> None:
    mongo = Mongo(servers.mongodb_uri, servers.database)
    await create_indexes(mongo)
    bare = await _bare(mongo)
    await mongo.close()
    with serving(servers) as server:
        graphql = await _graphql(server)
        http = await _http(server)
        for name, rate in (("emitEvents of 100", graphql), ("POST /events of 100", http)):
            print(  # noqa: T201  # this is what a benchmark is for
                f"{name}: {rate:7.0f} events/s   bare bulk inserts: {bare:7.0f}/s   ratio {rate / bare:5.2f}",
                flush=True,
            )
    with serving(servers) as server:
        report("event accepted to the started journey's message", await _promptness(server))


def _event(n: int) -> dict[str, Any]:
    return {"type": "meter:read", "source": "meters", "id": new_id(), "data": {"n": n, "unit": "kWh"}}


async def _bare(mongo: Mongo) -> float:
    """The same documents, inserted by the driver alone."""
    collection, tenant = mongo["events"], fresh("bench")
    batches = []
    for _ in range(BATCHES):
        batch = []
        for n in range(BATCH):
            given = _event(n)
            said = external.Report(
                type=given["type"], source=given["source"], id=given["id"], data=given["data"]
            )
            envelope = external.envelope(
                said, tenant_id=tenant, by=BY, now=utc_now(), command_id=new_id(), correlation_id=new_id()
            )
            [document] = entry_documents([envelope])
            del document["pending"], document["pendingAt"]  # nobody is to do anything with them
            batch.append(document)
        batches.append(batch)
    began = time.perf_counter()
    for batch in batches:
        await collection.insert_many(batch, ordered=False)
    return BATCH * BATCHES / (time.perf_counter() - began)


async def _graphql(server: Server) -> float:
    async with client(server.url, fresh("bench")) as api:
        began = time.perf_counter()
        for _ in range(BATCHES):
            done = await api.ask(EMIT, input={"events": [_event(n) for n in range(BATCH)]})
            assert len(done["emitEvents"]["results"]) == BATCH
        return BATCH * BATCHES / (time.perf_counter() - began)


async def _http(server: Server) -> float:
    headers = {
        "authorization": f"Bearer {token(fresh('bench'), Role.ADMIN)}",
        "content-type": "application/cloudevents-batch+json",
    }
    url = server.url.replace("/graphql", "/events")
    async with httpx.AsyncClient(headers=headers, timeout=60) as http:
        began = time.perf_counter()
        for _ in range(BATCHES):
            events = [{"specversion": "1.0", **_event(n)} for n in range(BATCH)]
            answer = await http.post(url, json=events)
            assert answer.status_code == httpx.codes.ACCEPTED, answer.text
        return BATCH * BATCHES / (time.perf_counter() - began)


async def _promptness(server: Server) -> list[float]:
    """Seconds from the answer to the event that starts a journey until a subscriber hears of the journey."""
    tenant = fresh("bench")
    leads = {f"lead_{n}" for n in range(STARTS)}
    accepted: dict[str, float] = {}
    heard: dict[str, float] = {}
    async with client(server.url, tenant) as api, socket(server.url, token(tenant, Role.VIEWER)) as watcher:
        stream = await watcher.subscribe(WATCH)

        async def listen() -> None:
            while not leads <= heard.keys():
                message = await stream.next(60.0)
                for event in message["data"]["events"]["events"]:
                    heard[event["data"]["leadId"]] = time.perf_counter()

        async def qualify(lead: str) -> None:
            one = {"type": "crm:lead_qualified", "source": "crm", "data": {"leadId": lead, "score": 80}}
            await api.ask(EMIT, input={"events": [one]})

        listening = asyncio.create_task(listen())
        while not heard:  # it is not subscribed yet
            await qualify(f"warm_{new_id()}")
            await asyncio.sleep(PAUSE_SECONDS)
        for lead in leads:
            await qualify(lead)
            accepted[lead] = time.perf_counter()
            await asyncio.sleep(PAUSE_SECONDS)
        await listening
    return [heard[lead] - accepted[lead] for lead in accepted]

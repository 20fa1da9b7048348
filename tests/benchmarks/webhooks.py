"""Webhooks: what looking for them costs each change while nobody has any; how many events a second a worker delivers,
against bare calls to the same receiver; and how promptly."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from app.wiring import new_id, utc_now
from domain import external
from domain import webhook as fold
from domain.identity import Actor, ActorKind
from storage.indexes import create_indexes
from storage.mongo import Mongo
from storage.store import Store
from storage.subject import Cause
from subscriptions.broker import Broker
from tests.benchmarks.measure import report, times
from tests.conftest import Servers
from tests.e2e.harness import eventually, fresh
from tests.e2e.workforce import working
from tests.storage.subjects import THREE_STEPS, follow, start
from tests.workers.target import Partner, listening
from workers.actions import Actions
from workers.consumers import Consume
from workers.relay import Relay
from workers.routing import Routing
from workers.triggers import TriggerWorker
from workers.wakeup import Wakeup

ROUNDS, STARTS, CLIENTS = 6, 60, 8
EVENTS, PACED, PAUSE_SECONDS = 600, 60, 0.1
BY = Actor(ActorKind.SERVICE, "benchmark")


async def run(servers: Servers) -> None:
    mongo, broker = Mongo(servers.mongodb_uri, servers.database), Broker(servers.redis_url)
    await create_indexes(mongo)
    async with (
        _process(mongo, broker, routing=True) as store,
        _process(mongo, broker, routing=False) as without,
    ):
        await _unused(store, without)
        async with listening() as receiver:
            with working(servers, {}):
                await _throughput(store, receiver)
                await _promptness(store, receiver)
    await broker.close()
    await mongo.close()


@asynccontextmanager
async def _process(mongo: Mongo, broker: Broker, *, routing: bool) -> AsyncIterator[Store]:
    """A store as a server process has one, with or without webhooks."""
    store, wakeup = Store.of(mongo, utc_now), Wakeup(broker.wake, None)
    actions = Actions(store, utc_now, room=10_000)
    route: Consume = Routing(store, utc_now, wakeup.wake).route
    fire: Consume = TriggerWorker(store, actions, utc_now).fire
    relay = Relay(
        store,
        broker.publish,
        utc_now,
        wakeup.wake,
        consumers={"triggers": fire, "webhooks": route} if routing else {"triggers": fire},
        actions=actions,
    )
    store.changes.logged = relay.logged
    tasks = [asyncio.create_task(relay.run()), asyncio.create_task(wakeup.run())]
    try:
        yield store
    finally:
        await store.changes.drain()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _unused(store: Store, without: Store) -> None:
    """By turns, so that both have the same weather."""
    taken: dict[int, list[float]] = {0: [], 1: []}
    for n in range(ROUNDS):
        for which in (0, 1) if n % 2 else (1, 0):
            process = (store, without)[which]
            template = await follow(process, fresh("bench"), THREE_STEPS)
            taken[which] += await times(lambda _: start(process, template), STARTS, CLIENTS)  # noqa: B023
    report("start with nobody's webhooks, against none looked for", taken[0], taken[1])


async def _webhook(store: Store, receiver: Partner) -> str:
    """A tenant whose events go to the receiver."""
    tenant = fresh("bench")
    made = fold.create(
        tenant_id=tenant, name="x", address=f"{receiver.url}/", types=["meter:*"], known=(), at=utc_now()
    )
    await store.webhooks.create(f"whk_{new_id()}", made, Cause(BY, new_id(), new_id()))
    return tenant


async def _emit(store: Store, tenant: str, count: int) -> None:
    told = [
        external.Report(type="meter:read", source="meters", id=new_id(), data={"n": n}) for n in range(count)
    ]
    await store.changes.take(
        [
            external.envelope(
                each, tenant_id=tenant, by=BY, now=utc_now(), command_id=new_id(), correlation_id=new_id()
            )
            for each in told
        ]
    )


async def _throughput(store: Store, receiver: Partner) -> None:
    tenant = await _webhook(store, receiver)
    await _emit(store, tenant, 1)

    async def heard(count: int) -> None:
        async def all_there() -> bool:
            return len(receiver.requests) >= count

        await eventually(all_there, "every delivery", 120.0)

    await heard(1)
    began = time.perf_counter()
    for _ in range(EVENTS // 100):
        await _emit(store, tenant, 100)
    await heard(EVENTS + 1)
    rate = EVENTS / (time.perf_counter() - began)
    body, headers = receiver.requests[-1].body, {"content-type": "application/cloudevents+json"}
    async with httpx.AsyncClient(trust_env=False) as http:

        async def bare(_: int) -> None:
            await http.post(f"{receiver.url}/", content=body, headers=headers)

        began = time.perf_counter()
        await times(bare, EVENTS, 16)
        bare_rate = (EVENTS + 10) / (time.perf_counter() - began)
    line = (
        f"deliveries: {rate:6.0f} events/s   bare calls: {bare_rate:6.0f}/s   ratio {rate / bare_rate:5.2f}"
    )
    print(line, flush=True)  # noqa: T201  # this is what a benchmark is for


async def _promptness(store: Store, receiver: Partner) -> None:
    tenant, taken = await _webhook(store, receiver), list[float]()
    for _ in range(PACED):
        receiver.asked.clear()
        began = time.perf_counter()
        await _emit(store, tenant, 1)
        await asyncio.wait_for(receiver.asked.wait(), 20)
        taken.append(time.perf_counter() - began)
        await asyncio.sleep(PAUSE_SECONDS)
    report("event accepted to its arrival at a webhook", taken)

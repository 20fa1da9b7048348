"""One thing that cannot be done ends no worker and holds up nothing else, and nothing counts as done that is not."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import pytest

from app.wiring import utc_now
from domain.events import Envelope
from domain.journey import Status
from storage.entries import entry_documents
from storage.events import EventLog
from storage.indexes import create_indexes
from storage.mongo import Mongo
from storage.store import Store
from subscriptions.broker import Broker, Published
from tests.conftest import Servers
from tests.domain.samples import definition, step
from tests.e2e.harness import eventually
from tests.storage.subjects import follow, start
from tests.subscriptions.wire import change
from workers.relay import Relay
from workers.timers import BATCH, Timers

LATER = timedelta(minutes=1)


@pytest.fixture
async def store(servers: Servers) -> AsyncIterator[Store]:
    """A database of its own, whose log nobody else sweeps."""
    mongo = Mongo(servers.mongodb_uri, f"endurance_{uuid4().hex[:8]}")
    await create_indexes(mongo)
    store = Store.of(mongo, utc_now)
    yield store
    await store.changes.drain()
    await mongo.close()


@pytest.fixture
async def broker(servers: Servers) -> AsyncIterator[Broker]:
    broker = Broker(servers.redis_url)
    yield broker
    await broker.close()


async def log(events: EventLog, tenant: str, *revisions: int) -> None:
    """Changes of one subject that are in the log only."""
    for revision in revisions:
        await events.append(entry_documents(change(tenant, "a", revision)))


async def told(broker: Broker, tenant: str) -> list[int]:
    tail = await broker.tail(tenant)
    return [each.revision async for each in broker.read(tenant, tail.run, "0-0")]


async def test_a_change_whose_predecessor_is_not_in_the_log_yet_stays_pending(
    store: Store, broker: Broker, tenant: str
) -> None:
    times = iter(range(1, 10))
    worker = Relay(store, broker.publish, lambda: utc_now() + next(times) * LATER)
    await log(store.events, tenant, 1, 3)
    await worker.sweep_once()
    assert await told(broker, tenant) == [1]
    assert (await store.events.backlog(tenant)).entries == 1
    await log(store.events, tenant, 2)
    await worker.sweep_once()
    assert await told(broker, tenant) == [1, 2, 3]
    assert (await store.events.backlog(tenant)).entries == 0


async def test_a_change_that_cannot_be_told_does_not_end_the_relay(store: Store, tenant: str) -> None:
    heard: list[int] = []

    async def publish(events: list[Envelope], _: int | None) -> Published:
        if events[0].revision == 1:
            raise ValueError("it cannot be encoded")
        heard.append(events[0].revision)
        return Published("published", None)

    relay = Relay(store, publish, utc_now)
    running = asyncio.create_task(relay.run())
    for revision in (1, 2, 3):
        await relay.logged(change(tenant, "a", revision))

    async def went_on() -> bool:
        assert not running.done()
        return heard == [2, 3]

    await eventually(went_on, "the others are told")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_journeys_that_cannot_be_timed_out_hold_nobody_up(store: Store, tenant: str) -> None:
    limited = definition(step("dig", 1, max_duration=LATER))
    template = await follow(store, tenant, limited)
    lost, due = await start(store, template), await start(store, template, at=utc_now() + LATER / 2)
    await store.changes.drain()
    journeys = store.mongo["journeys"]
    document = await journeys.find_one({"_id": lost.id})
    assert document is not None
    copies = [{**document, "_id": f"jrn_lost{n}", "templateId": "gone"} for n in range(2 * BATCH)]
    await journeys.insert_many(copies)
    timers = Timers(Store.of(store.mongo, lambda: utc_now() + 2 * LATER), lambda: utc_now() + 2 * LATER)
    done = [await timers.poll() for _ in range(3)]
    assert sum(done) == 2
    for journey in (lost, due):
        assert (await store.journeys.get(journey.id, tenant)).status is Status.FAILED

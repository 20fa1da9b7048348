"""Workers that die at every point between a handoff's end and its journey's next step: each step is done once."""

import asyncio
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from itertools import cycle
from uuid import uuid4

import pytest

from app.wiring import utc_now
from domain import deciding
from domain.events import HandoffStatus
from domain.handoff_events import HandoffType
from domain.handoff_filter import HandoffFilter, HandoffOrder
from domain.identity import Identity, Role
from domain.incident import IncidentFilter
from domain.journey import Status
from domain.journey_events import StepCompleted
from domain.journey_filter import JourneyFilter
from domain.paging import Page
from domain.template import Settings, StepType
from storage.indexes import create_indexes
from storage.mongo import Mongo
from storage.store import Store
from subscriptions.broker import Broker
from tests.conftest import Servers
from tests.domain.samples import definition, step
from tests.e2e.dying_worker import POINTS
from tests.e2e.harness import ROOT, eventually
from tests.e2e.partners import Partner, partner
from tests.e2e.workforce import working
from tests.storage.subjects import cause, follow, start
from tests.workers.handing import CRM, configure
from workers.relay import Relay

JOURNEYS = 300
AT_ONCE = 12
DEATHS = 3 * len(POINTS)
LANES = 2  # workers at the same time
LONG = 180.0
SETTINGS = {"JOURNEYS_LEASE_SECONDS": "1.5"}
THREE = definition(
    step("install", 1, type=StepType.INTEGRATION, package=CRM, action="update_customer"),
    step("check", 2, type=StepType.APPROVAL),
    step("bill", 3, type=StepType.INTEGRATION, package=CRM, action="update_customer"),
    settings=Settings(auto_progress=True),
)


@pytest.fixture
def crm() -> Iterator[Partner]:
    with partner() as crm:
        yield crm


@pytest.fixture
async def own(servers: Servers) -> AsyncIterator[tuple[Servers, Store, Store]]:
    """A database of its own, whose handoffs no other worker sees; and two stores on it. What follows from changes of
    the one is done at once, as by a server that lives; of the other it is left to the workers' sweeps."""
    alone = replace(servers, database=f"crash_{uuid4().hex[:8]}")
    mongo, broker = Mongo(alone.mongodb_uri, alone.database), Broker(alone.redis_url)
    await create_indexes(mongo)
    living, silent = Store.of(mongo, utc_now), Store.of(mongo, utc_now)
    relay = Relay(living, broker.publish, utc_now)
    living.changes.logged = relay.logged
    telling = asyncio.create_task(relay.run())
    yield alone, living, silent
    for store in (living, silent):
        await store.changes.drain()
    telling.cancel()
    await asyncio.gather(telling, return_exceptions=True)
    await broker.close()
    await mongo.close()


async def start_all(store: Store, tenant: str) -> None:
    template = await follow(store, tenant, THREE)
    for first in range(0, JOURNEYS, AT_ONCE):
        numbers = range(first, first + AT_ONCE)
        await asyncio.gather(*(start(store, template, customer_id=f"c{n}") for n in numbers))


async def approve_all(stores: Sequence[Store], tenant: str) -> None:
    """Somebody who approves whatever waits, for ever."""
    eve = Identity(tenant, "eve", frozenset((Role.APPROVER,)))
    waiting = HandoffFilter(status=(HandoffStatus.PENDING,), type=(HandoffType.APPROVAL_REQUIRED,))

    async def approve(store: Store, id: str) -> None:
        await store.handoffs.change(id, tenant, lambda each, at: deciding.approve(each, eve, at=at), cause())

    while True:
        rows = await stores[0].handoffs.page(tenant, waiting, HandoffOrder.CREATED_AT, Page.of(first=24))
        await asyncio.gather(*(approve(*each) for each in zip(cycle(stores), [h.id for h in rows.items])))
        await asyncio.sleep(0.5)


async def die(
    servers: Servers, tenant: str, points: list[str], deaths: Counter[str], chance: random.Random
) -> None:
    """One worker after the other, each until it comes to its point."""
    while points:
        point, nth = points.pop(), chance.randint(1, 6)
        program = [sys.executable, str(ROOT / "tests/e2e/dying_worker.py"), tenant, point, str(nth)]
        with working(servers, SETTINGS, program=program) as worker:
            assert await asyncio.to_thread(worker.process.wait, LONG) == -signal.SIGKILL
        deaths[point] += 1


async def test_workers_that_die_at_every_point_complete_each_step_once(
    own: tuple[Servers, Store, Store], crm: Partner, tenant: str
) -> None:
    servers, store, silent = own
    chance, deaths = random.Random(11), Counter[str]()
    await configure(store, tenant, f"{crm.url}/crm", attempts=10)
    await start_all(store, tenant)
    approving = asyncio.create_task(approve_all([store, silent], tenant))
    points = [point for point in POINTS for _ in range(DEATHS // len(POINTS))]
    chance.shuffle(points)
    await asyncio.gather(*(die(servers, tenant, points, deaths, chance) for _ in range(LANES)))
    assert set(deaths) == set(POINTS)
    assert deaths.total() == DEATHS

    done = JourneyFilter(status=(Status.COMPLETED,))

    async def all_completed() -> bool:
        await asyncio.sleep(0.5)
        assert not approving.done()
        return await store.journeys.count(tenant, done) == JOURNEYS

    async def at_rest() -> bool:
        await asyncio.sleep(0.2)
        unlogged = await store.changes.outboxes.waiting(utc_now())
        return unlogged == 0 and (await store.events.backlog()).entries == 0

    with working(servers, SETTINGS):
        await eventually(all_completed, "every journey's end", LONG)
        await eventually(at_rest, "the relay at rest", LONG)
    approving.cancel()

    completed: Counter[tuple[str, str, int]] = Counter()
    query = {"tenantId": tenant, "type": StepCompleted.type}
    async for event in store.mongo["events"].find(query):
        completed[event["subject"], event["data"]["step"], event["data"]["visit"]] += 1
    assert len(completed) == 3 * JOURNEYS
    assert set(completed.values()) == {1}

    handoffs = [document async for document in store.mongo["handoffs"].find({"tenantId": tenant})]
    assert len(handoffs) == 3 * JOURNEYS
    assert {each["status"] for each in handoffs} == {HandoffStatus.COMPLETED}
    calls = crm.calls()
    called = {each["_id"] for each in handoffs if "action" in each}
    assert sorted(each["key"] for each in calls) == sorted(f"{id}:1" for id in called)
    assert len(calls) == 2 * JOURNEYS
    assert [each["key"] for each in calls if each["overlapped"]] == []
    assert await store.incidents.count(tenant, IncidentFilter()) == 0

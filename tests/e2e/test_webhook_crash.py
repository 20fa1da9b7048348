"""Workers that die at every point of a delivery: every event arrives, and again only what was called already."""

import asyncio
import random
import signal
import sys
from collections import Counter
from dataclasses import replace
from uuid import uuid4

from app.wiring import utc_now
from domain import webhook as fold
from domain.delivery import DeliveryStatus
from storage.indexes import create_indexes
from storage.mongo import Mongo
from storage.store import Store
from tests.conftest import Servers
from tests.e2e.dying_deliverer import POINTS
from tests.e2e.harness import ROOT, eventually
from tests.e2e.workforce import working
from tests.storage.subjects import cause
from tests.workers.delivering import TYPE
from tests.workers.target import listening
from tests.workers.triggering import report

EVENTS = 60
DEATHS = 2  # at each point
LONG = 120.0
SETTINGS = {"JOURNEYS_LEASE_SECONDS": "1.5"}


async def die(servers: Servers, points: list[str], chance: random.Random) -> None:
    """One worker after the other, each until it comes to its point."""
    for point in points:
        program = [
            sys.executable,
            str(ROOT / "tests/e2e/dying_deliverer.py"),
            point,
            str(chance.randint(1, 3)),
        ]
        with working(servers, SETTINGS, program=program) as worker:
            assert await asyncio.to_thread(worker.process.wait, LONG) == -signal.SIGKILL


async def test_workers_that_die_at_every_point_lose_nothing(servers: Servers, tenant: str) -> None:
    alone, chance = replace(servers, database=f"crash_{uuid4().hex[:8]}"), random.Random(7)
    mongo = Mongo(alone.mongodb_uri, alone.database)
    await create_indexes(mongo)
    store = Store.of(mongo, utc_now)
    async with listening() as receiver:
        created = fold.create(
            tenant_id=tenant, name="x", address=f"{receiver.url}/", types=["order:*"], known=(), at=utc_now()
        )
        webhook = (await store.webhooks.create(f"whk_{tenant}", created, cause())).state
        points = [point for point in POINTS for _ in range(DEATHS)]
        chance.shuffle(points)
        dying = asyncio.create_task(die(alone, points, chance))
        events = list[str]()
        while len(events) < EVENTS or not dying.done():  # so that there is always something to die of
            events.append((await report(store, tenant, TYPE)).id)
            await asyncio.sleep(0.05)
        await dying

        async def all_delivered() -> bool:
            await asyncio.sleep(0.2)
            delivered = DeliveryStatus.DELIVERED
            return await store.deliveries.count(tenant, webhook.id, delivered) == len(events)

        with working(alone, SETTINGS):
            await eventually(all_delivered, "every delivery", LONG)
        heard = Counter(each.headers["webhook-id"] for each in receiver.requests)
        assert len(heard) == len(events)
        assert await store.deliveries.count(tenant, webhook.id, None) == len(events)
        again = sum(heard.values()) - len(events)
        called = points.count("called") + points.count("claimed")  # and what else was under way just then
        assert again <= called * 16
    await store.changes.drain()
    await mongo.close()

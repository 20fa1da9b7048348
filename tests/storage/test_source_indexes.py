"""Every query about sources, also of whoever reports at the address of one, has its index."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from app.graphql import build
from app.wiring import utc_now
from storage.indexes import create_indexes
from storage.mongo import Mongo
from storage.store import Store
from subscriptions.broker import Broker
from subscriptions.feed import Feed
from tests.conftest import Servers
from tests.storage.served import Recorder
from tests.storage.service import Service, check


@pytest.fixture
async def service(servers: Servers) -> AsyncIterator[Service]:
    recorder = Recorder()
    mongo = Mongo(servers.mongodb_uri, f"{servers.database}_storage", event_listeners=[recorder])
    await create_indexes(mongo)
    store = Store.of(mongo, utc_now)
    broker = Broker(servers.redis_url, feed_length=100)
    feed = Feed(broker, store.events, utc_now)
    yield Service(store, build(), feed, broker, recorder, f"t{uuid4().hex[:12]}")
    await store.changes.drain()
    await broker.close()
    await mongo.close()


async def test_what_is_read_and_set_of_sources_is_served_by_indexes(service: Service) -> None:
    for name in ("/shop", "/bank"):
        for _ in range(2):
            given = {"name": name, "idempotencyKey": name}
            await service.do("createSource", "CreateSourceInput", **given)
    found = await service.ask("{ sources { id } }")
    ids = [each["id"] for each in found["sources"]]
    assert len(ids) == 2
    for secret in "ab":
        rotated = {"id": ids[0], "secret": f"whsec_{secret * 32}", "idempotencyKey": secret}
        for _ in range(2):
            await service.do("rotateSourceSecret", "RotateSourceSecretInput", **rotated)
    await service.do("changeSource", "ChangeSourceInput", id=ids[0], description="x")
    await service.do("disableSource", "DisableSourceInput", id=ids[0])
    await service.do("enableSource", "SourceInput", id=ids[0])
    assert await service.store.sources.find(ids[0]) is not None
    await service.do("deleteSource", "SourceInput", id=ids[0])
    assert await service.store.sources.find(ids[0]) is None
    query = "query($id: ID!, $ids: [ID!]!) { source(id: $id) { id } nodes(ids: $ids) { id } }"
    await service.ask(query, {"id": ids[1], "ids": ids})
    await check(service)

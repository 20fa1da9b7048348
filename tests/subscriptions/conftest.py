"""The parts of the feed on real servers, and a Redis of the test's own, which it may kill."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from app.embedded import RedisChild
from app.wiring import utc_now
from storage.indexes import create_indexes
from storage.mongo import Mongo, connected
from storage.store import Store
from subscriptions.broker import Broker
from subscriptions.feed import Feed
from tests.conftest import Servers
from tests.subscriptions.wire import PATIENCE, Teller, running


@pytest.fixture(scope="session")
async def own_mongo(servers: Servers) -> AsyncIterator[Mongo]:
    """A database whose log no other test's worker sweeps."""
    async with connected(servers.mongodb_uri, f"{servers.database}_feed") as mongo:
        await create_indexes(mongo)
        yield mongo


@pytest.fixture
def own_store(own_mongo: Mongo) -> Store:
    return Store.of(own_mongo, utc_now)


@pytest.fixture
async def broker(servers: Servers) -> AsyncIterator[Broker]:
    broker = Broker(servers.redis_url, feed_length=500, patience=PATIENCE)
    yield broker
    await broker.close()


@pytest.fixture
async def feed(broker: Broker, own_store: Store) -> AsyncIterator[Feed]:
    async with running(broker, own_store) as feed:
        yield feed


@pytest.fixture
def teller(broker: Broker, own_store: Store, tenant: str) -> Teller:
    return Teller(broker, own_store, tenant)


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisChild]:
    """A Redis that nobody else uses."""
    with RedisChild(tmp_path) as child:
        yield child

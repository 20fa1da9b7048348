"""A database of its own, so that no other test's sweep tidies up what these leave on purpose."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest

from app.wiring import utc_now
from storage.events import EventLog
from storage.indexes import create_indexes
from storage.mongo import Mongo
from storage.store import Store
from tests.conftest import Servers
from tests.storage.service import Service, recorded

PATIENCE = 60.0  # a change returns when it is settled, however busy the machine


@pytest.fixture(scope="session", params=["motor", "pymongo"])
async def mongo(servers: Servers, request: pytest.FixtureRequest) -> AsyncIterator[Mongo]:
    mongo = Mongo(servers.mongodb_uri, f"{servers.database}_storage", request.param)
    await create_indexes(mongo)
    yield mongo
    await mongo.close()


@pytest.fixture
async def another(mongo: Mongo) -> AsyncIterator[Callable[[], Store]]:
    """Makes a store as another process would have it: nothing shared but the database."""
    async with AsyncExitStack() as stack:

        def make() -> Store:
            store = Store.of(mongo, utc_now)
            store.changes.settle_seconds = PATIENCE
            stack.push_async_callback(store.changes.drain)
            return store

        yield make


@pytest.fixture
def store(another: Callable[[], Store]) -> Store:
    return another()


@pytest.fixture
async def service(servers: Servers) -> AsyncIterator[Service]:
    """A service whose queries are written down."""
    async with recorded(servers, f"{servers.database}_storage") as service:
        yield service


@pytest.fixture
def log(mongo: Mongo) -> EventLog:
    return EventLog(mongo)

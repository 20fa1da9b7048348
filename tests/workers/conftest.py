"""Processes, plants and offices with databases of their own, where nothing happens but what the test wants."""

from collections.abc import AsyncIterator, Callable
from uuid import uuid4

import pytest

from app.wiring import utc_now
from storage.indexes import create_indexes
from storage.mongo import Mongo
from storage.store import Store
from tests.conftest import Servers
from tests.workers.delivering import Office, office_of
from tests.workers.target import Partner, listening
from tests.workers.test_relay import Subscribers
from tests.workers.triggering import Plant, Process, plant_of
from workers.relay import Relay

PATIENCE = 60.0  # a change returns when what follows is done, however busy the machine


@pytest.fixture
async def processes(servers: Servers) -> AsyncIterator[Callable[[], Store]]:
    """Stores as several processes would have them, in a database of their own; nothing follows by itself."""
    mongo = Mongo(servers.mongodb_uri, f"follow_{uuid4().hex[:8]}")
    await create_indexes(mongo)
    stores: list[Store] = []

    def another() -> Store:
        stores.append(Store.of(mongo, utc_now))
        stores[-1].changes.settle_seconds = PATIENCE
        return stores[-1]

    yield another
    for each in stores:
        await each.changes.drain()
    await mongo.close()


@pytest.fixture
def quiet(processes: Callable[[], Store]) -> Store:
    """A store whose process follows up nothing."""
    return processes()


@pytest.fixture
def living(processes: Callable[[], Store]) -> Store:
    """A store whose process follows up what it writes."""
    store = processes()
    store.changes.logged = Relay(store, Subscribers().publish, utc_now).logged
    return store


@pytest.fixture(scope="module")
async def plant(servers: Servers) -> AsyncIterator[Plant]:
    async with plant_of(servers) as plant:
        yield plant


@pytest.fixture
async def one(plant: Plant) -> Process:
    return plant.process()


@pytest.fixture
async def two(plant: Plant) -> Process:
    return plant.process()


@pytest.fixture
async def office(servers: Servers) -> AsyncIterator[Office]:
    async with office_of(servers) as office:
        yield office


@pytest.fixture
async def receiver() -> AsyncIterator[Partner]:
    async with listening() as receiver:
        yield receiver

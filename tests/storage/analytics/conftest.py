"""Reports are read in one way, whose both drivers the storage's own tests compare: here one of them is enough."""

from collections.abc import AsyncIterator

import pytest

from storage.indexes import create_indexes
from storage.mongo import Mongo
from tests.conftest import Servers


@pytest.fixture(scope="session")
async def mongo(servers: Servers) -> AsyncIterator[Mongo]:
    mongo = Mongo(servers.mongodb_uri, f"{servers.database}_storage")
    await create_indexes(mongo)
    yield mongo
    await mongo.close()

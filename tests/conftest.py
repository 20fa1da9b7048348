"""Real servers for every test: our own children, or those that MONGODB_URI and REDIS_URL name.

Tests are kept apart by tenants of their own, not by databases.
"""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings

from app.embedded import embedded
from app.wiring import utc_now
from storage.indexes import create_indexes
from storage.mongo import Mongo
from storage.store import Store

# A busy machine is no failure, and a run tries what the run before it tried: a change is not refused by chance.
settings.register_profile(
    "repeatable", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
# `make search`: examples that are new each time, each failure with the line that repeats it.
settings.register_profile("search", settings.get_profile("repeatable"), derandomize=False, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

# They take a minute or more each. Begun first, none of them is left to one process at the end of a run; those that kill
# busy processes take turns with those that keep one busy, since both at once would starve each other.
LONG = (
    "test_event_workers",
    "test_import_helpdesk",
    "test_handoff_workers",
    "test_concurrency",
    "test_handoff_crash",
    "test_webhook_crash",
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: LONG.index(item.path.stem) if item.path.stem in LONG else len(LONG))


@dataclass(frozen=True)
class Servers:
    mongodb_uri: str
    redis_url: str
    database: str


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """A MongoDB and a Redis for the whole run."""
    with ExitStack() as stack:
        uri, url = os.environ.get("MONGODB_URI"), os.environ.get("REDIS_URL")
        if uri is None or url is None:
            folder: Path = tmp_path_factory.mktemp("servers")
            own = stack.enter_context(embedded(folder))
            uri, url = own.mongodb_uri, own.redis_url
        yield Servers(uri, url, f"test_{uuid4().hex[:8]}")


@pytest.fixture(scope="session", params=["motor", "pymongo"])
async def mongo(servers: Servers, request: pytest.FixtureRequest) -> AsyncIterator[Mongo]:
    """The database through each of the two drivers."""
    mongo = Mongo(servers.mongodb_uri, servers.database, request.param)
    await create_indexes(mongo)
    yield mongo
    await mongo.close()


@pytest.fixture
def store(mongo: Mongo) -> Store:
    return Store.of(mongo, utc_now)


@pytest.fixture
def tenant() -> str:
    """A tenant that nobody else uses."""
    return f"t{uuid4().hex[:12]}"

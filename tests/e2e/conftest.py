"""One server process for the tests that only look from outside."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.conftest import Servers
from tests.e2e.harness import Client, Server, client, serving


@pytest.fixture(scope="session")
def server(servers: Servers) -> Iterator[Server]:
    with serving(servers, "--work") as server:
        yield server


@pytest.fixture
async def api(server: Server, tenant: str) -> AsyncIterator[Client]:
    """An administrator of a fresh tenant."""
    async with client(server.url, tenant) as api:
        yield api

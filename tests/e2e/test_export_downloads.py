"""Downloads from outside: those that break off, that nobody reads, and that are too many."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from domain.export import DownloadOutcome
from storage.store import Store
from tests.conftest import Servers
from tests.e2e.exporting import (
    SHOW,
    add_touchpoints,
    add_unreadable,
    address,
    behind,
    fetched,
    requested,
    take_events,
    tenant_of,
)
from tests.e2e.harness import BOUND, Client, Server, client, eventually, fresh, serving, socket

EVENTS, SIZE = 2_500, 10_000  # more than the buffers between a server and a client hold
CHANGES = """subscription($id: ID!) { exportChanges(id: $id) {
  state progress { download rows total outcome } } }"""


@pytest.fixture
async def store(servers: Servers) -> AsyncIterator[Store]:
    async with behind(servers) as store:
        yield store


@pytest.fixture
async def large(api: Client, store: Store) -> dict[str, Any]:
    """An export that no client can be sent at once."""
    await take_events(store, tenant_of(api), EVENTS, SIZE)
    return await requested(api, "EVENTS", format="JSONL", events={"types": ["crm:noted"]})


async def opened(stack: AsyncExitStack, api: Client, export: dict[str, Any]) -> httpx.Response:
    """An answer that has begun and is not read."""
    headers = api.headers | {"accept-encoding": "identity"}
    stream = api.http.stream("GET", address(api, export), headers=headers, timeout=BOUND)
    return await stack.enter_async_context(stream)


async def show(api: Client, export: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = (await api.ask(SHOW, id=export["id"]))["export"]
    return shown


async def test_what_goes_wrong_behind_the_first_byte_is_a_body_that_breaks_off(
    api: Client, store: Store
) -> None:
    for _ in range(2):
        await add_touchpoints(api, *({"title": f"{n}"} for n in range(60)))
    await add_unreadable(store, tenant_of(api))
    export = await requested(api, "TOUCHPOINTS")
    with pytest.raises(httpx.RemoteProtocolError, match="incomplete"):
        await fetched(api, export)
    shown = await show(api, export)
    assert (shown["state"], shown["failure"]) == ("FAILED", "Something went wrong here.")
    assert shown["progress"]["outcome"] == "FAILED"


async def test_a_client_that_leaves_is_noted(api: Client, large: dict[str, Any]) -> None:
    async with AsyncExitStack() as stack:
        answer = await opened(stack, api, large)
        await anext(answer.aiter_raw())

    async def ended() -> bool:
        return (await show(api, large))["progress"]["outcome"] is not None

    await eventually(ended, "the download is over")
    shown = await show(api, large)
    assert (shown["state"], shown["revision"]) == ("REQUESTED", 1)
    assert shown["progress"]["outcome"] == "LEFT"
    assert shown["progress"]["rows"] < EVENTS


async def test_a_server_that_is_stopped_says_so(
    servers: Servers, store: Store, large: dict[str, Any], api: Client
) -> None:
    tenant = tenant_of(api)
    with serving(servers) as own:
        async with AsyncExitStack() as stack:
            other = await stack.enter_async_context(client(own.url, tenant))
            await opened(stack, other, large)
            await asyncio.to_thread(own.stop)
    left = (await store.exports.get(large["id"], tenant)).progress
    assert left is not None
    assert (left.outcome, left.reason) == (DownloadOutcome.LEFT, "The server was stopped before the end.")


async def test_a_subscriber_sees_how_far_a_download_is(
    api: Client, server: Server, large: dict[str, Any]
) -> None:
    async with AsyncExitStack() as stack, socket(server.url, api.token) as connection:
        answer = await opened(stack, api, large)
        stream = await connection.subscribe(CHANGES, id=large["id"])
        rows = 0
        while not rows:
            told = (await stream.next())["data"]["exportChanges"]
            assert (told["state"], told["progress"]["outcome"]) == ("RUNNING", None)
            assert told["progress"]["total"] is None  # events are not counted
            rows = told["progress"]["rows"]
        assert rows < EVENTS
        download = told["progress"]["download"]
        assert len((await answer.aread()).splitlines()) == EVENTS
        while told["state"] != "COMPLETED":
            told = (await stream.next())["data"]["exportChanges"]
            assert told["progress"]["download"] == download
            assert told["progress"]["rows"] >= rows
            rows = told["progress"]["rows"]
        assert (told["progress"]["rows"], told["progress"]["outcome"]) == (EVENTS, "COMPLETED")


async def test_a_tenant_has_four_downloads_at_once(
    api: Client, server: Server, large: dict[str, Any]
) -> None:
    async with AsyncExitStack() as stack:
        answers = [await opened(stack, api, large) for _ in range(4)]
        refused = await fetched(api, large)
        assert (refused.status_code, int(refused.headers["retry-after"]) > 0) == (503, True)
        assert refused.json()["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
        async with client(server.url, fresh("other")) as other:
            assert (await fetched(other, await requested(other, "JOURNEYS"))).status_code == 200
        for answer in answers:
            assert len((await answer.aread()).splitlines()) == EVENTS
    assert (await fetched(api, large)).status_code == 200
    assert (await show(api, large))["revision"] == 2

"""The endpoint inside a process: what it accepts, how many it serves at once, and clients that take nothing."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.types import Message

from app.export import DOWNLOADS, DOWNLOADS_OF_A_TENANT, Exporting, Room, accepts_gzip
from app.graphql import build
from app.settings import Settings
from app.wiring import Runtime, new_id, running
from domain.errors import Unavailable
from domain.export import DownloadOutcome, Export, What
from domain.identity import Identity, Role
from resolvers.context import Context
from tests.app.exporting import exported, told
from tests.conftest import Servers
from tests.e2e.exporting import take_events
from tests.e2e.harness import SECRET, token
from tests.workers.test_timers import Clock


def test_a_tenant_has_a_few_downloads_at_once_and_leaves_room_for_others() -> None:
    room = Room()
    with ExitStack() as stack:
        for _ in range(DOWNLOADS_OF_A_TENANT):
            stack.enter_context(room.taken("a"))
        with pytest.raises(Unavailable), room.taken("a"):
            pass
        stack.enter_context(room.taken("b"))
    with room.taken("a"):
        pass


def test_a_process_has_some_downloads_at_once_whosever_they_are() -> None:
    room = Room()
    with ExitStack() as stack:
        for n in range(DOWNLOADS):
            stack.enter_context(room.taken(f"t{n}"))
        with pytest.raises(Unavailable), room.taken("another"):
            pass
    with room.taken("another"):
        pass


@pytest.mark.parametrize(
    ("header", "taken"),
    [
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("*", True),
        ("gzip;q=0", False),
        ("*, gzip; q=0.000", False),
        ("br", False),
        ("identity", False),
        ("", False),
    ],
)
def test_gzip_is_for_those_who_take_it(header: str, taken: bool) -> None:
    assert accepts_gzip([header]) is taken


def test_every_line_of_what_is_accepted_counts() -> None:
    assert accepts_gzip(["br", "gzip"])
    assert not accepts_gzip(["*", "gzip;q=0"])
    assert not accepts_gzip([])


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def runtime(servers: Servers, clock: Clock) -> AsyncIterator[Runtime]:
    settings = Settings(
        database=servers.database,
        mongodb_uri=servers.mongodb_uri,
        redis_url=servers.redis_url,
        jwt_secret=SecretStr(SECRET),
    )
    async with running(settings, now=clock, serve=False) as runtime:
        yield runtime


@pytest.fixture
def context(runtime: Runtime, tenant: str) -> Context:
    context = runtime.context(new_id())
    context.known = Identity(tenant, "ann", frozenset((Role.VIEWER,)))
    return context


def asking(export: Export) -> dict[str, Any]:
    """A request for an export, by a viewer."""
    authorization = (b"authorization", f"Bearer {token(export.tenant_id, Role.VIEWER)}".encode())
    return {
        "type": "http",
        "method": "GET",
        "path": "/",
        "query_string": b"",
        "headers": [authorization],
        "path_params": {"id": export.id},
    }


async def stays() -> Message:
    """What a client tells that waits for the end."""
    await asyncio.Event().wait()
    raise AssertionError("it never leaves")


async def test_a_client_that_takes_nothing_is_given_up_and_makes_room(
    runtime: Runtime, context: Context
) -> None:
    sent: list[str] = []

    async def send(message: Message) -> None:
        sent.append(message["type"])
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    export = await exported(context, What.EVENTS)
    exporting = Exporting(build(), runtime, stall=0.05)
    for _ in range(DOWNLOADS_OF_A_TENANT + 1):
        sent.clear()
        await exporting(asking(export), stays, send)
        assert sent == ["http.response.start", "http.response.body"]
        left = await told(context, export)
        assert (left.outcome, left.reason) == (DownloadOutcome.LEFT, "The client took nothing for 0.05 s.")


async def test_a_download_goes_on_when_its_token_ends(
    runtime: Runtime, context: Context, clock: Clock
) -> None:
    await take_events(context.store, context.identity.tenant_id, 300, 1_000)
    export, body = await exported(context, What.EVENTS), bytearray()

    async def send(message: Message) -> None:
        clock.at += timedelta(hours=2)
        body.extend(message.get("body", b""))

    exporting = Exporting(build(), runtime)
    await exporting(asking(export), stays, send)
    assert len(body.splitlines()) == 301
    assert (await told(context, export)).outcome is DownloadOutcome.COMPLETED
    body.clear()
    await exporting(asking(export), stays, send)
    assert json.loads(body)["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"

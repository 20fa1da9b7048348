"""The endpoint inside a process: what it accepts, how many it serves at once, and clients that take nothing."""

import asyncio
from contextlib import ExitStack

import pytest
from pydantic import SecretStr
from starlette.types import Message

from app.export import DOWNLOADS, DOWNLOADS_OF_A_TENANT, Exporting, Room, accepts_gzip
from app.graphql import build
from app.settings import Settings
from app.wiring import new_id, running
from domain.errors import Unavailable
from domain.export import DownloadOutcome, What
from domain.identity import Identity, Role
from tests.app.exporting import exported, told
from tests.conftest import Servers
from tests.e2e.harness import SECRET, token


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


async def test_a_client_that_takes_nothing_is_given_up_and_makes_room(servers: Servers, tenant: str) -> None:
    settings = Settings(
        database=servers.database,
        mongodb_uri=servers.mongodb_uri,
        redis_url=servers.redis_url,
        jwt_secret=SecretStr(SECRET),
    )
    sent: list[Message] = []

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError("nobody leaves")

    async def send(message: Message) -> None:
        sent.append(message)
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    async with running(settings, serve=False) as runtime:
        context = runtime.context(new_id())
        context.known = Identity(tenant, "ann", frozenset((Role.VIEWER,)))
        export = await exported(context, What.EVENTS)
        exporting = Exporting(build(), runtime, stall=0.05)
        authorization = (b"authorization", f"Bearer {token(tenant, Role.VIEWER)}".encode())
        scope = {
            "type": "http",
            "method": "GET",
            "headers": [authorization],
            "path": "/",
            "query_string": b"",
        }
        for _ in range(DOWNLOADS_OF_A_TENANT + 1):
            sent.clear()
            await exporting(scope | {"path_params": {"id": export.id}}, receive, send)
            assert [each["type"] for each in sent] == ["http.response.start", "http.response.body"]
            left = await told(context, export)
            assert (left.outcome, left.reason) == (
                DownloadOutcome.LEFT,
                "The client took nothing for 0.05 s.",
            )

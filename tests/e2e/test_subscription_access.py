"""Who may listen, for how long, and how a server with listeners bears odd clients, an absent Redis and its own end."""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin, Subprotocol

from domain.identity import Role
from tests.conftest import Servers
from tests.e2e.harness import BOUND, SECRET, Client, Server, client, eventually, fresh, serving, socket, token
from tests.e2e.watching import TRANSPORTS, EventStream, event_stream, prompted, refused, watching

LIST = "subscription { journeyChanges { kind journey { id } } }"
FOREIGN, FRIENDLY = "https://evil.example", "https://console.example"
SEVERAL = pytest.mark.parametrize("transport", TRANSPORTS)
BRIEFLY, QUICKLY = timedelta(seconds=6), 12.0


@pytest.fixture(scope="module")
def friendly(servers: Servers) -> Iterator[Server]:
    """A server that lets pages of one other origin in."""
    with serving(servers, JOURNEYS_ALLOWED_ORIGINS=FRIENDLY) as server:
        yield server


async def may_open(url: str, origin: str) -> bool:
    """Whether a page of this origin gets a socket."""
    protocols = [Subprotocol("graphql-transport-ws")]
    try:
        async with connect(url.replace("http", "ws", 1), subprotocols=protocols, origin=Origin(origin)):
            return True
    except InvalidStatus as refusal:
        return refusal.response.status_code != 403


async def may_stream(api: Client, origin: str) -> bool:
    """Whether a page of this origin gets server-sent events."""
    async with event_stream(api, LIST, {"origin": origin}) as answer:
        if answer.status_code == 200:
            return True
        assert answer.status_code == 403
        assert json.loads(await answer.aread())["errors"][0]["extensions"]["code"] == "FORBIDDEN"
        return False


async def test_pages_of_other_origins_are_refused(server: Server, api: Client) -> None:
    own = server.url.removesuffix("/graphql")
    assert await may_open(server.url, own)
    assert await may_stream(api, own)
    for origin in (FOREIGN, FRIENDLY, "null"):
        assert not await may_open(server.url, origin)
        assert not await may_stream(api, origin)


async def test_pages_of_an_allowed_origin_are_let_in(friendly: Server, tenant: str) -> None:
    async with client(friendly.url, tenant) as api:
        assert await may_open(friendly.url, FRIENDLY)
        assert await may_stream(api, FRIENDLY)
        assert not await may_open(friendly.url, FOREIGN)
        assert not await may_stream(api, FOREIGN)


@pytest.mark.parametrize("accept", ["TEXT/EVENT-STREAM", "application/json, Text/Event-Stream;q=0.5"])
async def test_no_spelling_of_the_media_type_gets_round_the_rules(api: Client, accept: str) -> None:
    async with event_stream(api, LIST, {"origin": FOREIGN, "accept": accept}) as answer:
        assert answer.status_code == 403
    got = api.http.stream("GET", api.url, params={"query": LIST}, headers=api.headers | {"accept": accept})
    async with got as answer:
        assert answer.status_code == 405


async def test_the_legacy_protocol_is_refused(server: Server) -> None:
    with pytest.raises(ConnectionClosed) as closed:
        async with connect(
            server.url.replace("http", "ws", 1), subprotocols=[Subprotocol("graphql-ws")]
        ) as connection:
            await asyncio.wait_for(connection.recv(), BOUND)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4406


async def test_an_expired_token_opens_no_socket(server: Server, tenant: str) -> None:
    past = int(time.time()) - 10
    expired = jwt.encode({"tenant": tenant, "sub": "ann", "roles": ["admin"], "exp": past}, SECRET, "HS256")
    with pytest.raises(ConnectionClosed) as closed:
        async with socket(server.url, expired):
            pass
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4403


async def test_a_socket_ends_with_its_token(server: Server, api: Client, tenant: str) -> None:
    brief = token(tenant, Role.ADMIN, lifetime=BRIEFLY)
    began = time.monotonic()
    async with socket(server.url, brief) as opened:
        stream = await opened.subscribe(LIST)
        await opened.connection.wait_closed()
        assert opened.connection.close_code == 4403
        assert time.monotonic() - began < QUICKLY
        await api.start()
        messages = [stream.messages.get_nowait() for _ in range(stream.messages.qsize())]
        assert not any(message.get("data") for message in messages)


async def test_a_stream_of_events_ends_with_its_token(server: Server, api: Client, tenant: str) -> None:
    brief = Client(api.http, server.url, token(tenant, Role.ADMIN, lifetime=BRIEFLY))
    async with watching("sse", brief, LIST) as stream, watching("sse", api, LIST) as lasting:
        assert await refused(stream) == "UNAUTHENTICATED"
        await live(api, lasting)


async def here(api: Client) -> str:
    """The end of the feed, once there is one."""
    found: list[str | None] = [None]

    async def known() -> bool:
        found[0] = (await api.ask("{ journeys(first: 1) { liveCursor } }"))["journeys"]["liveCursor"]
        return found[0] is not None

    await eventually(known, "the feed is there")
    return str(found[0])


async def live(api: Client, stream: Any) -> None:
    """A subscription is told what happens."""
    started: set[str] = set()
    heard = ""

    async def begins() -> None:
        started.add((await api.start(context={"ticketId": fresh()}))["id"])

    while heard not in started:
        heard = (await prompted(stream.next(), begins))["data"]["journeyChanges"]["journey"]["id"]


@contextmanager
def logging_server(servers: Servers, log: Path) -> Iterator[Server]:
    """A server whose log can be read."""
    journeys = Path(sys.executable).parent / "journeys"
    with serving(servers, program=["sh", "-c", f"exec {journeys} serve --port 0 2>{log}"]) as server:
        yield server


async def test_clients_that_tear_off_or_send_nonsense_leave_no_trace_in_the_log(
    servers: Servers, tmp_path: Path, tenant: str
) -> None:
    log = tmp_path / "log"
    with logging_server(servers, log) as server:
        async with client(server.url, tenant) as api:
            for odd in ("{", "[]", "1", '{"type": "dance"}', '{"type": "subscribe", "id": []}', b"\x00"):
                async with socket(server.url, api.token) as opened:
                    await opened.subscribe(LIST)
                    await opened.connection.send(odd)
                    await opened.connection.wait_closed()
                    assert opened.connection.close_code == 4400
            for _ in range(10):
                async with socket(server.url, api.token) as opened:
                    stream = await opened.subscribe(LIST)
                    await live(api, stream)
                    opened.connection.transport.abort()
                async with event_stream(api, LIST) as answer:
                    await live(api, EventStream(answer))
            await api.start(context={"ticketId": "last"})
        server.stop()
    assert "Traceback" not in log.read_text(), log.read_text()
    assert "ERROR" not in log.read_text(), log.read_text()


async def test_a_server_with_listeners_ends_in_good_order(
    servers: Servers, tmp_path: Path, tenant: str
) -> None:
    log = tmp_path / "log"
    with logging_server(servers, log) as server:
        async with client(server.url, tenant) as api:  # noqa: SIM117  # the inner one asks the outer one
            async with watching("websocket", api, LIST, after=await here(api)) as stream:
                await live(api, stream)
                began = time.monotonic()
                await asyncio.to_thread(server.stop)
                assert time.monotonic() - began < 10
        assert server.process.returncode in (0, -15)
    assert "Traceback" not in log.read_text(), log.read_text()

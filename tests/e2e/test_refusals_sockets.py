"""Odd frames, odd operations and too many of them on a socket."""

import asyncio
import json
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from tests.e2e.harness import BOUND, Client, Server, Stream, fresh, socket
from tests.e2e.refusals import clean, codes, send
from tests.e2e.watching import prompted

VIEWER = "{ viewer { tenantId } }"


def _subscribe(**more: Any) -> str:
    return json.dumps({"type": "subscribe", "id": "1", "payload": {"query": VIEWER}} | more)


FRAMES = [
    "5",
    "null",
    "[]",
    "{",
    "",
    "{}",
    '{"type": 5}',
    '{"type": {}}',
    '{"type": "nothing"}',
    '{"type": "subscribe"}',
    '{"type": "connection_init"}',
    '{"type": "complete"}',
    '{"type": "complete", "id": {}}',
    b"\x00",
    _subscribe(id={}),
    _subscribe(id=[1]),
    _subscribe(payload=5),
    _subscribe(payload=None),
    _subscribe(payload={}),
    _subscribe(payload={"query": 5}),
    _subscribe(payload={"query": VIEWER, "variables": []}),
    _subscribe(payload={"query": VIEWER, "operationName": 5}),
]


@pytest.mark.parametrize("frame", FRAMES, ids=str)
async def test_an_odd_frame_closes_its_socket_with_a_code(
    server: Server, api: Client, frame: str | bytes
) -> None:
    async with socket(server.url, api.token) as opened:
        if opened._reading is not None:
            opened._reading.cancel()
        await opened.connection.send(frame)
        await asyncio.wait_for(opened.connection.wait_closed(), BOUND)
        assert opened.connection.close_code in range(4400, 4500)
        clean(json.dumps({"reason": opened.connection.close_reason}))
    assert codes(await send(api, VIEWER)) == []


@pytest.mark.parametrize(
    "payload",
    [
        {"query": VIEWER, "operationName": "Other"},
        {"query": ""},
        {"query": "fragment F on Query { viewer { tenantId } }"},
    ],
    ids=str,
)
async def test_an_operation_that_is_not_there_is_a_bad_request(
    server: Server, api: Client, payload: dict[str, Any]
) -> None:
    async with socket(server.url, api.token) as opened:
        if opened._reading is not None:
            opened._reading.cancel()
        await opened.connection.send(_subscribe(payload=payload))
        told = json.loads(await asyncio.wait_for(opened.connection.recv(), BOUND))
        assert (told["type"], codes({"errors": told["payload"]})) == ("error", ["BAD_REQUEST"])
        clean(json.dumps(told))


async def told_of(stream: Stream, subject: str) -> str:
    """The cursor of the change by which a stream is told of it."""
    while True:
        change = (await stream.next())["data"]["events"]
        if any(event["subject"] == subject for event in change["events"]):
            return str(change["cursor"])


async def test_a_socket_has_at_most_100_subscriptions(server: Server, api: Client) -> None:
    async with socket(server.url, api.token) as opened:
        events = "subscription { events { cursor events { subject } } }"
        *streams, late = [await opened.subscribe(events) for _ in range(101)]
        told = await late.next()
        assert codes(told) == ["LIMIT_EXCEEDED"]
        clean(json.dumps(told))

        async def begins() -> str:
            return str((await api.start(context={"ticketId": fresh()}))["id"])

        await prompted(asyncio.gather(*(stream.next() for stream in streams)), begins)
        last = await begins()
        assert len({await told_of(stream, last) for stream in streams}) == 1


@pytest.mark.parametrize("token", ["garbled", "", "a.b.c"])
async def test_a_socket_without_a_valid_token_is_closed(server: Server, token: str) -> None:
    with pytest.raises(ConnectionClosed) as closed:
        async with socket(server.url, token or None):
            pass
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4403
    clean(json.dumps({"reason": closed.value.rcvd.reason}))

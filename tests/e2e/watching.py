"""A subscription from outside, over either transport: graphql-transport-ws or server-sent events."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeVar

import httpx

from tests.e2e.harness import BOUND, Client, socket

TRANSPORTS = ("websocket", "sse")
T = TypeVar("T")


class Watching(Protocol):
    async def next(self, bound: float = BOUND) -> dict[str, Any]: ...


class EventStream:
    """The server-sent events of one answer."""

    def __init__(self, answer: httpx.Response) -> None:
        self._lines = answer.aiter_lines()

    async def next(self, bound: float = BOUND) -> dict[str, Any]:
        """The next payload, or `{"complete": True}` at the end, said or not."""
        event = ""
        async with asyncio.timeout(bound):
            async for line in self._lines:
                if line.startswith("event: "):
                    event = line.removeprefix("event: ")
                elif line.startswith("data: ") and event == "next":
                    payload: dict[str, Any] = json.loads(line.removeprefix("data: "))
                    return payload
                elif line.startswith("data:") and event == "complete":
                    break
        return {"complete": True}


@asynccontextmanager
async def event_stream(
    api: Client, query: str, headers: dict[str, str] | None = None, **variables: Any
) -> AsyncIterator[httpx.Response]:
    """The answer to a subscription by POST that asks for server-sent events."""
    wanted = api.headers | {"accept": "text/event-stream"} | (headers or {})
    body = {"query": query, "variables": variables}
    async with api.http.stream("POST", api.url, json=body, headers=wanted, timeout=BOUND) as answer:
        yield answer


@asynccontextmanager
async def watching(transport: str, api: Client, query: str, **variables: Any) -> AsyncIterator[Watching]:
    if transport == "sse":
        async with event_stream(api, query, **variables) as answer:
            assert answer.status_code == 200, await answer.aread()
            yield EventStream(answer)
    else:
        async with socket(api.url, api.token) as opened:
            yield await opened.subscribe(query, **variables)


async def told(stream: Watching, field: str) -> dict[str, Any]:
    """What the next message says."""
    payload = await stream.next()
    assert "errors" not in payload, payload
    found: dict[str, Any] = payload["data"][field]
    return found


async def prompted(news: Awaitable[T], prompt: Callable[[], Awaitable[object]]) -> T:
    """The first news of a subscription. Prompted until it comes: without a cursor, what was before is not told."""
    waiting = asyncio.ensure_future(news)
    try:
        while not waiting.done():
            await prompt()
            await asyncio.wait({waiting}, timeout=0.2)
        return waiting.result()
    finally:
        waiting.cancel()


async def refused(stream: Watching) -> str:
    """The code of the error that is all there is."""
    payload = await stream.next()
    [error] = payload["errors"]
    assert payload["data"] is None
    return str(error["extensions"]["code"])

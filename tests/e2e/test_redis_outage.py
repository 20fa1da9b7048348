"""Redis dies under load for some seconds: changes are accepted meanwhile, and afterwards every subscriber has all."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from app.embedded import RedisChild
from tests.conftest import Servers
from tests.e2e.harness import Client, Server, Socket, Stream, client, eventually, fresh, serving, socket
from tests.e2e.watching import prompted

WATCH = """subscription($after: String) { journeyChanges(after: $after) {
  kind reset cursor journey { id } events { revision n } } }"""
AWAY, BEFORE, AFTER = 8.0, 1.0, 2.0
SLOWEST = 6.0  # a mutation waits up to 2 s for its events to be in the log, and never for Redis


@dataclass
class World:
    redis: RedisChild
    servers: list[Server]
    sockets: list[Socket]
    api: Client


@asynccontextmanager
async def world(servers: Servers, folder: Path) -> AsyncIterator[World]:
    """Two server processes on a Redis of their own, a socket to each."""
    async with AsyncExitStack() as stack:
        redis = stack.enter_context(RedisChild(folder))
        mine = Servers(servers.mongodb_uri, redis.url, f"outage_{uuid4().hex[:8]}")
        running = [stack.enter_context(serving(mine, "--work")) for _ in range(2)]
        api = await stack.enter_async_context(client(running[0].url, fresh()))
        sockets = [await stack.enter_async_context(socket(each.url, api.token)) for each in running]
        yield World(redis, running, sockets, api)


async def work(api: Client, until: float, revisions: dict[str, int], slowest: list[float]) -> None:
    """Start journeys and advance them to the end of the time; every one must be accepted."""
    while time.monotonic() < until:
        began = time.monotonic()
        journey = await api.start(context={"ticketId": fresh()})
        slowest.append(time.monotonic() - began)
        revisions[journey["id"]] = 1
        for _ in range(2):
            began = time.monotonic()
            advanced = await api.do("advanceJourney", id=journey["id"])
            slowest.append(time.monotonic() - began)
            assert advanced["userErrors"] == []
            revisions[journey["id"]] = advanced["journey"]["revision"]


async def told(stream: Stream, revisions: dict[str, int]) -> dict[str, list[int]]:
    """What a subscriber is told until it has been told of the last revision of each journey."""
    seen: dict[str, list[int]] = {}
    while any(seen.get(id, [0])[-1] < revision for id, revision in revisions.items()):
        payload = await stream.next(30)
        assert "errors" not in payload, payload
        change = payload["data"]["journeyChanges"]
        assert not change["reset"]
        seen.setdefault(change["journey"]["id"], []).append(change["events"][0]["revision"])
    return seen


@pytest.mark.parametrize("forgets", [False, True], ids=["with its data", "empty"])
async def test_nobody_misses_a_change_when_redis_comes_back(
    servers: Servers, tmp_path: Path, forgets: bool
) -> None:
    async with world(servers, tmp_path / "redis") as w:
        begin = (await w.api.ask("{ journeys { liveCursor } }"))["journeys"]["liveCursor"]
        streams = [await opened.subscribe(WATCH, after=begin) for opened in w.sockets]
        streams += [await opened.subscribe(WATCH) for opened in w.sockets]
        started: list[str] = []

        async def begins() -> None:
            started.append((await w.api.start(context={"ticketId": fresh()}))["id"])

        for first in await prompted(asyncio.gather(*(stream.next() for stream in streams)), begins):
            assert first["data"]["journeyChanges"]["journey"]["id"] in started

        revisions: dict[str, int] = {}
        slowest: list[float] = []
        until = time.monotonic() + BEFORE + AWAY + AFTER
        clients = [asyncio.create_task(work(w.api, until, revisions, slowest)) for _ in range(3)]
        await asyncio.wait(clients, timeout=BEFORE)
        await asyncio.to_thread(w.redis.kill)
        if forgets:
            shutil.rmtree(tmp_path / "redis" / "redis", ignore_errors=True)
        await asyncio.wait(clients, timeout=AWAY)
        assert (await w.api.ask("{ journeys { liveCursor } }"))["journeys"]["liveCursor"] is None
        await asyncio.to_thread(w.redis.start)
        await asyncio.gather(*clients)

        assert max(slowest) < SLOWEST
        for stream in streams:
            seen = await told(stream, revisions)
            assert {id: seen[id] for id in revisions} == {
                id: list(range(1, revision + 1)) for id, revision in revisions.items()
            }

        async def idle() -> bool:
            return bool((await w.api.ask("{ relayStatus { pending } }"))["relayStatus"]["pending"] == 0)

        await eventually(idle, "the relay at rest")
        late = await w.sockets[0].subscribe(WATCH, after=begin)
        assert (await late.next())["data"]["journeyChanges"]["reset"], (
            "another run of Redis has no such cursor"
        )

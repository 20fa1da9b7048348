"""Whatever happens to Redis, who listens hears every change once and in order; nothing but latency shows."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from app.embedded import RedisChild
from app.wiring import utc_now
from domain.errors import Unavailable
from storage.entries import entry_documents
from storage.indexes import create_indexes
from storage.mongo import connected
from storage.store import Store
from subscriptions.broker import Broker
from subscriptions.feed import SUBSCRIBE_SECONDS, Feed
from tests.conftest import Servers
from tests.e2e.harness import eventually, fresh
from tests.subscriptions.proxy import Wire
from tests.subscriptions.wire import (
    Listener,
    Service,
    Teller,
    change,
    check_once_in_order,
    running,
    serving,
    start,
)

LISTENERS = 5
SOON = SUBSCRIBE_SECONDS + 3.5  # the rest is for a busy machine


@pytest.fixture
async def service(servers: Servers, redis: RedisChild) -> AsyncIterator[Service]:
    """A server with a log and a Redis of its own."""
    broker = Broker(redis.url)
    async with connected(servers.mongodb_uri, fresh("outage")) as mongo:
        await create_indexes(mongo)
        async with serving(broker, Store.of(mongo, utc_now)) as service:
            yield service
    await broker.close()


@pytest.fixture
async def feed(service: Service) -> AsyncIterator[Feed]:
    async with running(service.broker, service.store) as feed:
        yield feed


@asynccontextmanager
async def under_load(service: Service, feed: Feed, tenant: str) -> AsyncIterator[list[Listener]]:
    """Listeners of a busy tenant; at the end each has heard every change once and in order."""
    for _ in range(3):
        await service.change(tenant, "old")
    cursor = await settled(service, feed, tenant, 3)
    listeners = [Listener(feed, tenant, cursor) for _ in range(LISTENERS)]
    stop = asyncio.Event()
    for listener in listeners:
        await listener.__aenter__()
    pouring = asyncio.create_task(service.pour(tenant, 5, stop))
    try:
        await listeners[0].has(20)
        yield listeners
        before = len(listeners[0].heard)
        await listeners[0].has(before + 10)
        stop.set()
        await pouring
        for listener in listeners:
            await listener.has(service.made(tenant) - 3)
            check_once_in_order(listener.heard)
            assert not any(subject.endswith(".old") for subject, _ in listener.heard)
            assert listener.resets == 0
    finally:
        stop.set()
        await asyncio.gather(pouring, return_exceptions=True)
        for listener in listeners:
            await listener.__aexit__()


async def settled(service: Service, feed: Feed, tenant: str, count: int) -> str:
    """The cursor once so many changes are out."""

    async def out() -> bool:
        tail = await service.broker.tail(tenant)
        return len([each async for each in service.broker.read(tenant, tail.run, "0-0")]) == count

    await eventually(out, "the changes are out")
    cursor = await feed.cursor(tenant)
    assert cursor is not None
    return cursor


async def test_a_dropped_connection_costs_nobody_a_change(
    service: Service, feed: Feed, redis: RedisChild, tenant: str
) -> None:
    async with under_load(service, feed, tenant) as listeners, Redis.from_url(redis.url) as client:
        for _ in range(5):
            await client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
            await listeners[0].has(len(listeners[0].heard) + 10)


async def test_a_redis_that_is_killed_and_comes_back_costs_nobody_a_change(
    service: Service, feed: Feed, redis: RedisChild, tenant: str
) -> None:
    async with under_load(service, feed, tenant):
        for _ in range(2):
            redis.kill()
            await asyncio.to_thread(redis.start)


async def test_a_redis_that_comes_back_empty_costs_nobody_a_change(
    service: Service, feed: Feed, redis: RedisChild, tenant: str
) -> None:
    async with under_load(service, feed, tenant):
        redis.kill()
        forget(redis)
        await asyncio.to_thread(redis.start)


async def test_a_redis_that_is_emptied_while_it_runs_costs_nobody_a_change(
    service: Service, feed: Feed, redis: RedisChild, tenant: str
) -> None:
    async with under_load(service, feed, tenant), Redis.from_url(redis.url) as client:
        await client.flushall()


async def test_a_redis_that_stands_still_for_a_while_costs_nobody_a_change(
    service: Service, feed: Feed, redis: RedisChild, tenant: str
) -> None:
    assert redis.pid is not None
    async with under_load(service, feed, tenant):
        os.kill(redis.pid, signal.SIGSTOP)
        try:
            async with Listener(feed, tenant):  # gives up while it subscribes
                await asyncio.sleep(2.5)
        finally:
            os.kill(redis.pid, signal.SIGCONT)


async def test_while_redis_is_away_listeners_are_refused_soon_and_can_leave(
    service: Service, feed: Feed, redis: RedisChild, tenant: str
) -> None:
    async with Listener(feed, tenant) as listening:
        await start(listening, Teller(service.broker, service.store, tenant))
        redis.kill()

        async def refused() -> bool:
            """A listener may just have slipped in."""
            async with asyncio.timeout(2 * SOON), Listener(feed, tenant) as late:
                await late.ended(SOON)
            return isinstance(late.error, Unavailable)

        await eventually(refused, "listeners are refused")
        async with Listener(feed, f"{tenant}x") as other:
            assert isinstance(await other.ended(SOON), Unavailable)
    redis.start()

    async def again() -> bool:
        async with Listener(feed, tenant) as listener:
            try:
                await start(listener, Teller(service.broker, service.store, tenant))
            except (AssertionError, Unavailable):
                return False
        return True

    await eventually(again, "it can be listened to again")


async def test_a_gap_is_filled_in_order_although_the_clocks_of_the_processes_differ(
    service: Service, feed: Feed, redis: RedisChild, tenant: str
) -> None:
    await service.change(tenant, "a")
    cursor = await settled(service, feed, tenant, 1)
    async with Listener(feed, tenant, cursor) as listener:
        await service.change(tenant, "a")
        await listener.has(1)
        redis.kill()
        for revision, recorded in ((3, timedelta()), (4, timedelta(seconds=-3))):
            made = [replace(each, recorded_at=utc_now() + recorded) for each in change(tenant, "a", revision)]
            await service.store.events.append(entry_documents(made))
        forget(redis)
        redis.start()
        await listener.has(3)
    assert [revision for _, revision in listener.heard] == [2, 3, 4]


async def test_a_connection_that_dies_without_a_word_is_noticed_by_its_silence(
    service: Service, redis: RedisChild, tenant: str
) -> None:
    async with Wire(redis.port) as wire:
        broker = Broker(wire.url)
        async with running(broker, service.store) as feed, Listener(feed, tenant) as listener:
            await start(listener, Teller(service.broker, service.store, tenant))
            wire.freeze()
            for _ in range(10):
                await service.change(tenant, "a")
            await listener.has(10)
            check_once_in_order(listener.heard)
        await broker.close()


async def test_a_cursor_from_before_a_restart_gives_one_reset_then_live_changes(
    service: Service, feed: Feed, redis: RedisChild, tenant: str
) -> None:
    await service.change(tenant, "a")
    cursor = await settled(service, feed, tenant, 1)
    redis.kill()
    redis.start()
    async with Listener(feed, tenant, cursor) as listener:

        async def reset() -> bool:
            return listener.resets == 1

        await eventually(reset, "the reset")
        await service.change(tenant, "a")
        await listener.has(1)
    assert listener.heard == [(f"{tenant}.a", 2)]
    assert listener.resets == 1


def forget(redis: RedisChild) -> None:
    """Take a stopped Redis its data."""
    for file in redis.folder.rglob("*aof*"):
        if file.is_file():
            file.unlink()

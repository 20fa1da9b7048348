"""Timers act once however many workers look, on a clock that is passed in; a pause keeps the time that was left."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from app.wiring import utc_now
from domain import steer, walk
from domain.journey import Status
from domain.paging import Page
from storage.indexes import create_indexes
from storage.mongo import Mongo
from storage.store import Store
from tests.conftest import Servers
from tests.domain.samples import definition, step
from tests.storage.subjects import cause, follow, start
from workers.timers import Timers

HOUR = timedelta(hours=1)
LIMITED = definition(step("dig", 1, max_duration=HOUR), step("connect", 2))


class Clock:
    """Time as the test says."""

    def __init__(self) -> None:
        self.at = utc_now()

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(servers: Servers, clock: Clock) -> AsyncIterator[Store]:
    """A database of its own: other tests' journeys must not be timed out."""
    mongo = Mongo(servers.mongodb_uri, f"timers_{uuid4().hex[:8]}")
    await create_indexes(mongo)
    store = Store.of(mongo, clock)
    yield store
    await store.changes.drain()
    await mongo.close()


async def test_a_step_times_out_once_with_two_workers(store: Store, clock: Clock, tenant: str) -> None:
    journey = await start(store, await follow(store, tenant, LIMITED), at=clock())
    other = Store.of(store.mongo, clock)
    workers = [Timers(store, clock), Timers(other, clock)]
    assert [await each.poll() for each in workers] == [0, 0]
    clock.at += HOUR
    await asyncio.gather(*(each.poll() for each in workers))
    failed = await store.journeys.get(journey.id, tenant)
    assert (failed.status, failed.revision, failed.due_at) == (Status.FAILED, 2, None)
    history = await store.events.history(journey.id, Page.of(first=100))
    assert [event.type for event in history.items][-2:] == ["journey:step_timed_out", "journey:failed"]
    assert [await each.poll() for each in workers] == [0, 0]
    await other.changes.drain()


async def test_a_pause_keeps_the_time_that_was_left(store: Store, clock: Clock, tenant: str) -> None:
    journey = await start(store, await follow(store, tenant, LIMITED), at=clock())
    timers = Timers(store, clock)
    clock.at += HOUR / 4
    await store.journeys.change(journey.id, tenant, lambda j, _, at: steer.pause(j, at=at), cause())
    clock.at += 10 * HOUR
    assert await timers.poll() == 0
    await store.journeys.change(journey.id, tenant, lambda j, d, at: steer.resume(j, d, at=at), cause())
    clock.at += HOUR / 2
    assert await timers.poll() == 0
    clock.at += HOUR / 4
    assert await timers.poll() == 1
    assert (await store.journeys.get(journey.id, tenant)).status is Status.FAILED


async def test_a_retried_step_has_its_whole_time_again(store: Store, clock: Clock, tenant: str) -> None:
    journey = await start(store, await follow(store, tenant, LIMITED), at=clock())
    timers = Timers(store, clock)
    clock.at += HOUR
    await timers.poll()
    await store.journeys.change(journey.id, tenant, lambda j, d, at: walk.retry(j, d, at=at), cause())
    clock.at += HOUR / 2
    assert await timers.poll() == 0
    clock.at += HOUR / 2
    assert await timers.poll() == 1
    assert (await store.journeys.get(journey.id, tenant)).current.visit == 2


async def test_a_step_left_in_time_never_times_out(store: Store, clock: Clock, tenant: str) -> None:
    journey = await start(store, await follow(store, tenant, LIMITED), at=clock())
    await store.journeys.change(journey.id, tenant, lambda j, d, at: walk.advance(j, d, at=at), cause())
    clock.at += 2 * HOUR
    assert await Timers(store, clock).poll() == 0
    assert (await store.journeys.get(journey.id, tenant)).status is Status.ACTIVE

"""The relay's sweeps: what others left behind is done once, and what fails holds nobody up."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import pytest

from app.wiring import utc_now
from domain.errors import Unavailable
from domain.events import Envelope
from domain.isp.templates import CUSTOMER_ONBOARDING
from domain.touchpoint import RecordFilter
from storage.indexes import create_indexes
from storage.mongo import Mongo
from storage.store import Store
from tests.conftest import Servers
from tests.storage.subjects import THREE_STEPS, cause, count_up, crash, follow, start
from workers.publishing import Publishing
from workers.relay import Relay

LATER = timedelta(minutes=1)


@dataclass(frozen=True)
class Published:
    outcome: str = "published"
    last: int | None = None


class Subscribers:
    """Whoever is told: remembers it, and can be away or choke on a subject."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int]] = []
        self.away = False
        self.chokes_on: str | None = None

    async def publish(self, events: list[Envelope], _: int | None) -> Published:
        if self.away:
            raise Unavailable("away")
        if events[0].subject == self.chokes_on:
            raise ValueError("cannot be told")
        change = (events[0].subject, events[0].revision)
        if change in self.told:
            return Published("old", change[1])
        self.told.append(change)
        return Published()


@pytest.fixture
async def make(servers: Servers) -> AsyncIterator[Callable[[], Store]]:
    """Stores as several processes would have them, in a database of their own."""
    mongo = Mongo(servers.mongodb_uri, f"relay_{uuid4().hex[:8]}")
    await create_indexes(mongo)
    stores: list[Store] = []

    def another() -> Store:
        stores.append(Store.of(mongo, utc_now))
        return stores[-1]

    yield another
    for each in stores:
        await each.changes.drain()
    await mongo.close()


def sweeper(store: Store, subscribers: Subscribers, later: timedelta = LATER) -> Relay:
    """A worker to whom everything seems to have waited for a minute."""
    relay = Relay(store, subscribers.publish, lambda: utc_now() + later)
    store.changes.logged = relay.logged
    return relay


async def left_behind(store: Store, tenant: str) -> str:
    """A journey whose process died after the write."""
    template = await follow(store, tenant, THREE_STEPS)
    store.changes.written = crash
    journey = await start(store, template)
    return journey.id


async def test_two_sweeps_at_once_do_what_was_left_behind_once(
    make: Callable[[], Store], tenant: str
) -> None:
    id = await left_behind(make(), tenant)
    subscribers, stores = Subscribers(), [make(), make()]
    workers = [sweeper(each, subscribers) for each in stores]
    await asyncio.gather(*(each.sweep_once() for each in workers))
    await asyncio.gather(*(each.sweep_once() for each in workers))
    assert subscribers.told.count((id, 1)) == 1
    assert await stores[0].changes.outboxes.waiting(utc_now() + LATER) == 0
    assert (await stores[0].events.backlog()).entries == 0


async def test_what_follows_is_written_once_by_whoever_comes_first(
    make: Callable[[], Store], tenant: str
) -> None:
    store = make()
    template = await store.templates.startable(tenant, CUSTOMER_ONBOARDING.template_id, None)
    journey = await start(store, template, customer_id="c1")
    stores = [make(), make()]
    workers = [sweeper(each, Subscribers()) for each in stores]
    for _ in range(2):
        await asyncio.gather(*(each.sweep_once() for each in workers))
    assert await store.touchpoints.count(tenant, RecordFilter(journey_id=journey.id)) == 1


async def test_an_entry_that_fails_is_put_off_and_holds_nobody_up(
    make: Callable[[], Store], tenant: str
) -> None:
    store, subscribers = make(), Subscribers()
    template = await follow(store, tenant, THREE_STEPS)
    poison, other = await start(store, template), await start(store, template)
    subscribers.chokes_on = poison.id
    relay = sweeper(store, subscribers)
    await relay.sweep_once()
    assert (other.id, 1) in subscribers.told
    [failing] = (await store.events.backlog(tenant)).failing
    assert (failing.envelope.subject, failing.attempts, failing.pending) == (poison.id, 1, ("feed",))
    await relay.sweep_once()
    assert (await store.events.backlog(tenant)).failing[0].attempts == 1, "its next try has not come"


async def test_nothing_counts_as_a_failure_while_the_subscribers_are_away(
    make: Callable[[], Store], tenant: str
) -> None:
    store, subscribers = make(), Subscribers()
    journey = await start(store, await follow(store, tenant, THREE_STEPS))
    subscribers.away = True
    relay = sweeper(store, subscribers)
    await relay.sweep_once()
    backlog = await store.events.backlog(tenant)
    assert backlog.failing == []
    assert backlog.entries > 0
    subscribers.away = False
    await sweeper(store, subscribers, 2 * LATER).sweep_once()
    assert (journey.id, 1) in subscribers.told
    assert (await store.events.backlog(tenant)).entries == 0


async def test_revisions_that_redis_lacks_are_told_first(make: Callable[[], Store], tenant: str) -> None:
    store, told = make(), list[int]()
    journey = await start(store, await follow(store, tenant, THREE_STEPS))
    for _ in range(2):
        await store.journeys.change(journey.id, tenant, count_up, cause())

    async def publish(events: list[Envelope], base: int | None) -> Published:
        revision = events[0].revision
        if revision != len(told) + 1:
            return Published("gap", len(told)) if base is None else Published("old", len(told))
        told.append(revision)
        return Published()

    [last] = await store.events.revisions(journey.id, 2, 3)
    await Publishing(store, publish, lambda _: None).publish(last)
    assert told == [1, 2, 3]

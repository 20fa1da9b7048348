"""Who sweeps what is kept no longer, how far, and when again, over the real database."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from domain.events import EventFilter
from storage.expiry import EXPIRING
from storage.retention import retention_id
from storage.store import Store
from tests.conftest import Servers
from tests.workers.keeping import ALL, DAY, House, house_of
from workers.retention import CLAIM, EVERY


@pytest.fixture
async def house(servers: Servers, tenant: str) -> AsyncIterator[House]:
    async with house_of(servers, tenant) as house:
        yield house


async def reported(house: House, n: int) -> None:
    """So many reports, a millisecond apart, all of them done with and old."""
    for each in range(n):
        await house.report(f"{each}", house.clock() + timedelta(milliseconds=each))
    await house.settle()
    house.clock.at += 31 * DAY


async def count(house: House) -> int:
    found = await house.store.events.page(house.tenant, EventFilter(source="crm"), ALL)
    return len(found.items)


@pytest.mark.parametrize("batch", [1, 3, 5, 6, 7, 100])
async def test_batches_leave_nothing_out(house: House, batch: int) -> None:
    await reported(house, 6)
    await house.keep(events=30)
    assert await house.worker(batch).poll() == 6
    assert await count(house) == 0
    assert (await house.store.retention.get(house.tenant)).place is None


async def test_what_stays_holds_up_nothing_behind_it(house: House) -> None:
    journey = await house.journey()
    await reported(house, 4)
    await house.keep(events=30)
    await house.worker(2).poll()
    assert (await count(house), await house.of(journey.id)) == (0, 2)


async def test_two_workers_side_by_side_sweep_once(house: House) -> None:
    await reported(house, 20)
    await house.keep(events=30)
    other = House(Store.of(house.store.mongo, house.clock), house.clock, house.tenant)
    deleted = await asyncio.gather(*(each.worker(3).poll() for each in (house, other, house, other)))
    assert sorted(deleted) == [0, 0, 0, 20]
    assert await count(house) == 0
    assert (await house.store.retention.get(house.tenant)).revision == 1


async def test_a_sweep_comes_again_after_an_hour_and_finds_nothing(house: House) -> None:
    await reported(house, 3)
    await house.keep(events=30)
    assert await house.worker().poll() == 3
    swept = await house.store.retention.get(house.tenant)
    assert (swept.revision, swept.claim, swept.wake_at) == (1, None, house.clock() + EVERY)
    await house.report("late", house.clock() - 100 * DAY)
    await house.settle()
    house.clock.at += EVERY - timedelta(seconds=1)
    assert await house.store.retention.due(house.clock(), 10) == []
    house.clock.at += timedelta(seconds=1)
    assert await house.worker().poll() == 0
    assert (await house.store.retention.get(house.tenant)).wake_at == house.clock() + EVERY


async def test_the_next_worker_goes_on_where_one_died(house: House) -> None:
    await reported(house, 6)
    await house.keep(events=30)
    store, [seen] = house.store, await house.store.retention.due(house.clock(), 10)
    assert await store.retention.take(seen, "dead", house.clock() + CLAIM)
    until = house.clock() - 30 * DAY
    done = await store.expiry.sweep(EXPIRING[0], house.tenant, until=until, now=house.clock(), limit=2)
    assert done.deleted == 2
    assert await store.retention.went_on(seen, "dead", f"events|{done.last}", house.clock() + CLAIM)
    assert await house.worker(2).poll() == 0
    await house.report("before", house.clock() - 400 * DAY)
    await house.settle()
    house.clock.at += 3 * DAY
    assert not await store.retention.take(seen, "late", house.clock() + CLAIM)
    assert await house.worker(2).poll() == 4
    assert await count(house) == 1  # it lies before the place, and is found in an hour
    assert not await store.retention.went_on(seen, "dead", "events|x", house.clock() + CLAIM)
    assert not await store.retention.finish(seen, "dead", house.clock())
    house.clock.at += EVERY
    assert await house.worker(2).poll() == 1


async def test_other_settings_end_a_sweep_under_way(house: House) -> None:
    await reported(house, 2)
    await house.keep(events=30)
    [seen] = await house.store.retention.due(house.clock(), 10)
    assert await house.store.retention.take(seen, "one", house.clock() + CLAIM)
    await house.keep(touchpoints=30)
    assert not await house.store.retention.went_on(seen, "one", "events|x", house.clock() + CLAIM)
    assert not await house.store.retention.finish(seen, "one", house.clock())
    assert await house.worker().poll() == 0
    assert await count(house) == 2
    changed = await house.store.retention.get(house.tenant)
    assert (changed.revision, changed.events.days, changed.touchpoints.days) == (2, None, 30)
    assert await house.of(retention_id(house.tenant)) == 2

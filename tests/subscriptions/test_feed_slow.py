"""A listener that reads too slowly costs nobody anything, and itself no change that it is not told of."""

import asyncio

import pytest

from domain.errors import Lagged
from storage.store import Store
from subscriptions.broker import Broker, Change
from subscriptions.feed import Feed
from tests.conftest import Servers
from tests.e2e.harness import BOUND
from tests.subscriptions.wire import PATIENCE, Listener, Teller, check_once_in_order, start


async def test_a_slow_listener_gets_changes_collapsed_and_each_subject_in_its_newest_state(
    feed: Feed, teller: Teller, tenant: str
) -> None:
    slow = feed.listen(tenant, await feed.cursor(tenant))
    await teller.publish("first", 1)
    assert isinstance(await anext(slow), Change)
    async with Listener(feed, tenant) as quick:
        await start(quick, teller)
        await asyncio.gather(*(teller.publish(f"s{n}", *range(1, 111)) for n in range(10)))
        await quick.has(1_100)
        check_once_in_order(quick.heard)
    newest: dict[str, int] = {}
    while len(newest) < 11 or min(revision for name, revision in newest.items() if "probe" not in name) < 110:
        item = await asyncio.wait_for(anext(slow), BOUND)
        assert isinstance(item, Change)
        assert newest.get(item.subject, 0) < item.revision
        newest[item.subject] = item.revision
    await slow.aclose()


async def test_a_listener_that_stays_too_slow_is_cut_off_and_goes_on_from_its_cursor(
    servers: Servers, feed: Feed, teller: Teller, tenant: str
) -> None:
    long = Broker(servers.redis_url, patience=PATIENCE)
    many = Teller(long, teller.store, tenant)
    slow = feed.listen(tenant, await feed.cursor(tenant))
    await many.publish("first", 1)
    reached = await anext(slow)
    async with Listener(feed, tenant, str(reached.cursor)) as quick:
        await asyncio.gather(*(many.spread(f"s{n}.", 60) for n in range(20)))
        await quick.has(1_200)
    heard = []
    try:
        async for item in slow:
            heard.append(item)
            reached = item
    except Lagged:
        pass
    else:
        raise AssertionError("it was not cut off")
    async with Listener(feed, tenant, str(reached.cursor)) as resumed:
        await resumed.has(1_200 - len(heard))
    await long.close()
    assert resumed.resets == 0
    assert sorted(
        [(e.subject, e.revision) for e in heard if isinstance(e, Change)] + resumed.heard
    ) == sorted(quick.heard)


async def test_a_listener_for_whom_nothing_may_collapse_loses_nothing_and_is_cut_off_sooner(
    servers: Servers, feed: Feed, tenant: str, own_store: Store
) -> None:
    long = Broker(servers.redis_url, patience=PATIENCE)
    one = Teller(long, own_store, tenant)
    slow = feed.listen(tenant, await feed.cursor(tenant), collapse=False)
    await one.publish("a", 1)
    await anext(slow)
    async with Listener(feed, tenant, await feed.cursor(tenant)) as quick:
        await one.publish("a", *range(2, 1_003))
        await quick.has(1_001)
    await long.close()
    with pytest.raises(Lagged):
        await anext(slow)

"""A listener hears every change once and in order: live, from a cursor, and among many."""

import asyncio
from contextlib import AsyncExitStack

from app.wiring import utc_now
from domain.errors import Unavailable
from subscriptions.broker import Broker, Cursor, channel
from subscriptions.feed import Feed
from subscriptions.replay import Reset
from tests.conftest import Servers
from tests.e2e.harness import BOUND, eventually
from tests.subscriptions.wire import PATIENCE, Listener, Teller, channels, check_once_in_order, start


async def test_a_listener_hears_what_is_told_once_it_is_live(feed: Feed, teller: Teller, tenant: str) -> None:
    async with Listener(feed, tenant) as listener:
        await start(listener, teller)
        await asyncio.gather(*(teller.tell(f"s{n}", 20) for n in range(5)))
        await listener.has(100)
        check_once_in_order(listener.heard)


async def test_a_listener_with_a_cursor_hears_everything_behind_it_then_goes_live(
    feed: Feed, teller: Teller, tenant: str
) -> None:
    await teller.tell("a", 3)
    cursor = await feed.cursor(tenant)
    await teller.tell("a", 3)
    async with Listener(feed, tenant, cursor) as listener:
        await listener.has(3)
        await teller.tell("a", 2)
        await listener.has(5)
    assert [revision for _, revision in listener.heard] == [4, 5, 6, 7, 8]
    assert listener.resets == 0


async def test_the_cursor_of_an_empty_feed_leads_to_its_beginning(
    feed: Feed, teller: Teller, tenant: str
) -> None:
    cursor = await feed.cursor(tenant)
    await teller.tell("a", 2)
    async with Listener(feed, tenant, cursor) as listener:
        await listener.has(2)
    assert listener.resets == 0


async def test_replay_goes_over_into_live_without_gap_or_double_while_changes_pour_in(
    feed: Feed, broker: Broker, teller: Teller, tenant: str
) -> None:
    pouring = asyncio.gather(*(teller.tell(f"s{n}", 40) for n in range(5)))
    async with AsyncExitStack() as stack:
        joined: list[tuple[Cursor, Listener]] = []
        while not pouring.done():
            tail = await broker.tail(tenant)
            joined.append((tail, await stack.enter_async_context(Listener(feed, tenant, str(tail)))))
            await asyncio.sleep(0)
        await pouring
        await teller.tell("last")
        for cursor, listener in joined:
            due = [each async for each in broker.read(tenant, cursor.run, cursor.id)]
            await listener.has(len(due))
            assert listener.items == due
    assert len(joined) > 5


async def test_a_cursor_whose_place_is_trimmed_away_gives_one_reset_and_goes_on_live(
    servers: Servers, feed: Feed, teller: Teller, tenant: str
) -> None:
    short = Broker(servers.redis_url, feed_length=10, patience=PATIENCE)
    trimming = Teller(short, teller.store, tenant, teller.revisions)
    cursor = await feed.cursor(tenant)
    await asyncio.gather(*(trimming.tell(f"s{n}", 30) for n in range(10)))
    async with Listener(feed, tenant, cursor) as listener:
        await reset_once(listener)
        await trimming.tell("new", 3)
        await listener.has(3)
    await short.close()
    assert listener.resets == 1
    assert [revision for _, revision in listener.heard] == [1, 2, 3]


async def test_a_cursor_of_another_run_of_redis_gives_one_reset_and_goes_on_live(
    feed: Feed, broker: Broker, teller: Teller, tenant: str
) -> None:
    await teller.tell("a", 3)
    tail = await broker.tail(tenant)
    async with Listener(feed, tenant, str(Cursor("0" * 40, tail.id))) as listener:
        await reset_once(listener)
        assert listener.items == [Reset(tail)]
        await teller.tell("a")
        await listener.has(1)
    assert listener.resets == 1


async def test_a_cursor_from_the_future_gives_one_reset_and_goes_on_live(
    feed: Feed, broker: Broker, teller: Teller, tenant: str
) -> None:
    await teller.tell("a", 3)
    tail = await broker.tail(tenant)
    ahead = Cursor(tail.run, f"{tail.place[0] + 60_000}-0")
    async with Listener(feed, tenant, str(ahead)) as listener:
        await reset_once(listener)
        await teller.tell("a")
        await listener.has(1)
    assert listener.resets == 1


async def reset_once(listener: Listener) -> None:
    async def there() -> bool:
        return listener.resets == 1

    await eventually(there, "the reset")
    assert listener.heard == []


async def test_many_listeners_hear_the_same(feed: Feed, teller: Teller, tenant: str) -> None:
    cursor = await feed.cursor(tenant)
    async with AsyncExitStack() as stack:
        listeners = [await stack.enter_async_context(Listener(feed, tenant, cursor)) for _ in range(200)]
        await teller.tell("a", 10)
        for listener in listeners:
            await listener.has(10)
            check_once_in_order(listener.heard)


async def test_a_tenants_changes_stay_with_its_listeners(feed: Feed, teller: Teller, tenant: str) -> None:
    other = Teller(teller.broker, teller.store, f"{tenant}x")
    async with Listener(feed, tenant) as listener, Listener(feed, other.tenant) as foreign:
        await start(listener, teller)
        await start(foreign, other)
        await other.tell("a", 10)
        await teller.tell("a", 1)
        await listener.has(1)
        await foreign.has(10)
    assert listener.heard == [(f"{tenant}.a", 1)]


async def test_the_channel_is_left_with_the_last_listener(
    servers: Servers, feed: Feed, teller: Teller, tenant: str
) -> None:
    async with Listener(feed, tenant) as first:
        await start(first, teller)
        async with Listener(feed, tenant, await feed.cursor(tenant)) as second:
            await teller.tell("a")
            await second.has(1)
        assert channel(tenant) in await channels(servers.redis_url)

    async def left() -> bool:
        return channel(tenant) not in await channels(servers.redis_url)

    await eventually(left, "the channel is left")


async def test_a_listener_that_comes_as_the_last_one_leaves_is_live(
    feed: Feed, teller: Teller, tenant: str
) -> None:
    for _ in range(15):
        cursor = await feed.cursor(tenant)
        async with Listener(feed, tenant, cursor) as leaving:
            await teller.tell("a")
            await leaving.has(1)
        async with Listener(feed, tenant, await feed.cursor(tenant)) as coming:
            await teller.tell("a")
            await coming.has(1)
            await teller.tell("a")
            await coming.has(2)


async def test_listeners_that_give_up_while_subscribing_do_not_disturb_the_others(
    feed: Feed, teller: Teller, tenant: str
) -> None:
    async with Listener(feed, tenant) as listener:
        await start(listener, teller)
        for n in range(30):
            async with Listener(feed, f"{tenant}{n}"):
                await asyncio.sleep(0)
                await teller.tell("a")
        await listener.has(30)
        check_once_in_order(listener.heard)


async def test_without_redis_nobody_can_listen(teller: Teller, tenant: str) -> None:
    away = Broker("redis://127.0.0.1:1/0")
    feed = Feed(away, teller.store.events, utc_now)
    listening = asyncio.create_task(feed.run())
    assert await feed.cursor(tenant) is None
    async with asyncio.timeout(BOUND):
        try:
            await anext(feed.listen(tenant))
        except Unavailable:
            pass
        else:
            raise AssertionError("it listens to nothing")
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    await away.close()

"""Redis keeps each tenant's changes in order and without doubles, whoever publishes them and how often."""

import asyncio
import os
import signal
from contextlib import suppress

import pytest
from redis.asyncio import Redis

from app.embedded import RedisChild
from domain.errors import BadCursor, Unavailable
from subscriptions.broker import READ_SECONDS, Broker, Change, Cursor, channel, parse
from tests.conftest import Servers
from tests.e2e.harness import eventually
from tests.subscriptions.wire import PATIENCE, Teller, change

SOON = READ_SECONDS - 0.5  # a second, and time for a busy machine, but not what a reader waits


async def contents(broker: Broker, tenant: str, after: str = "0-0") -> list[Change]:
    tail = await broker.tail(tenant)
    return [each async for each in broker.read(tenant, tail.run, after)]


async def test_changes_stand_in_the_stream_in_order_each_naming_its_predecessor(
    broker: Broker, teller: Teller, tenant: str
) -> None:
    outcomes = await teller.publish("a", 1, 2) + await teller.publish("b", 1)
    assert [each.outcome for each in outcomes] == ["published"] * 3
    found = await contents(broker, tenant)
    assert [each.revision for each in found] == [1, 2, 1]
    ids = [each.cursor.id for each in found if each.cursor]
    assert [each.previous for each in found] == ["0-0", *ids[:-1]]
    assert str(await broker.tail(tenant)) == str(found[-1].cursor)


async def test_the_events_of_one_change_stay_together_in_order(broker: Broker, tenant: str) -> None:
    made = change(tenant, "a", 1, events=5)
    await broker.publish(made, 0)
    [found] = await contents(broker, tenant)
    assert found.events == made


async def test_a_revision_that_is_out_already_is_old_and_published_no_second_time(
    broker: Broker, teller: Teller, tenant: str
) -> None:
    await teller.publish("a", 1, 2, 3)
    [again] = await teller.publish("a", 2)
    assert (again.outcome, again.last) == ("old", 3)
    assert len(await contents(broker, tenant)) == 3


async def test_a_revision_with_others_missing_before_it_is_refused(
    broker: Broker, teller: Teller, tenant: str
) -> None:
    await teller.publish("a", 1, 2)
    [early] = await teller.publish("a", 5)
    assert (early.outcome, early.last) == ("gap", 2)
    assert len(await contents(broker, tenant)) == 2


async def test_a_subject_that_redis_does_not_know_needs_a_revision_to_start_from(
    broker: Broker, tenant: str
) -> None:
    made = change(tenant, "a", 4)
    assert (await broker.publish(made, None)).outcome == "unknown"
    assert (await broker.publish(made, 2)).outcome == "gap"
    assert (await broker.publish(made, 3)).outcome == "published"
    assert (await broker.publish(made, 3)).outcome == "old"


async def test_many_publishers_of_the_same_change_publish_it_once(broker: Broker, tenant: str) -> None:
    made = change(tenant, "a", 1)
    outcomes = await asyncio.gather(*(broker.publish(made, 0) for _ in range(20)))
    assert sorted(each.outcome for each in outcomes) == ["old"] * 19 + ["published"]
    assert len(await contents(broker, tenant)) == 1


async def test_the_channel_carries_the_stream_in_its_order_from_many_publishers(
    broker: Broker, servers: Servers, teller: Teller, tenant: str
) -> None:
    async with Redis.from_url(servers.redis_url) as client, client.pubsub() as listening:
        await listening.subscribe(channel(tenant))
        await asyncio.gather(*(teller.publish(f"s{n}", *range(1, 11)) for n in range(10)))
        heard: list[Change] = []
        async with asyncio.timeout(10):
            while len(heard) < 100:
                message = await listening.get_message(ignore_subscribe_messages=True, timeout=1)
                heard += [parse(message["data"])] if message else []
    assert heard == await contents(broker, tenant)


async def test_a_trimmed_stream_shows_by_the_predecessor_of_its_first_entry(
    servers: Servers, tenant: str
) -> None:
    broker = Broker(servers.redis_url, feed_length=10, patience=PATIENCE)
    for revision in range(1, 301):
        await broker.publish(change(tenant, "a", revision), revision - 1)
    found = await contents(broker, tenant)
    await broker.close()
    assert 10 <= len(found) < 300
    assert found[0].previous != "0-0"
    assert found[-1].revision == 300


async def test_tenants_do_not_share_a_stream(broker: Broker, teller: Teller, tenant: str) -> None:
    await teller.publish("a", 1)
    assert await contents(broker, f"{tenant}x") == []


@pytest.mark.parametrize(
    "text", ["", "x", "0-0", f"{'a' * 40}", f"{'a' * 40}:5", f"{'a' * 40}:5-", "a:1-1\n"]
)
def test_a_text_that_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(BadCursor):
        Cursor.parse(text)


async def test_a_cursor_survives_being_written_down(broker: Broker, teller: Teller, tenant: str) -> None:
    await teller.publish("a", 1)
    tail = await broker.tail(tenant)
    assert Cursor.parse(str(tail)) == tail


async def test_a_redis_that_is_away_or_stands_still_is_unavailable_soon(
    redis: RedisChild, tenant: str
) -> None:
    broker = Broker(redis.url)

    async def connected() -> bool:
        with suppress(Unavailable):
            return bool(await broker.tail(tenant))
        return False

    await eventually(connected, "a busy machine may need more than its second")
    assert redis.pid is not None
    os.kill(redis.pid, signal.SIGSTOP)
    try:
        async with asyncio.timeout(SOON):
            with pytest.raises(Unavailable):
                await broker.publish(change(tenant, "a", 1), 0)
    finally:
        os.kill(redis.pid, signal.SIGCONT)
    redis.kill()
    async with asyncio.timeout(SOON):
        with pytest.raises(Unavailable):
            await broker.tail(tenant)
    await broker.close()


async def test_scripts_work_on_a_redis_that_came_back_empty(redis: RedisChild, tenant: str) -> None:
    broker = Broker(redis.url, patience=PATIENCE)
    await broker.publish(change(tenant, "a", 1), 0)
    before = await broker.tail(tenant)
    redis.kill()
    for file in redis.folder.rglob("*aof*"):
        if file.is_file():
            file.unlink()
    redis.start()
    assert (await broker.publish(change(tenant, "a", 2), None)).outcome == "unknown"
    after = await broker.tail(tenant)
    await broker.close()
    assert after.run != before.run
    assert after.id == "0-0"

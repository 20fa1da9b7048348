"""A mailbox keeps the order, never blocks a sender, and cuts off a reader that is too slow."""

import asyncio

import pytest

from domain.errors import Lagged
from subscriptions.mailbox import Mailbox


def joined(limit: int = 4) -> Mailbox[str]:
    """Items of one key are joined with a plus."""
    return Mailbox(limit, lambda older, newer: f"{older}+{newer}")


async def taken(mailbox: Mailbox[str], count: int) -> list[str]:
    return [await asyncio.wait_for(mailbox.get(), 5) for _ in range(count)]


async def test_items_come_out_in_the_order_they_went_in() -> None:
    mailbox = joined()
    for item in ("a1", "b1", "a2"):
        mailbox.put(item[0], item)
    assert await taken(mailbox, 3) == ["a1", "b1", "a2"]


async def test_a_reader_waits_for_the_next_item() -> None:
    mailbox = joined()
    reading = asyncio.create_task(taken(mailbox, 2))
    await asyncio.sleep(0)
    mailbox.put("a", "a1")
    mailbox.put("a", "a2")
    assert await reading == ["a1", "a2"]


async def test_a_full_mailbox_collapses_each_key_into_one_item_at_the_place_of_its_newest() -> None:
    mailbox = joined(4)
    for item in ("a1", "b1", "a2", "c1", "d1"):
        mailbox.put(item[0], item)
    assert await taken(mailbox, 4) == ["b1", "a1+a2", "c1", "d1"]


async def test_a_mailbox_full_of_different_keys_is_cut_off() -> None:
    mailbox = joined(3)
    for item in ("a1", "b1", "c1", "d1"):
        mailbox.put(item[0], item)
    with pytest.raises(Lagged):
        await taken(mailbox, 4)


async def test_the_end_comes_after_what_is_there() -> None:
    mailbox = joined()
    mailbox.put("a", "a1")
    mailbox.end()
    mailbox.put("a", "a2")
    assert await taken(mailbox, 1) == ["a1"]
    with pytest.raises(StopAsyncIteration):
        await mailbox.get()


async def test_the_first_end_counts() -> None:
    mailbox = joined()
    mailbox.end(Lagged("first"))
    mailbox.end()
    with pytest.raises(Lagged):
        await mailbox.get()


async def test_a_reader_that_gives_up_waiting_loses_nothing() -> None:
    mailbox = joined()
    reading = asyncio.create_task(mailbox.get())
    await asyncio.sleep(0)
    mailbox.put("a", "a1")
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    assert await taken(mailbox, 1) == ["a1"]

"""How far a page reaches is a guess that spares the database work, and never changes what a page holds."""

import asyncio

import pytest

from domain.journey import Journey
from domain.journey_filter import JourneyFilter, JourneyOrder
from domain.paging import Page
from storage.mongo import Mongo
from storage.reach import Reach
from storage.store import Store
from tests.storage.subjects import all_pages, follow, start


@pytest.fixture
async def reach(store: Store, tenant: str, mongo: Mongo) -> Reach:
    """Ten journeys, of which every second is known."""
    template = await follow(store, tenant)
    for n in range(10):
        await start(store, template, name="odd" if n % 2 else "even")
    reach = Reach(mongo, "journeys", apart=2, wide=1)
    store.journeys.reach = reach
    reach.learn(tenant, "createdKey", failed=True)
    await reach.settled()
    return reach


async def test_a_page_is_looked_for_above_a_key_that_lies_deep_enough(
    store: Store, tenant: str, reach: Reach
) -> None:
    whole = await store.journeys.page(tenant, JourneyFilter(), JourneyOrder.CREATED_AT, Page(10))
    floor = reach.floor(tenant, "createdKey", None, 3)
    assert floor == whole.keys[3]
    below = reach.floor(tenant, "createdKey", whole.keys[3], 2)
    assert below == whole.keys[5]
    assert reach.floor(tenant, "createdKey", whole.keys[9], 1) is None
    assert reach.floor(tenant, "activityKey", None, 1) is None
    assert reach.floor("somebody else", "createdKey", None, 1) is None


async def test_where_the_guess_finds_too_little_the_whole_list_is_asked(
    store: Store, tenant: str, reach: Reach
) -> None:
    for wanted, names in ((JourneyFilter(search="even"), ["even"] * 5), (JourneyFilter(search="zzz"), [])):
        found = await store.journeys.page(tenant, wanted, JourneyOrder.CREATED_AT, Page(5))
        assert [each.name for each in found.items] == names
        assert not found.has_next


async def test_pages_of_a_list_known_of_old_hold_what_was_added_since(
    store: Store, tenant: str, reach: Reach
) -> None:
    template = await store.templates.newest(tenant, (await _all(store, tenant))[0].template_id)
    added = {(await start(store, template, name="new")).id for _ in range(3)}
    found = [each.id for each in await _all(store, tenant)]
    assert set(found[:3]) == added
    assert len(set(found)) == len(found) == 13


async def test_a_list_read_a_moment_ago_is_not_read_again(tenant: str, reach: Reach) -> None:
    reach.learn(tenant, "createdKey", failed=True)
    assert not reach._learning
    reach.learn(tenant, "activityKey", failed=False)
    assert len(reach._learning) == 1
    await reach.settled()


async def test_a_reading_that_fails_is_nobodys_problem(tenant: str, servers: object) -> None:
    unreachable = Mongo("mongodb://127.0.0.1:1", "x", serverSelectionTimeoutMS=10)
    reach = Reach(unreachable, "journeys")
    reach.learn(tenant, "createdKey", failed=True)
    await asyncio.wait_for(reach.settled(), 5)
    assert reach.floor(tenant, "createdKey", None, 1) is None
    await unreachable.close()


async def _all(store: Store, tenant: str) -> list[Journey]:
    return await all_pages(
        lambda page: store.journeys.page(tenant, JourneyFilter(), JourneyOrder.CREATED_AT, page), 2
    )

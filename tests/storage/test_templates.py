"""Templates: versions that never change, built-in ones in every tenant, the newest active one for new journeys."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from domain.errors import (
    AlreadyExists,
    BadCursor,
    IdempotencyKeyReused,
    IllegalTransition,
    InvalidInput,
    NotFound,
)
from domain.isp.templates import ISP_TEMPLATES
from domain.paging import Page
from storage.store import Store
from storage.templates import template_key
from tests.domain.samples import definition
from tests.storage.subjects import THREE_STEPS, all_pages, cause, follow


async def test_every_tenant_has_the_built_in_templates_once(
    another: Callable[[], Store], tenant: str
) -> None:
    stores = [another() for _ in range(4)]
    pages = await asyncio.gather(*(store.templates.page(tenant, Page(100)) for store in stores))
    for page in pages:
        assert [each.definition for each in page.items] == sorted(
            ISP_TEMPLATES, key=lambda each: each.template_id
        )
        assert {each.version for each in page.items} == {1}


async def test_a_template_is_created_once(store: Store, tenant: str) -> None:
    made = await follow(store, tenant)
    assert (made.version, made.active, made.definition) == (1, True, THREE_STEPS)
    with pytest.raises(AlreadyExists):
        await follow(store, tenant)
    with pytest.raises(AlreadyExists):
        await follow(store, tenant, definition("one", template_id="support_resolution"))
    assert (await follow(store, tenant + "x")).id != made.id


async def test_an_invalid_template_is_refused_with_every_error(store: Store, tenant: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await follow(store, tenant, definition("UPPER", "two", "two", template_id="no id"))
    assert {problem.path for problem in refused.value.problems} >= {("id",), ("steps", "0", "id")}
    with pytest.raises(NotFound):
        await store.templates.newest(tenant, "no id")


async def test_simultaneous_new_versions_are_numbered_without_gap(
    store: Store, another: Callable[[], Store], tenant: str
) -> None:
    await follow(store, tenant)
    stores = [store, another()] * 4
    made = await asyncio.gather(
        *(each.templates.create_version(tenant, THREE_STEPS, cause()) for each in stores)
    )
    assert sorted(each.state.version for each in made) == list(range(2, 10))


async def test_a_new_version_given_again_is_made_once(
    store: Store, another: Callable[[], Store], tenant: str
) -> None:
    await follow(store, tenant)
    key = "k" + tenant
    first = await store.templates.create_version(tenant, THREE_STEPS, cause(key))
    await store.templates.create_version(tenant, THREE_STEPS, cause())
    again = await another().templates.create_version(tenant, THREE_STEPS, cause(key))
    assert (again.state.id, again.state.version) == (first.state.id, 2)
    with pytest.raises(IdempotencyKeyReused):
        await store.templates.create_version(tenant, THREE_STEPS, cause(key, "something else"))
    assert (await store.templates.newest(tenant, "sample")).version == 3


async def test_switching_the_newest_version_given_again_means_the_same_version(
    store: Store, tenant: str
) -> None:
    await follow(store, tenant)
    key = "k" + tenant
    first = await store.templates.switch(tenant, "sample", None, active=False, cause=cause(key))
    await store.templates.create_version(tenant, THREE_STEPS, cause())
    again = await store.templates.switch(tenant, "sample", None, active=False, cause=cause(key))
    assert again.state == first.state
    assert (await store.templates.newest(tenant, "sample")).active


async def test_a_new_version_of_nothing_is_refused(store: Store, tenant: str) -> None:
    with pytest.raises(NotFound):
        await store.templates.create_version(tenant, THREE_STEPS, cause())


async def test_journeys_start_from_the_newest_active_version(store: Store, tenant: str) -> None:
    await follow(store, tenant)
    for _ in range(2):
        await store.templates.create_version(tenant, THREE_STEPS, cause())
    assert (await store.templates.startable(tenant, "sample", None)).version == 3
    await store.templates.switch(tenant, "sample", None, active=False, cause=cause())
    assert (await store.templates.startable(tenant, "sample", None)).version == 2
    with pytest.raises(InvalidInput):
        await store.templates.startable(tenant, "sample", 3)
    for version in (1, 2):
        await store.templates.switch(tenant, "sample", version, active=False, cause=cause())
    with pytest.raises(NotFound):
        await store.templates.startable(tenant, "sample", None)
    switched = await store.templates.switch(tenant, "sample", 1, active=True, cause=cause())
    assert (switched.state.active, switched.state.revision) == (True, 3)
    assert (await store.templates.startable(tenant, "sample", None)).version == 1


async def test_a_version_is_switched_once(store: Store, tenant: str) -> None:
    await follow(store, tenant)
    with pytest.raises(IllegalTransition):
        await store.templates.switch(tenant, "sample", 1, active=True, cause=cause())
    with pytest.raises(NotFound):
        await store.templates.switch(tenant, "sample", 2, active=True, cause=cause())
    with pytest.raises(NotFound):
        await store.templates.switch(tenant, "nothing", None, active=True, cause=cause())


async def test_a_version_never_changes(store: Store, tenant: str) -> None:
    await follow(store, tenant)
    before = await store.templates.version(tenant, "sample", 1)
    other = replace(THREE_STEPS, name="Another name")
    await store.templates.create_version(tenant, other, cause())
    assert (await store.templates.version(tenant, "sample", 1)).definition == before.definition
    assert (await store.templates.version(tenant, "sample", 2)).definition == other


async def test_another_tenants_template_is_unknown(store: Store, tenant: str) -> None:
    made = await follow(store, tenant)
    for attempt in (
        store.templates.get(made.id, tenant + "x"),
        store.templates.get(template_key(tenant, "nothing", 1), tenant + "x"),
        store.templates.version(tenant + "x", "sample", 1),
        store.templates.newest(tenant + "x", "sample"),
        store.templates.startable(tenant + "x", "sample", None),
        store.templates.switch(tenant + "x", "sample", 1, active=False, cause=cause()),
    ):
        with pytest.raises(NotFound):
            await attempt


@pytest.mark.parametrize("backwards", [False, True])
async def test_lists_of_templates_page_without_double_or_gap(
    store: Store, tenant: str, backwards: bool
) -> None:
    await follow(store, tenant)
    for _ in range(11):
        await store.templates.create_version(tenant, THREE_STEPS, cause())
    versions = await all_pages(
        lambda page: store.templates.versions(tenant, "sample", page), 5, backwards=backwards
    )
    assert [each.version for each in versions] == list(range(12, 0, -1))
    every = await all_pages(lambda page: store.templates.page(tenant, page), 4, backwards=backwards)
    found = [(each.definition.template_id, each.version) for each in every]
    assert found == sorted(found)
    assert len(found) == 12 + len(ISP_TEMPLATES)


@pytest.mark.parametrize("key", ["x", "9" * 30, "-1", "sample|1", " "])
async def test_a_cursor_of_another_list_is_refused(store: Store, tenant: str, key: str) -> None:
    await follow(store, tenant)
    for page in (Page(5, False, key), Page(5, True, None, key)):
        with pytest.raises(BadCursor):
            await store.templates.page(tenant, page)
        with pytest.raises(BadCursor):
            await store.templates.versions(tenant, "sample", page)

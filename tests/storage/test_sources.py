"""A source's name is one source's alone, however many ask for it at the same moment, and free again after it."""

import asyncio

import pytest

from app.wiring import new_id
from domain import source as domain
from domain.errors import AlreadyExists, NotFound
from storage.store import Store
from storage.subject import Cause
from tests.domain.samples import ANNA


async def create(store: Store, tenant: str, name: str = "/shop") -> str | None:
    """The id of the new source; None where the name is another's."""
    id = f"src_{new_id()}"
    try:
        made = await store.sources.create(id, tenant, name, "", Cause(ANNA, new_id(), "request"))
    except AlreadyExists:
        return None
    return made.state.id


async def test_of_many_with_one_name_one_is_made(store: Store, tenant: str) -> None:
    made = await asyncio.gather(*(create(store, tenant) for _ in range(10)))
    [id] = [each for each in made if each is not None]
    assert [each.id for each in await store.sources.all(tenant)] == [id]
    assert await create(store, f"{tenant}x") is not None


async def test_a_name_is_free_again_once_its_source_is_deleted(store: Store, tenant: str) -> None:
    first = await create(store, tenant)
    assert first is not None
    cause = Cause(ANNA, new_id(), "request")
    await store.sources.change(first, tenant, lambda source, at: domain.delete(source, at=at), cause)
    assert await create(store, tenant) not in (None, first)
    assert await store.sources.find(first) is None
    with pytest.raises(NotFound):
        await store.sources.get(first, tenant)


async def test_another_tenants_source_is_not_there(store: Store, tenant: str) -> None:
    id = await create(store, tenant)
    assert id is not None
    with pytest.raises(NotFound):
        await store.sources.get(id, f"{tenant}x")
    assert (await store.sources.find(id)) is not None

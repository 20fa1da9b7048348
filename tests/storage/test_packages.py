"""Packages in the database: the built-in ones are there from the start, a tenant's own beside them."""

import asyncio
from datetime import datetime, timedelta

import pytest

from domain.errors import Conflict, InvalidInput, NotFound
from domain.identity import Actor, ActorKind
from domain.isp.packages import ISP_PACKAGES
from domain.package import Action, Package, PackageEvent, configure, disable, rotate_secret
from storage.packages import package_id
from storage.store import Store
from storage.subject import Cause
from tests.domain.samples import ANNA
from tests.storage.subjects import cause


def addressed(package: Package, at: datetime) -> list[PackageEvent]:
    return configure(package, address="https://crm.example", at=at)


def scoring(package: Package, at: datetime) -> list[PackageEvent]:
    return configure(package, actions=(Action(name="score", path="/score"),), at=at)


def wrong(package: Package, at: datetime) -> list[PackageEvent]:
    return configure(package, actions=(Action(name="score", path="nowhere"),), at=at)


async def test_a_tenant_has_the_built_in_packages_without_an_address(store: Store, tenant: str) -> None:
    found = await store.packages.all(tenant)
    assert [each.name for each in found] == sorted(ISP_PACKAGES)
    assert {(each.revision, each.address, each.enabled) for each in found} == {(0, None, True)}
    assert await store.packages.find(tenant, "crm") == found[2]
    assert await store.packages.get(found[2].id, tenant) == found[2]
    assert await store.packages.find(tenant, "nobody") is None


async def test_setting_a_built_in_package_keeps_its_actions(store: Store, tenant: str) -> None:
    changed = await store.packages.change(tenant, "crm", addressed, cause(), expected=0)
    found = await store.packages.find(tenant, "crm")
    assert found == changed.state
    assert (found.address, found.actions) == ("https://crm.example", ISP_PACKAGES["crm"][1])
    assert len(await store.packages.all(tenant)) == len(ISP_PACKAGES)


async def test_a_tenant_adds_packages_of_its_own(store: Store, tenant: str) -> None:
    await store.packages.change(tenant, "scoring", scoring, cause())
    found = await store.packages.get(package_id(tenant, "scoring"), tenant)
    assert (found.revision, [each.name for each in found.actions]) == (1, ["score"])
    assert "scoring" in [each.name for each in await store.packages.all(tenant)]


async def test_what_is_refused_adds_nothing(store: Store, tenant: str) -> None:
    for name, command in (("scoring", wrong), ("No Name", scoring), ("", scoring)):
        with pytest.raises(InvalidInput):
            await store.packages.change(tenant, name, command, cause())
    assert [each.name for each in await store.packages.all(tenant)] == sorted(ISP_PACKAGES)


async def test_a_stale_revision_is_refused_also_before_anything_was_set(store: Store, tenant: str) -> None:
    for expected, current in ((1, 0), (0, 1)):
        with pytest.raises(Conflict) as refused:
            await store.packages.change(tenant, "crm", addressed, cause(), expected=expected)
        assert refused.value.extra["currentRevision"] == current
        await store.packages.change(tenant, "crm", addressed, cause())


async def test_two_who_add_the_same_package_at_once_lose_nothing(store: Store, tenant: str) -> None:
    commands = (addressed, scoring, lambda p, at: disable(p, at=at))
    await asyncio.gather(*(store.packages.change(tenant, "own", each, cause()) for each in commands))
    found = await store.packages.find(tenant, "own")
    assert found is not None
    assert (found.address, found.enabled, len(found.actions)) == ("https://crm.example", False, 1)


async def test_a_command_given_again_is_carried_out_once(store: Store, tenant: str) -> None:
    def rotate(_: Package, at: datetime) -> list[PackageEvent]:
        return rotate_secret(secret_id="s1", overlap=timedelta(days=1), at=at)

    why = cause(f"again {tenant}")
    for _ in range(2):
        changed = await store.packages.change(tenant, "crm", rotate, why)
    assert [each.id for each in changed.state.secrets] == ["s1"]


async def test_a_package_says_who_changed_it_last(store: Store, tenant: str) -> None:
    ben = Actor(ActorKind.USER, "ben")
    first = await store.packages.change(tenant, "crm", addressed, cause())
    last = await store.packages.change(tenant, "crm", scoring, Cause(ben, f"by-ben-{tenant}", "test"))
    assert (first.state.updated_by, last.state.updated_by) == (ANNA, ben)


async def test_another_tenants_package_is_unknown(store: Store, tenant: str) -> None:
    await store.packages.change(tenant, "scoring", scoring, cause())
    other = tenant + "x"
    for name in ("scoring", "crm"):
        with pytest.raises(NotFound):
            await store.packages.get(package_id(tenant, name), other)
    assert await store.packages.find(other, "scoring") is None

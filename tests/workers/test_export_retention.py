"""Exports are kept as long as prepared figures are."""

from datetime import timedelta

import pytest

from domain.errors import NotFound
from domain.export import ExportRequested, Format, What
from domain.paging import Page
from tests.conftest import Servers
from tests.storage.subjects import cause
from tests.workers.keeping import DAY, House, house_of
from workers.retention import EVERY


async def request(house: House) -> str:
    event = ExportRequested(
        at=house.clock(), tenant_id=house.tenant, what=What.EVENTS, format=Format.CSV, asked={}
    )
    return (await house.store.exports.request(event, cause())).state.id


async def test_exports_go_with_the_figures_and_young_ones_stay(servers: Servers, tenant: str) -> None:
    async with house_of(servers, tenant) as house:
        old = await request(house)
        await house.settle()
        house.clock.at += 7 * DAY
        await house.keep(analytics=7)
        assert await house.worker().poll() == 0
        young = await request(house)
        await house.settle()
        house.clock.at += EVERY + timedelta(milliseconds=1)
        assert await house.worker().poll() == 1
        with pytest.raises(NotFound):
            await house.store.exports.get(old, tenant)
        listed = await house.store.exports.page(tenant, Page(10))
        assert [each.id for each in listed.items] == [young]

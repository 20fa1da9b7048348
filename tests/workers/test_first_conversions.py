"""What is kept of conversions when they go: when each customer or lead converted first, by journey."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.record_events import ConversionAdded
from domain.template import Stage
from storage.first_conversions import FIRST_CONVERSIONS
from tests.conftest import Servers
from tests.storage.subjects import cause
from tests.workers.keeping import DAY, House, house_of


@pytest.fixture
async def house(servers: Servers, tenant: str) -> AsyncIterator[House]:
    async with house_of(servers, tenant) as house:
        yield house


async def sold(house: House, at: datetime, **whose: Any) -> None:
    added = ConversionAdded(at=at, tenant_id=house.tenant, kind="s", to_stage=Stage.CUSTOMER, **whose)
    why = cause()
    await house.store.conversions.add(f"cnv_{why.command_id}", added, why)


async def firsts(house: House) -> set[tuple[Any, ...]]:
    names = ("customerId", "leadId", "journeyId")
    found = await house.store.mongo[FIRST_CONVERSIONS].find({"tenantId": house.tenant}).to_list(None)
    return {(*(each.get(name) for name in names), each["added"]["at"]) for each in found}


async def test_the_first_time_stays_when_conversions_go(house: House) -> None:
    begin = house.clock()
    hour = timedelta(hours=1)
    done, active = await house.journey(), await house.journey()
    await house.end(done)
    for at, whose in (
        (begin + 2 * hour, {"customer_id": "c"}),
        (begin + hour, {"customer_id": "c", "lead_id": "l"}),
        (begin, {"customer_id": "c", "journey_id": done.id}),
        (begin, {"lead_id": "l"}),
        (begin, {"journey_id": done.id}),  # nobody's
        (begin, {"customer_id": "open", "journey_id": active.id}),
        (begin + 9 * DAY, {"customer_id": "new"}),
    ):
        await sold(house, at, **whose)
    await house.settle()
    house.clock.at += 9 * DAY
    assert await firsts(house) == set()
    await house.keep(touchpoints=7)
    assert await house.worker(batch=2).poll() == 5
    known = {("c", None, None, begin + hour), ("c", None, done.id, begin), (None, "l", None, begin)}
    assert {
        (*each[:1], each[1] if each[0] is None else None, *each[2:]) for each in await firsts(house)
    } == known
    # What is recorded late may be the first of all.
    await sold(house, begin - DAY, customer_id="c")
    await house.settle()
    house.clock.at += 3 * DAY
    assert await house.worker().poll() == 1
    assert ("c", begin - DAY) in {(each[0], each[3]) for each in await firsts(house)}
    assert len(await firsts(house)) == 3

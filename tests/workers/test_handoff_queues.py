"""No partner that hangs, fails or is switched off holds up somebody else's; nor does what cannot be worked at."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from domain import package
from domain.events import HandoffStatus
from domain.handoff import Handoff
from storage.packages import package_id
from tests.conftest import Servers
from tests.e2e.harness import eventually, fresh
from tests.storage.served import Recorder
from tests.storage.subjects import cause
from tests.workers.handing import CRM, Crew, at_work, configure, crew_of, hand_over
from tests.workers.target import Partner, answer, hang, listening
from workers.dispatch import REST_SECONDS
from workers.turns import FAILURES, OPEN_SECONDS


@pytest.fixture
async def crew(servers: Servers) -> AsyncIterator[Crew]:
    async with crew_of(servers) as crew:
        yield crew


@pytest.fixture
async def partner() -> AsyncIterator[Partner]:
    async with listening() as partner:
        yield partner


def done(handoff: Handoff) -> bool:
    return handoff.status is HandoffStatus.COMPLETED


async def test_while_its_package_is_switched_off_nothing_is_attempted(
    crew: Crew, partner: Partner, tenant: str
) -> None:
    other = fresh()
    for name in (tenant, other):
        await configure(crew.store, name, partner.url)
    waiting = [await hand_over(crew.store, tenant, f"w{n}") for n in range(20)]
    await crew.store.packages.change(tenant, CRM, lambda p, at: package.disable(p, at=at), cause())
    async with at_work(crew.worker(slots=8)):
        for n in range(3):
            await crew.becomes(await hand_over(crew.store, other, f"o{n}"), done, "another tenant's")
        assert [each.attempts for each in [await crew.get(w) for w in waiting]] == [()] * len(waiting)
        assert all(each.path.startswith("/customers/o") for each in partner.requests)
        await crew.store.packages.change(tenant, CRM, lambda p, at: package.enable(p, at=at), cause())
        for each in waiting:
            assert len((await crew.becomes(each, done, "switched on again")).attempts) == 1


async def test_a_target_that_keeps_failing_is_left_alone_while_others_go_on(
    crew: Crew, partner: Partner, tenant: str
) -> None:
    other, clock = fresh(), asyncio.get_running_loop().time
    failing = [f"/customers/f{n}" for n in range(20)]
    partner.answers |= dict.fromkeys(failing, answer("503 Service Unavailable"))
    for name in (tenant, other):
        await configure(crew.store, name, partner.url, attempts=10)
    broken = [await hand_over(crew.store, tenant, f"f{n}") for n in range(20)]
    fine = [await hand_over(crew.store, other, f"g{n}") for n in range(20)]
    async with at_work(crew.worker(slots=4)):  # so each target has one slot
        began = clock()
        for each in fine:
            await crew.becomes(each, done, "completed")

        async def opened() -> bool:
            return sum(each.path in failing for each in partner.requests) >= FAILURES

        await eventually(opened, "five failures")
        for n in range(5):
            await crew.becomes(await hand_over(crew.store, other, f"h{n}"), done, "completed")
    asked = sum(each.path in failing for each in partner.requests)
    attempts = sum([len((await crew.get(each)).attempts) for each in broken])
    assert FAILURES <= asked <= attempts <= FAILURES + (clock() - began) / OPEN_SECONDS
    assert attempts - asked <= 1, "one may have been begun as the worker ended"


@pytest.mark.parametrize("apart", [timedelta(milliseconds=1), timedelta(0)])
@pytest.mark.parametrize("woken", [True, False])
async def test_two_thousand_for_a_partner_that_hangs_hold_up_nobody_else(
    crew: Crew, partner: Partner, tenant: str, woken: bool, apart: timedelta
) -> None:
    other, at, clock = fresh("u"), crew.clock(), asyncio.get_running_loop().time
    partner.answers["/customers/hang"] = hang
    for name in (tenant, other):
        await configure(crew.store, name, partner.url)
    first = await hand_over(crew.store, tenant, "hang", at=at)
    await crew.store.changes.drain()
    handoffs = crew.store.mongo["handoffs"]
    document = await handoffs.find_one({"_id": first.id})
    assert document is not None
    copies = [{**document, "_id": f"hof_{n}", "wakeAt": at + n * apart} for n in range(2000)]
    await handoffs.insert_many(copies)
    mine = [await hand_over(crew.store, other, f"c{n}", at=at + 2000 * apart) for n in range(10)]
    worker = crew.worker(slots=16)
    async with at_work(worker):
        began = clock()
        await asyncio.wait_for(partner.asked.wait(), 20)
        if woken:
            worker.wake(f"{other}|{CRM}")
        for each in mine:
            await crew.becomes(each, done, "completed")
        hanging = len(crew.sent) - len(mine)
        given_up = (clock() - began) / first.limits.attempt_time.total_seconds()
        assert 1 <= hanging <= 4 * (1 + given_up), "a quarter of the slots"


async def test_what_cannot_be_worked_at_holds_up_nobody_and_is_not_tried_at_every_turn(
    servers: Servers, partner: Partner, tenant: str
) -> None:
    """A package as a later version might write it: nothing of this tenant's can be begun."""
    other, recorder, clock = fresh(), Recorder(), asyncio.get_running_loop().time
    async with crew_of(servers, recorder) as crew:
        for name in (tenant, other):
            await configure(crew.store, name, partner.url)
        broken = [await hand_over(crew.store, tenant, f"b{n}") for n in range(5)]
        await crew.store.changes.drain()
        of_tenant, garbled = {"tenantId": tenant}, {"$set": {"actions": "to come"}}
        await crew.store.mongo["packages"].update_one(of_tenant, garbled)
        recorder.sent.clear()
        worker = crew.worker(slots=8)
        async with at_work(worker):
            began = clock()
            for n in range(20):
                handoff = await hand_over(crew.store, other, f"g{n}")
                worker.wake(f"{other}|{CRM}")
                await crew.becomes(handoff, done, "another's")
        of = package_id(tenant, CRM)
        looked = sum(each.filter.get("_id") == of for each in recorder.sent)
        assert 1 <= looked <= len(broken) * (1 + (clock() - began) / REST_SECONDS)
        assert [(await crew.get(each)).attempts for each in broken] == [()] * len(broken)


async def test_a_handoff_that_cannot_be_read_holds_up_no_other_queue(
    crew: Crew, partner: Partner, tenant: str
) -> None:
    other = fresh()
    for name in (tenant, other):
        await configure(crew.store, name, partner.url)
    bad = await hand_over(crew.store, tenant)
    await crew.store.changes.drain()
    await crew.store.mongo["handoffs"].update_one({"_id": bad.id}, {"$set": {"type": "to come"}})
    async with at_work(crew.worker()):
        for n in range(5):
            await crew.becomes(await hand_over(crew.store, other, f"g{n}"), done, "another's")

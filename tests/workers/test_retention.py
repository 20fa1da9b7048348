"""What retention deletes over the real database, and what stays, on a clock that is passed in."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from domain import external, retention, steer, walk
from domain.approval import ApprovalPolicy
from domain.errors import IdempotencyKeyReused
from domain.incident import IncidentKind, IncidentRaised
from domain.journey import Journey
from domain.record_events import ConversionAdded
from domain.template import Stage
from domain.touchpoint import RecordFilter
from storage.expiry import EXPIRING, Expiring
from tests.conftest import Servers
from tests.domain.samples import definition
from tests.storage.subjects import cause, follow, start
from tests.workers.handing import hand_over
from tests.workers.keeping import ALL, DAY, House, house_of
from tests.workers.triggering import EMIT, add, firings, report, rule
from workers.actions import Actions
from workers.retention import EVERY
from workers.triggers import TriggerWorker


@pytest.fixture
async def house(servers: Servers, tenant: str) -> AsyncIterator[House]:
    async with house_of(servers, tenant) as house:
        yield house


async def test_what_ended_journeys_told_goes_and_open_ones_keep_all(house: House) -> None:
    journeys = [await house.journey() for _ in range(5)]
    done, active, paused, failed, abandoned = journeys
    await house.end(done)
    commands: list[tuple[Journey, Any]] = [
        (paused, lambda j, d, at: steer.pause(j, at=at)),
        (failed, lambda j, d, at: walk.fail(j, reason="x", at=at)),
        (abandoned, lambda j, d, at: steer.abandon(j, reason="x", at=at)),
    ]
    for journey, command in commands:
        await house.store.journeys.change(journey.id, house.tenant, command, cause())
    told = [await house.of(each.id) for each in journeys]
    assert all(told)
    await house.settle()
    house.clock.at += 31 * DAY
    await house.keep(events=30)
    assert await house.worker().poll() > 0
    assert [await house.of(each.id) for each in journeys] == [0, *told[1:4], 0]
    for each in journeys:
        assert (await house.store.journeys.get(each.id, house.tenant)).id == each.id
        template = await house.store.templates.version(house.tenant, each.template_id, each.template_version)
        assert await house.of(template.id) == 0
    await house.end(active)
    await house.settle()
    house.clock.at += EVERY
    await house.worker().poll()
    assert await house.of(active.id) == 2  # what it told today
    house.clock.at += 31 * DAY
    await house.worker().poll()
    assert await house.of(active.id) == 0


async def test_what_is_young_enough_stays(house: House) -> None:
    journey = await house.journey()
    await house.end(journey)
    await house.settle()
    told = await house.of(journey.id)
    house.clock.at += 30 * DAY
    await house.keep(events=30)
    assert (await house.worker().poll(), await house.of(journey.id)) == (0, told)
    house.clock.at += timedelta(milliseconds=1)
    house.clock.at += EVERY
    assert (await house.worker().poll() > 0, await house.of(journey.id)) == (True, 0)


async def test_nothing_goes_unless_it_is_said(house: House) -> None:
    assert await house.report("1")
    touched = await house.contact(customer_id="c")
    await house.settle()
    house.clock.at += 40_000 * DAY
    assert await house.worker().poll() == 0
    await house.keep(touchpoints=36_500)
    await house.worker().poll()
    assert await house.of(external.event_subject(house.tenant, "crm", "1")) == 1
    assert await house.contacts() == []
    assert await house.of(touched) == 1


async def test_what_is_pending_stays_with_its_whole_change(house: House) -> None:
    journey = await house.journey()
    await house.end(journey)
    await house.store.changes.drain()
    first, *_ = (await house.store.events.history(journey.id, ALL)).items
    due = await house.store.events.due(house.clock() + DAY, 100)
    others = [(each.envelope.id, each.pending) for each in due if each.envelope.id != first.id]
    await house.store.events.strike(others)
    house.clock.at += 31 * DAY
    await house.keep(events=30)
    await house.worker().poll()
    left = (await house.store.events.history(journey.id, ALL)).items
    assert len(left) > 1
    assert {each.revision for each in left} == {1}
    # After ten tries it is left alone, and still pending.
    for _ in range(10):
        for entry in await house.store.events.due(house.clock() + DAY, 100):
            if entry.envelope.id == first.id:
                await house.store.events.postpone(entry, house.clock(), "OSError")
    house.clock.at += EVERY
    await house.worker().poll()
    assert (await house.store.events.history(journey.id, ALL)).items == left
    await house.store.events.again(first.id, house.clock())
    await house.settle()
    house.clock.at += EVERY
    await house.worker().poll()
    assert await house.of(journey.id) == 0


async def test_open_handoffs_and_incidents_keep_theirs_and_so_do_those_of_open_journeys(house: House) -> None:
    done, active = await house.journey(), await house.journey()
    await house.end(done)
    store = house.store
    pending = (await hand_over(store, house.tenant, policy=ApprovalPolicy(), at=house.clock())).id
    incidents = {}
    for name, journey in (("free", None), ("done", done.id), ("solved", done.id), ("active", active.id)):
        raised = IncidentRaised(
            at=house.clock(), tenant_id=house.tenant, kind=IncidentKind.RELAY, reason="x", journey_id=journey
        )
        incidents[name] = f"inc_{name}{house.tenant}"
        await store.incidents.open(incidents[name], raised, cause())
    for name in ("solved", "active"):
        await store.incidents.resolve(incidents[name], house.tenant, "mended", cause())
    await house.settle()
    house.clock.at += 31 * DAY
    await house.keep(events=30)
    await house.worker().poll()
    left = {name: await house.of(id) for name, id in incidents.items()}
    assert left == {"free": 1, "done": 1, "solved": 0, "active": 2}
    assert await house.of(pending) > 0
    await store.incidents.get(incidents["solved"], house.tenant)


async def test_touchpoints_and_conversions_go_but_those_of_open_journeys(house: House) -> None:
    done, active = await house.journey(), await house.journey()
    await house.end(done)
    ids = [await house.contact(journey_id=each.id) for each in (done, active)]
    ids.append(await house.contact(customer_id="c"))
    for journey in (done, active):
        sold = ConversionAdded(
            at=house.clock(), tenant_id=house.tenant, kind="s", to_stage=Stage.CUSTOMER, journey_id=journey.id
        )
        await house.store.conversions.add(f"cnv_{journey.id}", sold, cause())
    await house.settle()
    house.clock.at += 8 * DAY
    await house.keep(touchpoints=7)
    assert await house.worker().poll() == 3
    assert await house.contacts() == [ids[1]]
    found = await house.store.conversions.page(house.tenant, RecordFilter(), ALL)
    assert [each.id for each in found.items] == [f"cnv_{active.id}"]
    assert [await house.of(id) for id in ids] == [1, 1, 1]
    await house.keep(touchpoints=7, events=7)
    await house.worker().poll()
    assert [await house.of(id) for id in ids] == [0, 1, 0]


async def test_what_was_recorded_just_now_stays_however_long_ago_it_was(house: House) -> None:
    """The log remembers commands and reports: each is carried out once, also right before a sweep."""
    long_ago, why = house.clock() - 400 * DAY, cause("contact")
    assert await house.report("old", long_ago)
    contact = await house.contact(why, at=long_ago, customer_id="c")
    await house.settle()
    await house.keep(events=30, touchpoints=30)
    assert await house.worker().poll() == 0
    assert not await house.report("old", long_ago)
    assert await house.contact(why, at=long_ago, customer_id="c") == contact
    house.clock.at += 3 * DAY
    assert await house.worker().poll() == 3
    assert await house.contacts() == []


async def test_what_a_source_reports_again_is_known_as_long_as_the_log_keeps_it(house: House) -> None:
    assert await house.report("1")
    await house.settle()
    await house.keep(events=30)
    house.clock.at += 29 * DAY
    await house.worker().poll()
    assert not await house.report("1")
    house.clock.at += 2 * DAY
    await house.worker().poll()
    assert await house.report("1")


async def test_a_trigger_that_fired_for_it_does_not_fire_again(house: House) -> None:
    store = house.store
    worker = TriggerWorker(store, Actions(store, house.clock, room=10), house.clock)
    trigger = await add(store, house.tenant, rule(EMIT))
    first = await report(store, house.tenant, "test:happened", id="1")
    await worker.fire([[first]])
    await house.settle()
    house.clock.at += 31 * DAY
    await house.keep(events=30)
    await house.worker().poll()
    assert await house.of(first.subject) == 0
    again = await report(store, house.tenant, "test:happened", id="1")
    assert again.id == first.id
    assert await worker.fire([[again]]) == [None]
    assert [each.event_id for each in await firings(store, house.tenant, trigger)] == [first.id]


async def test_a_key_that_the_log_has_forgotten_makes_nothing_a_second_time(house: House) -> None:
    why = cause("start")
    made = definition("one", template_id="kept")
    template = await follow(house.store, house.tenant, made)
    journey = await start(house.store, template, why, at=house.clock())
    await house.end(journey)
    await house.settle()
    house.clock.at += 31 * DAY
    await house.keep(events=30)
    await house.worker().poll()
    assert await house.of(journey.id) == 0
    with pytest.raises(IdempotencyKeyReused):
        await start(house.store, template, why, at=house.clock())


async def test_other_tenants_are_not_touched(house: House) -> None:
    other = f"{house.tenant}x"
    mine, theirs = await house.journey(), await house.journey(other)
    for each in (mine, theirs):
        await house.end(each)
    await house.settle()
    told = await house.of(theirs.id)
    house.clock.at += 31 * DAY
    await house.keep(events=30)
    await house.keep(other, events=365)
    await house.worker().poll()
    assert (await house.of(mine.id), await house.of(theirs.id)) == (0, told)


async def test_figures_are_one_line_more(house: House) -> None:
    figures = Expiring("touchpoints", retention.Part.ANALYTICS)  # any collection with a tenant and such a key
    await house.contact(customer_id="c")
    await house.settle()
    house.clock.at += 8 * DAY
    await house.keep(analytics=7)
    assert await house.worker().poll() == 0
    house.clock.at += EVERY
    assert await house.worker(expiring=[*EXPIRING, figures]).poll() == 1

"""A template's scheduled triggers follow its newest active version."""

import asyncio
from datetime import timedelta

import pytest

from domain.firing import FiringStatus
from domain.template import Trigger, TriggerType
from domain.trigger import TriggerCreated, TriggerFollowed, TriggerWithdrawn
from tests.workers.scheduling import MINUTELY, NINE, TEN, Sample, at, pass_a_minute
from tests.workers.triggering import Plant, Process, firings, journeys, report

S = FiringStatus


@pytest.fixture
async def sample(one: Process, tenant: str) -> Sample:
    return Sample(one, tenant)


async def test_a_newer_version_brings_another_schedule(sample: Sample) -> None:
    await sample.version(at(NINE))
    before = await sample.trigger()
    await sample.version(at(TEN, time_zone="Asia/Kolkata"))
    after = await sample.trigger()
    assert (after.id, after.rule.schedule, after.revision) == (before.id, TEN, 2)
    assert after.next_at is not None
    assert (after.next_at.hour, after.next_at.minute) == (4, 30)


async def test_a_newer_version_with_the_same_schedule_leaves_its_time_alone(
    plant: Plant, one: Process, sample: Sample
) -> None:
    await sample.version(at(MINUTELY))
    before = await sample.trigger()
    plant.clock.ahead += timedelta(minutes=1)  # it is due when the version comes
    await sample.version(at(MINUTELY, priority=7))
    after = await sample.trigger()
    assert (after.rule.priority, after.next_at) == (7, before.next_at)
    await one.worker.poll()
    await one.settle()
    [journey] = await journeys(one.store, sample.tenant)
    assert journey.template_version == 2


async def test_a_trigger_that_a_newer_version_leaves_out_is_gone_until_one_has_it_again(
    plant: Plant, one: Process, sample: Sample
) -> None:
    await sample.version(at(MINUTELY), at(NINE, "other"))
    gone = await sample.trigger()
    await sample.version(at(NINE, "other"))
    assert await sample.schedules() == [NINE]
    assert gone.id not in {each.id for each in await one.store.triggers.all(sample.tenant)}
    await pass_a_minute(plant, one)
    assert await firings(one.store, sample.tenant, gone) == []
    await sample.version(at(MINUTELY))
    assert await sample.schedules() == [MINUTELY]
    assert (await sample.trigger()).id == gone.id
    assert await sample.history(gone.id) == [
        TriggerCreated.type,
        TriggerFollowed.type,
        TriggerWithdrawn.type,
        TriggerFollowed.type,
    ]


async def test_a_trigger_that_waits_for_an_event_in_another_version_follows_that_too(
    plant: Plant, one: Process, sample: Sample
) -> None:
    waiting = Trigger(id="t", name="t", type=TriggerType.EVENT, event="test:happened")
    await sample.version(waiting)
    await sample.version(at(MINUTELY))
    await sample.version(waiting)
    await pass_a_minute(plant, one)
    assert await firings(one.store, sample.tenant) == []
    await report(one.store, sample.tenant, "test:happened")
    await one.settle()
    assert len(await firings(one.store, sample.tenant)) == 1
    for version in (3, 2, 1):
        await sample.switch(version, on=False)
    await report(one.store, sample.tenant, "test:happened")
    await one.settle()
    assert len(await firings(one.store, sample.tenant)) == 1


async def test_a_template_that_is_switched_off_starts_nothing_until_it_is_on_again(
    plant: Plant, one: Process, sample: Sample
) -> None:
    await sample.version(at(MINUTELY))
    trigger = await sample.trigger()
    await sample.switch(1, on=False)
    assert (await one.store.triggers.get(trigger.id, sample.tenant)).active is False
    await pass_a_minute(plant, one)
    assert await firings(one.store, sample.tenant) == []
    await sample.switch(1, on=True)
    again = await sample.trigger()
    assert again.wake_at is not None
    assert again.wake_at > plant.clock()  # what went by meanwhile is not made up
    await pass_a_minute(plant, one)
    assert len(await firings(one.store, sample.tenant)) == 1


async def test_without_its_newest_version_the_one_before_is_followed(sample: Sample) -> None:
    await sample.version(at(NINE))
    await sample.version(at(TEN))
    await sample.switch(1, on=False)
    assert await sample.schedules() == [TEN]
    await sample.switch(1, on=True)
    await sample.switch(2, on=False)
    assert await sample.schedules() == [NINE]


async def test_versions_that_two_processes_make_at_once_end_with_the_newest(
    one: Process, two: Process, tenant: str
) -> None:
    samples = Sample(one, tenant), Sample(two, tenant)
    await samples[0].version(at("0 0 * * *"))
    await asyncio.gather(*(samples[n % 2].version(at(f"0 {n} * * *")) for n in range(1, 9)))
    newest = await one.store.templates.newest(tenant, "sample")
    assert newest.version == 9
    assert await samples[0].schedules() == [newest.definition.triggers[0].schedule]

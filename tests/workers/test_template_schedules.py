"""A template's scheduled triggers follow its newest active version, and fire once, until a tenant changes them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from domain import trigger as domain
from domain.errors import NotFound
from domain.firing import FiringStatus
from domain.identity import Actor, ActorKind
from domain.template import Definition, Trigger, TriggerType
from domain.template_events import TemplateCreated
from domain.trigger import Trigger as State
from domain.trigger import TriggerCreated, TriggerFollowed, TriggerWithdrawn
from storage.imports import Imports
from storage.subject import Cause
from tests.conftest import Servers
from tests.domain.samples import definition
from tests.storage.subjects import cause
from tests.workers.triggering import (
    ALL,
    Plant,
    Process,
    change,
    firings,
    journeys,
    named,
    plant_of,
    report,
)

S = FiringStatus
NINE, TEN, MINUTELY = "0 9 * * *", "0 10 * * *", "* * * * *"


@pytest.fixture(scope="module")
async def plant(servers: Servers) -> AsyncIterator[Plant]:
    async with plant_of(servers) as plant:
        yield plant


@pytest.fixture
async def one(plant: Plant) -> Process:
    return plant.process()


@pytest.fixture
async def two(plant: Plant) -> Process:
    return plant.process()


def at(schedule: str, id: str = "t", **rest: Any) -> Trigger:
    return Trigger(id=id, name=id, type=TriggerType.SCHEDULED, schedule=schedule, **rest)


def made_of(*triggers: Trigger) -> Definition:
    return definition("a", triggers=triggers)


@dataclass
class Sample:
    """A tenant's template."""

    process: Process
    tenant: str

    async def version(self, *triggers: Trigger) -> None:
        templates = self.process.store.templates
        try:
            await templates.create_version(self.tenant, made_of(*triggers), cause())
        except NotFound:
            await templates.create(self.tenant, made_of(*triggers), cause())

    async def switch(self, version: int, *, on: bool) -> None:
        await self.process.store.templates.switch(self.tenant, "sample", version, active=on, cause=cause())

    async def trigger(self, name: str = "t") -> State:
        return await named(self.process.store, self.tenant, name)

    async def schedules(self) -> list[str | None]:
        """Those of its triggers that are switched on and will come."""
        found = await self.process.store.triggers.all(self.tenant)
        return [each.rule.schedule for each in found if each.wake_at is not None]

    async def history(self, id: str) -> list[str]:
        return [each.type for each in (await self.process.store.events.history(id, ALL)).items]


@pytest.fixture
async def sample(one: Process, tenant: str) -> Sample:
    return Sample(one, tenant)


async def pass_a_minute(plant: Plant, *processes: Process) -> None:
    plant.clock.ahead += timedelta(minutes=1)
    await asyncio.gather(*(each.worker.poll() for each in (*processes, *processes)))
    await asyncio.gather(*(each.settle() for each in processes))


# Coming due


async def test_an_active_template_starts_a_journey_when_its_time_comes_once_with_two_workers(
    plant: Plant, one: Process, two: Process, sample: Sample
) -> None:
    mapping = {"dueAt": "data.scheduledFor"}
    await sample.version(at(MINUTELY, context_mapping=mapping))
    trigger = await sample.trigger()
    assert (trigger.built_in, trigger.follows, trigger.active) == (True, "sample", True)
    assert trigger.next_at is not None
    await pass_a_minute(plant, one, two)
    [firing] = await firings(one.store, sample.tenant, trigger)
    assert firing.status is S.FIRED
    [journey] = await journeys(one.store, sample.tenant)
    assert (journey.id, journey.template_version) == (firing.result, 1)
    assert journey.context["dueAt"]
    await pass_a_minute(plant, two, one)
    assert len(await firings(one.store, sample.tenant, trigger)) == 2


async def test_a_template_of_an_import_is_followed_too(plant: Plant, one: Process, sample: Sample) -> None:
    why = Cause(Actor(ActorKind.IMPORT, "import"), "import", "import")
    await Imports(one.store).template(sample.tenant, made_of(at(MINUTELY)), why)
    await pass_a_minute(plant, one)
    assert [each.status for each in await firings(one.store, sample.tenant)] == [S.FIRED]


async def test_a_trigger_that_its_version_has_switched_off_does_not_come(sample: Sample) -> None:
    await sample.version(at(MINUTELY, active=False))
    assert await sample.schedules() == []
    await sample.version(at(MINUTELY))
    assert await sample.schedules() == [MINUTELY]


# Versions


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


# As the tenant changed it


@pytest.mark.parametrize(
    "commands",
    [
        [lambda trigger, at: domain.change(trigger, trigger.rule, at=at)],
        [domain.disable],
        [domain.disable, domain.enable],
        [domain.delete],
    ],
    ids=["changed", "switched off", "switched on", "deleted"],
)
async def test_what_a_person_has_changed_follows_no_version_any_more(
    plant: Plant, one: Process, sample: Sample, commands: Sequence[Any]
) -> None:
    await sample.version(at(NINE))
    trigger = await sample.trigger()
    for command in commands:
        await change(one.store, trigger, command)
    theirs = await one.store.triggers.get(trigger.id, sample.tenant)
    await sample.version(at(MINUTELY))
    await sample.version()
    await sample.switch(3, on=False)
    assert await one.store.triggers.get(trigger.id, sample.tenant) == theirs
    await pass_a_minute(plant, one)
    assert await firings(one.store, sample.tenant) == []


# Once


async def test_following_twice_or_by_two_workers_or_after_a_death_is_once(
    plant: Plant, one: Process, two: Process, tenant: str
) -> None:
    dead = plant.process()
    dead.store.changes.logged = dies
    made = (await dead.store.templates.create(tenant, made_of(at(NINE)), cause())).state
    [created] = [
        each
        for each in (await one.store.events.history(made.id, ALL)).items
        if each.type == TemplateCreated.type
    ]
    await asyncio.gather(*(each.following.follow([created]) for each in (one, two, one, two)))
    await one.following.follow([created])
    sample = Sample(one, tenant)
    trigger = await sample.trigger()
    assert trigger.revision == 1
    assert await sample.history(trigger.id) == [TriggerCreated.type, TriggerFollowed.type]
    await sample.version(at(TEN))
    await two.following.follow([created])
    assert await sample.schedules() == [TEN]
    assert len(await sample.history(trigger.id)) == 3


async def dies(_: object) -> None:
    """A process that ends before anything follows."""

"""A template's scheduled triggers fire once when their time comes, until a tenant changes them."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from domain import trigger as domain
from domain.firing import FiringStatus
from domain.identity import Actor, ActorKind
from domain.template_events import TemplateCreated
from domain.trigger import TriggerCreated, TriggerFollowed
from storage.imports import Imports
from storage.subject import Cause
from tests.storage.subjects import cause
from tests.workers.scheduling import MINUTELY, NINE, TEN, Sample, at, made_of, pass_a_minute
from tests.workers.triggering import ALL, Plant, Process, change, firings, journeys

S = FiringStatus


@pytest.fixture
async def sample(one: Process, tenant: str) -> Sample:
    return Sample(one, tenant)


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
    far = f"0 {(plant.clock().hour + 12) % 24} * * *"  # where it is kept, it does not come meanwhile
    await sample.version(at(far))
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

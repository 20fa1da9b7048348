"""Conditions that turn true, times that come, chains that never end, and tenants that stay apart."""

import asyncio
from datetime import timedelta

import pytest

from domain import trigger as domain
from domain.action import Action, ActionKind
from domain.condition import Condition, Operator
from domain.events import HandoffStatus
from domain.firing import FiringStatus
from domain.incident import IncidentKind
from domain.rule import CatchUp
from storage.firings import firing_id
from tests.conftest import Servers
from tests.storage.subjects import follow
from tests.workers.scheduling import pass_a_minute
from tests.workers.triggering import (
    EMIT,
    Process,
    add,
    change,
    conditional,
    facts,
    firings,
    incidents,
    journeys,
    plant_of,
    report,
    rule,
    scheduled,
    starting,
)

S = FiringStatus
HAPPENED = "test:happened"
RISK = Condition("churnRisk", Operator.GREATER_THAN, 80)


# Turning true


async def test_conditions_fire_when_they_turn_true_for_each_customer(one: Process, tenant: str) -> None:
    trigger = await add(one.store, tenant, conditional(EMIT, RISK))
    for customer in ("c-1", "c-2"):
        for risk in (10, 90, 95):
            await facts(one.store, tenant, customer, churnRisk=risk)
            await one.settle()
    assert len(await firings(one.store, tenant, trigger)) == 2
    for risk in (20, 85):
        await facts(one.store, tenant, "c-1", churnRisk=risk)
        await one.settle()
    found = await firings(one.store, tenant, trigger)
    assert [each.status for each in found] == [S.FIRED] * 3


async def test_conditions_that_turn_true_fire_once_with_two_workers(
    one: Process, two: Process, tenant: str
) -> None:
    await add(one.store, tenant, conditional(EMIT, RISK))
    event = await facts(one.store, tenant, "c-1", churnRisk=90)
    await asyncio.gather(*(each.fire(event) for each in (one, two, one, two)))
    later = await facts(one.store, tenant, "c-1", plan="big")
    await asyncio.gather(one.fire(later, event), two.fire(event, later))
    assert len(await firings(one.store, tenant)) == 1


async def test_conditions_look_at_facts_and_at_the_event(one: Process, tenant: str) -> None:
    usage = Condition("data.usage", Operator.GREATER_THAN, 100)
    action = starting(mapping={"context.risk": "churnRisk", "context.usage": "data.usage"})
    await follow(one.store, tenant)
    trigger = await add(one.store, tenant, conditional(action, RISK, usage, event="billing:usage"))
    await report(one.store, tenant, "billing:usage", customer_id="c-1", data={"usage": 200})
    await one.settle()
    await facts(one.store, tenant, "c-1", churnRisk=90)
    await one.settle()
    assert await firings(one.store, tenant, trigger) == []
    await report(one.store, tenant, "billing:usage", customer_id="c-1", data={"usage": 200})
    await report(one.store, tenant, "billing:usage", data={"usage": 200})
    await one.settle()
    [journey] = await journeys(one.store, tenant, "sample")
    assert (journey.customer_id, journey.context) == ("c-1", {"risk": 90, "usage": 200})


# Schedules


async def test_a_time_that_comes_fires_once_with_two_pollers(servers: Servers, tenant: str) -> None:
    async with plant_of(servers) as plant:
        one, two = plant.process(), plant.process()
        trigger = await add(one.store, tenant, scheduled())
        await pass_a_minute(plant, one, two)
        [firing] = await firings(one.store, tenant, trigger)
        assert firing.status is S.FIRED
        await pass_a_minute(plant, two)
        assert len(await firings(one.store, tenant, trigger)) == 2


@pytest.mark.parametrize(("catch_up", "made_up"), [(CatchUp.ONCE, 1), (CatchUp.SKIP, 0)])
async def test_times_that_went_by_unwatched_are_made_up_once_or_left_out(
    servers: Servers, tenant: str, catch_up: CatchUp, made_up: int
) -> None:
    async with plant_of(servers) as plant:
        one = plant.process()
        trigger = await add(one.store, tenant, scheduled("0 * * * *", catch_up=catch_up))
        plant.clock.ahead += timedelta(days=3, minutes=5)
        if not 2 <= plant.clock().minute < 59:  # the hour is not to turn meanwhile
            plant.clock.ahead += timedelta(minutes=5)
        for _ in range(2):
            await one.worker.poll()
            await one.settle()
        assert len(await firings(one.store, tenant, trigger)) == made_up
        now = await one.store.triggers.get(trigger.id, tenant)
        assert now.wake_at is not None
        assert now.wake_at > plant.clock()


async def test_one_that_is_off_or_deleted_does_not_fire_when_its_time_comes(
    servers: Servers, tenant: str
) -> None:
    async with plant_of(servers) as plant:
        one = plant.process()
        for command in (domain.disable, domain.delete):
            trigger = await add(one.store, tenant, scheduled())
            await change(one.store, trigger, command)
        plant.clock.ahead += timedelta(minutes=2)
        await one.worker.poll()
        await one.settle()
        assert await firings(one.store, tenant) == []


# Loops


async def test_a_trigger_that_makes_what_it_waits_for_is_cut_off_with_one_incident(
    one: Process, tenant: str
) -> None:
    again = Action(kind=ActionKind.EMIT_EVENT, params={"type": HAPPENED})
    for _ in range(2):
        trigger = await add(one.store, tenant, rule(again))
    await change(one.store, trigger, domain.disable)
    await report(one.store, tenant, HAPPENED, correlation_id="the same")
    await asyncio.wait_for(one.settle(), 30)
    assert len(await firings(one.store, tenant)) == 16
    [incident] = await incidents(one.store, tenant)
    assert incident.kind is IncidentKind.LOOP


async def test_two_tenants_loops_are_two_incidents_also_with_one_correlation(
    one: Process, tenant: str
) -> None:
    again = Action(kind=ActionKind.EMIT_EVENT, params={"type": HAPPENED})
    tenants = (tenant, f"{tenant}-b")
    for each in tenants:
        await add(one.store, each, rule(again))
        await report(one.store, each, HAPPENED, correlation_id="the same everywhere")
    await asyncio.wait_for(one.settle(), 30)
    assert [len(await incidents(one.store, each)) for each in tenants] == [1, 1]


# Tenants


async def test_an_event_fires_only_its_own_tenants_triggers(one: Process, tenant: str) -> None:
    other = f"{tenant}-b"
    mine, theirs = await add(one.store, tenant, rule(EMIT)), await add(one.store, other, rule(EMIT))
    event = await report(one.store, tenant, HAPPENED)
    await one.settle()
    assert [each.trigger_id for each in await firings(one.store, tenant)] == [mine.id]
    assert await firings(one.store, other) == []
    assert not await one.store.firings.known(firing_id(theirs.id, event.id))


async def test_the_values_of_one_event_never_come_with_another(one: Process, tenant: str) -> None:
    hand = Action(
        kind=ActionKind.CREATE_HANDOFF,
        params={"toPackage": "crm", "type": "manual", "data": {"workType": "repair"}},
        mapping={"data.issue": "data.issue", "data.ticketId": "data.ticketId"},
    )
    trigger = await add(one.store, tenant, rule(hand))
    both = await report(one.store, tenant, HAPPENED, data={"issue": "no light", "ticketId": "7"})
    neither = await report(one.store, tenant, HAPPENED)
    waiting = (await one.store.triggers.concerning([(tenant, HAPPENED)]))[tenant, HAPPENED]
    assert [each.id for each in waiting] == [trigger.id]
    await one.fire(both, neither)
    made = [
        await one.store.handoffs.get(each.result or "", tenant) for each in await firings(one.store, tenant)
    ]
    assert all(each.status is HandoffStatus.PENDING for each in made)
    assert [each.data for each in made] == [
        {"workType": "repair", "issue": "no light", "ticketId": "7"},
        {"workType": "repair"},
    ]

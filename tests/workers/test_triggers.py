"""Triggers fire once for an event, whoever sees it, however often, and whatever dies in between."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from app.wiring import utc_now
from domain import steer
from domain import trigger as domain
from domain.condition import Condition, Operator
from domain.errors import IllegalTransition
from domain.events import Envelope, HandoffStatus
from domain.firing import FiringStatus
from domain.incident import IncidentKind
from domain.rule import Action, ActionKind, CatchUp, scope
from domain.touchpoint import RecordFilter
from domain.trigger import Trigger
from storage.firings import firing_id
from tests.conftest import Servers
from tests.domain.samples import definition
from tests.storage.subjects import cause, crash, follow, start
from tests.workers.triggering import (
    ALL,
    EMIT,
    Plant,
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
from workers.actions import Actions
from workers.triggers import _cause as caused_by

S = FiringStatus
HAPPENED = "test:happened"
RISK = Condition("churnRisk", Operator.GREATER_THAN, 80)


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


# Once


async def test_an_event_fires_each_trigger_that_waits_for_it_and_no_other(one: Process, tenant: str) -> None:
    await follow(one.store, tenant)
    first = await add(one.store, tenant, rule(starting(mapping={"context.score": "data.score"})))
    second = await add(one.store, tenant, rule(EMIT, priority=2))
    await add(one.store, tenant, rule(EMIT, "test:other"))
    unmet = (Condition("data.score", Operator.LESS_THAN, 5),)
    await add(one.store, tenant, rule(EMIT, conditions=unmet))
    event = await report(one.store, tenant, HAPPENED, data={"score": 82}, lead_id="l-1")
    await one.fire(event)
    [started, told] = await firings(one.store, tenant)
    assert (started.trigger_id, told.trigger_id) == (first.id, second.id)
    assert (started.status, started.event_id, started.reason) == (S.FIRED, event.id, None)
    [journey] = await journeys(one.store, tenant)
    assert (journey.id, journey.lead_id, journey.context["score"]) == (started.result, "l-1", 82)


async def test_doing_it_twice_or_by_two_workers_at_once_fires_once(
    one: Process, two: Process, tenant: str
) -> None:
    await follow(one.store, tenant, definition("a", template_id="any"))
    await add(one.store, tenant, rule(starting("any")))
    await add(one.store, tenant, rule(EMIT))
    touch = Action(kind=ActionKind.ADD_TOUCHPOINT, params={"kind": "call", "channel": "phone"})
    await add(one.store, tenant, rule(touch))
    hand = Action(kind=ActionKind.CREATE_HANDOFF, params={"toPackage": "crm", "type": "manual"})
    await add(one.store, tenant, rule(hand))
    events = [await report(one.store, tenant, HAPPENED, lead_id=f"l-{n}") for n in range(5)]
    await asyncio.gather(*(each.fire(*events) for each in (one, two, one, two)))
    await one.fire(*events)
    assert [each.status for each in await firings(one.store, tenant)] == [S.FIRED] * 20
    assert len(await journeys(one.store, tenant)) == 5
    assert len((await one.store.touchpoints.page(tenant, RecordFilter(), ALL)).items) == 5
    by_type = dict.fromkeys(("test:told", "handoff:created", "trigger:fired", "journey:started"), 0)
    async for batch in one.store.events.recorded_since(tenant, events[0].recorded_at):
        for each in batch:
            if each.type in by_type:
                by_type[each.type] += 1
    assert by_type == {
        "test:told": 5,
        "handoff:created": 5,
        "trigger:fired": 20,
        "journey:started": 5,
    }


async def test_a_trigger_fires_for_each_event_of_a_change_and_for_the_services_own_events(
    one: Process, tenant: str
) -> None:
    template = await follow(one.store, tenant)
    started = await add(one.store, tenant, rule(EMIT, "journey:started"))
    entered = await add(one.store, tenant, rule(EMIT, "journey:step_entered"))
    journey = await start(one.store, template)
    await one.settle()
    for trigger in (started, entered):
        [firing] = await firings(one.store, tenant, trigger)
        assert firing.event_id.startswith(f"{journey.id}:1:")


# Death in between


@pytest.mark.parametrize("unlogged", [True, False])
async def test_a_death_between_action_and_firing_starts_one_journey(
    one: Process, two: Process, tenant: str, *, unlogged: bool
) -> None:
    await follow(one.store, tenant)
    trigger = await add(one.store, tenant, rule(starting()))
    event = await report(one.store, tenant, HAPPENED, lead_id="l-1")
    await _dies(one, trigger, event, unlogged=unlogged)
    await two.fire(event)
    [journey] = await journeys(two.store, tenant)
    [firing] = await firings(two.store, tenant)
    assert (firing.status, firing.result) == (S.FIRED, journey.id)


@pytest.mark.parametrize("unlogged", [True, False])
@pytest.mark.parametrize("steps", [("one", "two", "three"), ("one",)])
async def test_a_death_between_action_and_firing_advances_once_and_does_nothing_else(
    one: Process, two: Process, tenant: str, steps: tuple[str, ...], *, unlogged: bool
) -> None:
    template = await follow(one.store, tenant, definition(*steps))
    journey = await start(one.store, template, customer_id="c-1")
    advance = Action(kind=ActionKind.ADVANCE_JOURNEY, template_id="sample", step="one")
    trigger = await add(one.store, tenant, rule(advance, otherwise=EMIT))
    event = await report(one.store, tenant, HAPPENED, customer_id="c-1")
    await _dies(one, trigger, event, unlogged=unlogged)
    await two.fire(event)
    [firing] = await firings(two.store, tenant)
    assert (firing.status, firing.result) == (S.FIRED, journey.id)
    after = await two.store.journeys.get(journey.id, tenant)
    assert after.revision == 2
    assert after.current_step == (steps[1] if len(steps) > 1 else "one")


async def test_a_death_in_a_handoff_or_a_touchpoint_or_facts_leaves_one(
    one: Process, two: Process, tenant: str
) -> None:
    hand = Action(kind=ActionKind.CREATE_HANDOFF, params={"toPackage": "crm", "type": "manual"})
    touch = Action(kind=ActionKind.ADD_TOUCHPOINT, params={"kind": "call", "channel": "phone"})
    tell = Action(kind=ActionKind.UPDATE_FACTS, params={"facts": {"vip": True}})
    for n, action in enumerate((hand, touch, tell)):
        trigger = await add(one.store, tenant, rule(action, f"test:case{n}"))
        event = await report(one.store, tenant, f"test:case{n}", customer_id="c-1")
        await _dies(one, trigger, event, unlogged=True)
        await two.fire(event)
        await two.fire(event)
        [firing] = await firings(two.store, tenant, trigger)
        assert firing.status is S.FIRED
    assert len((await two.store.touchpoints.page(tenant, RecordFilter(), ALL)).items) == 1
    known = await two.store.customers.find(tenant, "c-1")
    assert known is not None
    assert (known.facts, known.revision) == ({"vip": True}, 1)


async def _dies(process: Process, trigger: Trigger, event: Envelope, *, unlogged: bool) -> None:
    """It dies behind the write of the action: before the log knows of it, or before the firing is recorded."""
    if unlogged:
        process.store.changes.written = crash
    why = caused_by(event, "fire", firing_id(trigger.id, event.id))
    actions = Actions(process.store, utc_now, room=9)
    await actions.perform(trigger.rule.action, scope(event), event.tenant_id, why)
    await process.store.changes.drain()
    assert await firings(process.store, event.tenant_id, trigger) == []


# Skipped and failed


async def test_a_live_journey_that_is_met_is_no_error(one: Process, tenant: str) -> None:
    there = await start(one.store, await follow(one.store, tenant), lead_id="l-1")
    await add(one.store, tenant, rule(starting()))
    for _ in range(2):
        await one.fire(await report(one.store, tenant, HAPPENED, lead_id="l-1"))
    for firing in await firings(one.store, tenant):
        assert (firing.status, firing.result) == (S.SKIPPED, None)
        assert there.id in (firing.reason or "")
    assert [each.id for each in await journeys(one.store, tenant)] == [there.id]


async def test_what_fails_says_why_and_is_done_once_when_it_is_mended(one: Process, tenant: str) -> None:
    await add(one.store, tenant, rule(starting("missing")))
    event = await report(one.store, tenant, HAPPENED, lead_id="l-1")
    await one.fire(event)
    [failed] = await firings(one.store, tenant)
    assert (failed.status, failed.result) == (S.FAILED, None)
    assert "missing" in (failed.reason or "")
    again = (await one.worker.again(failed.id, tenant, cause())).state
    assert (again.status, again.tries) == (S.FAILED, 2)
    await follow(one.store, tenant, definition("a", template_id="missing"))
    once = cause("rerun")
    for _ in range(2):
        again = (await one.worker.again(failed.id, tenant, once)).state
        assert (again.status, again.tries) == (S.FIRED, 3)
    with pytest.raises(IllegalTransition):
        await one.worker.again(failed.id, tenant, cause())
    await one.fire(event)
    assert [each.id for each in await journeys(one.store, tenant)] == [again.result]


async def test_what_had_nothing_to_do_is_refused_a_rerun_before_anything_is_done(
    one: Process, tenant: str
) -> None:
    template = await follow(one.store, tenant)
    there = await start(one.store, template, lead_id="l-1")
    await add(one.store, tenant, rule(starting()))
    await one.fire(await report(one.store, tenant, HAPPENED, lead_id="l-1"))
    [skipped] = await firings(one.store, tenant)
    await one.store.journeys.change(
        there.id, tenant, lambda j, d, at: steer.abandon(j, reason="x", at=at), cause()
    )
    with pytest.raises(IllegalTransition):
        await one.worker.again(skipped.id, tenant, cause())
    assert len(await journeys(one.store, tenant)) == 1


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
        plant.clock.ahead += timedelta(seconds=60)
        await asyncio.gather(*(each.worker.poll() for each in (one, two, one, two)))
        await asyncio.gather(one.settle(), two.settle())
        [firing] = await firings(one.store, tenant, trigger)
        assert firing.status is S.FIRED
        plant.clock.ahead += timedelta(seconds=60)
        await two.worker.poll()
        await two.settle()
        assert len(await firings(one.store, tenant, trigger)) == 2


@pytest.mark.parametrize(("catch_up", "made_up"), [(CatchUp.ONCE, 1), (CatchUp.SKIP, 0)])
async def test_times_that_went_by_unwatched_are_made_up_once_or_left_out(
    servers: Servers, tenant: str, catch_up: CatchUp, made_up: int
) -> None:
    async with plant_of(servers) as plant:
        one = plant.process()
        trigger = await add(one.store, tenant, scheduled("0 * * * *", catch_up=catch_up))
        plant.clock.ahead += timedelta(days=3, minutes=5)
        if plant.clock().minute < 2:
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

"""Triggers fire once for an event, whoever sees it, however often, and whatever dies in between."""

import asyncio

import pytest

from domain import steer
from domain.action import Action, ActionKind
from domain.condition import Condition, Operator
from domain.errors import IllegalTransition
from domain.firing import FiringStatus
from domain.touchpoint import RecordFilter
from tests.domain.samples import definition
from tests.storage.subjects import cause, follow, start
from tests.workers.triggering import (
    ALL,
    EMIT,
    Process,
    add,
    firings,
    journeys,
    report,
    rule,
    starting,
)

S = FiringStatus
HAPPENED = "test:happened"
RISK = Condition("churnRisk", Operator.GREATER_THAN, 80)


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

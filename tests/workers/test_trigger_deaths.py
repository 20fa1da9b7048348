"""A process that dies between what a trigger does and the log leaves nothing that is done a second time."""

import pytest

from app.wiring import utc_now
from domain.action import Action, ActionKind
from domain.events import Envelope
from domain.firing import FiringStatus
from domain.journey import Status
from domain.rule import scope
from domain.template import Reentry, Settings
from domain.touchpoint import RecordFilter
from domain.trigger import Trigger
from storage.firings import firing_id
from tests.domain.samples import definition
from tests.storage.subjects import crash, follow, start
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
from workers.actions import Actions
from workers.triggers import TriggerWorker, caused_by

S = FiringStatus
K = ActionKind
HAPPENED = "test:happened"
OFTEN = Settings(reentry=Reentry.ANY_TIME)
HAND = Action(kind=K.CREATE_HANDOFF, params={"toPackage": "crm", "type": "manual"})
TOUCH = Action(kind=K.ADD_TOUCHPOINT, params={"kind": "call", "channel": "phone"})
TELL = Action(kind=K.UPDATE_FACTS, params={"facts": {"vip": True}})


async def dies(
    process: Process, trigger: Trigger, event: Envelope, *, unlogged: bool = True, part: str = "fire"
) -> str:
    """It dies behind the write of the action, or of what it does otherwise: before the log knows of it, or before the
    firing is recorded. Gives the id of what it has written."""
    if unlogged:
        process.store.changes.written = crash
    action = trigger.rule.action if part == "fire" else trigger.rule.otherwise
    assert action is not None
    why = caused_by(event, part, firing_id(trigger.id, event.id))
    actions = Actions(process.store, utc_now, room=9)
    written = await actions.perform(action, scope(event), event.tenant_id, why, event.recorded_at)
    await process.store.changes.drain()
    assert await firings(process.store, event.tenant_id, trigger) == []
    return written


# Starting


@pytest.mark.parametrize("unlogged", [True, False])
async def test_a_death_between_action_and_firing_starts_one_journey(
    one: Process, two: Process, tenant: str, *, unlogged: bool
) -> None:
    await follow(one.store, tenant)
    trigger = await add(one.store, tenant, rule(starting()))
    event = await report(one.store, tenant, HAPPENED, lead_id="l-1")
    started = await dies(one, trigger, event, unlogged=unlogged)
    await two.fire(event)
    assert [each.id for each in await journeys(two.store, tenant)] == [started]
    [firing] = await firings(two.store, tenant)
    assert (firing.status, firing.result) == (S.FIRED, started)


async def test_a_journey_that_filled_the_house_is_not_refused_when_its_start_comes_again(
    one: Process, two: Process, tenant: str
) -> None:
    await follow(one.store, tenant)
    trigger = await add(one.store, tenant, rule(starting()))
    event = await report(one.store, tenant, HAPPENED, lead_id="l-1")
    started = await dies(one, trigger, event)
    full = TriggerWorker(two.store, Actions(two.store, utc_now, room=1), utc_now)
    assert await full.fire([[event]]) == [None]
    [firing] = await firings(two.store, tenant)
    assert (firing.status, firing.result) == (S.FIRED, started)


# Moving


@pytest.mark.parametrize("unlogged", [True, False])
@pytest.mark.parametrize("steps", [("one", "two", "three"), ("one",)])
async def test_a_death_between_action_and_firing_advances_once_and_does_nothing_else(
    one: Process, two: Process, tenant: str, steps: tuple[str, ...], *, unlogged: bool
) -> None:
    template = await follow(one.store, tenant, definition(*steps))
    journey = await start(one.store, template, customer_id="c-1")
    advance = Action(kind=K.ADVANCE_JOURNEY, template_id="sample", step="one")
    trigger = await add(one.store, tenant, rule(advance, otherwise=EMIT))
    event = await report(one.store, tenant, HAPPENED, customer_id="c-1")
    await dies(one, trigger, event, unlogged=unlogged)
    await two.fire(event)
    [firing] = await firings(two.store, tenant)
    assert (firing.status, firing.result) == (S.FIRED, journey.id)
    after = await two.store.journeys.get(journey.id, tenant)
    assert after.revision == 2
    assert after.current_step == (steps[1] if len(steps) > 1 else "one")


@pytest.mark.parametrize("about", ["customer_id", "lead_id"])
@pytest.mark.parametrize("kind", [K.COMPLETE_JOURNEY, K.ABANDON_JOURNEY, K.ADVANCE_JOURNEY])
async def test_a_journey_that_was_ended_is_not_followed_by_the_next_of_the_same_customer(
    one: Process, two: Process, tenant: str, kind: ActionKind, about: str
) -> None:
    template = await follow(one.store, tenant, definition("a", settings=OFTEN))
    other, newest = [await start(one.store, template, **{about: "x-1"}) for _ in range(2)]
    trigger = await add(one.store, tenant, rule(Action(kind=kind, template_id="sample")))
    event = await report(one.store, tenant, HAPPENED, **{about: "x-1"})
    assert await dies(one, trigger, event) == newest.id
    await two.fire(event)
    [firing] = await firings(two.store, tenant)
    assert (firing.status, firing.result) == (S.FIRED, newest.id)
    assert not (await two.store.journeys.get(newest.id, tenant)).status.live
    untouched = await two.store.journeys.get(other.id, tenant)
    assert (untouched.status, untouched.revision) == (Status.ACTIVE, 1)


@pytest.mark.parametrize("kind", [K.UPDATE_CONTEXT, K.ADVANCE_JOURNEY, K.SKIP_STEP])
async def test_a_journey_that_starts_before_it_is_done_again_is_left_alone(
    one: Process, two: Process, tenant: str, kind: ActionKind
) -> None:
    settings = Settings(reentry=Reentry.ANY_TIME, allow_skip_steps=True)
    template = await follow(one.store, tenant, definition("a", "b", settings=settings))
    first = await start(one.store, template, customer_id="c-1")
    params = {"context.seen": True} if kind is K.UPDATE_CONTEXT else {}
    trigger = await add(one.store, tenant, rule(Action(kind=kind, params=params)))  # type: ignore[arg-type]
    event = await report(one.store, tenant, HAPPENED, customer_id="c-1")
    assert await dies(one, trigger, event) == first.id
    second = await start(two.store, template, customer_id="c-1")
    await two.fire(event)
    [firing] = await firings(two.store, tenant)
    assert (firing.status, firing.result) == (S.FIRED, first.id)
    for id, revision in ((first.id, 2), (second.id, 1)):
        assert (await two.store.journeys.get(id, tenant)).revision == revision


async def test_a_journey_that_is_named_and_belongs_to_nobody_is_moved_once(
    one: Process, two: Process, tenant: str
) -> None:
    template = await follow(one.store, tenant)
    journey = await start(one.store, template)
    advance = Action(kind=K.ADVANCE_JOURNEY, step="one", mapping={"journeyId": "data.id"})
    trigger = await add(one.store, tenant, rule(advance))
    event = await report(one.store, tenant, HAPPENED, data={"id": journey.id})
    await dies(one, trigger, event)
    await two.fire(event)
    [firing] = await firings(two.store, tenant)
    assert (firing.status, firing.result) == (S.FIRED, journey.id)
    assert (await two.store.journeys.get(journey.id, tenant)).revision == 2


# Recording, and doing otherwise


async def test_a_death_in_a_handoff_or_a_touchpoint_or_facts_leaves_one(
    one: Process, two: Process, tenant: str
) -> None:
    for n, action in enumerate((HAND, TOUCH, TELL)):
        trigger = await add(one.store, tenant, rule(action, f"test:case{n}"))
        event = await report(one.store, tenant, f"test:case{n}", customer_id="c-1")
        await dies(one, trigger, event)
        await two.fire(event)
        await two.fire(event)
        [firing] = await firings(two.store, tenant, trigger)
        assert firing.status is S.FIRED
    assert len((await two.store.touchpoints.page(tenant, RecordFilter(), ALL)).items) == 1
    known = await two.store.customers.find(tenant, "c-1")
    assert known is not None
    assert (known.facts, known.revision) == ({"vip": True}, 1)


NOTE = Action(kind=K.UPDATE_CONTEXT, template_id="noted", params={"context.seen": True})


@pytest.mark.parametrize("otherwise", [starting("noted"), HAND, TOUCH, TELL, NOTE, EMIT])
async def test_what_was_done_otherwise_is_all_that_is_done(
    one: Process, two: Process, tenant: str, otherwise: Action
) -> None:
    moved = await follow(one.store, tenant, definition("a", "b", template_id="moved"))
    noted = await follow(one.store, tenant, definition("a", template_id="noted"))
    if otherwise is NOTE:
        await start(one.store, noted, customer_id="c-1")
    advance = Action(kind=K.ADVANCE_JOURNEY, template_id="moved")
    trigger = await add(one.store, tenant, rule(advance, otherwise=otherwise))
    event = await report(one.store, tenant, HAPPENED, customer_id="c-1")
    written = await dies(one, trigger, event, part="otherwise")
    late = await start(two.store, moved, customer_id="c-1")
    await two.fire(event)
    [firing] = await firings(two.store, tenant)
    assert (firing.status, firing.result) == (S.FIRED, written)
    assert (await two.store.journeys.get(late.id, tenant)).revision == 1

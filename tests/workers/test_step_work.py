"""Automated steps at work: their actions are performed once, and what came of it reaches the journey."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from app.wiring import utc_now
from domain import walk
from domain.action import Action, ActionKind
from domain.events import StepState
from domain.incident import IncidentKind
from domain.journey import Journey, Status
from domain.template import Definition, Reentry, Settings, Step, StepType
from domain.touchpoint import RecordFilter
from domain.work_events import ActionRequested
from storage.store import Store
from storage.subject import Cause
from tests.domain.samples import ANNA, definition, step
from tests.storage.subjects import cause, follow, start
from tests.workers.following import PAGE, events, handoffs, incidents, now, then
from tests.workers.triggering import journeys
from workers.actions import Actions
from workers.causes import following, once
from workers.follow import Following

FLOWING = Settings(auto_progress=True, allow_skip_steps=True)


def doing(kind: ActionKind, id: str = "do", order: int = 1, **rest: object) -> Step:
    """A step that performs this; what is no field of the action is the step's."""
    own = {name: rest.pop(name) for name in ("output_mapping", "exit_conditions") if name in rest}
    action = Action(kind=kind, **rest)  # type: ignore[arg-type]  # given by name
    return step(id, order, type=StepType.AUTOMATED, performs=action, **own)


CALL = {"kind": "call", "channel": "phone", "title": "Welcome"}
TOUCH = doing(ActionKind.ADD_TOUCHPOINT, params=CALL, output_mapping={"touchpoint": "id"})
STARTING = doing(ActionKind.START_JOURNEY, template_id="other", output_mapping={"other": "id"})


def flowing(*steps: Step | str) -> Definition:
    return definition(*steps, settings=FLOWING)


async def begun(store: Store, tenant: str, made: Definition, **request: object) -> Journey:
    return await now(
        store, await start(store, await follow(store, tenant, made), **{"lead_id": "l-1", **request})
    )


async def act(store: Store, journey: Journey, command: object, by: Cause | None = None) -> Journey:
    run = command  # a pure command of a journey, its definition and the time
    changed = await store.journeys.change(journey.id, journey.tenant_id, run, by or cause())  # type: ignore[arg-type]
    return changed.state


# Done, and done once


async def test_a_step_does_its_action_and_the_journey_goes_on_with_the_result(
    living: Store, tenant: str
) -> None:
    journey = await begun(living, tenant, flowing(TOUCH, "b"), customer_id="c-1")
    rows = await living.touchpoints.page(tenant, RecordFilter(journey_id=journey.id), PAGE)
    [touch] = rows.items
    assert (touch.added.kind, touch.added.customer_id) == ("call", "c-1")
    assert (journey.current_step, journey.context) == ("b", {"touchpoint": touch.id})
    assert journey.visit("do").state is StepState.COMPLETED


async def test_without_auto_progress_it_stands_there_done(living: Store, tenant: str) -> None:
    journey = await begun(living, tenant, definition(TOUCH, "b"))
    assert (journey.current_step, journey.current.state) == ("do", StepState.COMPLETED)
    journey = await act(living, journey, lambda j, d, at: walk.advance(j, d, at=at))
    assert journey.current_step == "b"


async def test_what_it_does_is_filled_from_the_context_and_done_for_whoever_asked(
    living: Store, tenant: str
) -> None:
    made = doing(
        ActionKind.CREATE_HANDOFF,
        params={"toPackage": "crew", "type": "manual", "data.kind": "visit"},
        mapping={"data.street": "address.street", "name": "title", "data.all": "context"},
    )
    context = {"address": {"street": "Rue 1"}, "title": "Visit Ada"}
    journey = await begun(living, tenant, flowing(made, "b"), context=context)
    [handoff] = await handoffs(living, tenant)
    assert (handoff.name, handoff.journey_id, handoff.requester) == ("Visit Ada", journey.id, ANNA)
    assert handoff.data == {"kind": "visit", "street": "Rue 1", "all": context}
    assert handoff.depth == 1


async def test_twice_or_by_two_processes_at_once_it_is_done_once(
    processes: Callable[[], Store], tenant: str
) -> None:
    store = processes()
    workers = [Following(each, Actions(each, utc_now)) for each in (processes(), processes())]
    await follow(store, tenant, definition("x", template_id="other", settings=Settings()))
    journey = await begun(store, tenant, flowing(STARTING, replace(TOUCH, id="tell", order=2), "b"))
    for _ in range(2):
        found = await events(store, journey.id, ActionRequested)
        await asyncio.gather(*(worker.follow(found) for worker in workers for _ in range(2)))
        assert len(await journeys(store, tenant, "other")) == 1
    journey = await now(store, journey)
    [other] = await journeys(store, tenant, "other")
    [touch] = (await store.touchpoints.page(tenant, RecordFilter(journey_id=journey.id), PAGE)).items
    assert (journey.current_step, journey.context) == ("b", {"other": other.id, "touchpoint": touch.id})
    ended = [each for each in await events(store, journey.id) if each.type == "journey:work_ended"]
    assert len(ended) == 2


async def test_a_process_that_dies_after_the_action_leaves_the_result_to_the_next(
    quiet: Store, tenant: str
) -> None:
    await follow(quiet, tenant, definition("x", template_id="other"))
    journey = await begun(quiet, tenant, flowing(STARTING, "b"))
    [requested] = await events(quiet, journey.id, ActionRequested)
    died = once(following(requested, "action"), deeper=1)
    assert STARTING.performs is not None
    other = await Actions(quiet, utc_now).perform(
        STARTING.performs, {"leadId": "l-1"}, tenant, died, requested.recorded_at
    )
    await then(quiet, journey.id, ActionRequested)
    assert [each.id for each in await journeys(quiet, tenant, "other")] == [other]
    assert (await now(quiet, journey)).context == {"other": other}


async def test_30_automated_steps_run_one_after_another(living: Store, tenant: str) -> None:
    steps = [doing(ActionKind.UPDATE_CONTEXT, f"s{n}", n, params={f"context.k{n}": n}) for n in range(1, 31)]
    journey = await begun(living, tenant, flowing(*steps))
    await living.changes.drain()
    journey = await now(living, journey)
    assert (journey.status, journey.context) == (Status.COMPLETED, {f"k{n}": n for n in range(1, 31)})
    assert {each.depth for each in await events(living, journey.id, ActionRequested)} == {0}


# On the journey itself

SELF = {
    "advance": (doing(ActionKind.ADVANCE_JOURNEY), "b", Status.ACTIVE),
    "advance to": (doing(ActionKind.ADVANCE_JOURNEY, params={"to": "c"}), "c", Status.ACTIVE),
    "skip": (doing(ActionKind.SKIP_STEP), "b", Status.ACTIVE),
    "complete": (doing(ActionKind.COMPLETE_JOURNEY, params={"reason": "enough"}), "do", Status.COMPLETED),
    "abandon": (doing(ActionKind.ABANDON_JOURNEY), "do", Status.ABANDONED),
}


@pytest.mark.parametrize("name", list(SELF))
async def test_an_action_that_moves_its_own_journey_moves_it_once(
    living: Store, tenant: str, name: str
) -> None:
    made, step, status = SELF[name]
    journey = await asyncio.wait_for(begun(living, tenant, flowing(made, "b", "c")), 20)
    assert (journey.current_step, journey.status, journey.awaited) == (step, status, None)
    revision = journey.revision
    await then(living, journey.id, ActionRequested)
    assert (await now(living, journey)).revision == revision
    assert await incidents(living, tenant) == []


async def test_journeys_that_start_each_other_for_ever_are_cut_off(living: Store, tenant: str) -> None:
    again = doing(ActionKind.START_JOURNEY, template_id="sample")
    looping = definition(again, settings=Settings(auto_progress=True, reentry=Reentry.ANY_TIME))
    await begun(living, tenant, looping)
    await living.changes.drain()
    found = await journeys(living, tenant, "sample")
    assert len(found) == 17
    [incident] = await incidents(living, tenant)
    assert (incident.kind, "cut off after 16" in incident.reason) == (IncidentKind.STEP, True)

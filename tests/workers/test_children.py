"""Journeys in journeys at work: a step's child is started once, and its end reaches the parent."""

import asyncio
from collections.abc import Callable

from app.wiring import utc_now
from domain import steer, walk
from domain.events import Event, Priority, StepState
from domain.incident import IncidentKind, IncidentStatus
from domain.journey import Journey, Status
from domain.journey_events import (
    HandoffRequested,
    IncidentOpened,
    JourneyCompleted,
    JourneyFailed,
    StepRetried,
)
from domain.paging import Page
from domain.template import Child, Definition, Reentry, Settings, Step, StepType
from domain.work_events import ChildRequested
from storage.store import Store
from tests.domain.samples import ANNA, definition, step
from tests.storage.subjects import follow, start
from tests.workers.following import FLOWING, PAGE, events, handoffs, incidents, now, then
from tests.workers.test_step_work import act
from workers.actions import Actions
from workers.follow import Following

CHILD = definition("x", template_id="child", settings=FLOWING)


def nesting(template: str = "child", **rest: object) -> Step:
    child = Child(template_id=template, context_mapping=rest.pop("mapping", None))  # type: ignore[arg-type]
    return step("sub", rest.pop("order", 1), type=StepType.WORKFLOW, child=child, **rest)  # type: ignore[arg-type]


PARENT = definition(
    nesting(output_mapping={"plan": "plan", "customerId": "customerId"}), "b", settings=FLOWING
)


async def begun(
    store: Store, tenant: str, made: Definition = PARENT, child: Definition | None = CHILD, **request: object
) -> Journey:
    """A lead's journey whose first step is another journey."""
    if child is not None:
        await follow(store, tenant, child)
    request = {"lead_id": "l-1"} | request
    return await now(store, await start(store, await follow(store, tenant, made), **request))


async def children(store: Store, parent: Journey) -> list[Journey]:
    """From old to new."""
    wanted = {"parentId": (parent.id,)}
    return (await store.journeys.children.page(parent.tenant_id, wanted, Page(100))).items[::-1]


async def complete(store: Store, journey: Journey) -> Journey:
    return await act(store, journey, lambda j, d, at: steer.complete(j, d, at=at))


async def fail(store: Store, journey: Journey) -> Journey:
    return await act(store, journey, lambda j, _, at: walk.fail(j, reason="no line", at=at))


async def retry(store: Store, journey: Journey) -> Journey:
    return await act(store, journey, lambda j, d, at: walk.retry(j, d, at=at))


# From start to end


async def test_a_step_starts_a_journey_and_ends_with_it(living: Store, tenant: str) -> None:
    parent = await begun(living, tenant, priority=Priority.URGENT, context={"n": 1})
    [child] = await children(living, parent)
    assert parent.awaited is not None
    assert child.id == parent.awaited.id
    assert (child.lead_id, child.priority, child.context) == ("l-1", Priority.URGENT, {"n": 1})
    assert child.parent is not None
    assert (child.parent.step, child.parent.visit, child.level) == ("sub", 1, 1)
    await act(
        living,
        child,
        lambda j, d, at: steer.update_context(j, d, changes={"plan": "fast"}, customer_id="c-9", at=at),
    )
    await complete(living, child)
    parent = await now(living, parent)
    assert (parent.current_step, parent.customer_id) == ("b", "c-9")
    assert parent.context == {"n": 1, "plan": "fast"}


async def test_a_child_that_needs_nobody_ends_with_its_parent_in_one_go(living: Store, tenant: str) -> None:
    quick = definition(step("x", type=StepType.AUTOMATED), template_id="child", settings=FLOWING)
    last = definition(nesting(), settings=FLOWING)
    parent = await begun(living, tenant, last, quick)
    await living.changes.drain()
    assert (await now(living, parent)).status is Status.COMPLETED
    assert [each.status for each in await children(living, parent)] == [Status.COMPLETED]


async def test_whoever_asked_for_the_parent_asks_for_the_childs_approvals(living: Store, tenant: str) -> None:
    asking = definition(step("x", type=StepType.APPROVAL), template_id="child", settings=FLOWING)
    await begun(living, tenant, PARENT, asking)
    [approval] = await handoffs(living, tenant)
    assert approval.requester == ANNA


async def test_a_paused_parent_takes_the_result_when_it_is_resumed(living: Store, tenant: str) -> None:
    parent = await begun(living, tenant)
    await act(living, parent, lambda j, _, at: steer.pause(j, at=at))
    [child] = await children(living, parent)
    await complete(living, child)
    assert (await now(living, parent)).current_step == "sub"
    parent = await act(living, parent, lambda j, d, at: steer.resume(j, d, at=at))
    assert parent.current_step == "b"


async def test_twice_or_by_two_processes_at_once_it_is_started_and_heard_once(
    processes: Callable[[], Store], tenant: str
) -> None:
    store = processes()
    workers = [Following(each, Actions(each, utc_now)) for each in (processes(), processes())]

    async def both(id: str, kind: type[Event]) -> None:
        found = await events(store, id, kind)
        await asyncio.gather(*(worker.follow(found) for worker in workers for _ in range(2)))

    parent = await begun(store, tenant)
    await both(parent.id, ChildRequested)
    [child] = await children(store, parent)
    await fail(store, child)
    await both(child.id, JourneyFailed)
    await both(parent.id, IncidentOpened)
    assert [each.kind for each in await incidents(store, tenant)] == [IncidentKind.STEP]
    await retry(store, child)
    await both(child.id, StepRetried)
    await complete(store, child)
    await both(child.id, JourneyCompleted)
    parent = await now(store, parent)
    assert (parent.current_step, parent.revision) == ("b", 4)
    assert len(await children(store, parent)) == 1


# A child that cannot start


async def test_a_child_whose_template_is_missing_is_an_incident_that_a_retry_resolves(
    living: Store, tenant: str
) -> None:
    parent = await begun(living, tenant, PARENT, None)
    assert (parent.status, parent.current.state, parent.incident) == (Status.ACTIVE, StepState.ACTIVE, True)
    [incident] = await incidents(living, tenant)
    assert "'child'" in incident.reason
    await follow(living, tenant, CHILD)
    await retry(living, parent)
    await living.changes.drain()
    [child] = await children(living, parent)
    await complete(living, child)
    assert (await now(living, parent)).current_step == "b"
    assert [each.status for each in await incidents(living, tenant)] == [IncidentStatus.RESOLVED]


async def test_a_child_beside_which_its_template_allows_none_is_an_incident(
    living: Store, tenant: str
) -> None:
    there = await start(living, await follow(living, tenant, CHILD), lead_id="l-1")
    await begun(living, tenant, PARENT, None)
    [incident] = await incidents(living, tenant)
    assert incident.reason == f"{there.id} is there already"


async def test_a_tenant_with_as_many_journeys_as_it_may_have_starts_no_child(
    processes: Callable[[], Store], tenant: str
) -> None:
    store = processes()
    parent = await begun(store, tenant)
    full = Following(store, Actions(store, utc_now, room=1))
    await full.follow(await events(store, parent.id, ChildRequested))
    parent = await now(store, parent)
    assert parent.awaited is not None
    assert "as many as it may" in (parent.awaited.reason or "")


async def test_journeys_that_nest_themselves_end_at_16_with_an_incident(living: Store, tenant: str) -> None:
    own = Settings(auto_progress=True, reentry=Reentry.ANY_TIME)
    deepest = parent = await begun(living, tenant, definition(nesting("sample"), settings=own), None)
    await living.changes.drain()
    levels = []
    while found := await children(living, deepest):
        [deepest] = found
        levels.append(deepest.level)
    assert levels == [*range(1, 17)]
    [incident] = await incidents(living, tenant)
    assert (incident.journey_id, incident.reason) == (deepest.id, "Journeys are nested at most 16 deep.")
    await act(living, parent, lambda j, _, at: steer.abandon(j, at=at))
    await living.changes.drain()
    assert (await now(living, deepest)).status is Status.ABANDONED


async def test_a_journey_that_is_nobodys_child_is_not_followed_when_it_ends(
    quiet: Store, tenant: str
) -> None:
    alone = await complete(quiet, await start(quiet, await follow(quiet, tenant, CHILD)))
    parent = await begun(quiet, tenant, PARENT, None)
    await then(quiet, parent.id, ChildRequested)
    [child] = await children(quiet, parent)
    await complete(quiet, child)
    pending = {each.envelope.subject: each.pending for each in await quiet.events.due(utc_now(), 100)}
    assert "follow" not in pending[alone.id]
    assert "follow" in pending[child.id]
    assert [each.type for each in await events(quiet, parent.id, HandoffRequested)] == []
    assert (await quiet.journeys.children.page(tenant, {"parentId": (alone.id,)}, PAGE)).items == []

"""One command, one document: nothing is lost, doubled or half-done, whoever else is at it and whoever dies."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from app.wiring import utc_now
from domain.errors import Conflict, NotFound
from domain.paging import Page
from storage.change import SETTLE_SECONDS
from storage.journeys import JOURNEY
from storage.store import Store
from tests.e2e.harness import eventually
from tests.storage.subjects import cause, count_up, crash, follow, note, positions, start, starting


async def _left_behind(store: Store, id: str) -> list[dict[str, object]]:
    waiting = await store.changes.outboxes.unrelayed("journeys", utc_now() + timedelta(days=1), 1_000)
    return [each for each in waiting if each["_id"] == id]


async def test_two_processes_at_one_journey_lose_no_update_and_leave_no_gap(
    store: Store, another: Callable[[], Store], tenant: str
) -> None:
    journey = await start(store, await follow(store, tenant))
    processes = [store, another()]
    each = 20
    await asyncio.gather(
        *(
            process.journeys.change(journey.id, tenant, count_up, cause())
            for process in processes
            for _ in range(each)
        )
    )
    for process in processes:
        await process.changes.drain()
    now = await store.journeys.get(journey.id, tenant)
    assert now.context["n"] == 2 * each
    assert now.revision == 1 + 2 * each
    revisions = [revision for revision, _ in await positions(store, journey.id)]
    assert sorted(set(revisions)) == list(range(1, 2 + 2 * each))
    assert len(revisions) == len(set(await positions(store, journey.id)))


async def test_an_outbox_is_emptied_once_its_events_are_in_the_log(store: Store, tenant: str) -> None:
    changed = await starting(store, await follow(store, tenant))
    assert changed.settled
    assert len(await positions(store, changed.state.id)) > 1

    async def emptied() -> bool:
        return not await _left_behind(store, changed.state.id)

    await eventually(emptied, "the outbox is emptied")
    assert (await store.journeys.get(changed.state.id, tenant)).revision == 1


async def test_a_process_that_dies_after_its_write_leaves_its_events_to_the_sweep(
    store: Store, another: Callable[[], Store], tenant: str
) -> None:
    journey = await start(store, await follow(store, tenant))
    await store.changes.drain()
    dying = another()
    dying.changes.written = crash
    changed = await dying.journeys.change(journey.id, tenant, note(x=1), cause())
    assert not changed.settled
    assert changed.state.context == {"x": 1}
    assert (2, 0) not in await positions(store, journey.id)

    [document] = await _left_behind(store, journey.id)
    for _ in range(2):
        await store.changes.relay("journeys", document)
    await store.changes.drain()
    assert (await positions(store, journey.id)).count((2, 0)) == 1
    assert await _left_behind(store, journey.id) == []
    assert (await store.journeys.get(journey.id, tenant)).revision == 2


async def test_the_next_change_takes_along_what_a_dead_process_left(
    store: Store, another: Callable[[], Store], tenant: str
) -> None:
    journey = await start(store, await follow(store, tenant))
    dying = another()
    dying.changes.written = crash
    await dying.journeys.change(journey.id, tenant, note(x=1), cause())
    await store.journeys.change(journey.id, tenant, note(y=2), cause())
    assert (await positions(store, journey.id))[-2:] == [(2, 0), (3, 0)]


async def test_a_process_that_hangs_answers_in_time_and_does_no_harm_when_it_wakes_up(
    store: Store, another: Callable[[], Store], tenant: str
) -> None:
    journey = await start(store, await follow(store, tenant))
    hanging, wake = another(), asyncio.Event()
    hanging.changes.settle_seconds = SETTLE_SECONDS

    async def hang(_: str) -> None:
        await wake.wait()

    hanging.changes.written = hang
    try:
        changed = await asyncio.wait_for(
            hanging.journeys.change(journey.id, tenant, note(x=1), cause()), timeout=10
        )
        assert not changed.settled
        await store.journeys.change(journey.id, tenant, note(y=2), cause())
    finally:
        wake.set()
    await hanging.changes.drain()
    await store.changes.drain()
    assert (await positions(store, journey.id))[-2:] == [(2, 0), (3, 0)]
    assert await _left_behind(store, journey.id) == []
    assert (await store.journeys.get(journey.id, tenant)).context == {"x": 1, "y": 2}


async def test_a_caller_that_goes_away_leaves_nothing_half_done(store: Store, tenant: str) -> None:
    journey = await start(store, await follow(store, tenant))
    reached = asyncio.Event()

    async def written(_: str) -> None:
        reached.set()

    store.changes.written = written
    caller = asyncio.create_task(store.journeys.change(journey.id, tenant, note(x=1), cause()))
    await reached.wait()
    caller.cancel()
    await asyncio.gather(caller, return_exceptions=True)
    await store.changes.drain()
    assert (await positions(store, journey.id))[-1] == (2, 0)
    assert await _left_behind(store, journey.id) == []


async def test_a_long_outbox_goes_to_the_log_before_it_grows_further(
    store: Store, another: Callable[[], Store], tenant: str
) -> None:
    journey = await start(store, await follow(store, tenant))
    dying = another()
    dying.changes.written = crash
    for _ in range(60):
        await dying.journeys.change(journey.id, tenant, count_up, cause())
    [document] = await _left_behind(store, journey.id)
    outbox = document["outbox"]
    assert isinstance(outbox, list)
    assert len(outbox) <= 52
    await store.changes.relay("journeys", document)
    assert [revision for revision, _ in await positions(store, journey.id)][-60:] == list(range(2, 62))


async def test_a_stale_revision_is_refused_with_the_current_one(store: Store, tenant: str) -> None:
    journey = await start(store, await follow(store, tenant))
    await store.journeys.change(journey.id, tenant, note(x=1), cause(), expected=1)
    with pytest.raises(Conflict) as refused:
        await store.journeys.change(journey.id, tenant, note(x=2), cause(), expected=1)
    assert refused.value.extra["currentRevision"] == 2
    assert (await store.journeys.get(journey.id, tenant)).context == {"x": 1}


async def test_of_many_with_the_same_expectation_one_is_carried_out(
    store: Store, another: Callable[[], Store], tenant: str
) -> None:
    journey = await start(store, await follow(store, tenant))
    processes = [store, another()] * 5
    outcomes = await asyncio.gather(
        *(each.journeys.change(journey.id, tenant, count_up, cause(), expected=1) for each in processes),
        return_exceptions=True,
    )
    assert sum(isinstance(each, Conflict) for each in outcomes) == 9
    assert (await store.journeys.get(journey.id, tenant)).context["n"] == 1


async def test_another_tenants_subject_is_unknown(store: Store, tenant: str) -> None:
    journey = await start(store, await follow(store, tenant))
    messages = []
    for id in (journey.id, "jrn_unknown"):
        with pytest.raises(NotFound):
            await store.journeys.change(id, tenant + "x", note(x=1), cause())
        with pytest.raises(NotFound) as refused:
            await store.changes.load(JOURNEY, id, tenant + "x")
        messages.append(refused.value.message.replace(id, "…"))
    assert len(set(messages)) == 1
    assert (await store.events.history(journey.id, Page(100, backwards=True))).items[-1].revision == 1

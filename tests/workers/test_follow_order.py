"""What follows is done once, in whatever order it is heard of and by however many processes."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

from app.wiring import utc_now
from domain import walk
from domain.attempting import Answer
from domain.events import Event
from domain.handoff_events import (
    HandoffCancelled,
    HandoffCompleted,
    HandoffFailed,
    HandoffRetried,
)
from domain.incident import IncidentStatus
from domain.journey_events import HandoffRequested, HandoffWithdrawn
from storage.store import Store
from tests.storage.subjects import cause
from tests.workers.following import (
    ONE,
    advance,
    answer,
    do,
    events,
    failing,
    handoffs,
    incidents,
    now,
    retrying,
    sale,
    then,
)
from tests.workers.test_relay import Subscribers
from workers.actions import Actions
from workers.follow import Following
from workers.relay import Relay

# Once


async def test_what_follows_twice_or_from_two_processes_is_done_once(
    processes: Callable[[], Store], tenant: str
) -> None:
    store, workers = (
        processes(),
        [Following(each, Actions(each, utc_now)) for each in (processes(), processes())],
    )
    journey = await sale(store, tenant, ONE)

    async def both(id: str, kind: type[Event]) -> None:
        found = await events(store, id, kind)
        await asyncio.gather(*(worker.follow(found) for worker in workers for _ in range(2)))

    await both(journey.id, HandoffRequested)
    [handoff] = await handoffs(store, tenant)
    await do(store, handoff, failing)
    await both(handoff.id, HandoffFailed)
    assert len(await incidents(store, tenant)) == 1
    await do(store, handoff, retrying(store))
    await both(handoff.id, HandoffRetried)
    await answer(store, handoff, Answer(status=200))
    await both(handoff.id, HandoffCompleted)
    journey = await now(store, journey)
    assert journey.current_step == "done"
    assert journey.revision == 4, "started, heard of the failure, of the retry, and of the end"
    ended = [each for each in await events(store, journey.id) if each.type == "journey:step_completed"]
    assert len(ended) == 1


async def test_a_retry_that_is_heard_of_again_does_not_hide_that_it_failed_anew(
    quiet: Store, tenant: str
) -> None:
    journey = await sale(quiet, tenant, ONE)
    await then(quiet, journey.id, HandoffRequested)
    [handoff] = await handoffs(quiet, tenant)
    await do(quiet, handoff, failing)
    await then(quiet, handoff.id, HandoffFailed)
    await do(quiet, handoff, retrying(quiet))
    await then(quiet, handoff.id, HandoffRetried)
    await do(quiet, handoff, failing)
    await then(quiet, handoff.id, HandoffFailed, HandoffRetried)
    assert (await now(quiet, journey)).incident
    assert [each.status for each in await incidents(quiet, tenant)].count(IncidentStatus.OPEN) == 1


# Out of order


async def test_a_withdrawal_that_is_heard_of_before_the_creation_prevents_it(
    quiet: Store, tenant: str
) -> None:
    journey = await advance(quiet, await sale(quiet, tenant, ONE))
    await then(quiet, journey.id, HandoffWithdrawn, HandoffRequested)
    assert await handoffs(quiet, tenant) == []


async def test_a_retry_that_is_heard_of_before_the_failure_leaves_no_incident(
    quiet: Store, tenant: str
) -> None:
    journey = await sale(quiet, tenant, ONE)
    await then(quiet, journey.id, HandoffRequested)
    [handoff] = await handoffs(quiet, tenant)
    await do(quiet, handoff, failing)
    await do(quiet, handoff, retrying(quiet))
    await then(quiet, handoff.id, HandoffRetried, HandoffFailed)
    assert not (await now(quiet, journey)).incident
    assert [each for each in await incidents(quiet, tenant) if each.status is IncidentStatus.OPEN] == []


async def test_a_withdrawal_that_is_heard_of_before_the_failure_leaves_no_incident(
    quiet: Store, tenant: str
) -> None:
    journey = await sale(quiet, tenant, ONE)
    await then(quiet, journey.id, HandoffRequested)
    [handoff] = await handoffs(quiet, tenant)
    await do(quiet, handoff, failing)
    await advance(quiet, journey)
    await then(quiet, journey.id, HandoffWithdrawn)
    await then(quiet, handoff.id, HandoffFailed)
    assert [each for each in await incidents(quiet, tenant) if each.status is IncidentStatus.OPEN] == []


async def test_a_completion_counts_though_the_failure_and_the_retry_are_heard_of_later(
    quiet: Store, tenant: str
) -> None:
    journey = await sale(quiet, tenant, ONE)
    await then(quiet, journey.id, HandoffRequested)
    [handoff] = await handoffs(quiet, tenant)
    await do(quiet, handoff, failing)
    await do(quiet, handoff, retrying(quiet))
    await answer(quiet, handoff, Answer(status=200, body={"id": "c-9"}))
    await then(quiet, handoff.id, HandoffCompleted, HandoffRetried, HandoffFailed)
    journey = await now(quiet, journey)
    assert (journey.current_step, journey.customer_id, journey.incident) == ("done", "c-9", False)
    assert [each for each in await incidents(quiet, tenant) if each.status is IncidentStatus.OPEN] == []


async def test_the_end_of_an_earlier_visit_does_nothing(quiet: Store, tenant: str) -> None:
    journey = await sale(quiet, tenant, ONE)
    await then(quiet, journey.id, HandoffRequested)
    [first] = await handoffs(quiet, tenant)
    for command in (
        lambda j, d, at: walk.fail(j, reason="no line", at=at),
        lambda j, d, at: walk.retry(j, d, at=at),
    ):
        await quiet.journeys.change(journey.id, tenant, command, cause())
    await answer(quiet, first, Answer(status=200, body={"id": "c-9"}))
    before = await now(quiet, journey)
    await then(quiet, first.id, HandoffCompleted)
    await then(quiet, journey.id, HandoffWithdrawn)
    assert await now(quiet, journey) == before
    assert (before.current.visit, before.customer_id) == (2, None)
    assert await events(quiet, first.id, HandoffCancelled) == []


async def test_what_a_dead_process_left_is_followed_up_by_the_sweep(
    processes: Callable[[], Store], tenant: str
) -> None:
    journey = await sale(processes(), tenant, ONE)
    other = processes()
    relay = Relay(other, Subscribers().publish, lambda: utc_now() + timedelta(minutes=1))
    other.changes.logged = relay.logged
    await relay.sweep_once()
    [handoff] = await handoffs(other, tenant)
    assert journey.handoff is not None
    assert handoff.id == journey.handoff.id

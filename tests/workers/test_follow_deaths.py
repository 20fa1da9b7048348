"""A process that dies between what it writes and its second look leaves that look to the next."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from app.wiring import utc_now
from domain import walk
from domain.action import Action, ActionKind
from domain.attempting import Answer
from domain.events import Event
from domain.handoff import Handoff
from domain.handoff_events import HandoffCancelled, HandoffFailed, HandoffRetried
from domain.incident import IncidentStatus
from domain.journey import Journey, Status
from domain.journey_events import HandoffRequested, HandoffWithdrawn
from domain.work_events import ChildRequested, WorkWithdrawn
from storage.store import Store
from tests.storage.subjects import Crash, cause
from tests.workers.following import (
    ONE,
    S,
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
from tests.workers.test_children import begun, children, complete
from tests.workers.test_step_work import act
from workers.actions import Actions

Others = Callable[[], Awaitable[object]]


class Dying:
    """A part of a store. The process dies behind the first call of this name; others act right before it."""

    def __init__(self, part: object, call: str, others: Others) -> None:
        self._part, self._call, self._others = part, call, others

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._part, name)
        if name != self._call:
            return found

        async def last(*args: object, **kwargs: object) -> None:
            await self._others()
            await found(*args, **kwargs)
            raise Crash

        return last


async def dies(store: Store, part: str, call: str, others: Others, id: str, *kinds: type[Event]) -> None:
    """A process dies that does what follows from these events of a subject."""
    parts: dict[str, Any] = {part: Dying(getattr(store, part), call, others)}
    with pytest.raises(Crash):
        await then(replace(store, **parts), id, *kinds)


async def unresolved(store: Store, tenant: str) -> list[str]:
    """Why the incidents are open that nobody has resolved."""
    return [each.reason for each in await incidents(store, tenant) if each.status is IncidentStatus.OPEN]


async def fails(store: Store, handoff: Handoff) -> None:
    await do(store, handoff, failing)
    await then(store, handoff.id, HandoffFailed)


async def retries(store: Store, handoff: Handoff) -> None:
    await do(store, handoff, retrying(store))
    await then(store, handoff.id, HandoffRetried)


async def handed(store: Store, tenant: str) -> tuple[Journey, Handoff]:
    """A journey and the handoff that it waits for."""
    journey = await sale(store, tenant, ONE)
    await then(store, journey.id, HandoffRequested)
    [handoff] = await handoffs(store, tenant)
    return journey, handoff


# What a journey asked for


async def test_a_handoff_that_was_made_for_a_step_that_is_left_is_cancelled_by_the_next(
    quiet: Store, tenant: str
) -> None:
    journey = await sale(quiet, tenant, ONE)

    async def leave() -> None:
        await advance(quiet, journey)
        await then(quiet, journey.id, HandoffWithdrawn)

    await dies(quiet, "handoffs", "create", leave, journey.id, HandoffRequested)
    assert [each.status.open for each in await handoffs(quiet, tenant)] == [True]
    for _ in range(2):
        await then(quiet, journey.id, HandoffRequested)
        assert [each.status for each in await handoffs(quiet, tenant)] == [S.CANCELLED]


async def test_a_handoff_with_whose_end_the_journey_went_on_stays_as_it_ended(
    living: Store, tenant: str
) -> None:
    journey = await sale(living, tenant, ONE)
    [handoff] = await handoffs(living, tenant)
    await answer(living, handoff, Answer(status=200, body={"id": "c-9"}))
    before = await now(living, journey)
    assert before.current_step == "done"
    await then(living, journey.id, HandoffRequested)
    assert [each.status for each in await handoffs(living, tenant)] == [S.COMPLETED]
    assert await now(living, journey) == before
    assert await events(living, handoff.id, HandoffCancelled) == []


async def test_a_handoff_that_failed_for_a_step_that_is_left_is_no_incident(
    quiet: Store, tenant: str
) -> None:
    journey, handoff = await handed(quiet, tenant)
    await do(quiet, handoff, failing)

    async def leave() -> None:
        await advance(quiet, journey)
        await then(quiet, journey.id, HandoffWithdrawn)

    await dies(quiet, "incidents", "open", leave, handoff.id, HandoffFailed)
    assert await unresolved(quiet, tenant) == ["no line"]
    await then(quiet, handoff.id, HandoffFailed)
    assert await unresolved(quiet, tenant) == []


async def test_a_child_that_was_started_for_a_step_that_is_left_is_abandoned_by_the_next(
    quiet: Store, tenant: str
) -> None:
    parent = await begun(quiet, tenant)

    async def leave() -> None:
        await act(quiet, parent, lambda j, d, at: walk.advance(j, d, at=at))
        await then(quiet, parent.id, WorkWithdrawn)

    await dies(quiet, "journeys", "start", leave, parent.id, ChildRequested)
    assert [each.status for each in await children(quiet, parent)] == [Status.ACTIVE]
    for _ in range(2):
        await then(quiet, parent.id, ChildRequested)
        assert [each.status for each in await children(quiet, parent)] == [Status.ABANDONED]


async def test_a_child_with_whose_end_the_parent_went_on_stays_as_it_ended(
    living: Store, tenant: str
) -> None:
    parent = await begun(living, tenant)
    [child] = await children(living, parent)
    await complete(living, child)
    assert (await now(living, parent)).current_step == "b"
    await then(living, parent.id, ChildRequested)
    assert [each.status for each in await children(living, parent)] == [Status.COMPLETED]


# Failures that were retried


@pytest.mark.parametrize("anew", [False, True])
async def test_the_incident_of_a_failure_that_was_retried_meanwhile_is_resolved_by_the_next(
    quiet: Store, tenant: str, *, anew: bool
) -> None:
    journey, handoff = await handed(quiet, tenant)
    await do(quiet, handoff, failing)
    await dies(quiet, "incidents", "open", lambda: retries(quiet, handoff), handoff.id, HandoffFailed)
    assert await unresolved(quiet, tenant) == ["no line"]
    if anew:
        await do(quiet, handoff, failing)
    await then(quiet, handoff.id, HandoffFailed)
    assert len(await unresolved(quiet, tenant)) == anew
    assert (await now(quiet, journey)).incident is anew


async def test_so_is_that_of_a_handoff_without_a_journey(quiet: Store, tenant: str) -> None:
    manual = Action(kind=ActionKind.CREATE_HANDOFF, params={"toPackage": "crew", "type": "manual"})
    id = await Actions(quiet, utc_now).perform(manual, {}, tenant, cause(), utc_now())
    handoff = await do(quiet, await quiet.handoffs.get(id, tenant), failing)
    await dies(quiet, "incidents", "open", lambda: retries(quiet, handoff), handoff.id, HandoffFailed)
    assert len(await unresolved(quiet, tenant)) == 1
    await then(quiet, handoff.id, HandoffFailed)
    assert await unresolved(quiet, tenant) == []


async def test_a_journey_that_hears_of_a_failure_behind_its_retry_hears_of_the_retry_by_the_next(
    quiet: Store, tenant: str
) -> None:
    journey, handoff = await handed(quiet, tenant)
    await do(quiet, handoff, failing)
    await dies(quiet, "journeys", "change", lambda: retries(quiet, handoff), handoff.id, HandoffFailed)
    assert (await now(quiet, journey)).incident
    await then(quiet, handoff.id, HandoffFailed)
    assert not (await now(quiet, journey)).incident
    assert await unresolved(quiet, tenant) == []


async def test_a_journey_that_hears_of_a_retry_behind_the_next_failure_hears_of_that_by_the_next(
    quiet: Store, tenant: str
) -> None:
    journey, handoff = await handed(quiet, tenant)
    await fails(quiet, handoff)
    await do(quiet, handoff, retrying(quiet))
    await dies(quiet, "journeys", "change", lambda: fails(quiet, handoff), handoff.id, HandoffRetried)
    assert not (await now(quiet, journey)).incident
    await then(quiet, handoff.id, HandoffRetried)
    assert (await now(quiet, journey)).incident
    assert await unresolved(quiet, tenant) == ["no line"]

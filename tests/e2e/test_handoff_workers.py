"""Workers killed again and again in the middle of their calls lose no handoff and have none done twice."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import replace
from uuid import uuid4

import pytest

from app.wiring import utc_now
from domain.events import HandoffStatus
from domain.handoff import Handoff
from domain.handoff_events import AttemptOutcome, AttemptStarted, FailureCode
from domain.handoff_filter import HandoffFilter
from storage.indexes import create_indexes
from storage.mongo import Mongo
from storage.store import Store
from tests.conftest import Servers
from tests.e2e.harness import eventually
from tests.e2e.partners import Partner, partner
from tests.e2e.workforce import working
from tests.workers.handing import configure, hand_over

KILLS = 6
HANDOFFS = 504
AT_ONCE = 12  # handed over at the same moment
LEASE = "6"  # longer than a living worker is kept from renewing it on a busy machine
DELAY = 1.0  # seconds of the partner's: on a busy machine too, calls are under way
LIVING, DOOMED, LAST = 8, 64, 128  # slots: of these one tenant has a quarter
OTHERS = 2 * LIVING // 4  # calls that the two living workers have under way, at most
LONG = 150.0


@pytest.fixture
async def own(servers: Servers) -> AsyncIterator[tuple[Servers, Store]]:
    """A database of its own, whose handoffs no other worker sees."""
    alone = replace(servers, database=f"work_{uuid4().hex[:8]}")
    mongo = Mongo(alone.mongodb_uri, alone.database)
    await create_indexes(mongo)
    store = Store.of(mongo, utc_now)
    yield alone, store
    await store.changes.drain()
    await mongo.close()


async def hand_over_many(store: Store, tenant: str, count: int) -> list[str]:
    made: list[Handoff] = []
    for _ in range(count // AT_ONCE):
        made += await asyncio.gather(*(hand_over(store, tenant) for _ in range(AT_ONCE)))
    return [each.id for each in made]


async def in_the_middle(crm: Partner) -> None:
    """More calls are under way than the others can have: the doomed worker has some."""

    async def busy() -> bool:
        await asyncio.sleep(0.1)
        calls = await asyncio.to_thread(crm.calls)
        return sum(int(each["underway"]) for each in calls) >= OTHERS + 2

    await eventually(busy, "calls of the doomed worker", LONG)


async def ended(store: Store, ids: list[str], tenant: str) -> list[Handoff]:
    """All of them, once none is open."""
    open_ones = HandoffFilter(status=(HandoffStatus.PENDING, HandoffStatus.IN_PROGRESS))

    async def none_open() -> bool:
        await asyncio.sleep(0.5)  # a look costs the embedded database something
        return await store.handoffs.count(tenant, open_ones) == 0

    await eventually(none_open, "the end of every handoff", LONG)
    return [each for each in await store.handoffs.many(ids, tenant) if each is not None]


async def test_workers_killed_in_the_middle_lose_no_handoff_and_have_none_done_twice(
    own: tuple[Servers, Store], tenant: str
) -> None:
    servers, store = own
    living, doomed, finishing = (
        {"JOURNEYS_LEASE_SECONDS": LEASE, "JOURNEYS_WORKER_SLOTS": str(slots)}
        for slots in (LIVING, DOOMED, LAST)
    )
    ids: list[str] = []
    with ExitStack() as stack:
        crm = stack.enter_context(partner())
        crm.behave(delay=DELAY)
        await configure(store, tenant, f"{crm.url}/crm")
        for _ in range(2):
            stack.enter_context(working(servers, living))
        for _ in range(KILLS):
            with working(servers, doomed) as worker:
                ids += await hand_over_many(store, tenant, HANDOFFS // KILLS)
                await in_the_middle(crm)
                worker.kill()
        stack.enter_context(working(servers, finishing))
        handoffs = await ended(store, ids, tenant)
        calls = crm.calls()

    assert len({each.id for each in handoffs}) == HANDOFFS
    lost = 0
    for each in handoffs:
        *earlier, last = [attempt.outcome for attempt in each.attempts]
        assert set(earlier) <= {AttemptOutcome.LOST}
        if each.status is HandoffStatus.FAILED:
            assert (each.failure, last) == (FailureCode.ATTEMPTS, AttemptOutcome.LOST)
        else:
            assert (each.status, last) == (HandoffStatus.COMPLETED, AttemptOutcome.SUCCEEDED)
        lost += len(earlier)
    assert lost >= KILLS
    called = {each["key"] for each in calls}
    assert {each.message_id for each in handoffs if each.status is HandoffStatus.COMPLETED} <= called
    assert called <= {f"{id}:1" for id in ids}
    assert [each["key"] for each in calls if each["overlapped"]] == []

    numbers: dict[str, list[int]] = defaultdict(list)
    started = {"tenantId": tenant, "type": AttemptStarted.type}
    async for event in store.mongo["events"].find(started):
        numbers[event["subject"]].append(event["data"]["attempt"])
    assert {id: sorted(found) for id, found in numbers.items()} == {
        each.id: [attempt.number for attempt in each.attempts] for each in handoffs
    }
    assert all(sorted(found) == list(range(1, len(found) + 1)) for found in numbers.values())

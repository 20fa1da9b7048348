"""What a sweep finds overdue: nothing holds up what can be done, and no entry pays for what is not its fault."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from app.wiring import utc_now
from domain.errors import QueryTimeout, Unavailable
from domain.events import Envelope
from domain.incident import IncidentFilter, IncidentStatus
from domain.journey_events import NotificationRequested
from domain.paging import Page
from domain.touchpoint import RecordFilter
from storage.entries import TRIES, Entry, entry_documents
from storage.indexes import create_indexes
from storage.mongo import Mongo
from storage.store import Store
from subscriptions.broker import Published
from tests.conftest import Servers
from tests.subscriptions.wire import change
from workers.consumers import Change
from workers.relay import BATCH, Relay
from workers.stuck import raise_incident

MINUTE = timedelta(minutes=1)


class Worker:
    """A relay whose sweeps are a minute apart. Its subscribers can be away; its triggers choke on some subjects."""

    def __init__(self, store: Store) -> None:
        self.store, self._at = store, utc_now()
        self.away = False
        self.told: list[str] = []
        self.chokes_on: str | None = None
        self.error: Exception = ValueError("it cannot be read")
        self.relay = Relay(store, self._publish, lambda: self._at, consumers={"triggers": self._fire})

    async def _publish(self, events: list[Envelope], _: int | None) -> Published:
        if self.away:
            raise Unavailable("away")
        self.told.append(events[0].id)
        return Published("published", None)

    async def _fire(self, changes: Sequence[Change]) -> Sequence[Exception | None]:
        if self.chokes_on in {each[0].subject for each in changes}:
            raise self.error
        return [None] * len(changes)

    async def sweep(self, times: int = 1) -> None:
        for _ in range(times):
            self._at += MINUTE
            await self.relay.sweep_once()

    async def left(self, tenant: str) -> dict[str, Entry]:
        """What is still to be done of a tenant's changes, by their subjects."""
        due = await self.store.events.due(self._at + timedelta(days=1), 10_000)
        return {each.envelope.subject: each for each in due if each.envelope.tenant_id == tenant}


@pytest.fixture
async def worker(servers: Servers) -> AsyncIterator[Worker]:
    """With a database of its own, whose log nobody else sweeps."""
    mongo = Mongo(servers.mongodb_uri, f"overdue_{uuid4().hex[:8]}")
    await create_indexes(mongo)
    store = Store.of(mongo, utc_now)
    yield Worker(store)
    await store.changes.drain()
    await mongo.close()


async def put(worker: Worker, changes: Sequence[Envelope]) -> None:
    """Changes that are in the log only."""
    await worker.store.events.append([each for one in changes for each in entry_documents([one])])


def notified(tenant: str) -> Envelope:
    """An event that a touchpoint follows from."""
    told = {"step": "welcome", "channel": "email", "title": "Hello", "customerId": "c1", "params": {}}
    [envelope] = change(tenant, "followed", 1)
    return replace(envelope, type=NotificationRequested.type, data=told)


async def test_what_cannot_be_told_holds_up_nothing_behind_it(worker: Worker, tenant: str) -> None:
    untold = [one for n in range(BATCH) for one in change(tenant, f"untold{n}", 1)]
    await put(worker, untold)
    await worker.store.events.strike([(each.id, ("triggers", "webhooks")) for each in untold])
    await put(worker, [notified(tenant)])
    worker.away = True
    await worker.sweep(2)
    assert await worker.store.touchpoints.count(tenant, RecordFilter()) == 1
    assert len(await worker.left(tenant)) > BATCH
    worker.away = False
    await worker.sweep(3)
    assert set(worker.told) >= {each.id for each in untold}
    assert await worker.left(tenant) == {}


async def test_a_slow_database_counts_as_no_try(worker: Worker, tenant: str) -> None:
    [one] = change(tenant, "one", 1)
    await put(worker, [one])
    worker.chokes_on, worker.error = one.subject, QueryTimeout("too slow")
    await worker.sweep(TRIES + 2)
    entry = (await worker.left(tenant))[one.subject]
    assert (entry.pending, entry.attempts) == (("triggers",), 0)
    assert await worker.store.incidents.count(tenant, IncidentFilter()) == 0


async def test_only_what_fails_by_itself_has_failed(worker: Worker, tenant: str) -> None:
    bad, *good = [one for name in ("bad", "good", "other") for one in change(tenant, name, 1)]
    await put(worker, [bad, *good])
    worker.chokes_on = bad.subject
    await worker.sweep()
    [(subject, entry)] = (await worker.left(tenant)).items()
    assert (subject, entry.pending, entry.attempts) == (bad.subject, ("triggers",), 1)


async def test_a_success_at_the_last_try_withdraws_the_incident_of_another_worker(
    worker: Worker, tenant: str
) -> None:
    [one] = change(tenant, "one", 1)
    await put(worker, [one])
    worker.chokes_on = one.subject
    while (entry := (await worker.left(tenant))[one.subject]).attempts < TRIES - 1:
        await worker.sweep()
    await raise_incident(worker.store, entry, worker.error, utc_now())  # and the other worker dies
    worker.chokes_on = None
    await worker.sweep(10)
    assert await worker.left(tenant) == {}
    [incident] = (await worker.store.incidents.page(tenant, IncidentFilter(), Page.of(first=9))).items
    assert incident.status is IncidentStatus.RESOLVED


async def test_who_was_slow_puts_off_nothing_that_another_has_tried_since(
    worker: Worker, tenant: str
) -> None:
    [one] = change(tenant, "one", 1)
    await put(worker, [one])
    events = worker.store.events
    seen = (await worker.left(tenant))[one.subject]
    await events.postpone(seen, utc_now(), "ValueError")
    tried = (await worker.left(tenant))[one.subject]
    await events.postpone(seen, utc_now() + timedelta(hours=1), "ValueError")
    assert (await worker.left(tenant))[one.subject] == tried


async def test_an_entry_that_waits_for_nobody_is_done_with(worker: Worker, tenant: str) -> None:
    """As an earlier version could leave one that died between two writes."""
    [one] = change(tenant, "one", 1)
    await put(worker, [one])
    await worker.store.mongo["events"].update_one({"_id": one.id}, {"$set": {"pending": []}})
    assert list(await worker.left(tenant)) == [one.subject]
    await worker.sweep()
    assert await worker.left(tenant) == {}

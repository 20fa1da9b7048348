"""What ten tries cannot follow up is an incident and holds nobody up; once that is resolved it is tried anew."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from app.wiring import utc_now
from domain.errors import Unavailable
from domain.events import Envelope
from domain.incident import Incident, IncidentFilter, IncidentKind, IncidentStatus
from domain.journey_events import NotificationRequested
from domain.paging import Page
from storage.entries import TRIES, entry_documents
from storage.incidents import incident_id
from storage.indexes import create_indexes
from storage.mongo import Mongo
from storage.store import Store
from subscriptions.broker import Published
from tests.conftest import Servers
from tests.storage.subjects import cause
from tests.subscriptions.wire import change
from workers.relay import Relay

LONGEST = timedelta(hours=2)  # more than any entry waits for its next try


class Worker:
    """A relay that sweeps every two hours; its subscribers choke on some subjects."""

    def __init__(self, store: Store, *, log_is_theirs: bool = True) -> None:
        self._store, self._at = store, utc_now()
        self.chokes_on: set[str] = set()
        self.told: list[str] = []
        self.relay = Relay(store, self._publish, lambda: self._at)
        if log_is_theirs:
            store.changes.logged = self.relay.logged

    async def _publish(self, events: list[Envelope], _: int | None) -> Published:
        if events[0].subject in self.chokes_on:
            raise ConnectionAbortedError("of somebody's data")
        self.told.append(events[0].id)
        return Published("published", None)

    async def sweep(self, times: int = 1) -> datetime:
        for _ in range(times):
            self._at += LONGEST
            await self.relay.sweep_once()
        return self._at


@pytest.fixture
async def store(servers: Servers) -> AsyncIterator[Store]:
    """A database of its own, whose log nobody else sweeps."""
    mongo = Mongo(servers.mongodb_uri, f"stuck_{uuid4().hex[:8]}")
    await create_indexes(mongo)
    store = Store.of(mongo, utc_now)
    yield store
    await store.changes.drain()
    await mongo.close()


async def put(store: Store, tenant: str, subject: str, **different: object) -> Envelope:
    """A change that is in the log only."""
    [envelope] = change(tenant, subject, 1)
    envelope = replace(envelope, **different)  # type: ignore[arg-type]  # its fields, by name
    await store.events.append(entry_documents([envelope]))
    return envelope


async def unreadable(store: Store, tenant: str) -> Envelope:
    """An event that says too little for anything to follow from it."""
    return await put(store, tenant, "bad", type=NotificationRequested.type)


async def incidents(store: Store, tenant: str) -> list[Incident]:
    return (await store.incidents.page(tenant, IncidentFilter(), Page.of(first=10))).items


async def test_the_tenth_failure_of_an_entry_opens_an_incident_and_no_try_follows(
    store: Store, tenant: str
) -> None:
    bad = await unreadable(store, tenant)
    worker = Worker(store)
    await worker.sweep(TRIES - 1)
    assert await incidents(store, tenant) == []
    assert (await store.events.backlog(tenant)).entries == 1
    await worker.sweep()
    [incident] = await incidents(store, tenant)
    assert incident.id == incident_id("relay", bad.id)
    assert (incident.kind, incident.status) == (IncidentKind.RELAY, IncidentStatus.OPEN)
    assert incident.event_id == bad.id
    assert incident.reason == "notification:requested could not be followed up: validation error"
    await worker.sweep(3)
    backlog = await store.events.backlog(tenant)
    assert backlog.entries == 0, "it is no backlog of the relay any more"
    [failing] = backlog.failing
    assert (failing.envelope.id, failing.attempts) == (bad.id, TRIES)
    assert (failing.pending, failing.last_error) == (("follow",), "ValidationError")
    assert bad.id in worker.told, "what follows from it concerns no subscriber"
    assert len(await incidents(store, tenant)) == 1


async def test_an_entry_that_is_stuck_holds_up_no_other(store: Store, tenant: str) -> None:
    await unreadable(store, tenant)
    good = await put(store, tenant, "good")
    worker = Worker(store)
    await worker.sweep(TRIES)
    later = await put(store, tenant, "later")
    await worker.sweep()
    assert {good.id, later.id} < set(worker.told)
    assert (await store.events.backlog(tenant)).entries == 0


async def test_what_cannot_be_told_is_an_incident_too_and_what_followed_is_not_done_again(
    store: Store, tenant: str
) -> None:
    bad = await put(store, tenant, "bad")
    worker = Worker(store)
    worker.chokes_on = {bad.subject}
    await worker.sweep(TRIES)
    [incident] = await incidents(store, tenant)
    assert incident.reason == "journey:context_updated could not be followed up: connection aborted error"
    assert "somebody" not in incident.reason


async def test_resolved_it_is_tried_again_and_done(store: Store, tenant: str) -> None:
    bad = await put(store, tenant, "bad")
    worker = Worker(store)
    worker.chokes_on = {bad.subject}
    await worker.sweep(TRIES)
    worker.chokes_on = set()
    [incident] = await incidents(store, tenant)
    await store.incidents.resolve(incident.id, tenant, "the subscribers can read it now", cause())
    assert (await store.events.backlog(tenant)).entries >= 1
    await worker.sweep()
    assert bad.id in worker.told
    backlog = await store.events.backlog(tenant)
    assert (backlog.entries, backlog.failing) == (0, [])


async def test_another_process_follows_the_resolution_where_this_one_died(store: Store, tenant: str) -> None:
    bad = await put(store, tenant, "bad")
    worker = Worker(store, log_is_theirs=False)
    worker.chokes_on = {bad.subject}
    await worker.sweep(TRIES)
    worker.chokes_on = set()
    [incident] = await incidents(store, tenant)
    await store.incidents.resolve(incident.id, tenant, "mended", cause())
    await worker.sweep(2)  # the first finds the resolution, the second what is pending again
    assert worker.told.count(bad.id) == 1


async def test_what_gets_stuck_again_after_that_is_another_incident(store: Store, tenant: str) -> None:
    bad = await unreadable(store, tenant)
    worker = Worker(store)
    await worker.sweep(TRIES)
    [first] = await incidents(store, tenant)
    await store.incidents.resolve(first.id, tenant, "let us see", cause())
    await worker.sweep(TRIES - 1)
    assert len(await incidents(store, tenant)) == 1
    await worker.sweep()
    [second] = [each for each in await incidents(store, tenant) if each.status is IncidentStatus.OPEN]
    assert (second.event_id, second.id == first.id) == (bad.id, False)
    await worker.sweep(3)
    assert len(await incidents(store, tenant)) == 2


async def test_two_workers_that_see_the_tenth_failure_together_open_one_incident(
    store: Store, tenant: str
) -> None:
    bad = await unreadable(store, tenant)
    worker = Worker(store)
    at = await worker.sweep(TRIES - 1)
    [entry] = await store.events.due(at + LONGEST, 10)
    other = Worker(Store.of(store.mongo, utc_now))
    for each in (worker, other):
        await each.relay._catching_up._put_off(entry, ValueError())
    [incident] = await incidents(store, tenant)
    assert incident.event_id == bad.id
    assert (await store.events.backlog(tenant)).failing[0].attempts == TRIES
    await other._store.changes.drain()


async def test_a_database_that_is_away_counts_as_no_failure(store: Store, tenant: str) -> None:
    entry = await put(store, tenant, "good")

    async def away(_: list[Envelope], __: int | None) -> Published:
        raise Unavailable("away")

    relay = Relay(store, away, lambda: utc_now() + LONGEST)
    for _ in range(TRIES + 1):
        await relay.sweep_once()
    assert await incidents(store, tenant) == []
    worker = Worker(store)
    await worker.sweep(2)  # it waits a moment longer than the first
    assert entry.id in worker.told

"""Which events go to which webhooks: once each, none lost, none of another tenant, none of imported history."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from app.wiring import utc_now
from domain import webhook as fold
from domain.events import Origin
from domain.webhook import queue_of
from storage.deliveries import delivery_id
from tests.conftest import Servers
from tests.e2e.harness import eventually, fresh
from tests.storage.served import Recorder
from tests.storage.subjects import crash, follow, start
from tests.workers.delivering import ALL, TYPE, Office, office_of
from tests.workers.test_relay import Subscribers
from tests.workers.triggering import report
from workers.relay import Relay
from workers.routing import Routing

NOWHERE = "http://127.0.0.1:1/"


async def test_each_webhook_hears_of_the_types_it_wants(office: Office, tenant: str) -> None:
    every = await office.add(tenant, NOWHERE)
    area = await office.add(tenant, NOWHERE, "order:*", "nothing:here")
    exact = await office.add(tenant, NOWHERE, TYPE, "order:paid")
    for type in (TYPE, "order:lost", "other", TYPE):
        await report(office.store, tenant, type)
    assert [each.event_type for each in await office.deliveries(every)] == [TYPE, "order:lost", "other", TYPE]
    assert [each.event_type for each in await office.deliveries(area)] == [TYPE, "order:lost", TYPE]
    assert [each.event_type for each in await office.deliveries(exact)] == [TYPE, TYPE]
    assert set(office.woken) == {queue_of(tenant, each.id) for each in (every, area, exact)}


async def test_every_event_of_a_change_is_delivered_and_so_are_the_services_own(
    office: Office, tenant: str
) -> None:
    webhook = await office.add(tenant, NOWHERE, "journey:*")
    journey = await start(office.store, await follow(office.store, tenant))
    await office.store.changes.drain()
    logged = (await office.store.events.history(journey.id, ALL)).items
    assert len(logged) > 1
    found = await office.deliveries(webhook)
    assert {each.event_id for each in found} == {each.id for each in logged}
    assert {each.id for each in found} == {delivery_id(webhook.id, each.id) for each in logged}


async def test_events_about_webhooks_go_only_where_they_are_named(office: Office, tenant: str) -> None:
    every = await office.add(tenant, NOWHERE)
    named = await office.add(tenant, NOWHERE, "webhook:*")
    other = await office.add(tenant, NOWHERE, "crm:*")
    await office.change(other, lambda each, at: fold.disable(each, at=at))
    await office.store.changes.drain()
    assert await office.deliveries(every) == []
    heard = [each.event_type for each in await office.deliveries(named)]
    assert heard == ["webhook:created", "webhook:created", "webhook:disabled"]  # its own creation too


async def test_twice_is_once_also_by_two_processes_at_once(office: Office, tenant: str) -> None:
    webhook = await office.add(tenant, NOWHERE)
    events = [await report(office.store, tenant, TYPE) for _ in range(20)]
    before = await office.deliveries(webhook)
    await asyncio.gather(*(office.routing().route([[each] for each in events]) for _ in range(3)))
    assert await office.deliveries(webhook) == before
    assert len(before) == 20


async def test_no_tenant_hears_of_another(office: Office, tenant: str) -> None:
    mine, other = await office.add(tenant, NOWHERE), await office.add(fresh(), NOWHERE)
    await report(office.store, tenant, TYPE)
    event = await report(office.store, tenant, TYPE)
    assert (await office.routing().route([[event]])) == [None]
    assert len(await office.deliveries(mine)) == 2
    assert await office.deliveries(other) == []
    found = await office.store.deliveries.page(other.tenant_id, mine.id, None, ALL)
    assert found.items == []


async def test_events_from_before_it_was_created_or_switched_on_are_not_for_it(
    office: Office, tenant: str
) -> None:
    early = await report(office.store, tenant, TYPE)
    office.clock.ahead += timedelta(seconds=1)
    webhook = await office.add(tenant, NOWHERE)
    await office.change(webhook, lambda each, at: fold.disable(each, at=at))
    meanwhile = await report(office.store, tenant, TYPE)
    office.clock.ahead += timedelta(seconds=1)
    await office.change(webhook, lambda each, at: fold.enable(each, at=at))
    late = await report(office.store, tenant, TYPE)
    await office.routing().route([[early], [meanwhile], [late]])  # as a sweep that comes late
    assert [each.event_id for each in await office.deliveries(webhook)] == [late.id]


async def test_what_happens_once_its_creation_was_acknowledged_is_never_missed(
    office: Office, tenant: str
) -> None:
    """Another process has asked a moment before: no answer of then may count."""
    other = Routing(office.process(), office.clock, office.woken.append)
    for _ in range(10):
        await other.route([[await report(office.store, tenant, TYPE)]])
        webhook = await office.add(tenant, NOWHERE, "order:*")
        event = await report(office.process(), tenant, TYPE)
        await other.route([[event]])
        assert event.id in [each.event_id for each in await office.deliveries(webhook)]


async def test_nothing_of_imported_history_is_delivered(office: Office, tenant: str) -> None:
    webhook = await office.add(tenant, NOWHERE)
    event = await report(office.store, tenant, TYPE)
    imported = replace(event, id="imported", origin=Origin.IMPORT)
    assert await office.routing().route([[imported]]) == [None]
    assert [each.event_id for each in await office.deliveries(webhook)] == [event.id]


async def test_a_process_that_dies_in_between_leaves_its_events_to_the_sweep(
    office: Office, tenant: str
) -> None:
    webhook = await office.add(tenant, NOWHERE, "journey:*")
    dying = office.process()
    template = await follow(dying, tenant)
    dying.changes.written = crash
    journey = await start(dying, template)
    assert await office.deliveries(webhook) == []
    later = lambda: utc_now() + timedelta(minutes=1)  # noqa: E731
    sweeper = office.process()
    relay = Relay(sweeper, Subscribers().publish, later, consumers={"webhooks": office.routing().route})
    for _ in range(2):
        await relay.sweep_once()
    found = await office.deliveries(webhook)
    assert found
    assert {each.event_id.partition(":")[0] for each in found} == {journey.id}


async def test_what_one_consumer_cannot_do_holds_up_no_other(office: Office, tenant: str) -> None:
    webhook = await office.add(tenant, NOWHERE)
    store, subscribers = office.process(), Subscribers()

    async def broken(changes: object) -> list[Exception | None]:
        raise ValueError("no trigger can be fired")

    consumers = {"triggers": broken, "webhooks": office.routing().route}
    relay = Relay(store, subscribers.publish, utc_now, consumers=consumers)  # type: ignore[arg-type]
    store.changes.logged = relay.logged
    running = asyncio.create_task(relay.run())
    event = await report(store, tenant, TYPE)

    async def only_triggers_left() -> bool:
        entries = await store.events.due(utc_now(), 10)
        return [each.pending for each in entries if each.envelope.id == event.id] == [("triggers",)]

    await eventually(only_triggers_left, "the other words struck")
    assert [each.event_id for each in await office.deliveries(webhook)] == [event.id]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    later = Relay(store, subscribers.publish, lambda: utc_now() + timedelta(minutes=1), consumers=consumers)  # type: ignore[arg-type]
    await later.sweep_once()
    failing = {each.envelope.id: each.pending for each in (await store.events.backlog(tenant)).failing}
    assert failing[event.id] == ("triggers",)


async def test_a_batch_is_looked_up_with_one_query_for_all_tenants(servers: Servers, tenant: str) -> None:
    recorder = Recorder()
    async with office_of(servers, recorder) as office:
        webhooks = [await office.add(each, NOWHERE, "order:*") for each in (tenant, fresh(), fresh())]
        office.store.changes.logged = nothing
        events = [await report(office.store, each.tenant_id, TYPE) for each in webhooks for _ in range(5)]
        recorder.sent.clear()
        await office.routing().route([[each] for each in events])
        assert [(each.name, each.collection) for each in recorder.sent] == [("find", "webhooks")]
        for webhook in webhooks:
            assert len(await office.deliveries(webhook)) == 5


async def nothing(_: object) -> None:
    pass

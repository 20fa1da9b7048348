"""How deliveries and webhooks end: switched off, gone, deleted, dead, forgotten; and how they begin again."""

from dataclasses import replace
from datetime import timedelta

from domain import delivery as sending
from domain import webhook as fold
from domain.delivery import DeliveryStatus
from domain.identity import ActorKind
from domain.webhook import Webhook, queue_of
from tests.e2e.harness import eventually
from tests.workers.delivering import TYPE, Office, fails
from tests.workers.handing import at_work
from tests.workers.target import Partner, answer
from tests.workers.triggering import report

S = DeliveryStatus
NO = answer("404 Not Found")


async def is_off(office: Office, webhook: Webhook) -> Webhook:
    """The webhook once it is switched off."""

    async def off() -> bool:
        return not (await office.now(webhook)).enabled

    await eventually(off, "switched off")
    return await office.now(webhook)


async def test_an_address_that_is_gone_is_switched_off_at_once(
    office: Office, receiver: Partner, tenant: str
) -> None:
    receiver.answers["/"] = answer("410 Gone")
    webhook, worker = await office.add(tenant, f"{receiver.url}/"), office.worker()
    async with at_work(worker):
        await fails(office, worker, webhook)
        off = await is_off(office, webhook)
    assert off.off_because == "The address answered 410 Gone."
    event = await office.happened(webhook, "webhook:disabled")
    assert event.actor.kind is ActorKind.SYSTEM
    assert event.data["reason"] == off.off_because
    assert len(receiver.requests) == 1
    assert (await office.only(webhook)).status is S.PENDING


async def test_an_address_that_fails_for_more_than_three_days_is_switched_off(
    office: Office, receiver: Partner, tenant: str
) -> None:
    receiver.answers["/"] = NO
    webhook, worker = await office.add(tenant, f"{receiver.url}/"), office.worker()
    async with at_work(worker):
        await fails(office, worker, webhook)

        async def noted() -> bool:
            return (await office.now(webhook)).failing_since is not None

        await eventually(noted, "since when it fails")
        since = (await office.now(webhook)).failing_since
        for days in (1, 2, 2.9):
            office.clock.ahead = timedelta(days=days)
            await fails(office, worker, webhook)
            seen = await office.now(webhook)
            assert (seen.enabled, seen.failing_since, seen.revision) == (True, since, 1)
        office.clock.ahead = timedelta(days=3, minutes=1)
        await fails(office, worker, webhook)
        off = await is_off(office, webhook)
    assert off.off_because == "Nothing could be delivered for more than 3 days."
    event = await office.happened(webhook, "webhook:disabled")
    assert (event.actor.kind, event.revision) == (ActorKind.SYSTEM, 2)
    assert event.data["failingSince"] is not None


async def test_one_delivery_that_is_taken_ends_the_failing(
    office: Office, receiver: Partner, tenant: str
) -> None:
    receiver.answers["/"] = NO
    webhook, worker = await office.add(tenant, f"{receiver.url}/"), office.worker()
    async with at_work(worker):
        await fails(office, worker, webhook)
        del receiver.answers["/"]
        await fails(office, worker, webhook)  # which is taken
        await worker.note()

        async def forgotten() -> bool:
            return (await office.now(webhook)).failing_since is None

        await eventually(forgotten, "no failing any more")
    assert (await office.now(webhook)).revision == 1


async def test_while_it_is_switched_off_nothing_is_sent_and_then_it_goes_on(
    office: Office, receiver: Partner, tenant: str
) -> None:
    receiver.answers["/"] = NO
    webhook, worker = await office.add(tenant, f"{receiver.url}/"), office.worker()
    await report(office.store, tenant, TYPE)
    await report(office.store, tenant, TYPE)
    off = await office.change(webhook, lambda each, at: fold.disable(each, at=at))

    async def parked() -> bool:
        return all(each.wake_at == each.deadline for each in await office.deliveries(webhook))

    async with at_work(worker):
        await eventually(parked, "what waits for its deadline")
        assert receiver.requests == []
        del receiver.answers["/"]
        await office.change(off, lambda each, at: fold.enable(each, at=at))
        await office.store.changes.drain()
        worker.wake(office.woken[-1])
        await office.become(webhook, S.DELIVERED, S.DELIVERED)
    assert [each.attempts for each in await office.deliveries(webhook)] == [1, 1]


async def test_what_waits_for_one_that_stays_off_is_dead_after_a_day(
    office: Office, receiver: Partner, tenant: str
) -> None:
    webhook, worker = await office.add(tenant, receiver.url), office.worker()
    await report(office.store, tenant, TYPE)
    await office.change(webhook, lambda each, at: fold.disable(each, at=at))
    office.clock.ahead += timedelta(hours=24, seconds=1)
    async with at_work(worker):
        [dead] = await office.become(webhook, S.DEAD)
    assert (dead.attempts, dead.last_error) == (0, "The webhook is switched off.")
    assert receiver.requests == []


async def test_switching_on_leaves_what_is_under_way_to_its_worker(office: Office, tenant: str) -> None:
    webhook, store = await office.add(tenant, "http://127.0.0.1:1/"), office.store.deliveries
    await report(office.store, tenant, TYPE)
    before = await office.only(webhook)
    lease = timedelta(seconds=15)
    claimed = await store.write(before, sending.claim(before, name="me", lease=lease, at=office.clock()))
    assert claimed is not None
    await store.hasten(webhook, office.clock())
    assert await office.only(webhook) == replace(claimed, revision=claimed.revision + 1)
    assert await store.renew(claimed, office.clock() + lease)
    response = sending.Response(status=200)
    assert await store.record(claimed, sending.answered(claimed, response, jitter=0, at=office.clock()))


async def test_a_worker_that_saw_it_switched_off_does_not_park_what_was_made_due_since(
    office: Office, tenant: str
) -> None:
    webhook, store = await office.add(tenant, "http://127.0.0.1:1/"), office.store.deliveries
    await report(office.store, tenant, TYPE)
    seen = await office.only(webhook)
    await store.hasten(webhook, office.clock())
    assert await store.write(seen, sending.park(seen, at=office.clock())) is None


async def test_what_waits_for_one_that_is_deleted_is_dead_at_once(
    office: Office, receiver: Partner, tenant: str
) -> None:
    webhook = await office.add(tenant, receiver.url)
    await report(office.store, tenant, TYPE)
    await office.change(webhook, lambda each, at: fold.delete(each, at=at))
    await report(office.store, tenant, TYPE)  # is not for it
    async with at_work(office.worker()):
        [dead] = await office.become(webhook, S.DEAD)
    assert dead.last_error == "The webhook was deleted."
    assert receiver.requests == []


async def test_an_event_that_is_kept_no_longer_is_not_delivered(
    office: Office, receiver: Partner, tenant: str
) -> None:
    webhook = await office.add(tenant, receiver.url)
    event = await report(office.store, tenant, TYPE)
    await office.store.mongo["events"].delete_one({"_id": event.id})
    async with at_work(office.worker()):
        [dead] = await office.become(webhook, S.DEAD)
    assert dead.last_error == "The event is kept no longer."
    assert receiver.requests == []


async def test_what_is_kept_no_longer_is_deleted_and_nothing_else(
    office: Office, receiver: Partner, tenant: str
) -> None:
    webhook, worker = await office.add(tenant, receiver.url), office.worker()
    taken, dead, waiting = [await report(office.store, tenant, TYPE) for _ in range(3)]
    by_event = {each.event_id: each for each in await office.deliveries(webhook)}
    now, store = office.clock(), office.store.deliveries
    response = sending.Response(status=200)
    await store.write(by_event[taken.id], sending.answered(by_event[taken.id], response, jitter=0, at=now))
    await store.write(by_event[dead.id], sending.die(by_event[dead.id], at=now))
    for days, deleted, left in (
        (6.9, 0, {taken.id, dead.id, waiting.id}),
        (7.1, 1, {dead.id, waiting.id}),
        (29.9, 0, {dead.id, waiting.id}),
        (30.1, 1, {waiting.id}),
    ):
        office.clock.ahead = timedelta(days=days)
        assert await worker.tidy() == deleted
        assert {each.event_id for each in await office.deliveries(webhook)} == left


async def test_sent_again_it_has_another_day_under_the_same_id(
    office: Office, receiver: Partner, tenant: str
) -> None:
    webhook, store = await office.add(tenant, receiver.url), office.store.deliveries
    await report(office.store, tenant, TYPE)
    fresh_one = await office.only(webhook)
    dead = await store.write(fresh_one, sending.die(fresh_one, at=office.clock()))
    assert dead is not None
    again = sending.resend(dead, webhook, command="c", at=office.clock())
    assert await store.write(dead, again) is not None
    assert await store.write(dead, replace(again, attempts=7)) is None, "somebody was first"
    async with at_work(office.worker()):
        [delivery] = await office.become(webhook, S.DELIVERED)
    assert [each.headers["webhook-id"] for each in receiver.requests] == [delivery.id]
    assert queue_of(tenant, webhook.id) in office.woken

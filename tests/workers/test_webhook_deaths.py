"""What a worker that dies leaves unsaid about a webhook, that it works or that it is on again, harms nobody."""

from datetime import timedelta

import pytest

from domain import delivery as sending
from domain.delivery import Delivery, Response
from domain.webhook import queue_of
from tests.e2e.harness import eventually
from tests.workers.delivering import TYPE, Office, fails
from tests.workers.handing import at_work
from tests.workers.target import Partner, answer
from tests.workers.triggering import report

NO = answer("404 Not Found")
LATER = timedelta(days=3, minutes=1)


async def delivered(office: Office, delivery: Delivery) -> None:
    """By a worker that dies before it notes that the address works."""
    ended = sending.answered(delivery, Response(status=200), jitter=0.5, at=office.clock())
    assert await office.store.deliveries.write(delivery, ended) is not None


async def test_one_failure_long_after_another_does_not_switch_off_what_was_delivered_to_meanwhile(
    office: Office, receiver: Partner, tenant: str
) -> None:
    receiver.answers["/"] = NO
    webhook, worker = await office.add(tenant, f"{receiver.url}/"), office.worker()
    await report(office.store, tenant, TYPE)
    early = await office.only(webhook)
    await office.store.webhooks.fails(webhook.id, office.clock())
    first = (await office.now(webhook)).failing_since
    assert first is not None
    office.clock.ahead += timedelta(seconds=1)
    await delivered(office, early)
    office.clock.ahead += LATER
    anew = office.clock()

    async def begun_anew() -> bool:
        since = (await office.now(webhook)).failing_since
        return since is not None and since >= anew - timedelta(milliseconds=1)

    async def off() -> bool:
        return not (await office.now(webhook)).enabled

    async with at_work(worker):
        await fails(office, worker, webhook)
        await eventually(begun_anew, "failing since this attempt")
        seen = await office.now(webhook)
        assert (seen.enabled, seen.revision) == (True, 1)
        office.clock.ahead += LATER
        await fails(office, worker, webhook)
        await eventually(off, "switched off once it has failed for three days indeed")
    event = await office.happened(webhook, "webhook:disabled")
    assert event.data["failingSince"] is not None


async def test_what_was_delivered_before_it_failed_does_not_keep_it_on(
    office: Office, receiver: Partner, tenant: str
) -> None:
    receiver.answers["/"] = NO
    webhook, worker = await office.add(tenant, f"{receiver.url}/"), office.worker()
    await report(office.store, tenant, TYPE)
    await delivered(office, await office.only(webhook))
    office.clock.ahead += timedelta(seconds=1)
    await office.store.webhooks.fails(webhook.id, office.clock())
    office.clock.ahead += LATER

    async def off() -> bool:
        return not (await office.now(webhook)).enabled

    async with at_work(worker):
        await fails(office, worker, webhook)
        await eventually(off, "switched off")


async def test_what_cannot_be_noted_is_noted_later_whatever_the_reason(
    office: Office, receiver: Partner, tenant: str, caplog: pytest.LogCaptureFixture
) -> None:
    webhook, worker = await office.add(tenant, receiver.url), office.worker()
    await office.store.webhooks.fails(webhook.id, office.clock())
    database = office.store.mongo["webhooks"].database
    failing_only = {"failingSince": {"$exists": True}}
    await database.command({"collMod": "webhooks", "validator": failing_only})
    await report(office.store, tenant, TYPE)

    async def tried_in_vain() -> bool:
        return "Which webhooks work is noted later" in caplog.messages

    async def noted() -> bool:
        return (await office.now(webhook)).failing_since is None

    async with at_work(worker):
        await eventually(tried_in_vain, "a note that the database refuses")
        await database.command({"collMod": "webhooks", "validator": {}})
        await eventually(noted, "that it works")


async def test_a_worker_that_saw_it_switched_off_does_not_park_an_attempt_that_was_lost_before(
    office: Office, tenant: str
) -> None:
    webhook, store = await office.add(tenant, "http://127.0.0.1:1/"), office.store.deliveries
    await report(office.store, tenant, TYPE)
    before, lease = await office.only(webhook), timedelta(seconds=15)
    claim = sending.claim(before, name="dead", lease=lease, at=office.clock())
    assert await store.write(before, claim) is not None
    office.clock.ahead += 2 * lease
    [lost] = await store.due(queue_of(tenant, webhook.id), office.clock(), 5)
    assert lost.claim == "dead"
    await store.hasten(webhook, office.clock())
    assert await store.write(lost, sending.park(lost, at=office.clock())) is None
    assert await store.due(queue_of(tenant, webhook.id), office.clock(), 5) == [await office.only(webhook)]

"""A delivery on its way: signed, tried for a day, and taken over from a worker that dies."""

import asyncio
import re
from collections import Counter
from datetime import timedelta

import pytest
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from domain import webhook as fold
from domain.cloudevent import as_cloud_event
from domain.delivery import DeliveryStatus
from domain.webhook import queue_of
from tests.e2e.harness import eventually, fresh
from tests.workers.delivering import SECRET, TYPE, Office, signed_by_hand, told
from tests.workers.handing import at_work
from tests.workers.target import Partner, Request, answer, hang, listening
from tests.workers.triggering import report
from workers.webhook_calls import ATTEMPT_SECONDS

S = DeliveryStatus
DAY = timedelta(hours=24)


async def test_an_event_arrives_as_a_signed_cloud_event(
    office: Office, receiver: Partner, tenant: str
) -> None:
    webhook = await office.add(tenant, f"{receiver.url}/in?key=1", secret=SECRET)
    event = await report(office.store, tenant, TYPE, data={"total": 3, "by": "Zoë"}, customer_id="c-1")
    async with at_work(office.worker()):
        [delivery] = await office.become(webhook, S.DELIVERED)
    [request] = receiver.requests
    assert request.path == "/in?key=1"
    assert told(request) == as_cloud_event(event)
    assert told(request)["data"] == {"total": 3, "by": "Zoë"}
    assert request.headers["webhook-id"] == delivery.id
    assert Verifier(SECRET).verify(request.body, request.headers) == told(request)
    assert request.headers["webhook-signature"] == signed_by_hand(request, SECRET)
    with pytest.raises(WebhookVerificationError):
        Verifier(SECRET).verify(request.body.replace(b"3", b"4"), request.headers)
    assert (delivery.attempts, delivery.last_status, delivery.last_error) == (1, 200, None)
    assert (delivery.event_id, delivery.event_type, delivery.claim) == (event.id, TYPE, None)


async def test_while_a_secret_is_rotated_both_sign(office: Office, receiver: Partner, tenant: str) -> None:
    webhook = await office.add(tenant, receiver.url, secret=SECRET)
    newer = f"whsec_{'B' * 43}="
    await office.vault.put(tenant, "newer", newer)
    day = timedelta(days=1)
    await office.change(
        webhook, lambda each, at: fold.rotate_secret(each, secret_id="newer", overlap=day, at=at)
    )
    await report(office.store, tenant, TYPE)
    async with at_work(office.worker()):
        await office.become(webhook, S.DELIVERED)
    [request] = receiver.requests
    for secret in (SECRET, newer):
        Verifier(secret).verify(request.body, request.headers)
    first, _ = request.headers["webhook-signature"].split()
    assert first == signed_by_hand(request, newer)


async def test_without_a_secret_it_is_not_signed_and_with_one_that_is_lost_nothing_is_sent(
    office: Office, receiver: Partner, tenant: str
) -> None:
    unsigned = await office.add(tenant, receiver.url)
    lost = await office.add(tenant, receiver.url, secret=SECRET)
    await office.vault.remove([each.id for each in lost.secrets])
    await report(office.store, tenant, TYPE)
    async with at_work(office.worker()) as _:
        await office.become(unsigned, S.DELIVERED)

        async def failed() -> bool:
            return (await office.only(lost)).last_error == "A secret of the webhook cannot be opened."

        await eventually(failed, "an attempt that could not be signed")
    [request] = receiver.requests
    assert "webhook-signature" not in request.headers


async def test_what_is_not_taken_is_tried_again_and_again_for_a_day_and_then_dead(
    office: Office, receiver: Partner, tenant: str
) -> None:
    receiver.answers["/"] = answer("404 Not Found")
    webhook, worker = await office.add(tenant, f"{receiver.url}/", secret=SECRET), office.worker()
    await report(office.store, tenant, TYPE)
    made = (await office.only(webhook)).created_at
    delays, attempts = list[float](), 0
    async with at_work(worker):
        while (before := await office.only(webhook)).status is S.PENDING:
            attempts += 1
            tried = await office.tried(worker, webhook, attempts)
            assert tried.attempted_at is not None
            assert before.wake_at is not None
            assert tried.attempted_at >= before.wake_at
            if tried.wake_at is not None:
                delays.append((tried.wake_at - tried.attempted_at).total_seconds())
    # From the beginning of an attempt: the call and the writes take time too.
    doubled = [5 * 2**n for n in range(10)]
    assert all(due <= each < due + 4 for due, each in zip(doubled, delays, strict=False)), delays
    assert all(3600 <= each < 3660 for each in delays[10:-1]), delays
    assert attempts == 34
    assert delays[-1] < 3660
    dead = await office.only(webhook)
    assert (dead.status, dead.attempts, dead.last_status) == (S.DEAD, attempts, 404)
    assert dead.ended_at is not None
    assert timedelta() <= dead.ended_at - (made + DAY) < timedelta(minutes=1)
    assert Counter(each.headers["webhook-id"] for each in receiver.requests) == {dead.id: attempts}
    assert len({each.headers["webhook-timestamp"] for each in receiver.requests}) == attempts


async def test_the_address_may_ask_for_patience_of_an_hour(
    office: Office, receiver: Partner, tenant: str
) -> None:
    receiver.answers |= {
        "/some": answer("429 Too Many Requests", Retry_After="120"),
        "/much": answer("503 Service Unavailable", Retry_After="86400"),
    }
    worker = office.worker()
    async with at_work(worker):
        for path, seconds in (("some", 120), ("much", 3600)):
            webhook = await office.add(tenant, f"{receiver.url}/{path}", f"{path}:x")
            await report(office.store, tenant, f"{path}:x")
            tried = await office.tried(worker, webhook, 1)
            assert tried.wake_at is not None
            assert tried.attempted_at is not None
            assert seconds <= (tried.wake_at - tried.attempted_at).total_seconds() < seconds + 60


async def test_a_redirect_to_elsewhere_is_not_followed(
    office: Office, receiver: Partner, tenant: str
) -> None:
    async with listening() as elsewhere:
        receiver.answers["/"] = answer("307 Temporary Redirect", Location=f"{elsewhere.url}/")
        webhook, worker = await office.add(tenant, f"{receiver.url}/"), office.worker()
        await report(office.store, tenant, TYPE)
        async with at_work(worker):
            tried = await office.tried(worker, webhook, 1)
        assert (tried.status, tried.last_status) == (S.PENDING, 307)
        assert elsewhere.requests == []


async def test_addresses_inside_are_not_called(office: Office, tenant: str) -> None:
    webhook, worker = await office.add(tenant, "http://10.0.0.1/"), office.worker()
    await report(office.store, tenant, TYPE)
    async with at_work(worker):
        tried = await office.tried(worker, webhook, 1)
    assert tried.last_status is None
    assert tried.last_error is not None
    assert re.search("may not be called", tried.last_error)


async def test_two_workers_deliver_each_once(office: Office, receiver: Partner, tenant: str) -> None:
    webhooks = [await office.add(tenant, f"{receiver.url}/{n}") for n in range(3)]
    events = [await report(office.store, tenant, TYPE) for _ in range(30)]
    async with at_work(*(office.worker(slots=16) for _ in range(3))):
        for webhook in webhooks:
            await office.become(webhook, *[S.DELIVERED] * len(events))
    seen = Counter(each.headers["webhook-id"] for each in receiver.requests)
    assert len(seen) == len(webhooks) * len(events)
    assert set(seen.values()) == {1}


async def test_what_a_worker_left_in_the_middle_is_taken_over_under_the_same_id(
    office: Office, receiver: Partner, tenant: str
) -> None:
    receiver.answers["/"] = hang
    webhook = await office.add(tenant, f"{receiver.url}/")
    await report(office.store, tenant, TYPE)
    first = asyncio.create_task(office.worker(lease=1.5).run())
    await asyncio.wait_for(receiver.asked.wait(), 20)
    first.cancel()  # in the middle of the call
    await asyncio.gather(first, return_exceptions=True)
    left = await office.only(webhook)
    assert (left.status, left.attempts) == (S.PENDING, 1)
    assert left.claim is not None
    del receiver.answers["/"]
    async with at_work(office.worker(lease=1.5)):
        [delivery] = await office.become(webhook, S.DELIVERED)
    assert delivery.attempts == 2
    assert [each.headers["webhook-id"] for each in receiver.requests] == [delivery.id] * 2


async def test_a_long_call_keeps_its_lease(office: Office, receiver: Partner, tenant: str) -> None:
    free, lease = asyncio.Event(), 6.0

    async def slowly(request: Request, writer: asyncio.StreamWriter) -> None:
        await free.wait()
        await answer("204 No Content")(request, writer)

    receiver.answers["/"] = slowly
    webhook = await office.add(tenant, f"{receiver.url}/")
    await report(office.store, tenant, TYPE)
    async with at_work(office.worker(lease=lease), office.worker(lease=lease)):
        await asyncio.wait_for(receiver.asked.wait(), 20)
        first = (await office.only(webhook)).wake_at
        assert first is not None

        async def renewed() -> bool:
            until = (await office.only(webhook)).wake_at
            return until is not None and until > first + timedelta(seconds=lease)

        await eventually(renewed, "a renewal after the first lease was over")
        free.set()
        [delivery] = await office.become(webhook, S.DELIVERED)
    assert (delivery.attempts, len(receiver.requests)) == (1, 1)


async def test_one_address_that_hangs_holds_up_no_other(
    office: Office, receiver: Partner, tenant: str
) -> None:
    receiver.answers["/hang"] = hang
    await office.add(tenant, f"{receiver.url}/hang", "slow:*")
    other = fresh("u")
    fine = await office.add(other, f"{receiver.url}/fine")
    for _ in range(50):
        await report(office.store, tenant, "slow:x")
    clock = asyncio.get_running_loop().time
    began = clock()
    async with at_work(worker := office.worker(slots=8)):
        await asyncio.wait_for(receiver.asked.wait(), 20)
        for n in range(10):
            await report(office.store, other, TYPE)
            worker.wake(queue_of(other, fine.id))
            await office.become(fine, *[S.DELIVERED] * (n + 1))
    hanging = [each for each in receiver.requests if each.path == "/hang"]
    each_slot = 1 + int((clock() - began) / ATTEMPT_SECONDS)  # then it is free for another call
    assert 1 <= len(hanging) <= 2 * each_slot, "a quarter of the slots"

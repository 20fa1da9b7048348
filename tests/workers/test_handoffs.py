"""Handoffs are executed once by any number of workers, under leases that are renewed, lost and taken over."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from domain import attempting
from domain.approval import ApprovalPolicy, WhenDue
from domain.events import HandoffStatus
from domain.handoff import Handoff
from domain.handoff_events import AttemptOutcome, FailureCode
from storage.handoffs import HANDOFF
from tests.conftest import Servers
from tests.e2e.harness import eventually
from tests.storage.subjects import cause
from tests.workers.handing import CRM, Crew, at_work, configure, crew_of, hand_over
from tests.workers.target import Partner, Request, answer, hang, listening
from workers.dispatch import POLL_SECONDS

WEEK = timedelta(days=7)
MINUTE = timedelta(minutes=1)
LEASE = 6.0  # seconds; a busy machine may keep a renewal waiting for four of them


@pytest.fixture
async def crew(servers: Servers) -> AsyncIterator[Crew]:
    async with crew_of(servers) as crew:
        yield crew


@pytest.fixture
async def partner() -> AsyncIterator[Partner]:
    async with listening() as partner:
        yield partner


def outcomes(handoff: Handoff) -> list[AttemptOutcome | None]:
    return [each.outcome for each in handoff.attempts]


def done(handoff: Handoff) -> bool:
    return handoff.status is HandoffStatus.COMPLETED


def ended(handoff: Handoff) -> bool:
    return not handoff.status.open


async def claimed_by(crew: Crew, handoff: Handoff, name: str, lease: timedelta) -> Handoff:
    """An attempt that somebody else has begun."""
    command = lambda each, at: attempting.claim(each, name=name, lease=lease, at=at)  # noqa: E731
    return (await crew.store.handoffs.change(handoff.id, handoff.tenant_id, command, cause())).state


async def taken_away(crew: Crew, handoff: Handoff) -> None:
    """Another worker has the attempt now."""
    values = {"claim": "another", "leaseUntil": crew.clock() + MINUTE, "wakeAt": crew.clock() + MINUTE}
    await crew.store.mongo["handoffs"].update_one({"_id": handoff.id}, {"$set": values})


async def test_workers_that_race_attempt_each_handoff_once(crew: Crew, partner: Partner, tenant: str) -> None:
    await configure(crew.store, tenant, partner.url)
    handoffs = [await hand_over(crew.store, tenant, f"c{n}") for n in range(25)]
    workers = [crew.worker(slots=32), crew.worker(slots=32)]
    async with at_work(*workers):
        for worker in workers:
            worker.wake(f"{tenant}|{CRM}")
        for each in handoffs:
            assert outcomes(await crew.becomes(each, done, "completed")) == [AttemptOutcome.SUCCEEDED]
    assert sorted(crew.sent) == sorted(f"{each.id}:1" for each in handoffs)


async def test_a_lost_lease_is_taken_over_and_counts(crew: Crew, partner: Partner, tenant: str) -> None:
    await configure(crew.store, tenant, partner.url)
    handoff = await hand_over(crew.store, tenant)
    await claimed_by(crew, handoff, "dead", timedelta(seconds=0.3))
    async with at_work(crew.worker(), crew.worker()):
        found = await crew.becomes(handoff, done, "taken over")
    assert outcomes(found) == [AttemptOutcome.LOST, AttemptOutcome.SUCCEEDED]
    assert [each.number for each in found.attempts] == [1, 2]
    assert crew.sent == [f"{handoff.id}:1"]


async def test_a_lease_lost_by_the_last_attempt_is_a_failure(
    crew: Crew, partner: Partner, tenant: str
) -> None:
    await configure(crew.store, tenant, partner.url, attempts=1)
    handoff = await hand_over(crew.store, tenant)
    await claimed_by(crew, handoff, "dead", timedelta(seconds=0.2))
    async with at_work(crew.worker(), crew.worker()):
        found = await crew.becomes(handoff, ended, "failed")
    assert (found.status, found.failure) == (HandoffStatus.FAILED, FailureCode.ATTEMPTS)
    assert (outcomes(found), crew.sent) == ([AttemptOutcome.LOST], [])


async def test_the_lease_of_a_slow_call_is_renewed(crew: Crew, partner: Partner, tenant: str) -> None:
    release = asyncio.Event()

    async def slow(request: Request, writer: asyncio.StreamWriter) -> None:
        await release.wait()
        await answer("200 OK", b'{"slow": true}')(request, writer)

    partner.answers["/customers/c1"] = slow
    await configure(crew.store, tenant, partner.url)
    handoff = await hand_over(crew.store, tenant)
    async with at_work(crew.worker(lease=LEASE), crew.worker(lease=LEASE)):
        begun = await crew.becomes(handoff, lambda each: each.claim is not None, "claimed")
        assert begun.lease_until is not None
        # Renewed when the first one would have been over for more than the second worker's poll.
        later = begun.lease_until + timedelta(seconds=LEASE + 1.5 * POLL_SECONDS)
        await crew.becomes(
            handoff, lambda each: each.lease_until is not None and each.lease_until > later, "renewed"
        )
        release.set()
        found = await crew.becomes(handoff, done, "completed")
    assert (outcomes(found), found.output) == ([AttemptOutcome.SUCCEEDED], {"slow": True})
    assert crew.sent == [f"{handoff.id}:1"]


async def test_a_worker_that_is_told_to_end_finishes_what_it_has_begun(
    crew: Crew, partner: Partner, tenant: str
) -> None:
    release = asyncio.Event()

    async def slow(request: Request, writer: asyncio.StreamWriter) -> None:
        await release.wait()
        await answer("200 OK", b"{}")(request, writer)

    partner.answers["/customers/c1"] = slow
    await configure(crew.store, tenant, partner.url)
    handoff = await hand_over(crew.store, tenant)
    ending = asyncio.create_task(crew.worker(patience=20.0).run())
    await crew.becomes(handoff, lambda each: each.claim is not None, "claimed")
    ending.cancel()
    release.set()
    await asyncio.gather(ending, return_exceptions=True)
    found = await crew.get(handoff)
    assert (outcomes(found), found.status) == ([AttemptOutcome.SUCCEEDED], HandoffStatus.COMPLETED)


async def test_a_call_whose_lease_is_gone_is_given_up(crew: Crew, partner: Partner, tenant: str) -> None:
    partner.answers["/customers/c1"] = hang
    await configure(crew.store, tenant, partner.url)
    handoff = await hand_over(crew.store, tenant)
    async with at_work(crew.worker(lease=LEASE)):
        await asyncio.wait_for(partner.asked.wait(), 20)
        await taken_away(crew, handoff)

        async def given_up() -> bool:
            return crew.given_up == [f"{handoff.id}:1"]

        await eventually(given_up, "the call is given up")
        found = await crew.get(handoff)
    assert (found.status, found.claim) == (HandoffStatus.IN_PROGRESS, "another")
    assert "handoff:completed" not in await crew.events(handoff)


async def test_an_answer_to_a_worker_that_lost_its_lease_is_kept_and_completes_nothing(
    crew: Crew, partner: Partner, tenant: str
) -> None:
    release = asyncio.Event()

    async def slow(request: Request, writer: asyncio.StreamWriter) -> None:
        await release.wait()
        await answer("200 OK", b'{"late": true}')(request, writer)

    partner.answers["/customers/c1"] = slow
    await configure(crew.store, tenant, partner.url)
    handoff = await hand_over(crew.store, tenant)
    async with at_work(crew.worker(lease=60)):
        await asyncio.wait_for(partner.asked.wait(), 20)
        await taken_away(crew, handoff)
        release.set()

        async def kept() -> bool:
            return (await crew.events(handoff))[-1] == "handoff:late_result"

        await eventually(kept, "the late answer is in the log")
        found = await crew.get(handoff)
    assert (found.status, found.claim) == (HandoffStatus.IN_PROGRESS, "another")


async def test_a_renewal_that_comes_between_is_not_written_over(
    crew: Crew, partner: Partner, tenant: str
) -> None:
    """The second worker has looked at the lease, the first renews it: then it is not the second one's."""
    await configure(crew.store, tenant, partner.url)
    handoff = await hand_over(crew.store, tenant)
    held = await claimed_by(crew, handoff, "first", timedelta(milliseconds=1))
    until, looks = crew.clock() + MINUTE, count(1)

    async def take_over(current: Handoff, at: Any) -> list[Any]:
        if next(looks) == 1:
            assert await crew.store.handoffs.renew(held.id, "first", until)
        return list(attempting.claim(current, name="second", lease=MINUTE, at=at))

    await crew.store.changes.change(HANDOFF, handoff.id, tenant, take_over, cause())
    found = await crew.get(handoff)
    assert (found.claim, found.lease_until) == ("first", until)


async def test_what_took_too_long_in_all_fails(crew: Crew, partner: Partner, tenant: str) -> None:
    partner.answers["/customers/c1"] = answer("503 Service Unavailable", Retry_After="30")
    await configure(crew.store, tenant, partner.url, attempts=10, total_time=MINUTE)
    handoff = await hand_over(crew.store, tenant)
    async with at_work(crew.worker()):
        await crew.becomes(handoff, lambda each: outcomes(each) == [AttemptOutcome.FAILED], "one failure")
        crew.clock.ahead += MINUTE
        found = await crew.becomes(handoff, ended, "failed")
    assert (found.status, found.failure) == (HandoffStatus.FAILED, FailureCode.TIME)
    assert len(partner.requests) == 2, "30 s of that minute it lay waiting; after another 30 s it is over"


async def test_approvals_come_due_once_with_three_new_workers_a_week_later(crew: Crew, tenant: str) -> None:
    expiring = ApprovalPolicy(due=WEEK)
    escalating = ApprovalPolicy(due=WEEK, when_due=WhenDue.ESCALATE, escalate_to="director")
    lapse = [await hand_over(crew.store, tenant, policy=expiring) for _ in range(5)]
    rise = [await hand_over(crew.store, tenant, policy=escalating) for _ in range(5)]
    async with at_work(*(crew.worker() for _ in range(3))):
        pass
    crew.clock.ahead = WEEK + MINUTE
    async with at_work(*(crew.worker() for _ in range(3))):
        for each in lapse:
            await crew.becomes(each, lambda h: h.status is HandoffStatus.EXPIRED, "expired")
        for each in rise:
            found = await crew.becomes(each, lambda h: bool(h.approval and h.approval.escalated), "escalated")
            assert found.status is HandoffStatus.PENDING
        crew.clock.ahead += WEEK + MINUTE
        for each in rise:
            await crew.becomes(each, lambda h: h.status is HandoffStatus.EXPIRED, "expired")
    await crew.store.changes.drain()
    asked = ["handoff:created", "approval:requested"]
    for each in lapse:
        assert await crew.events(each) == [*asked, "handoff:expired"]
    for each in rise:
        assert await crew.events(each) == [*asked, "approval:escalated", "handoff:expired"]

"""What is still to be done with a change: who waits for it, and what becomes of a try that fails."""

import asyncio
from datetime import datetime, timedelta

from domain.events import Origin
from domain.journey_events import NotificationRequested
from storage.events import EventLog
from storage.mongo import Mongo
from tests.storage.logged import LONG_AGO, TYPES, change, history, keep


async def _due(log: EventLog, tenant: str, now: datetime) -> dict[str, tuple[str, ...]]:
    found = await log.due(now, 1_000)
    return {each.envelope.id: each.pending for each in found if each.envelope.tenant_id == tenant}


async def test_each_consumer_strikes_its_word_and_the_last_one_ends_it(log: EventLog, tenant: str) -> None:
    told = change(tenant, "j", 1, *TYPES[:2], at=LONG_AGO)
    followed = change(tenant, "j", 2, TYPES[0], NotificationRequested.type, at=LONG_AGO)
    imported = change(tenant, "j", 3, at=LONG_AGO, origin=Origin.IMPORT)
    await keep(log, told, followed, imported)
    later = LONG_AGO + timedelta(minutes=1)
    assert await _due(log, tenant, LONG_AGO - timedelta(minutes=1)) == {}
    assert await _due(log, tenant, later) == {
        told[0].id: ("feed", "triggers", "webhooks"),
        followed[0].id: ("feed", "follow", "triggers", "webhooks"),
    }
    await log.strike([])
    await log.strike([(told[0].id, ("feed", "triggers", "webhooks")), (followed[0].id, ("follow",))])
    assert await _due(log, tenant, later) == {followed[0].id: ("feed", "triggers", "webhooks")}
    assert await log.first_unpublished(f"j_{tenant}") == 2
    for _ in range(2):
        await log.strike([(followed[0].id, ("feed", "follow", "triggers", "webhooks"))])
    assert await _due(log, tenant, later) == {}
    assert await log.first_unpublished(f"j_{tenant}") is None
    assert await history(log, f"j_{tenant}") == [*told, *followed, *imported]


async def test_at_no_moment_an_entry_waits_for_nobody(log: EventLog, mongo: Mongo, tenant: str) -> None:
    """A process that died at such a moment would leave it so."""
    kept = await keep(log, *(change(tenant, f"j{n}", 1, at=LONG_AGO) for n in range(200)))
    await log.strike([(each.id, ("feed",)) for each in kept])
    last = asyncio.create_task(
        log.strike([(each.id, ("feed", "follow", "triggers", "webhooks")) for each in kept])
    )
    nobody = {"tenantId": tenant, "pending": []}
    looks = 0
    while not last.done():
        assert await mongo["events"].find_one(nobody) is None
        looks += 1
    await last
    assert looks >= 1
    assert await mongo["events"].find_one({"tenantId": tenant, "pending": {"$exists": True}}) is None


async def _wait(log: EventLog, tenant: str, id: str, now: datetime) -> timedelta:
    """How long until an entry is due again, in steps that double."""
    wait = timedelta(seconds=1)
    while id not in await _due(log, tenant, now + wait):
        wait *= 2
    return wait


async def test_what_fails_is_tried_again_later_and_later_and_is_seen(log: EventLog, tenant: str) -> None:
    [failing], [other] = (change(tenant, "j", n, at=LONG_AGO) for n in (1, 2))
    await keep(log, [failing], [other])
    waits, now = [], LONG_AGO
    for _ in range(3):
        [entry] = [each for each in await log.due(now, 1_000) if each.envelope.id == failing.id]
        await log.postpone(entry, now, "OSError")
        assert failing.id not in await _due(log, tenant, now)
        waits.append(await _wait(log, tenant, failing.id, now))
        now += waits[-1]
    assert waits == sorted(waits)
    assert waits[-1] > waits[0]
    backlog = await log.backlog(tenant)
    [seen] = backlog.failing
    assert (seen.envelope.id, seen.attempts, seen.last_error) == (failing.id, 3, "OSError")
    assert backlog.oldest is not None
    assert backlog.oldest <= LONG_AGO
    assert backlog.entries >= 2
    await log.strike(
        [(failing.id, ("feed", "triggers", "webhooks")), (other.id, ("webhooks", "triggers", "feed"))]
    )
    after = await log.backlog(tenant)
    assert (after.entries, after.failing) == (backlog.entries - 2, [])


async def test_what_was_struck_meanwhile_is_not_postponed(log: EventLog, tenant: str) -> None:
    [kept] = await keep(log, change(tenant, "j", 1, at=LONG_AGO))
    [entry] = [each for each in await log.due(LONG_AGO, 1_000) if each.envelope.id == kept.id]
    await log.strike([(kept.id, ("feed", "triggers", "webhooks"))])
    await log.postpone(entry, LONG_AGO, "OSError")
    assert await _due(log, tenant, LONG_AGO + timedelta(days=1)) == {}
    assert (await log.backlog(tenant)).failing == []

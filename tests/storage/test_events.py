"""The log: facts once and in order, and what is still to be done with them."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import BadCursor
from domain.events import Envelope, EventFilter, Origin
from domain.journey_events import NotificationRequested
from domain.paging import Page
from domain.values import timestamp
from storage.entries import entry_documents
from storage.events import EventLog
from storage.mongo import Mongo
from tests.domain.samples import ANNA, NOON
from tests.storage.subjects import all_pages

LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)  # before whatever other tests leave
SUBJECTS = ("jrn_1", "jrn_2", "tch_1")
TYPES = ("journey:started", "journey:paused", "touchpoint:added")
SOURCES = ("journeys", "crm")
CUSTOMERS = ("c1", "c2")
TIMES = [NOON + timedelta(hours=hour) for hour in range(3)]


@pytest.fixture
def log(mongo: Mongo) -> EventLog:
    return EventLog(mongo)


def change(
    tenant: str, subject: str, revision: int, *types: str, at: datetime = NOON, **rest: Any
) -> list[Envelope]:
    """The events of one change."""
    subject = f"{subject}_{tenant}"
    given = {
        "recorded_at": at,
        "command_id": f"{subject}:{revision}",
        "data": {},
        "source": "journeys",
    } | rest
    return [
        Envelope(
            id=f"{subject}:{revision}:{n}",
            type=type,
            subject=subject,
            revision=revision,
            n=n,
            tenant_id=tenant,
            actor=ANNA,
            occurred_at=at,
            correlation_id="test",
            **given,
        )
        for n, type in enumerate(types or TYPES[:1])
    ]


async def keep(log: EventLog, *changes: Sequence[Envelope]) -> list[Envelope]:
    await log.append([entry for each in changes for entry in entry_documents(each)])
    return [envelope for each in changes for envelope in each]


async def history(log: EventLog, subject: str, size: int = 100, *, backwards: bool = False) -> list[Envelope]:
    return await all_pages(lambda page: log.history(subject, page), size, backwards=backwards)


async def test_an_event_appended_twice_is_there_once(log: EventLog, tenant: str) -> None:
    first, second, third = (change(tenant, "j", n, *TYPES[:2]) for n in (1, 2, 3))
    await keep(log, first, second)
    await keep(log, second, third)
    await keep(log)
    assert await history(log, f"j_{tenant}") == [*first, *second, *third]


async def test_what_is_taken_from_elsewhere_says_what_is_new_and_leaves_the_rest_to_do(
    log: EventLog, tenant: str
) -> None:
    [one], [two], [three] = (change(tenant, f"e{n}", 1, "crm:lead_created", at=LONG_AGO) for n in range(3))
    assert await log.take([one, two]) == [True, True]
    again = [replace(each, data={"a": 2}) for each in (one, three)]
    assert await log.take([again[0], three, again[1]]) == [False, True, False]
    assert await log.take([]) == []
    assert await log.many([one.id, three.id, "no:such"], tenant) == {one.id: one, three.id: three}
    assert await log.many([one.id], "another") == await log.many([], tenant) == {}
    due = {each.envelope.id: each for each in await log.due(LONG_AGO, 100)}
    assert {due[each.id].pending for each in (one, two, three)} == {("feed", "triggers", "webhooks")}
    await log.strike([(each.id, ("feed", "triggers", "webhooks")) for each in (one, two, three)])


async def test_what_is_there_stays_as_it_is(log: EventLog, tenant: str) -> None:
    kept = await keep(log, change(tenant, "j", 1, data={"a": 1}))
    await keep(log, change(tenant, "j", 1, data={"a": 2}))
    assert await history(log, f"j_{tenant}") == kept


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("size", [1, 3, 8])
async def test_a_history_pages_in_the_order_of_revision_and_place(
    log: EventLog, tenant: str, size: int, backwards: bool
) -> None:
    changes = [change(tenant, "j", n, *TYPES[: 1 + n % 3]) for n in (10, 2, 1, 9)]
    await keep(log, *changes)
    found = await history(log, f"j_{tenant}", size, backwards=backwards)
    assert [(each.revision, each.n) for each in found] == sorted(
        (each.revision, each.n) for envelopes in changes for each in envelopes
    )


async def test_a_cursor_of_another_list_is_refused(log: EventLog, tenant: str) -> None:
    for key in ("x", "9" * 40, "-1"):
        with pytest.raises(BadCursor):
            await log.history("j", Page(5, False, key))
        with pytest.raises(BadCursor):
            await log.page(tenant, EventFilter(), Page(5, False, key))


class Population:
    def __init__(self, log: EventLog) -> None:
        self.log, self.tenant = log, f"t{uuid4().hex[:12]}"
        self.events: list[Envelope] = []

    async def record(self) -> None:
        for tenant in (self.tenant, self.tenant + "x"):
            changes = [
                change(
                    *(tenant, SUBJECTS[n % 3], 1 + n // 3, TYPES[n % 2], TYPES[2]),
                    at=TIMES[n % 3],
                    source=SOURCES[n % 2],
                    customer_id=(None, *CUSTOMERS)[n // 2 % 3],
                )
                for n in range(24)
            ]
            kept = await keep(self.log, *changes)
            self.events += kept if tenant == self.tenant else []


@pytest.fixture(scope="module")
async def population(mongo: Mongo) -> Population:
    made = Population(EventLog(mongo))
    await made.record()
    return made


def seldom(values: Sequence[Any]) -> st.SearchStrategy[Any]:
    return st.none() | st.none() | st.sampled_from(values)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    types=st.lists(st.sampled_from([*TYPES, "no:such"]), max_size=3, unique=True).map(tuple),
    subject=seldom(SUBJECTS),
    source=seldom([*SOURCES, "nobody"]),
    customer=seldom(CUSTOMERS),
    since=seldom(TIMES),
    until=seldom(TIMES),
    size=st.sampled_from((1, 5, 100)),
    backwards=st.booleans(),
)
async def test_a_list_of_events_holds_what_its_filter_says_page_by_page(
    population: Population,
    types: tuple[str, ...],
    subject: str | None,
    source: str | None,
    customer: str | None,
    since: datetime | None,
    until: datetime | None,
    size: int,
    backwards: bool,
) -> None:
    about = None if subject is None else f"{subject}_{population.tenant}"
    wanted = EventFilter(
        types=types, source=source, subject=about, customer_id=customer, since=since, until=until
    )
    expected = [
        each
        for each in population.events
        if (not types or each.type in types)
        and about in (None, each.subject)
        and source in (None, each.source)
        and customer in (None, each.customer_id)
        and (since is None or each.occurred_at >= since)
        and (until is None or each.occurred_at < until)
    ]
    expected.sort(
        key=lambda each: (timestamp(each.occurred_at), each.subject, each.revision, each.n), reverse=True
    )
    tenant = population.tenant
    found = await all_pages(lambda page: population.log.page(tenant, wanted, page), size, backwards=backwards)
    assert found == expected


async def test_changes_are_read_whole_by_their_revisions(log: EventLog, tenant: str) -> None:
    changes = [change(tenant, "j", n, *TYPES) for n in (1, 2, 3, 4)]
    await keep(log, *changes)
    assert await log.revisions(f"j_{tenant}", 1, 3) == changes[1:3]
    assert await log.revisions(f"j_{tenant}", 4, 4) == []


async def test_a_command_is_known_by_its_id(log: EventLog, tenant: str) -> None:
    [kept] = await keep(log, change(tenant, "j", 1))
    assert await log.of_command(kept.command_id) == kept
    assert await log.of_command("another" + tenant) is None


async def test_what_was_recorded_since_comes_in_whole_changes_without_imports(
    log: EventLog, tenant: str
) -> None:
    old = change(tenant, "a", 1, at=NOON)
    one, two = (change(tenant, subject, 2, *TYPES, at=TIMES[1]) for subject in ("a", "b"))
    imported = change(tenant, "c", 1, at=TIMES[1], origin=Origin.IMPORT)
    await keep(log, two, old, imported, one)
    assert [each async for each in log.recorded_since(tenant, TIMES[1])] == [one, two]


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
    assert looks > 1
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

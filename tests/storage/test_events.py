"""The log: facts once and in order, and what is still to be done with them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import BadCursor
from domain.events import Envelope, EventFilter, Origin
from domain.paging import Page
from domain.values import timestamp
from storage.events import EventLog
from storage.mongo import Mongo
from tests.domain.samples import NOON
from tests.storage.logged import LONG_AGO, TYPES, change, history, keep
from tests.storage.subjects import all_pages

SUBJECTS = ("jrn_1", "jrn_2", "tch_1")
SOURCES = ("journeys", "crm")
CUSTOMERS = ("c1", "c2")
TIMES = [NOON + timedelta(hours=hour) for hour in range(3)]


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

"""Handoffs in the database: lists are what the filter says, approvals are whose they are, what is due is found."""

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain import attempting, deciding, handing
from domain.approval import ApprovalPolicy
from domain.errors import BadCursor, DomainError, NotFound
from domain.events import HandoffStatus
from domain.handoff import Handoff
from domain.handoff_events import HandoffEvent, HandoffType
from domain.handoff_filter import HandoffFilter, HandoffOrder
from domain.identity import Identity, Role
from domain.journey_filter import TimeRange
from domain.paging import Page
from domain.values import timestamp
from storage.handoffs import NEVER, Command
from storage.mongo import Mongo
from storage.store import Store
from tests.domain.handed import CRM, LEASE, asked, person
from tests.domain.samples import ANNA, NOON
from tests.storage.subjects import all_pages, cause

TIMES = [NOON + timedelta(hours=hour) for hour in range(4)]
KINDS = list(HandoffType)
PEOPLE: list[tuple[str, tuple[Role | str, ...]]] = [
    ("anna", ()),
    ("ben", ()),
    ("max", ("managers", Role.VIEWER)),
    ("ada", (Role.ADMIN,)),
    ("eve", (Role.VIEWER,)),
]


@dataclass(repr=False)  # Hypothesis would print it all
class Population:
    store: Store
    tenant: str
    handoffs: list[Handoff]


async def create(
    store: Store, tenant: str, kind: HandoffType = HandoffType.AUTOMATIC, **rest: Any
) -> Handoff:
    id = f"hof_{uuid4().hex}"
    created = asked(kind, tenant_id=tenant, **rest)
    events = handing.create(id, created, replace(CRM, name=created.to_package), by=ANNA, strict=False)
    return (await store.handoffs.create(id, events, cause())).state


async def change(store: Store, handoff: Handoff, command: Command) -> Handoff:
    return (await store.handoffs.change(handoff.id, handoff.tenant_id, command, cause())).state


def deciding_by(name: str) -> Command:
    return lambda h, at: deciding.approve(h, person(name), at=at)


def claiming(name: str = "w1") -> Command:
    return lambda h, at: attempting.claim(h, name=name, lease=LEASE, at=at)


def cancelling(handoff: Handoff, at: datetime) -> list[HandoffEvent]:
    return handing.cancel(handoff, at=at)


def reassigning(handoff: Handoff, at: datetime) -> list[HandoffEvent]:
    return handing.reassign(handoff, user="ben", at=at)


MOVES: tuple[Command | None, ...] = (
    None,
    cancelling,
    reassigning,
    deciding_by("ben"),
    lambda h, at: handing.complete(h, output={"ok": True}, at=at),
    lambda h, at: deciding.delegate(h, person("ben"), to="eve", at=at),
    claiming(),
    lambda h, at: deciding.reject(h, person("ben"), at=at),
    lambda h, at: handing.fail(h, reason="no line", at=at),
    lambda h, at: handing.process(h, by=ANNA, at=at),
)


async def one(store: Store, owner: str, n: int, at: list[datetime]) -> Handoff:
    kind = KINDS[n % 3]
    rest: dict[str, Any] = {"data": {} if n % 9 == 1 else {"leadId": "l-1"}}
    if kind is HandoffType.APPROVAL_REQUIRED:
        due = timedelta(minutes=n % 4 * 7) or None
        roles = ("approver",) if n % 2 else ("approver", "managers")
        rest |= {"policy": ApprovalPolicy(quorum=1 + n % 2, roles=roles, due=due)}
        rest |= {"requester": ANNA if n % 5 else None}
    at[0] = TIMES[n % 3]
    made = await create(
        store,
        owner,
        kind,
        at=at[0],
        journey_id=f"jrn_{n % 4}" if n % 3 else None,
        customer_id=f"c-{n % 2}" if n % 5 else None,
        lead_id=f"l-{n % 3}" if n % 4 else None,
        from_package="journeys" if n % 2 else None,
        to_package=("crm", "field-ops")[n % 7 == 0],
        assigned_to="anna" if n % 4 == 0 else None,
        **rest,
    )
    command = MOVES[n // 3 % len(MOVES)]
    if command is None:
        return made
    at[0] = max(TIMES[n % 4], at[0])
    with suppress(DomainError):  # not every command fits every handoff
        return await change(store, made, command)
    return made


@pytest.fixture(scope="module")
async def population(mongo: Mongo) -> AsyncIterator[Population]:
    """Handoffs of two tenants in many states, several at the same instant."""
    at, tenant = [NOON], f"t{uuid4().hex[:12]}"
    store = Store.of(mongo, lambda: at[0])
    made = [await one(store, owner, n, at) for owner in (tenant, tenant + "x") for n in range(60)]
    yield Population(store, tenant, [each for each in made if each.tenant_id == tenant])
    await store.changes.drain()


def few(values: Any) -> st.SearchStrategy[Any]:
    return st.none() | st.none() | st.lists(st.sampled_from(list(values)), max_size=3, unique=True).map(tuple)


def seldom(*values: Any) -> st.SearchStrategy[Any]:
    return st.none() | st.none() | st.sampled_from(values)


times = st.sampled_from([*TIMES, NOON - timedelta(days=1), NOON + timedelta(milliseconds=1)])
filters = st.builds(
    HandoffFilter,
    status=few(HandoffStatus),
    type=few(HandoffType),
    from_package=seldom("journeys", "crm"),
    to_package=seldom("crm", "field-ops"),
    action=seldom("convert", "dance"),
    journey_id=seldom("jrn_0", "jrn_1"),
    customer_id=seldom("c-0", "c-1"),
    lead_id=seldom("l-1", "l-2"),
    assigned_to=seldom("anna", "ben"),
    created_at=st.none() | st.builds(TimeRange, since=st.none() | times, until=st.none() | times),
)
quietly = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def test_the_handoffs_these_lists_are_tried_on_are_of_many_kinds(population: Population) -> None:
    kinds = {(each.type, each.status) for each in population.handoffs}
    assert len(kinds) >= 10, kinds


@quietly
@given(filters, st.sampled_from(HandoffOrder), st.sampled_from((1, 3, 7, 50)), st.booleans())
async def test_a_list_holds_what_its_filter_says_in_order_page_by_page(
    population: Population, wanted: HandoffFilter, order: HandoffOrder, size: int, backwards: bool
) -> None:
    handoffs, tenant = population.store.handoffs, population.tenant

    def key(handoff: Handoff) -> tuple[datetime, str]:
        at = handoff.created_at if order is HandoffOrder.CREATED_AT else handoff.last_activity
        return at, handoff.id

    expected = sorted((each for each in population.handoffs if wanted.matches(each.facets)), key=key)[::-1]
    found = await all_pages(
        lambda page: handoffs.page(tenant, wanted, order, page), size, backwards=backwards
    )
    assert found == expected
    assert await handoffs.count(tenant, wanted) == len(expected)


@pytest.mark.parametrize(("name", "roles"), PEOPLE)
@pytest.mark.parametrize(("size", "backwards"), [(1, False), (4, True), (50, False), (50, True)])
async def test_pending_approvals_are_those_one_may_decide_the_one_due_first_at_the_front(
    population: Population, name: str, roles: tuple[Role | str, ...], size: int, backwards: bool
) -> None:
    who = person(name, *roles, tenant=population.tenant)
    expected = [each for each in population.handoffs if deciding.may_decide(each, who)]
    expected.sort(key=lambda each: (each.due_at or NEVER, each.created_at, each.id))
    assert expected
    found = await all_pages(
        lambda page: population.store.handoffs.pending_for(who, page), size, backwards=backwards
    )
    assert found == expected
    assert await population.store.handoffs.count_pending_for(who) == len(expected)


async def test_a_cursor_of_another_list_is_refused(population: Population) -> None:
    who: Identity = person("ben", tenant=population.tenant)
    with pytest.raises(BadCursor):
        await population.store.handoffs.pending_for(who, Page(5, after="t0|000000001"))


# What is due


async def test_what_is_due_is_found_by_its_queue_the_longest_due_first(store: Store, tenant: str) -> None:
    made = [await create(store, tenant, at=NOON + timedelta(seconds=n)) for n in (3, 1, 2)]
    later = await create(store, tenant, at=NOON + timedelta(hours=1))
    now = NOON + timedelta(minutes=1)
    queue = f"{tenant}|crm"
    due = await store.handoffs.due(queue, now, 10)
    assert [each.id for each in due] == [made[1].id, made[2].id, made[0].id]
    assert await store.handoffs.due(queue, now, 1) == due[:1]
    assert later.id in [each.id for each in await store.handoffs.due(queue, now + timedelta(hours=2), 10)]
    assert [at for name, at in await store.handoffs.due_queues(now, 1000) if name == queue] == sorted(
        each.next_attempt_at for each in due if each.next_attempt_at
    )


async def test_decisions_and_work_that_are_due_wait_in_the_tenants_own_queue(
    store: Store, tenant: str
) -> None:
    policy = ApprovalPolicy(due=timedelta(hours=1))
    approval = await create(store, tenant, HandoffType.APPROVAL_REQUIRED, policy=policy)
    manual = await create(store, tenant, HandoffType.MANUAL, due_at=NOON + timedelta(hours=2))
    await create(store, tenant, HandoffType.MANUAL)
    found = await store.handoffs.due(f"{tenant}|", NOON + timedelta(hours=3), 10)
    assert [each.id for each in found] == [approval.id, manual.id]


async def test_what_has_ended_is_in_no_queue(store: Store, tenant: str) -> None:
    handoff = await create(store, tenant)
    await change(store, handoff, cancelling)
    assert await store.handoffs.due(f"{tenant}|crm", NOON + timedelta(days=99), 10) == []


# Leases


async def test_a_lease_is_renewed_by_its_holder_only_and_is_no_change(store: Store, tenant: str) -> None:
    handoff = await change(store, await create(store, tenant), claiming("w1"))
    until = NOON + timedelta(days=9)
    assert not await store.handoffs.renew(handoff.id, "w2", until)
    assert await store.handoffs.get(handoff.id, tenant) == handoff
    assert await store.handoffs.renew(handoff.id, "w1", until)
    held = await store.handoffs.get(handoff.id, tenant)
    assert (held.lease_until, held.revision) == (until, handoff.revision)
    assert await store.handoffs.due(f"{tenant}|crm", until - timedelta(seconds=1), 10) == []


async def test_a_lease_that_ended_with_its_handoff_is_not_renewed(store: Store, tenant: str) -> None:
    handoff = await change(store, await create(store, tenant), claiming("w1"))
    await change(store, handoff, cancelling)
    assert not await store.handoffs.renew(handoff.id, "w1", NOON + timedelta(days=9))


async def test_a_change_keeps_the_lease_that_was_renewed_before_it(store: Store, tenant: str) -> None:
    handoff = await change(store, await create(store, tenant), claiming("w1"))
    until = NOON + timedelta(days=9)
    await store.handoffs.renew(handoff.id, "w1", until)
    assert (await change(store, handoff, reassigning)).lease_until == until


# Tenants, and commands given again


async def test_another_tenants_handoff_is_unknown(store: Store, tenant: str) -> None:
    handoff = await create(store, tenant)
    with pytest.raises(NotFound):
        await store.handoffs.get(handoff.id, tenant + "x")
    with pytest.raises(NotFound):
        await store.handoffs.change(handoff.id, tenant + "x", cancelling, cause())
    assert await store.handoffs.many([handoff.id], tenant + "x") == [None]
    assert await store.handoffs.many(["hof_unknown", handoff.id], tenant) == [None, handoff]


async def test_a_creation_given_again_makes_one_handoff(store: Store, tenant: str) -> None:
    events: list[HandoffEvent] = handing.create("x", asked(tenant_id=tenant), CRM, by=ANNA, strict=True)
    why, id = cause("again"), f"hof_{uuid4().hex}"
    why = replace(why, command_id=why.command_id + tenant)
    first = await store.handoffs.create(id, events, why)
    again = await store.handoffs.create(id, events, why)
    assert first.state == again.state
    assert await store.handoffs.count(tenant, HandoffFilter()) == 1
    outcome = await store.handoffs.outcome(id, why)
    assert outcome is not None
    assert outcome.state == first.state
    assert timestamp(first.state.created_at) == timestamp(NOON)

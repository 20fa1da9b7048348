"""What follows from an event on other documents: once, in whatever order, and on behalf of whoever caused it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from app.wiring import utc_now
from domain import attempting, deciding, handing, package, steer, walk
from domain.attempting import Answer
from domain.errors import CannotDecide
from domain.events import (
    Envelope,
    Event,
    HandoffRequested,
    HandoffStatus,
    HandoffWithdrawn,
    StepState,
)
from domain.handoff import Handoff
from domain.handoff_events import (
    HandoffCancelled,
    HandoffCompleted,
    HandoffEvent,
    HandoffFailed,
    HandoffRetried,
)
from domain.handoff_filter import HandoffFilter, HandoffOrder
from domain.identity import Role
from domain.incident import Incident, IncidentFilter, IncidentStatus
from domain.journey import Journey, Status
from domain.paging import Page
from domain.template import Definition, Settings, StepType
from storage.change import Cause
from storage.handoffs import Command
from storage.indexes import create_indexes
from storage.mongo import Mongo
from storage.store import Store
from storage.templates import SYSTEM
from tests.conftest import Servers
from tests.domain.handed import LEASE, person
from tests.domain.samples import ANNA, definition, step
from tests.storage.subjects import cause, follow, start
from tests.workers.test_relay import Subscribers
from workers.follow import Following
from workers.relay import Relay

S = HandoffStatus
PAGE = Page(100)
CONVERT = step(
    "convert",
    1,
    type=StepType.INTEGRATION,
    package="crm",
    action="convert_lead",
    output_mapping={"customerId": "id"},
)
FLOWING = Settings(auto_progress=True, allow_skip_steps=True)
SALE = definition(
    "qualify", replace(CONVERT, order=2), step("check", 3, type=StepType.APPROVAL), "done", settings=FLOWING
)
ONE = definition(CONVERT, "done", settings=FLOWING)


@pytest.fixture
async def make(servers: Servers) -> AsyncIterator[Callable[[], Store]]:
    """Stores as several processes would have them, in a database of their own; nothing follows by itself."""
    mongo = Mongo(servers.mongodb_uri, f"follow_{uuid4().hex[:8]}")
    await create_indexes(mongo)
    stores: list[Store] = []

    def another() -> Store:
        stores.append(Store.of(mongo, utc_now))
        return stores[-1]

    yield another
    for each in stores:
        await each.changes.drain()
    await mongo.close()


@pytest.fixture
def store(make: Callable[[], Store]) -> Store:
    return make()


@pytest.fixture
def living(store: Store) -> Store:
    """A store whose process follows up what it writes."""
    store.changes.logged = Relay(store, Subscribers().publish, utc_now).logged
    return store


async def sale(store: Store, tenant: str, made: Definition = SALE, *, address: bool = True) -> Journey:
    """A lead's journey, in a tenant whose CRM can be called."""
    if address:
        await store.packages.change(
            tenant, "crm", lambda p, at: package.configure(p, address="https://crm.example", at=at), cause()
        )
    return await start(store, await follow(store, tenant, made), lead_id="l-1")


async def advance(store: Store, journey: Journey) -> Journey:
    return (
        await store.journeys.change(
            journey.id, journey.tenant_id, lambda j, d, at: walk.advance(j, d, at=at), cause()
        )
    ).state


async def now(store: Store, journey: Journey) -> Journey:
    return await store.journeys.get(journey.id, journey.tenant_id)


async def handoffs(store: Store, tenant: str) -> list[Handoff]:
    """All of a tenant's, from old to new."""
    rows = await store.handoffs.page(tenant, HandoffFilter(), HandoffOrder.CREATED_AT, PAGE)
    return rows.items[::-1]


async def incidents(store: Store, tenant: str) -> list[Incident]:
    return (await store.incidents.page(tenant, IncidentFilter(), PAGE)).items


async def do(store: Store, handoff: Handoff, command: Command, by: Cause | None = None) -> Handoff:
    return (await store.handoffs.change(handoff.id, handoff.tenant_id, command, by or cause())).state


async def answer(store: Store, handoff: Handoff, answer: Answer) -> Handoff:
    """An attempt, as a worker makes it: nobody is behind it but whoever asked for the handoff."""
    name = uuid4().hex

    def answered(current: Handoff, at: datetime) -> list[HandoffEvent]:
        return attempting.answered(current, answer, name=name, jitter=1, at=at)

    for command in (lambda h, at: attempting.claim(h, name=name, lease=LEASE, at=at), answered):
        handoff = await do(store, handoff, command, Cause(SYSTEM, uuid4().hex, "worker"))
    return handoff


def failing(handoff: Handoff, at: datetime) -> list[HandoffEvent]:
    return handing.fail(handoff, reason="no line", at=at)


def retrying(store: Store) -> Callable[[Handoff, datetime], list[HandoffEvent]]:
    known = package.begin("pkg_1", package.PackageAdded(at=utc_now(), tenant_id="t", name="crm"), ANNA)
    [configured] = package.configure(
        known,
        at=utc_now(),
        address="https://crm.example",
        actions=(package.Action(name="convert_lead", path="/convert"),),
    )
    crm = package.evolve(known, configured)
    return lambda h, at: handing.retry(h, crm, changes=None, reason="the line is mended", at=at)


async def events(store: Store, id: str, *kinds: type[Event]) -> list[Envelope]:
    found = (await store.events.history(id, PAGE)).items
    return [each for each in found if not kinds or each.type in [kind.type for kind in kinds]]


async def then(store: Store, id: str, *kinds: type[Event]) -> None:
    """Do what follows from these events of a subject, and from no others."""
    for kind in kinds:
        await Following(store).follow(await events(store, id, kind))


# A step, its handoff, and the next step


async def test_a_step_is_handed_over_and_its_result_leads_to_the_next(living: Store, tenant: str) -> None:
    journey = await advance(living, await sale(living, tenant))
    [handoff] = await handoffs(living, tenant)
    assert journey.handoff is not None
    assert (handoff.id, handoff.step, handoff.visit) == (journey.handoff.id, "convert", 1)
    assert (handoff.to_package, handoff.action, handoff.data) == ("crm", "convert_lead", {"leadId": "l-1"})
    await answer(living, handoff, Answer(status=200, body={"id": "c-9"}))
    journey = await now(living, journey)
    assert (journey.current_step, journey.customer_id) == ("check", "c-9")
    [_, approval] = await handoffs(living, tenant)
    await do(living, approval, lambda h, at: deciding.approve(h, person("ben"), at=at))
    journey = await now(living, journey)
    assert (journey.current_step, journey.current.state) == ("done", StepState.ACTIVE)


async def test_the_requester_is_the_nearest_person_and_does_not_decide(living: Store, tenant: str) -> None:
    await advance(living, await sale(living, tenant))
    [handoff] = await handoffs(living, tenant)
    await answer(living, handoff, Answer(status=200))
    [_, approval] = await handoffs(living, tenant)
    assert (handoff.requester, approval.requester, approval.created_by) == (ANNA, ANNA, SYSTEM)
    for envelope in await events(living, approval.id):
        assert (envelope.actor, envelope.requester) == (SYSTEM, ANNA)
    with pytest.raises(CannotDecide):
        await do(living, approval, lambda h, at: deciding.approve(h, person(ANNA.id, Role.ADMIN), at=at))
    lists = [person(name, tenant=tenant) for name in ("ben", ANNA.id)]
    assert [await living.handoffs.count_pending_for(who) for who in lists] == [1, 0]


async def test_a_rejection_fails_the_journey_with_its_comment(living: Store, tenant: str) -> None:
    journey = await sale(
        living, tenant, definition(step("check", 1, type=StepType.APPROVAL), settings=FLOWING)
    )
    [approval] = await handoffs(living, tenant)
    await do(living, approval, lambda h, at: deciding.reject(h, person("ben"), at=at, comment="too dear"))
    journey = await now(living, journey)
    assert (journey.status, journey.current.reason) == (Status.FAILED, "too dear")


async def test_a_paused_journey_takes_the_result_when_it_is_resumed(living: Store, tenant: str) -> None:
    journey = await sale(living, tenant, ONE)
    await living.journeys.change(journey.id, tenant, lambda j, d, at: steer.pause(j, at=at), cause())
    [handoff] = await handoffs(living, tenant)
    await answer(living, handoff, Answer(status=200, body={"id": "c-9"}))
    assert (await now(living, journey)).customer_id is None
    await living.journeys.change(journey.id, tenant, lambda j, d, at: steer.resume(j, d, at=at), cause())
    journey = await now(living, journey)
    assert (journey.customer_id, journey.current_step) == ("c-9", "done")


async def test_a_handoff_has_what_its_step_and_its_action_name_at_any_depth(
    living: Store, tenant: str
) -> None:
    moving = package.Action(name="move", path="/customers/{customerId}/move", required_data=("plan.speed",))
    await living.packages.change(
        tenant,
        "mover",
        lambda p, at: package.configure(p, address="https://m.example", actions=(moving,), at=at),
        cause(),
    )
    made = step(
        "move",
        1,
        type=StepType.INTEGRATION,
        package="mover",
        action="move",
        required_data=("address.street",),
        params={"urgent": True},
    )
    context = {"address": {"street": "Rue 1"}, "plan": {"speed": 100}, "other": 1}
    template = await follow(living, tenant, definition(made))
    await start(living, template, customer_id="c-1", context=context)
    [handoff] = await handoffs(living, tenant)
    assert handoff.status is S.PENDING
    assert handoff.data == {"customerId": "c-1", "urgent": True} | {
        k: context[k] for k in ("address", "plan")
    }


# Once


async def test_what_follows_twice_or_from_two_processes_is_done_once(
    make: Callable[[], Store], tenant: str
) -> None:
    store, workers = make(), [Following(make()), Following(make())]
    journey = await sale(store, tenant, ONE)

    async def both(id: str, kind: type[Event]) -> None:
        found = await events(store, id, kind)
        await asyncio.gather(*(worker.follow(found) for worker in workers for _ in range(2)))

    await both(journey.id, HandoffRequested)
    [handoff] = await handoffs(store, tenant)
    await do(store, handoff, failing)
    await both(handoff.id, HandoffFailed)
    assert len(await incidents(store, tenant)) == 1
    await do(store, handoff, retrying(store))
    await both(handoff.id, HandoffRetried)
    await answer(store, handoff, Answer(status=200))
    await both(handoff.id, HandoffCompleted)
    journey = await now(store, journey)
    assert journey.current_step == "done"
    assert journey.revision == 4, "started, heard of the failure, of the retry, and of the end"
    ended = [each for each in await events(store, journey.id) if each.type == "journey:step_completed"]
    assert len(ended) == 1


async def test_a_retry_that_is_heard_of_again_does_not_hide_that_it_failed_anew(
    store: Store, tenant: str
) -> None:
    journey = await sale(store, tenant, ONE)
    await then(store, journey.id, HandoffRequested)
    [handoff] = await handoffs(store, tenant)
    await do(store, handoff, failing)
    await then(store, handoff.id, HandoffFailed)
    await do(store, handoff, retrying(store))
    await then(store, handoff.id, HandoffRetried)
    await do(store, handoff, failing)
    await then(store, handoff.id, HandoffFailed, HandoffRetried)
    assert (await now(store, journey)).incident
    assert [each.status for each in await incidents(store, tenant)].count(IncidentStatus.OPEN) == 1


# Incidents


async def test_a_handoff_that_cannot_be_made_as_it_is_opens_an_incident_at_once(
    living: Store, tenant: str
) -> None:
    journey = await asyncio.wait_for(sale(living, tenant, ONE, address=False), 20)
    [handoff] = await handoffs(living, tenant)
    assert (handoff.status, [each.path for each in handoff.validation_errors]) == (S.FAILED, [("toPackage",)])
    journey = await now(living, journey)
    assert (journey.status, journey.incident) == (Status.ACTIVE, True)
    [incident] = await incidents(living, tenant)
    assert (incident.journey_id, incident.handoff_id, incident.step) == (journey.id, handoff.id, "convert")
    assert incident.status is IncidentStatus.OPEN


async def test_a_retry_resolves_the_incident_and_carries_the_journey_on(living: Store, tenant: str) -> None:
    journey = await sale(living, tenant, ONE)
    [handoff] = await handoffs(living, tenant)
    await answer(living, handoff, Answer(status=400))
    assert (await now(living, journey)).incident
    await do(living, handoff, retrying(living))
    [incident] = await incidents(living, tenant)
    assert (incident.status, incident.resolution) == (IncidentStatus.RESOLVED, "the line is mended")
    assert not (await now(living, journey)).incident
    await answer(living, handoff, Answer(status=200))
    assert (await now(living, journey)).current_step == "done"


async def test_each_round_that_fails_is_an_incident_of_its_own(living: Store, tenant: str) -> None:
    await sale(living, tenant, ONE)
    [handoff] = await handoffs(living, tenant)
    await answer(living, handoff, Answer(status=400))
    await do(living, handoff, retrying(living))
    await answer(living, handoff, Answer(status=400))
    statuses = [each.status for each in await incidents(living, tenant)]
    assert sorted(statuses) == [IncidentStatus.OPEN, IncidentStatus.RESOLVED]


# Leaving


async def test_leaving_a_step_cancels_its_handoff_and_the_journey_goes_on(living: Store, tenant: str) -> None:
    journey = await advance(living, await sale(living, tenant, ONE))
    [handoff] = await handoffs(living, tenant)
    assert handoff.status is S.CANCELLED
    journey = await now(living, journey)
    assert (journey.status, journey.current_step, journey.handoff) == (Status.ACTIVE, "done", None)


async def test_leaving_a_step_whose_handoff_failed_resolves_the_incident(living: Store, tenant: str) -> None:
    journey = await sale(living, tenant, ONE)
    [handoff] = await handoffs(living, tenant)
    await answer(living, handoff, Answer(status=400))
    await advance(living, journey)
    assert [each.status for each in await incidents(living, tenant)] == [IncidentStatus.RESOLVED]


async def test_a_handoff_that_is_retried_when_nobody_waits_for_it_any_more_is_cancelled(
    living: Store, tenant: str
) -> None:
    journey = await sale(living, tenant, ONE)
    [handoff] = await handoffs(living, tenant)
    await answer(living, handoff, Answer(status=400))
    await advance(living, journey)
    await do(living, handoff, retrying(living))
    assert [each.status for each in await handoffs(living, tenant)] == [S.CANCELLED]
    assert (await now(living, journey)).current_step == "done"


# Out of order


async def test_a_withdrawal_that_is_heard_of_before_the_creation_prevents_it(
    store: Store, tenant: str
) -> None:
    journey = await advance(store, await sale(store, tenant, ONE))
    await then(store, journey.id, HandoffWithdrawn, HandoffRequested)
    assert await handoffs(store, tenant) == []


async def test_a_retry_that_is_heard_of_before_the_failure_leaves_no_incident(
    store: Store, tenant: str
) -> None:
    journey = await sale(store, tenant, ONE)
    await then(store, journey.id, HandoffRequested)
    [handoff] = await handoffs(store, tenant)
    await do(store, handoff, failing)
    await do(store, handoff, retrying(store))
    await then(store, handoff.id, HandoffRetried, HandoffFailed)
    assert not (await now(store, journey)).incident
    assert [each for each in await incidents(store, tenant) if each.status is IncidentStatus.OPEN] == []


async def test_a_withdrawal_that_is_heard_of_before_the_failure_leaves_no_incident(
    store: Store, tenant: str
) -> None:
    journey = await sale(store, tenant, ONE)
    await then(store, journey.id, HandoffRequested)
    [handoff] = await handoffs(store, tenant)
    await do(store, handoff, failing)
    await advance(store, journey)
    await then(store, journey.id, HandoffWithdrawn)
    await then(store, handoff.id, HandoffFailed)
    assert [each for each in await incidents(store, tenant) if each.status is IncidentStatus.OPEN] == []


async def test_a_completion_counts_though_the_failure_and_the_retry_are_heard_of_later(
    store: Store, tenant: str
) -> None:
    journey = await sale(store, tenant, ONE)
    await then(store, journey.id, HandoffRequested)
    [handoff] = await handoffs(store, tenant)
    await do(store, handoff, failing)
    await do(store, handoff, retrying(store))
    await answer(store, handoff, Answer(status=200, body={"id": "c-9"}))
    await then(store, handoff.id, HandoffCompleted, HandoffRetried, HandoffFailed)
    journey = await now(store, journey)
    assert (journey.current_step, journey.customer_id, journey.incident) == ("done", "c-9", False)
    assert [each for each in await incidents(store, tenant) if each.status is IncidentStatus.OPEN] == []


async def test_the_end_of_an_earlier_visit_does_nothing(store: Store, tenant: str) -> None:
    journey = await sale(store, tenant, ONE)
    await then(store, journey.id, HandoffRequested)
    [first] = await handoffs(store, tenant)
    for command in (
        lambda j, d, at: walk.fail(j, reason="no line", at=at),
        lambda j, d, at: walk.retry(j, d, at=at),
    ):
        await store.journeys.change(journey.id, tenant, command, cause())
    await answer(store, first, Answer(status=200, body={"id": "c-9"}))
    before = await now(store, journey)
    await then(store, first.id, HandoffCompleted)
    await then(store, journey.id, HandoffWithdrawn)
    assert await now(store, journey) == before
    assert (before.current.visit, before.customer_id) == (2, None)
    assert await events(store, first.id, HandoffCancelled) == []


async def test_what_a_dead_process_left_is_followed_up_by_the_sweep(
    make: Callable[[], Store], tenant: str
) -> None:
    journey = await sale(make(), tenant, ONE)
    other = make()
    relay = Relay(other, Subscribers().publish, lambda: utc_now() + timedelta(minutes=1))
    other.changes.logged = relay.logged
    await relay.sweep_once()
    [handoff] = await handoffs(other, tenant)
    assert journey.handoff is not None
    assert handoff.id == journey.handoff.id

"""A lead's journey with handoffs in it, and what may follow from each of its events."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from uuid import uuid4

from app.wiring import utc_now
from domain import attempting, handing, package, walk
from domain.attempting import Answer
from domain.events import (
    Envelope,
    Event,
    HandoffStatus,
)
from domain.handoff import Handoff
from domain.handoff_events import (
    HandoffEvent,
)
from domain.handoff_filter import HandoffFilter, HandoffOrder
from domain.incident import Incident, IncidentFilter
from domain.journey import Journey
from domain.paging import Page
from domain.template import Definition, Settings, StepType
from storage.handoffs import Command
from storage.store import Store
from storage.subject import Cause
from storage.templates import SYSTEM
from tests.domain.handed import LEASE
from tests.domain.samples import ANNA, definition, step
from tests.storage.subjects import cause, follow, start
from workers.actions import Actions
from workers.follow import Following

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
        await Following(store, Actions(store, utc_now)).follow(await events(store, id, kind))

"""Templates and journeys in the database, to try things on."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from app.wiring import utc_now
from domain import walk
from domain.journey import Journey
from domain.journey_events import ContextUpdated, JourneyEvent
from domain.paging import Page, Rows
from domain.template import Definition, Settings, Template
from domain.walk import Start
from storage.journeys import Command
from storage.store import Store
from storage.subject import Cause, Changed, digest
from tests.domain.samples import ANNA, definition

THREE_STEPS = definition("one", "two", "three")


class Crash(Exception):
    """The end of the process, as far as a change can tell."""


async def crash(_: str) -> None:
    raise Crash


def cause(key: str | None = None, given: str = "") -> Cause:
    """Of a command given once, or of one that may be given again under its key."""
    name = uuid4().hex if key is None else digest("key", key)
    return Cause(ANNA, name, "test", input_hash=digest(given), keyed=key is not None)


async def follow(store: Store, tenant: str, made: Definition = THREE_STEPS) -> Template:
    """A template that journeys can follow."""
    return (await store.templates.create(tenant, made, cause())).state


async def start(
    store: Store, template: Template, why: Cause | None = None, *, id: str | None = None, **request: Any
) -> Journey:
    """A journey just started."""
    return (await starting(store, template, why, id=id, **request)).state


async def starting(
    store: Store,
    template: Template,
    why: Cause | None = None,
    *,
    id: str | None = None,
    at: datetime | None = None,
    **request: Any,
) -> Changed[Journey]:
    why = why or cause()
    id = id or f"jrn_{why.command_id}"
    events = walk.start(
        id,
        template.definition,
        template.version,
        Start(**request),
        tenant_id=template.tenant_id,
        by=ANNA,
        at=at or utc_now(),
    )
    return await store.journeys.start(id, events, why)


def with_settings(template_id: str = "sample", **settings: Any) -> Definition:
    return definition("one", "two", template_id=template_id, settings=Settings(**settings))


def count_up(journey: Journey, _: Definition, at: datetime) -> Sequence[JourneyEvent]:
    """Adds one to the context's `n`: a lost update would show."""
    n = journey.context.get("n", 0)
    assert isinstance(n, int)
    return [ContextUpdated(at=at, changes={"n": n + 1})]


def note(**changes: Any) -> Command:
    """Writes something into the context."""
    return lambda _, __, at: [ContextUpdated(at=at, changes=changes)]


async def positions(store: Store, id: str) -> list[tuple[int, int]]:
    """Where each event of a subject stands in its history: revision and n."""
    return [(each.revision, each.n) for each in (await store.events.history(id, Page(100))).items]


async def all_pages(page: Callable[[Page], Any], size: int, *, backwards: bool = False) -> list[Any]:
    """A whole list, page by page, in its order; every page but the last must be full."""
    found: list[Any] = []
    edge: str | None = None
    while True:
        asked = Page(size, True, None, edge) if backwards else Page(size, False, edge, None)
        rows: Rows[Any] = await page(asked)
        found = rows.items + found if backwards else found + rows.items
        more = rows.has_previous if backwards else rows.has_next
        assert len(rows.items) == size if more else len(rows.items) <= size
        assert (rows.has_next if backwards else rows.has_previous) == (edge is not None)
        if not more:
            return found
        edge = rows.keys[0] if backwards else rows.keys[-1]

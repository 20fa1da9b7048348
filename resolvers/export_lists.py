"""The rows of an export of a list, page by page from the database, with the patience that reports have.

They are read by the keys of the pages, from new to old: none comes twice. A row that is added meanwhile is among them
where its place in the list is still to be read, as that of an event which is reported late may be.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from copy import copy
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Final, TypeVar, cast

from domain.events import EventFilter
from domain.export import What
from domain.export_format import Columns, Row
from domain.handoff_filter import HandoffFilter, HandoffOrder
from domain.journey_filter import JourneyFilter, JourneyOrder
from domain.paging import Page, Rows
from domain.touchpoint import RecordFilter
from resolvers.context import Context
from resolvers.funnels import Behind
from schema.event import Event
from schema.export_inputs import RequestExportInput
from schema.handoff import Handoff
from schema.info import Info
from schema.journey import Journey
from schema.plain import columns, plain_object
from schema.touchpoint import Conversion, Touchpoint
from storage.store import Store

T = TypeVar("T")

PAGE: Final = 100  # of the largest rows there are, this is what a process can hold
PAGE_BEHIND: Final = 500  # for each page of the journeys behind a figure the funnel is worked out again

Count = Callable[[], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Table:
    """What an export writes. `count` is None where nobody counts."""

    columns: Columns
    rows: AsyncIterator[Row]
    count: Count | None = None


def list_table(context: Context, input: RequestExportInput) -> Table:
    """The table of a list. Raises InvalidInput for a filter that is none."""
    store, tenant = Store.of(context.store.reports, context.now), context.identity.tenant_id
    match input.what:
        case What.JOURNEYS:
            return _journeys(context, store, input)
        case What.EVENTS:
            events = input.events.to_domain() if input.events else EventFilter()
            return _table(Event, lambda page: store.events.page(tenant, events, page), None)
        case What.TOUCHPOINTS:
            wanted = input.records.to_domain() if input.records else RecordFilter()
            return _table(
                Touchpoint,
                lambda page: store.touchpoints.page(tenant, wanted, page),
                lambda: store.touchpoints.count(tenant, wanted),
            )
        case What.CONVERSIONS:
            wanted = input.records.to_domain() if input.records else RecordFilter()
            return _table(
                Conversion,
                lambda page: store.conversions.page(tenant, wanted, page),
                lambda: store.conversions.count(tenant, wanted),
            )
        case What.HANDOFFS:
            handoffs = input.handoffs.to_domain() if input.handoffs else HandoffFilter()
            return _table(
                Handoff,
                lambda page: store.handoffs.page(tenant, handoffs, HandoffOrder.CREATED_AT, page),
                lambda: store.handoffs.count(tenant, handoffs),
            )
        case _:
            raise AssertionError("this is a report")


def behind(context: Context, input: RequestExportInput) -> Behind | None:
    """The list of the journeys behind a figure, where one is asked for. Raises InvalidInput for what is none."""
    if input.funnel_step is None:
        return None
    info = cast(Info, SimpleNamespace(context=context))  # it looks at nothing else of it
    return Behind(info, input.funnel_step, _wanted(input))


def _journeys(context: Context, store: Store, input: RequestExportInput) -> Table:
    patient = copy(context)
    patient.store = store
    order, wanted = input.order_by or JourneyOrder.CREATED_AT, _wanted(input)
    if (figure := behind(patient, input)) is not None:
        return _table(Journey, lambda page: figure.page(order, page), figure.count, PAGE_BEHIND)
    tenant = context.identity.tenant_id
    return _table(
        Journey,
        lambda page: store.journeys.page(tenant, wanted, order, page),
        lambda: store.journeys.count(tenant, wanted),
    )


def _wanted(input: RequestExportInput) -> JourneyFilter:
    return input.journeys.to_domain() if input.journeys else JourneyFilter()


def _table(
    kind: Any, read: Callable[[Page], Awaitable[Rows[T]]], count: Count | None, limit: int = PAGE
) -> Table:
    return Table(columns(kind), _rows(kind, read, limit), count)


async def _rows(kind: Any, read: Callable[[Page], Awaitable[Rows[T]]], limit: int) -> AsyncIterator[Row]:
    after: str | None = None
    while True:
        found = await read(Page(limit, after=after))
        for each in found.items:
            yield plain_object(kind.of(each))
        if not found.has_next:
            return
        after = found.keys[-1]

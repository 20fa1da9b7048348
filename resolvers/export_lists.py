"""The rows of an export of a list, page by page from the database.

They are read by the keys of the pages, from new to old: a row that is added meanwhile is not among them, and none
comes twice.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from domain.errors import QueryTimeout
from domain.events import EventFilter
from domain.export import What
from domain.export_format import Columns, Row
from domain.handoff_filter import HandoffFilter, HandoffOrder
from domain.journey_filter import JourneyFilter, JourneyOrder
from domain.paging import Page, Rows
from domain.touchpoint import RecordFilter
from resolvers.context import Context
from schema.event import Event
from schema.export_inputs import RequestExportInput
from schema.handoff import Handoff
from schema.journey import Journey
from schema.plain import columns, plain_object
from schema.touchpoint import Conversion, Touchpoint

T = TypeVar("T")

PAGE: Final = 100  # of the largest rows there are, this is what a process can hold


@dataclass(frozen=True, slots=True)
class Table:
    """What an export writes. `total` is None where nobody counts."""

    columns: Columns
    rows: AsyncIterator[Row]
    total: int | None


async def list_table(context: Context, input: RequestExportInput) -> Table:
    """The table of a list. Raises InvalidInput for a filter that is none."""
    store, tenant = context.store, context.identity.tenant_id
    match input.what:
        case What.JOURNEYS:
            journeys = input.journeys.to_domain() if input.journeys else JourneyFilter()
            return await _table(
                Journey,
                lambda page: store.journeys.page(tenant, journeys, JourneyOrder.CREATED_AT, page),
                lambda: store.journeys.count(tenant, journeys),
            )
        case What.EVENTS:
            events = input.events.to_domain() if input.events else EventFilter()
            return await _table(Event, lambda page: store.events.page(tenant, events, page), None)
        case What.TOUCHPOINTS:
            wanted = input.records.to_domain() if input.records else RecordFilter()
            return await _table(
                Touchpoint,
                lambda page: store.touchpoints.page(tenant, wanted, page),
                lambda: store.touchpoints.count(tenant, wanted),
            )
        case What.CONVERSIONS:
            wanted = input.records.to_domain() if input.records else RecordFilter()
            return await _table(
                Conversion,
                lambda page: store.conversions.page(tenant, wanted, page),
                lambda: store.conversions.count(tenant, wanted),
            )
        case What.HANDOFFS:
            handoffs = input.handoffs.to_domain() if input.handoffs else HandoffFilter()
            return await _table(
                Handoff,
                lambda page: store.handoffs.page(tenant, handoffs, HandoffOrder.CREATED_AT, page),
                lambda: store.handoffs.count(tenant, handoffs),
            )
        case _:
            raise AssertionError("this is a report")


async def _table(
    kind: Any, read: Callable[[Page], Awaitable[Rows[T]]], count: Callable[[], Awaitable[int]] | None
) -> Table:
    return Table(columns(kind), _rows(kind, read), await _counted(count))


async def _rows(kind: Any, read: Callable[[Page], Awaitable[Rows[T]]]) -> AsyncIterator[Row]:
    after: str | None = None
    while True:
        found = await read(Page(PAGE, after=after))
        for each in found.items:
            yield plain_object(kind.of(each))
        if not found.has_next:
            return
        after = found.keys[-1]


async def _counted(count: Callable[[], Awaitable[int]] | None) -> int | None:
    """How many there are, where that can be told in time."""
    try:
        return None if count is None else await count()
    except QueryTimeout:
        return None

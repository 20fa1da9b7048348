"""Queries on handoffs and approvals."""

from collections.abc import Awaitable, Callable
from typing import Annotated

import strawberry

from domain.events import HandoffStatus
from domain.handoff import Handoff as State
from domain.handoff_filter import HandoffFilter, HandoffOrder
from domain.paging import Page, Rows
from schema.arguments import Filter, ObjectId
from schema.handoff import Handoff, HandoffConnection
from schema.handoff_inputs import HandoffFilterInput
from schema.info import Info
from schema.paging import After, Before, First, Last, connect
from schema.permissions import CanDecide, CanView

FAILED = HandoffFilter(status=(HandoffStatus.FAILED,))


async def _list(
    info: Info,
    page: Page,
    read: Callable[[Page], Awaitable[Rows[State]]],
    count: Callable[[], Awaitable[int]],
) -> HandoffConnection:
    """A page with the cursor of the feed from before it was read."""
    cursor = await info.context.live_cursor(info)
    found = connect(HandoffConnection, await read(page), Handoff.of, count)
    found.live_cursor = cursor
    return found


@strawberry.type
class HandoffQueries:
    @strawberry.field(
        description="The handoff with this id; null where none is known.", permission_classes=[CanView]
    )
    async def handoff(self, info: Info, id: ObjectId) -> Handoff | None:
        context = info.context
        cursor = await context.live_cursor(info)
        [found] = await context.store.handoffs.many([id], context.identity.tenant_id)
        return None if found is None else Handoff.of(found, cursor)

    @strawberry.field(description="Handoffs from new to old.", permission_classes=[CanView])
    async def handoffs(
        self,
        info: Info,
        filter: Filter[HandoffFilterInput] = None,
        order_by: Annotated[
            HandoffOrder, strawberry.argument(description="What they are ordered by, from new to old.")
        ] = HandoffOrder.CREATED_AT,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> HandoffConnection:
        store, tenant = info.context.store.handoffs, info.context.identity.tenant_id
        wanted = HandoffFilter() if filter is None else filter.to_domain()
        return await _list(
            info,
            info.context.page(first, after, last, before),
            lambda page: store.page(tenant, wanted, order_by, page),
            lambda: store.count(tenant, wanted),
        )

    @strawberry.field(
        description="The approvals that wait for the viewer's decision, the one due first at the front.",
        permission_classes=[CanDecide],
    )
    async def pending_approvals(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> HandoffConnection:
        store, identity = info.context.store.handoffs, info.context.identity
        return await _list(
            info,
            info.context.page(first, after, last, before),
            lambda page: store.pending_for(identity, page),
            lambda: store.count_pending_for(identity),
        )

    @strawberry.field(
        description="The handoffs that failed and were not retried, the one that failed last at the front.",
        permission_classes=[CanView],
    )
    async def failed_handoffs(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> HandoffConnection:
        store, tenant = info.context.store.handoffs, info.context.identity.tenant_id
        return await _list(
            info,
            info.context.page(first, after, last, before),
            lambda page: store.page(tenant, FAILED, HandoffOrder.LAST_ACTIVITY, page),
            lambda: store.count(tenant, FAILED),
        )

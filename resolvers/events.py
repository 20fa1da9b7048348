"""Queries on the log, and on the state of its relay."""

from datetime import timedelta

import strawberry

from domain.events import EventFilter
from schema.arguments import Filter
from schema.event import Event, EventConnection, EventFilterInput, FailingEntry, RelayStatus
from schema.info import Info
from schema.paging import After, Before, First, Last, connect
from schema.permissions import CanAdminister, CanView

OVERDUE = timedelta(seconds=10)  # a living process has emptied an outbox by then


@strawberry.type
class EventQueries:
    @strawberry.field(
        description="Events by when they occurred, from new to old.", permission_classes=[CanView]
    )
    async def events(
        self,
        info: Info,
        filter: Filter[EventFilterInput] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> EventConnection:
        context = info.context
        wanted = EventFilter() if filter is None else filter.to_domain()
        page = context.page(first, after, last, before)
        cursor = await context.live_cursor(info)
        rows = await context.store.events.page(context.identity.tenant_id, wanted, page)
        found = connect(EventConnection, rows, Event.of)
        found.live_cursor = cursor
        return found

    @strawberry.field(
        description="How far the relay is behind with this tenant's changes.",
        permission_classes=[CanAdminister],
    )
    async def relay_status(self, info: Info) -> RelayStatus:
        context = info.context
        tenant, now = context.identity.tenant_id, context.now()
        backlog = await context.store.events.backlog(tenant)
        unlogged = await context.store.changes.outboxes.waiting(now - OVERDUE, tenant)
        lag = (now - backlog.oldest).total_seconds() if backlog.oldest else 0.0
        failing = [
            FailingEntry(
                event=Event.of(each.envelope),
                pending=list(each.pending),
                attempts=each.attempts,
                last_error=each.last_error,
            )
            for each in backlog.failing
        ]
        return RelayStatus(
            pending=backlog.entries, unlogged=unlogged, lag_seconds=max(0.0, lag), failing=failing
        )

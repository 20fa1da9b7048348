"""How far an export is, as its document says it. Progress is no event, so the feed does not tell it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import strawberry

from domain.export import ExportState
from schema.arguments import ObjectId
from schema.export import Export
from schema.info import Info
from schema.permissions import CanView

RUNNING_SECONDS: Final = 1.0  # between two looks while a download is under way
RESTING_SECONDS: Final = 5.0  # and while none is


@strawberry.type
class ExportSubscriptions:
    @strawberry.subscription(
        description="An export: at once, and again when its state or progress has changed: at most once a second while "
        "a download is under way, and within 5 seconds when one begins. It goes on after the end, since an export can "
        "be fetched again.",
        permission_classes=[CanView],
    )
    async def export_changes(self, info: Info, id: ObjectId) -> AsyncIterator[Export]:
        context, last = info.context, None
        context.snapshots = True
        while True:
            found = await context.store.exports.get(id, context.identity.tenant_id)
            state = found.state_at(context.now())
            if (found, state) != last:
                context.delivered = (id, None)
                yield Export.of(found)
            last = (found, state)
            await asyncio.sleep(RUNNING_SECONDS if state is ExportState.RUNNING else RESTING_SECONDS)

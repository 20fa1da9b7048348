"""How far an export is, as its document says it. Progress is no event, so the feed does not tell it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import strawberry

from schema.arguments import ObjectId
from schema.export import Export
from schema.info import Info
from schema.permissions import CanView

POLL_SECONDS: Final = 1.0


@strawberry.type
class ExportSubscriptions:
    @strawberry.subscription(
        description="An export: at once, and again when its state or progress has changed, at most once a second. It "
        "goes on after the end, since an export can be fetched again.",
        permission_classes=[CanView],
    )
    async def export_changes(self, info: Info, id: ObjectId) -> AsyncIterator[Export]:
        context, last = info.context, None
        context.snapshots = True
        while True:
            found = await context.store.exports.get(id, context.identity.tenant_id)
            if found != last:
                context.delivered = (id, None)
                yield Export.of(found)
            last = found
            await asyncio.sleep(POLL_SECONDS)

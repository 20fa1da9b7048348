"""Queries and mutations on exports. The file itself is streamed by `app/export.py`."""

from dataclasses import replace
from typing import Final

import orjson
import strawberry

from domain.errors import DomainError, NotFound, TooLarge
from domain.export import Export as State
from domain.export import ExportRequested
from resolvers.export_tables import require_table
from schema import limits
from schema.arguments import Given, ObjectId
from schema.errors import user_errors
from schema.export import Export, ExportPayload
from schema.export_inputs import RequestExportInput
from schema.info import Info
from schema.paging import After, Before, Connection, First, Last, connect
from schema.permissions import CanView
from schema.plain import given
from storage.subject import Changed

MAX_ASKED_BYTES: Final = 64 * 1024  # of JSON


@strawberry.type
class ExportQueries:
    @strawberry.field(
        description="The export with this id; null where none is known.", permission_classes=[CanView]
    )
    async def export(self, info: Info, id: ObjectId) -> Export | None:
        try:
            return Export.of(await info.context.store.exports.get(id, info.context.identity.tenant_id))
        except NotFound:
            return None

    @strawberry.field(
        description="Exports by when they were asked for, from new to old.", permission_classes=[CanView]
    )
    async def exports(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Export]:
        store, tenant = info.context.store.exports, info.context.identity.tenant_id
        rows = await store.page(tenant, info.context.page(first, after, last, before))
        return connect(Connection[Export], rows, Export.of, lambda: store.count(tenant))


@strawberry.type
class ExportMutations:
    @strawberry.mutation(
        description="Ask for rows as a file. It can be fetched from the export's `path` at once, by GET with a token "
        "of this tenant.",
        permission_classes=[CanView],
    )
    async def request_export(self, info: Info, input: Given[RequestExportInput]) -> ExportPayload:
        try:
            changed = await _request(info, input)
        except DomainError as error:
            return ExportPayload(export=None, settled=True, user_errors=user_errors(error))
        return ExportPayload(export=Export.of(changed.state), settled=changed.settled, user_errors=[])


async def _request(info: Info, input: RequestExportInput) -> Changed[State]:
    limits.require(input)
    context = info.context
    require_table(context, input)
    asked = given(replace(input, idempotency_key=None))
    if len(orjson.dumps(asked)) > MAX_ASKED_BYTES:
        raise TooLarge(f"What is asked has at most {MAX_ASKED_BYTES:,} bytes of JSON.")
    cause = context.cause("requestExport", input, input.idempotency_key)
    requested = ExportRequested(
        at=context.now(),
        tenant_id=context.identity.tenant_id,
        what=input.what,
        format=input.format,
        asked=asked,
    )
    return await context.store.exports.request(requested, cause)

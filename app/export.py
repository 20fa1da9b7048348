"""GET /exports/{id}: the rows of an export, read from the database as they are written, in constant memory.

The token is looked at before the first byte. What goes wrong before it is an answer of its own; what goes wrong behind
it breaks the answer off, so that nobody takes a part for the whole.
"""

import asyncio
import re
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final, cast
from uuid import uuid4

from graphql import GraphQLInputType
from graphql.utilities import coerce_input_value
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send
from strawberry.types.arguments import convert_argument

from app.graphql import Schema
from app.ingest import STATUS
from app.transport import refuse
from app.wiring import Runtime
from domain import export as domain
from domain.errors import DomainError, ErrorCode, Forbidden
from domain.export import Export, Progress
from domain.export_format import Row, writer
from domain.identity import Actor
from domain.values import JsonObject
from resolvers.context import Context
from resolvers.export_lists import Table
from resolvers.export_tables import table
from schema.export_inputs import RequestExportInput
from schema.permissions import CanView
from storage.exports import Command
from storage.subject import Cause, digest

CHUNK: Final = 64 * 1024
NOTED_SECONDS: Final = 1.0
GZIP: Final = 16 + zlib.MAX_WBITS
NO_QUALITY: Final = re.compile(r"q=0(\.0*)?")
OTHERWISE: Final = {ErrorCode.NOT_FOUND: 404}


def asked(schema: Schema, given: JsonObject) -> RequestExportInput:
    """The input of `requestExport` that an export remembers."""
    kind = schema._schema.get_type("RequestExportInput")  # as Strawberry's own resolvers are handed it
    coerced = coerce_input_value(given, cast(GraphQLInputType, kind))
    registry = schema.schema_converter.scalar_registry
    return cast(RequestExportInput, convert_argument(coerced, RequestExportInput, registry, schema.config))


@dataclass(slots=True)
class Download:
    """One reading of an export. `gzip`: compressed as it comes."""

    context: Context
    by: Actor
    export: Export
    table: Table
    gzip: bool = False
    rows: int = 0
    _noted: float = field(default=0.0)

    @classmethod
    async def of(cls, schema: Schema, context: Context, export: Export, *, gzip: bool = False) -> "Download":
        """Ready to be read: a report is worked out, of a list the first page is there. Raises what that raises."""
        download = cls(context, context.identity.actor, export, Table((), _behind([], None), 0), gzip)
        try:
            found = await table(context, asked(schema, export.asked))
            download.table = Table(found.columns, await _begun(found.rows), found.total)
        except DomainError as error:
            await download._fail(error)
            raise
        return download

    async def read(self) -> AsyncIterator[bytes]:
        """The file in pieces of some 64 KiB. The export is completed, or failed, when this ends."""
        packed = zlib.compressobj(wbits=GZIP) if self.gzip else None
        try:
            async for piece in self._pieces():
                if data := packed.compress(piece) if packed else piece:
                    yield data
        except Exception as error:
            await self._fail(error)
            raise
        if packed:
            yield packed.flush()
        await self._note(self.rows)
        await self._change(lambda export, at: domain.complete(export, rows=self.rows, at=at))

    async def _pieces(self) -> AsyncIterator[bytes]:
        written = writer(self.export.format, self.table.columns)
        piece = bytearray(written.begin())
        async for row in self.table.rows:
            piece += written.row(row)
            self.rows += 1
            if len(piece) >= CHUNK:
                yield bytes(piece)
                piece.clear()
                await self._note_now_and_then()
        yield bytes(piece) + written.end()

    async def _note_now_and_then(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._noted >= NOTED_SECONDS:
            self._noted = now
            await self._note(self.table.total)

    async def _note(self, total: int | None) -> None:
        progress = Progress(self.rows, total, self.context.now())
        await self.context.store.exports.note(self.export, progress)

    async def _fail(self, error: Exception) -> None:
        reason = error.message if isinstance(error, DomainError) else "Something went wrong here."
        await self._change(lambda export, at: domain.fail(export, reason=reason, rows=self.rows, at=at))

    async def _change(self, command: Command) -> None:
        context = self.context
        cause = Cause(self.by, digest("export", context.new_id()), context.request_id)
        await context.store.exports.change(self.export, command, cause)


class Exporting:
    """The endpoint, for `/exports/{id}`."""

    def __init__(self, schema: Schema, runtime: Runtime) -> None:
        self._schema, self._runtime = schema, runtime

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except DomainError as error:
            response = refuse(
                STATUS.get(error.code, OTHERWISE.get(error.code, 400)), error.message, error.code
            )
            if error.code is ErrorCode.UNAUTHENTICATED:
                response.headers["WWW-Authenticate"] = "Bearer"
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            response = refuse(405, "An export is fetched by GET.", "BAD_REQUEST")
            response.headers["Allow"] = "GET, HEAD"
            return response
        context = await self._context(request)
        export = await context.store.exports.get(request.path_params["id"], context.identity.tenant_id)
        gzip = accepts_gzip(request.headers.get("accept-encoding", ""))
        headers = {
            "Content-Disposition": f'attachment; filename="{export.file_name}"',
            "Content-Type": export.format.media_type,
            "Cache-Control": "no-store",
            "Vary": "Accept-Encoding, Authorization",
            "X-Content-Type-Options": "nosniff",
        } | ({"Content-Encoding": "gzip"} if gzip else {})
        if request.method == "HEAD":
            return Response(headers=headers)
        download = await Download.of(self._schema, context, export, gzip=gzip)
        return StreamingResponse(download.read(), headers=headers)

    async def _context(self, request: Request) -> Context:
        """Raises Unauthenticated, Forbidden."""
        context = self._runtime.context(request.headers.get("x-request-id") or uuid4().hex)
        context.known = await self._runtime.authenticator.identify(request.headers.get("authorization"))
        if not context.identity.has(*CanView.roles):
            raise Forbidden(f"This needs the role {' or '.join(role.name for role in CanView.roles)}.")
        return context


def accepts_gzip(header: str) -> bool:
    """By an Accept-Encoding header: gzip, or anything, and not with a quality of 0."""
    named: dict[str, bool] = {}
    for each in header.lower().split(","):
        name, _, quality = each.partition(";")
        named[name.strip()] = not NO_QUALITY.fullmatch(quality.replace(" ", ""))
    return named.get("gzip", named.get("*", False))


async def _begun(rows: AsyncIterator[Row]) -> AsyncIterator[Row]:
    """The same rows, with the first one read already."""
    first = await anext(rows, None)
    return _behind([] if first is None else [first], rows)


async def _behind(first: list[Row], rows: AsyncIterator[Row] | None) -> AsyncIterator[Row]:
    for row in first:
        yield row
    if rows is not None:
        async for row in rows:
            yield row

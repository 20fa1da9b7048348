"""GET /exports/{id}: the file of an export.

The token is looked at before the first byte. What goes wrong before it is an answer of its own; what goes wrong behind
it breaks the answer off, so that nobody takes a part for the whole.
"""

import asyncio
import logging
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import replace
from typing import Final
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from app.export_download import Left, downloading
from app.graphql import Schema
from app.ingest import RETRY_SECONDS, STATUS
from app.transport import refuse
from app.wiring import Runtime
from domain.errors import DomainError, ErrorCode, Forbidden, Unavailable
from domain.export import Export
from resolvers.context import Context
from schema.permissions import CanView

log = logging.getLogger(__name__)

DOWNLOADS: Final = 16  # under way in a process
DOWNLOADS_OF_A_TENANT: Final = 4
STALL_SECONDS: Final = 60.0  # in which a client takes a piece, or is given up
NO_QUALITY: Final = re.compile(r"q=0(\.0*)?")
OTHERWISE: Final = {ErrorCode.NOT_FOUND: 404}
GET: Final = ("GET", "HEAD")


class Room:
    """The downloads that are under way in this process, by tenant."""

    def __init__(self) -> None:
        self._under_way: Counter[str] = Counter()

    @contextmanager
    def taken(self, tenant_id: str) -> Iterator[None]:
        """Count one more in this block. Raises Unavailable where there are as many as may be."""
        if self._under_way.total() >= DOWNLOADS or self._under_way[tenant_id] >= DOWNLOADS_OF_A_TENANT:
            raise Unavailable("As many downloads as may be are under way; try again.")
        self._under_way[tenant_id] += 1
        try:
            yield
        finally:
            self._under_way[tenant_id] -= 1
            self._under_way = +self._under_way  # without those that have none


class Exporting:
    """The endpoint, for `/exports/{id}`."""

    def __init__(self, schema: Schema, runtime: Runtime, *, stall: float = STALL_SECONDS) -> None:
        self._schema, self._runtime, self._stall = schema, runtime, stall
        self._room = Room()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sending = _Sending(send, self._stall)
        try:
            await self._serve(Request(scope, receive), sending)
        except Left as error:
            log.info("A download was given up: %s", error)
        except DomainError as error:
            if sending.begun:
                raise
            await _refusal(error)(scope, receive, send)

    async def _serve(self, request: Request, send: Send) -> None:
        if request.method not in GET:
            response = refuse(405, "An export is fetched by GET.", "BAD_REQUEST")
            response.headers["Allow"] = ", ".join(GET)
            await response(request.scope, request.receive, send)
            return
        context = await self._context(request)
        export = await context.store.exports.get(request.path_params["id"], context.identity.tenant_id)
        gzip = accepts_gzip(request.headers.getlist("accept-encoding"))
        headers = _headers(export, gzip=gzip)
        if request.method == "HEAD":
            response = Response(headers=headers)
            del response.headers["content-length"]  # nobody knows it
            await response(request.scope, request.receive, send)
            return
        with self._room.taken(context.identity.tenant_id):
            async with (
                downloading(self._schema, context, export, gzip=gzip) as download,
                aclosing(download.read()) as pieces,
            ):
                response = StreamingResponse(pieces, headers=headers)
                await response(request.scope, request.receive, send)

    async def _context(self, request: Request) -> Context:
        """Raises Unauthenticated, Forbidden."""
        context = self._runtime.context(request.headers.get("x-request-id") or uuid4().hex)
        identity = await self._runtime.authenticator.identify(request.headers.get("authorization"))
        if not identity.has(*CanView.roles):
            raise Forbidden(f"This needs the role {' or '.join(role.name for role in CanView.roles)}.")
        context.known = replace(identity, expires_at=None)  # a download goes on when its token ends
        return context


class _Sending:
    """Sends, but waits for no client for ever. `begun`: whether the answer has."""

    def __init__(self, send: Send, stall: float) -> None:
        self._send, self._stall, self.begun = send, stall, False

    async def __call__(self, message: Message) -> None:
        self.begun = True
        try:
            async with asyncio.timeout(self._stall):
                await self._send(message)
        except TimeoutError:
            raise Left(f"The client took nothing for {self._stall:g} s.") from None


def accepts_gzip(lines: Sequence[str]) -> bool:
    """By all Accept-Encoding lines: gzip, or anything, and not with a quality of 0."""
    named: dict[str, bool] = {}
    for each in ",".join(lines).lower().split(","):
        name, _, quality = each.partition(";")
        named[name.strip()] = not NO_QUALITY.fullmatch(quality.replace(" ", ""))
    return named.get("gzip", named.get("*", False))


def _headers(export: Export, *, gzip: bool) -> dict[str, str]:
    return {
        "Content-Disposition": f'attachment; filename="{export.file_name}"',
        "Content-Type": export.format.media_type,
        "Cache-Control": "no-store",
        "Vary": "Accept-Encoding, Authorization",
        "X-Content-Type-Options": "nosniff",
    } | ({"Content-Encoding": "gzip"} if gzip else {})


def _refusal(error: DomainError) -> Response:
    response = refuse(STATUS.get(error.code, OTHERWISE.get(error.code, 400)), error.message, error.code)
    if error.code is ErrorCode.UNAUTHENTICATED:
        response.headers["WWW-Authenticate"] = "Bearer"
    if error.code in (ErrorCode.UNAVAILABLE, ErrorCode.TIMEOUT):
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response

"""POST /events: CloudEvents of systems that speak HTTP only, with a token, or at an address of their own signed.

The answer says that the events are in the log; triggers fire soon after. Sent again, they are told as duplicates.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from app import modes
from app.modes import Found, Mode
from app.signature import is_signed
from app.transport import refuse
from app.wiring import Runtime, new_id
from domain import cloudevent
from domain.cloudevent import Malformed
from domain.errors import DomainError, ErrorCode, Forbidden, TooLarge, Unauthenticated
from domain.events import Envelope
from domain.identity import Actor
from domain.journey import MAX_CONTEXT_BYTES
from resolvers import intake
from schema.permissions import CanOperate
from storage.subject import Cause, digest

MAX_ATTRIBUTE_BYTES: Final = 16 * 1024
AT_ONCE: Final = 20  # events that are read before others have their turn
RETRY_SECONDS: Final = 2
STATUS: Final = {
    ErrorCode.UNAUTHENTICATED: 401,
    ErrorCode.FORBIDDEN: 403,
    ErrorCode.TOO_LARGE: 413,
    ErrorCode.UNAVAILABLE: 503,
    ErrorCode.TIMEOUT: 503,
}
UNSUPPORTED: Final = (
    f"CloudEvents come as {Mode.STRUCTURED.value}, as {Mode.BATCH.value}, or in binary mode with ce- headers."
)
UNSIGNED: Final = (
    "No source is known here by this address and signature: check the address, the secret, the clock and whether the "
    "source is switched on."
)
OUTSIDE: Final = "A signature is not over ce- headers: sign events in structured or batch mode."


@dataclass(frozen=True, slots=True)
class Reporter:
    """Who reports. `only` is the one source that may be named."""

    tenant_id: str
    actor: Actor
    only: str | None = None


class Ingest:
    """The endpoint, for `/events` and `/events/{source_id}`."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except modes.Unreadable as error:
            response = refuse(400, str(error), "BAD_REQUEST")
        except DomainError as error:
            response = _refusal(error)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method != "POST":
            return _with(refuse(405, "Events are taken by POST.", "BAD_REQUEST"), "Allow", "POST")
        source_id = request.path_params.get("source_id")
        token = await self._by_token(request) if source_id is None else None
        mode = modes.mode_of(request.headers)
        if mode is None:
            return refuse(415, UNSUPPORTED, "BAD_REQUEST")
        if source_id is not None and mode is Mode.BINARY:
            return refuse(415, OUTSIDE, "BAD_REQUEST")
        body = await request.body()
        reporter = token or await self._by_signature(request, source_id or "", body)
        found = modes.found_in(mode, request.headers, body)
        if len(found) > intake.MAX_EVENTS:
            raise TooLarge(f"At most {intake.MAX_EVENTS:,} events at a time.")
        results = await self._take(request, reporter, found)
        if mode is not Mode.BATCH and isinstance(results[0], DomainError):
            raise results[0]
        return _told(found, results)

    async def _by_token(self, request: Request) -> Reporter:
        """Raises Unauthenticated, Forbidden."""
        identity = await self._runtime.authenticator.identify(request.headers.get("authorization"))
        if not identity.has(*CanOperate.roles):
            raise Forbidden(f"This needs the role {' or '.join(role.name for role in CanOperate.roles)}.")
        return Reporter(identity.tenant_id, identity.actor)

    async def _by_signature(self, request: Request, source_id: str, body: bytes) -> Reporter:
        """Raises Unauthenticated, the same for whatever reason; Unreadable for what nobody can have signed."""
        try:
            text = body.decode()
        except UnicodeDecodeError:
            raise modes.Unreadable("The body is not JSON.") from None
        now, source = self._runtime.now(), await self._runtime.store.sources.find(source_id)
        secrets: Sequence[str] = ()
        if source is not None:
            secrets = await self._runtime.vault.open(source.tenant_id, source.signing(now))
        if source is None or not is_signed(request.headers, text, secrets, now):
            raise Unauthenticated(UNSIGNED)
        return Reporter(source.tenant_id, source.actor, source.name)

    async def _take(
        self, request: Request, reporter: Reporter, found: Sequence[Found]
    ) -> list[DomainError | bool]:
        """For each event why it was refused, or whether it was there already."""
        request_id = request.headers.get("x-request-id") or uuid4().hex
        cause = Cause(reporter.actor, digest("once", new_id()), request_id[:64])
        now = self._runtime.now()
        good: dict[int, Envelope] = {}
        refused: dict[int, DomainError] = {}
        for n, each in enumerate(found):
            if n % AT_ONCE == 0:
                await asyncio.sleep(0)
            try:
                event = _sized(each.event)
                report = cloudevent.read(event, now=now, only=reporter.only, also=each.problems)
            except DomainError as error:
                refused[n] = error
            else:
                good[n] = intake.envelope(report, reporter.tenant_id, cause, now=now)
        fresh = await self._runtime.store.changes.take([*good.values()])
        there = {n: not new for n, new in zip(good, fresh, strict=True)}
        return [refused[n] if n in refused else there[n] for n in range(len(found))]


def _sized(event: object) -> dict[str, Any]:
    """The event, as far as it is no larger than it may be. Raises Malformed for what is none, TooLarge."""
    if not isinstance(event, dict):
        raise Malformed("An event is a JSON object.")
    sizes = {name: _size(value) for name, value in event.items()}
    if sizes.pop("data", 0) > MAX_CONTEXT_BYTES:
        raise TooLarge(f"It has at most {MAX_CONTEXT_BYTES:,} bytes of JSON.", "data")
    if sum(sizes.values()) > MAX_ATTRIBUTE_BYTES:
        largest = max(sizes, key=lambda name: sizes[name])
        raise TooLarge(f"All attributes together have at most {MAX_ATTRIBUTE_BYTES:,} bytes.", largest)
    return event


def _size(value: object) -> int:
    try:
        return len(orjson.dumps(value))
    except orjson.JSONEncodeError:  # too deep, which the reader tells
        return 0


def _told(found: Sequence[Found], results: Sequence[DomainError | bool]) -> Response:
    """What became of each event, in order."""
    told = []
    for each, result in zip(found, results, strict=True):
        id = each.event.get("id") if isinstance(each.event, dict) else None
        of = {"id": id} if isinstance(id, str) else {}
        told.append(
            {
                **of,
                **({"errors": _errors(result)} if isinstance(result, DomainError) else {"duplicate": result}),
            }
        )
    bad = sum(isinstance(each, DomainError) for each in results)
    status = 202 if not bad else 207 if bad < len(results) else 422
    return JSONResponse({"results": told}, status_code=status)


def _refusal(error: DomainError) -> Response:
    """Why nothing was taken: GraphQL's form of errors, with the path of each in the event."""
    default = 400 if isinstance(error, Malformed) else 422
    errors = [
        {"message": each["message"], "extensions": {"code": each["code"], "path": each["path"]}}
        for each in _errors(error)
    ]
    response = JSONResponse({"errors": errors}, status_code=STATUS.get(error.code, default))
    if error.code in (ErrorCode.UNAVAILABLE, ErrorCode.TIMEOUT):
        return _with(response, "Retry-After", str(RETRY_SECONDS))
    return response


def _errors(error: DomainError) -> list[dict[str, Any]]:
    code = error.code.value
    return [{"message": each.message, "code": code, "path": list(each.path)} for each in error.problems]


def _with(response: Response, header: str, value: str) -> Response:
    response.headers[header] = value
    return response

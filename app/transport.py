"""GraphQL over HTTP, graphql-transport-ws and server-sent events: who asks, which origin, what an error looks like."""

import asyncio
from datetime import datetime
from json import JSONDecodeError
from typing import Any, Final
from uuid import uuid4

import orjson
from cross_web import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketState
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.http.websocket_origin import is_same_origin, normalize_origin
from strawberry.subscriptions import GRAPHQL_SSE_PROTOCOL, GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler

from app.graphql import Schema
from app.settings import Mode
from app.wiring import Runtime
from domain.errors import Unauthenticated
from domain.identity import Identity
from resolvers.context import Context

EVENT_STREAM: Final = "text/event-stream"
TOKEN_CLOSE_CODE: Final = 4403


class Coded(BaseGraphQLTransportWSHandler[Context, None]):
    """Gives Strawberry's own refusal, of one subscription too many, a code as well."""

    async def send_message(self, message: Any) -> None:
        if message["type"] == "error":
            for error in message["payload"]:
                error.setdefault("extensions", {"code": "LIMIT_EXCEEDED"})
        await super().send_message(message)


class GraphQLEndpoint(GraphQL[Context, None]):
    graphql_transport_ws_handler_class = Coded

    def __init__(self, schema: Schema, runtime: Runtime) -> None:
        super().__init__(
            schema,
            graphql_ide="graphiql" if runtime.settings.mode is Mode.DEVELOPMENT else None,
            subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL, GRAPHQL_SSE_PROTOCOL],
            allowed_origins=runtime.settings.allowed_origins,
            max_subscriptions_per_connection=100,
        )
        self._runtime = runtime

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request = Request(scope, receive)
            streams = any(EVENT_STREAM in value.lower() for value in request.headers.getlist("accept"))
            if streams and (refusal := self._refuse_stream(request)):
                await refusal(scope, receive, send)
                return
            try:
                response = await self.run(request)
            except HTTPException as error:
                response = refuse(error.status_code, error.reason, "BAD_REQUEST")
            await response(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    def _refuse_stream(self, request: Request) -> Response | None:
        """Events are streamed to POST only, and to allowed origins only."""
        if request.method != "POST":
            return refuse(405, "Server-sent events are given to POST.", "BAD_REQUEST")
        origin = request.headers.get("origin")
        if origin is None or is_same_origin(origin, request.headers.get("host")):
            return None
        if normalize_origin(origin) in self.allowed_origins:
            return None
        return refuse(403, "This origin is not allowed.", "FORBIDDEN")

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:
        context = self._runtime.context(request.headers.get("x-request-id") or uuid4().hex)
        context.transport = response
        if isinstance(request, Request):
            await self._identify(context, request.headers.get("authorization"))
        return context

    async def on_ws_connect(self, context: Context) -> dict[str, object] | None:
        """The token comes in `connection_init`: `{"authorization": "Bearer …"}`."""
        given = {key.lower(): value for key, value in (context.connection_params or {}).items()}
        header = given.get("authorization")
        await self._identify(context, header if isinstance(header, str) or header is None else "")
        if context.known is None:
            raise ConnectionRejectionError
        self._close_when_expired(context.known, context.transport)
        return None

    async def _identify(self, context: Context, authorization: str | None) -> None:
        try:
            context.known = await self._runtime.authenticator.identify(authorization)
        except Unauthenticated as error:
            context.refused = error

    def _close_when_expired(self, identity: Identity, socket: WebSocket) -> None:
        if identity.expires_at is None:
            return
        task = asyncio.create_task(_close_at(identity.expires_at, self._runtime.now(), socket))
        self._runtime.tasks.add(task)
        task.add_done_callback(self._runtime.tasks.discard)

    def encode_json(self, data: object) -> str:
        return orjson.dumps(data).decode()  # a text: bytes would go out as binary frames

    def decode_json(self, data: str | bytes) -> object:
        """A frame of a socket. Strawberry closes the socket for what is no JSON, but would fall over odd JSON."""
        frame = orjson.loads(data)
        if not _is_frame(frame):
            raise JSONDecodeError("no frame of graphql-transport-ws", "", 0)
        return frame

    def parse_json(self, data: str | bytes) -> Any:
        """A body, or a parameter of a GET."""
        try:
            found = orjson.loads(data)
        except JSONDecodeError as error:
            raise HTTPException(400, "The request is not JSON.") from error
        if not isinstance(found, dict):
            raise HTTPException(400, "The request is one JSON object, no batch.")
        return found


def _is_frame(frame: object) -> bool:
    match frame:
        case {"type": "subscribe", "id": str(), "payload": {"query": str(), **rest}}:
            shapes = {"variables": dict, "operationName": str, "extensions": dict}
            return all(isinstance(rest.get(name), kind | None) for name, kind in shapes.items())
        case {"type": "complete", "id": str()}:
            return True
        case {"type": "subscribe" | "complete"}:
            return False
        case dict():
            return isinstance(frame.get("payload"), dict | None)
        case _:
            return False


async def _close_at(expires_at: datetime, now: datetime, socket: WebSocket) -> None:
    await asyncio.sleep((expires_at - now).total_seconds())
    if socket.application_state is WebSocketState.CONNECTED:
        await socket.close(TOKEN_CLOSE_CODE, "The token has expired.")


def refuse(status: int, message: str, code: str, **extensions: Any) -> Response:
    """An answer to a request that never became an operation, in GraphQL's form."""
    body = {"errors": [{"message": message, "extensions": {"code": code, **extensions}}]}
    return JSONResponse(body, status_code=status)

"""The ASGI application: GraphQL, events over HTTP, and two addresses for whoever watches over the process."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.asyncapi import PATH, asyncapi
from app.auth import check_production
from app.export import Exporting
from app.graphql import build
from app.ingest import Ingest
from app.settings import Settings
from app.transport import GraphQLEndpoint, refuse
from app.wiring import Runtime, running, utc_now
from domain.errors import DomainError


class _TooLarge(Exception):
    pass


class BodyLimit:
    """Refuses a request body over the limit before it is in memory."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app, self._limit = app, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        size = 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self._limit:
                raise _TooLarge
            return message

        try:
            await self._app(scope, counted, send)
        except _TooLarge:
            message = f"The request is larger than {self._limit} bytes."
            await refuse(413, message, "TOO_LARGE")(scope, receive, send)


class _Late:
    """The endpoint exists once the parts do; until then nothing is served."""

    endpoint: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.endpoint is None:
            raise RuntimeError("the lifespan has not begun")
        await self.endpoint(scope, receive, send)


def create(settings: Settings | None = None, *, now: Callable[[], datetime] = utc_now) -> Starlette:
    """The application. The settings come from the environment where none are given.

    Raises RuntimeError when they would be dangerous in production, whoever starts the server.
    """
    settings = settings or Settings()
    if reasons := check_production(settings):
        raise RuntimeError(" ".join(reasons))
    late, events, exports = _Late(), _Late(), _Late()
    parts: list[Runtime] = []

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with running(settings, now=now, work=settings.work) as runtime:
            parts.append(runtime)
            schema = build()
            late.endpoint = GraphQLEndpoint(schema, runtime)
            exports.endpoint = Exporting(schema, runtime)
            events.endpoint = Ingest(runtime)
            yield
            parts.clear()

    async def live(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(_: Request) -> Response:
        """Whether this process can serve: MongoDB is needed, Redis only for live updates."""
        try:
            await parts[0].store.mongo.command("ping")
        except (DomainError, IndexError):
            return JSONResponse({"status": "mongodb is away"}, status_code=503)
        try:
            await parts[0].broker.version()
        except DomainError:
            return JSONResponse({"status": "ok", "live": "redis is away"})
        return JSONResponse({"status": "ok", "live": "ok"})

    async def home(_: Request) -> Response:
        return RedirectResponse("/graphql")

    middleware = [Middleware(BodyLimit, limit=settings.max_body_bytes)]
    if settings.allowed_origins:
        cors = Middleware(
            CORSMiddleware,
            allow_origins=settings.allowed_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["authorization", "content-type", "x-request-id"],
        )
        middleware.insert(0, cors)
    routes = [
        Route("/", home),
        Route("/graphql", late),
        WebSocketRoute("/graphql", late),
        Route("/events", events),
        Route("/events/{source_id}", events),
        Route(PATH, asyncapi),
        Route("/exports/{id}", exports),
        Route("/health/live", live),
        Route("/health/ready", ready),
    ]
    return Starlette(
        routes=routes, middleware=middleware, lifespan=lifespan, exception_handlers={Exception: _failed}
    )


async def _failed(_: Request, __: Exception) -> Response:
    """What nothing else caught; the server logs it."""
    return refuse(500, "Something went wrong here.", "INTERNAL")

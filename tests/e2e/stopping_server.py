"""A server that stops for ever at a chosen point of a change's way once a file appears: for kill -9 right there.

`written`: the change is stored, its events are not in the log. `logged`: they are, nobody has been told and nothing
that follows is done. `published`: the subscribers have been told, but the log does not know that.
"""

import asyncio
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute

from app.graphql import build
from app.settings import Settings
from app.transport import GraphQLEndpoint
from app.wiring import Runtime, running
from domain.events import Envelope
from subscriptions.broker import Published
from workers.relay import Relay


async def stop_here(armed: Path) -> None:
    if armed.exists():  # noqa: ASYNC240  # a test's own file, looked at once
        sys.stdout.write("stopped\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def arrange(runtime: Runtime, point: str, armed: Path) -> None:
    """Put the stop on the way of every change."""
    changes, relayed = runtime.store.changes, runtime.store.changes.logged

    async def written(_: str) -> None:
        await stop_here(armed)

    async def logged(envelopes: Sequence[Envelope]) -> None:
        await stop_here(armed)
        await relayed(envelopes)

    async def published(events: list[Envelope], base: int | None) -> Published:
        outcome = await runtime.broker.publish(events, base)
        await stop_here(armed)
        return outcome

    match point:
        case "written":
            changes.written = written
        case "logged":
            changes.logged = logged
        case "published":
            relay = Relay(runtime.store, published, runtime.now)
            changes.logged = relay.logged
            runtime.spawn(relay.run(), "the stopping relay")
        case _:
            raise ValueError(point)


async def main(point: str, armed: Path) -> None:
    async with running(Settings()) as runtime:
        arrange(runtime, point, armed)
        endpoint = GraphQLEndpoint(build(), runtime)

        async def ready(_: Request) -> Response:
            return JSONResponse({})

        routes = [
            Route("/graphql", endpoint),
            WebSocketRoute("/graphql", endpoint),
            Route("/health/ready", ready),
        ]
        bound = socket.create_server(("127.0.0.1", 0))
        sys.stdout.write(f"http://127.0.0.1:{bound.getsockname()[1]}/graphql\n")
        sys.stdout.flush()
        config = uvicorn.Config(Starlette(routes=routes), log_level="warning", ws="websockets-sansio")
        await uvicorn.Server(config).serve(sockets=[bound])


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(os.environ["STOP_FILE"])))

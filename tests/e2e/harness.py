"""A stranger's tools: a server as a process of its own, GraphQL over HTTP, graphql-transport-ws and SSE."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from pydantic import SecretStr
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from app.auth import development_token
from app.settings import Settings
from domain.identity import Role

SECRET = "a secret for tests that is long enough"
ROOT = Path(__file__).parents[2]
BOUND = 20.0  # seconds that anything may take before a test fails


async def eventually(holds: Callable[[], Awaitable[bool]], what: str, bound: float = BOUND) -> None:
    """Wait for a condition, no longer than the bound."""
    end = asyncio.get_running_loop().time() + bound
    while not await holds():
        if asyncio.get_running_loop().time() > end:
            raise AssertionError(f"not within {bound} s: {what}")
        await asyncio.sleep(0.02)


def token(tenant: str, *roles: Role, user: str = "ann", lifetime: timedelta = timedelta(hours=1)) -> str:
    settings = Settings(jwt_secret=SecretStr(SECRET))
    now = datetime.now(UTC)
    return development_token(settings, tenant=tenant, user=user, roles=roles, lifetime=lifetime, now=now)


@dataclass
class Server:
    """`journeys serve` (or another program that prints its address) as a process."""

    process: subprocess.Popen[str]
    url: str

    def kill(self) -> None:
        """As a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(BOUND)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(BOUND)
        except subprocess.TimeoutExpired:
            self.kill()


def environment(servers: Any, **more: str) -> dict[str, str]:
    return os.environ | {
        "MONGODB_URI": servers.mongodb_uri,
        "REDIS_URL": servers.redis_url,
        "JOURNEYS_DATABASE": servers.database,
        "JOURNEYS_MODE": "production",
        "JOURNEYS_JWT_SECRET": SECRET,
        **more,
    }


@contextmanager
def serving(servers: Any, *options: str, program: list[str] | None = None, **more: str) -> Iterator[Server]:
    """A server process on a free port, ended in any case."""
    command = program or [str(Path(sys.executable).parent / "journeys"), "serve", "--port", "0", *options]
    process = subprocess.Popen(
        command, env=environment(servers, **more), stdout=subprocess.PIPE, stderr=None, text=True, cwd=ROOT
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if "http://" in line:
                server = Server(process, line[line.index("http://") :].strip())
                break
        else:
            raise AssertionError(f"the server ended with {process.wait(BOUND)}")
        _wait_ready(server)
        yield server
    finally:
        if process.poll() is None:
            Server(process, "").stop()
        if process.stdout is not None:
            process.stdout.close()


def _wait_ready(server: Server) -> None:
    transport = httpx.HTTPTransport(retries=50)
    with httpx.Client(transport=transport, timeout=BOUND) as client:
        base = server.url.removesuffix("/graphql")
        assert client.get(f"{base}/health/ready").status_code == 200


@dataclass
class Client:
    """GraphQL over HTTP as one user of one tenant."""

    http: httpx.AsyncClient
    url: str
    token: str | None
    timeout: float = BOUND  # seconds for an answer

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"} if self.token else {}

    async def send(self, query: str, **variables: Any) -> dict[str, Any]:
        """The whole answer."""
        answer = await self.http.post(
            self.url,
            json={"query": query, "variables": variables},
            headers=self.headers,
            timeout=self.timeout,
        )
        body: dict[str, Any] = answer.json()
        return body

    async def ask(self, query: str, **variables: Any) -> Any:
        """The data of an answer without errors."""
        body = await self.send(query, **variables)
        assert "errors" not in body, body["errors"]
        return body["data"]

    async def do(self, mutation: str, fields: str = "", **input: Any) -> dict[str, Any]:
        """A mutation's payload; `fields` of the journey beside id, revision and status."""
        kind = mutation[0].upper() + mutation[1:] + "Input"
        kind = INPUTS.get(mutation, kind)
        query = (
            f"mutation($input: {kind}!) {{ {mutation}(input: $input) {{ settled "
            f"journey {{ id revision status {fields} }} userErrors {{ code message path currentRevision journeyId "
            "condition { field seen } } } }"
        )
        payload: dict[str, Any] = (await self.ask(query, input=input))[mutation]
        return payload

    async def start(
        self, template: str = "support_resolution", fields: str = "", **input: Any
    ) -> dict[str, Any]:
        """A journey just started."""
        payload = await self.do("startJourney", fields, templateId=template, **input)
        assert payload["userErrors"] == [], payload
        journey: dict[str, Any] = payload["journey"]
        return journey


INPUTS = {
    "retryStep": "JourneyReasonInput",
    "pauseJourney": "JourneyReasonInput",
    "resumeJourney": "JourneyInput",
    "completeJourney": "JourneyReasonInput",
    "abandonJourney": "JourneyReasonInput",
}


@asynccontextmanager
async def client(
    url: str, tenant: str, *roles: Role, user: str = "ann", timeout: float = BOUND
) -> AsyncIterator[Client]:
    async with httpx.AsyncClient() as http:
        yield Client(http, url, token(tenant, *(roles or (Role.ADMIN,)), user=user), timeout)


@dataclass
class Stream:
    """One subscription on a socket."""

    id: str
    messages: "asyncio.Queue[dict[str, Any]]" = field(default_factory=asyncio.Queue)

    async def next(self, bound: float = BOUND) -> dict[str, Any]:
        """The next payload: `data`, and `errors` where there are some; `{"complete": True}` at the end."""
        return await asyncio.wait_for(self.messages.get(), bound)


class Socket:
    """A graphql-transport-ws connection."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self._streams: dict[str, Stream] = {}
        self._ids = count(1)
        self._reading: asyncio.Task[None] | None = None

    async def init(self, payload: dict[str, Any] | None = None) -> None:
        await self.connection.send(json.dumps({"type": "connection_init", "payload": payload or {}}))
        assert json.loads(await asyncio.wait_for(self.connection.recv(), BOUND))["type"] == "connection_ack"
        self._reading = asyncio.create_task(self._read())

    async def subscribe(self, query: str, **variables: Any) -> Stream:
        stream = Stream(str(next(self._ids)))
        self._streams[stream.id] = stream
        payload = {"query": query, "variables": variables}
        await self.connection.send(json.dumps({"id": stream.id, "type": "subscribe", "payload": payload}))
        return stream

    async def complete(self, stream: Stream) -> None:
        await self.connection.send(json.dumps({"id": stream.id, "type": "complete"}))

    async def _read(self) -> None:
        async for text in self.connection:
            message = json.loads(text)
            stream = self._streams.get(message.get("id", ""))
            if stream is None:
                continue
            match message["type"]:
                case "next":
                    stream.messages.put_nowait(message["payload"])
                case "error":
                    stream.messages.put_nowait({"data": None, "errors": message["payload"]})
                case "complete":
                    stream.messages.put_nowait({"complete": True})


@asynccontextmanager
async def socket(url: str, bearer: str | None) -> AsyncIterator[Socket]:
    """A connection that is acknowledged."""
    address = url.replace("http://", "ws://")
    async with connect(
        address, subprotocols=[Subprotocol("graphql-transport-ws")], max_size=None
    ) as connection:
        opened = Socket(connection)
        await opened.init({"authorization": f"Bearer {bearer}"} if bearer else None)
        yield opened
        if opened._reading is not None:
            opened._reading.cancel()


def fresh(name: str = "t") -> str:
    return f"{name}{uuid4().hex[:12]}"

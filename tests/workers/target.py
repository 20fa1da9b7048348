"""Small HTTP servers inside a test, which answer as badly as they are told to."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Request:
    path: str
    headers: dict[str, str]
    body: bytes


Answer = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


def answer(status: str, body: bytes = b"", **headers: str) -> Answer:
    named = headers | {"Content-Length": str(len(body))}
    lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-')}: {each}" for name, each in named.items())]

    async def write(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)

    return write


async def hang(_: Request, writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


@dataclass
class Partner:
    """An HTTP server that says what it is told to, path by path."""

    url: str = ""
    answers: dict[str, Answer] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if task := asyncio.current_task():
            self.tasks.add(task)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, *lines = head.decode().strip().split("\r\n")
                headers = {name.lower(): value for name, _, value in (each.partition(": ") for each in lines)}
                body = await reader.readexactly(int(headers["content-length"]))
                self.requests.append(request := Request(first.split()[1], headers, body))
                self.asked.set()
                await self.answers.get(request.path, answer("200 OK", b'{"done": true}'))(request, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the caller has hung up, or the test is over
        finally:
            writer.close()


@asynccontextmanager
async def listening(host: str = "127.0.0.1", **answers: Answer) -> AsyncIterator[Partner]:
    partner = Partner(answers={f"/{path}": each for path, each in answers.items()})
    server = await asyncio.start_server(partner.serve, host, 0)
    port = server.sockets[0].getsockname()[1]
    partner.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    try:
        yield partner
    finally:
        server.close()
        for task in partner.tasks:
            task.cancel()
        await asyncio.gather(*partner.tasks, return_exceptions=True)

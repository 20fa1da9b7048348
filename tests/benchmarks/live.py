"""From a mutation's answer to the subscriber's message: over one socket, and with 200 equal subscribers."""

import asyncio
import time
from contextlib import AsyncExitStack

from tests.benchmarks.measure import report
from tests.conftest import Servers
from tests.e2e.harness import Socket, client, fresh, serving, socket

TOTAL, CROWD = 200, 200
WATCH = "subscription { journeyChanges { journey { id revision status stage progress } cursor } }"


async def run(servers: Servers) -> None:
    with serving(servers, "--work") as server:
        for crowd in (1, CROWD):
            async with client(server.url, fresh()) as api, AsyncExitStack() as stack:
                sockets: list[Socket] = [
                    await stack.enter_async_context(socket(server.url, api.token))
                    for _ in range(-(-crowd // 100))
                ]
                streams = [await sockets[n // 100].subscribe(WATCH) for n in range(crowd)]
                await api.start(customerId="first")
                await asyncio.gather(*(stream.next() for stream in streams))
                taken = []
                for number in range(TOTAL // (1 if crowd == 1 else 4)):
                    received = [asyncio.create_task(_received(stream)) for stream in streams]
                    await api.start(customerId=f"c{number}")
                    answered = time.perf_counter()
                    taken += [max(0.0, at - answered) for at in await asyncio.gather(*received)]
                report(f"mutation's answer to message, {crowd} subscriber(s)", taken)


async def _received(stream: object) -> float:
    await stream.next()  # type: ignore[attr-defined]
    return time.perf_counter()

"""A result that is worked out anew after changes, at a bounded cost.

Changes only mark it as old, however many come. After a computation of t seconds the next one waits for a second, or for
2 t where that is longer: it takes a third of the time at most.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from time import monotonic
from typing import Final, TypeVar

T = TypeVar("T")

REST_SECONDS: Final = 1.0
REST: Final = 2  # times as long as the computation took


async def recomputed(
    changes: AsyncIterator[object],
    compute: Callable[[], Awaitable[T]],
    *,
    clock: Callable[[], float] = monotonic,
    wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncIterator[T]:
    """The result at once, and after changes again where it differs from the one before.

    Ends when the changes do, with their error if there is one.
    """
    old = asyncio.Event()
    listening = asyncio.create_task(_mark(changes, old))
    last: T | None = None
    try:
        while True:
            old.clear()
            began = clock()
            result = await compute()
            took = clock() - began
            if result != last:
                yield result
            last = result
            await wait(max(REST_SECONDS, REST * took))
            await old.wait()
            if listening.done():
                listening.result()
                return
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def _mark(changes: AsyncIterator[object], old: asyncio.Event) -> None:
    try:
        async for _ in changes:
            old.set()
    finally:
        old.set()

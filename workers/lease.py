"""A lease: whoever works under it renews it at a third of its length, and lets go of the work when it is over.

Others may begin the same work once it has run out, so nobody goes on with it a moment longer, whatever the reason.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from domain.errors import Unavailable

log = logging.getLogger(__name__)

T = TypeVar("T")
PARTS: Final = 3
PAUSE: Final = 10  # a tenth of the lease between two tries of a renewal


async def held(
    work: Callable[[], "asyncio.Task[T]"],
    renew: Callable[[], Awaitable[bool]],
    *,
    seconds: float,
    since: float,
) -> T | None:
    """What the work gives, begun and done while the lease is held; None where it was lost first.

    `since`: when, by the loop's clock, the lease was asked for that is held now. `renew` says whether it is still ours.
    """
    clock = asyncio.get_running_loop().time
    task: asyncio.Task[T] | None = None
    try:
        while True:
            if (wait := since + seconds / PARTS - clock()) > 0:
                task = task or work()
                done, _ = await asyncio.wait({task}, timeout=wait)
                if done:
                    return task.result()
            asked = clock()
            if not await _renewed(renew, seconds / PAUSE, until=since + seconds):
                return task.result() if task is not None and task.done() else None
            since = asked
    finally:
        if task is not None:
            task.cancel()


async def _renewed(renew: Callable[[], Awaitable[bool]], pause: float, *, until: float) -> bool:
    """Whether it could be renewed in time; while the database is away it is tried again."""
    try:
        async with asyncio.timeout_at(until):
            while True:
                try:
                    return await renew()
                except Unavailable as error:
                    log.warning("A lease is renewed again: %s", error.message)
                    await asyncio.sleep(pause)
    except TimeoutError:
        return False

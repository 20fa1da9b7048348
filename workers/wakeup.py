"""Wake-ups: work that was just made is begun at once, here and in the other processes.

They are only told, never needed: while Redis is away the poll finds the work.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

from domain.errors import Unavailable
from domain.webhook import is_queue

log = logging.getLogger(__name__)


Wake = Callable[[str], None]


def sorted_out(handoffs: Wake, deliveries: Wake) -> Wake:
    """Whose worker a queue belongs to is seen by its name."""
    return lambda queue: (deliveries if is_queue(queue) else handoffs)(queue)


async def listen(woken: AsyncIterator[str], wake: Wake) -> None:
    """Hear of work that other processes have made, for ever."""
    async for queue in woken:
        wake(queue)


class Wakeup:
    """`tell` tells other processes of a queue; `own` is this process's worker, where it has one."""

    def __init__(self, tell: Callable[[str], Awaitable[None]], own: Callable[[str], None] | None) -> None:
        self._tell, self._own = tell, own
        self._queues: set[str] = set()
        self._stir = asyncio.Event()

    def wake(self, queue: str) -> None:
        """There is something to do in this queue. Never waits."""
        if self._own is not None:
            self._own(queue)
        self._queues.add(queue)
        self._stir.set()

    async def run(self) -> None:
        """Tell the other processes, for ever."""
        while True:
            await self._stir.wait()
            self._stir.clear()
            queues, self._queues = self._queues, set()
            try:
                for queue in queues:
                    await self._tell(queue)
            except Unavailable:
                log.debug("Nobody could be woken")

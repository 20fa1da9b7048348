"""Wake-ups: work that was just made is begun at once, here and in the other processes.

They are only told, never needed: while Redis is away the poll finds the work.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from domain.errors import Unavailable

log = logging.getLogger(__name__)


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

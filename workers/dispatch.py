"""Dispatch: what is due in any queue is found and worked at, by any number of workers, so that none waits for another.

Everything that is due is found by time in the database: new work, retries, time limits and lost leases alike. A call
to say that there is work makes it prompt; the poll makes it sure.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final, Generic, Protocol, TypeVar

from domain.errors import DomainError
from storage.queues import Queues
from workers.turns import Turns

log = logging.getLogger(__name__)

POLL_SECONDS: Final = 1.0
PAGE: Final = 500
REST_SECONDS: Final = 2.0  # what could not be worked at
OFF_SECONDS: Final = 2.0  # a queue that nothing may be taken from is looked at again


class Item(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=Item)


class Dispatch(Generic[T]):
    """`work` is handed what is due, and its queue. `patience`: how long what is under way may take in the end, in
    seconds. `chance` gives numbers from 0 to 1. `name` is what the things are called in the log."""

    def __init__(
        self,
        name: str,
        queues: Queues[T],
        work: Callable[[T, str], Awaitable[None]],
        now: Callable[[], datetime],
        *,
        chance: Callable[[], float],
        slots: int,
        patience: float,
    ) -> None:
        self._name, self._queues, self._work, self._now = name, queues, work, now
        self._chance, self._patience = chance, patience
        self._turns = Turns(slots)
        self._at_work: dict[str, asyncio.Task[None]] = {}  # by the thing's id
        self._stir = asyncio.Event()
        self._behind: datetime | None = None  # how far the poll has come, where there is more than a page

    def wake(self, queue: str) -> None:
        """There is something to do in this queue."""
        self._turns.add(queue, _clock())
        self._stir.set()

    def succeeded(self, queue: str) -> None:
        """The target of this queue answered."""
        self._turns.succeeded(queue)

    def failed(self, queue: str) -> None:
        """It did not: when that goes on, the queue is left alone for a while."""
        self._turns.failed(queue, _clock())

    def close(self, queue: str) -> None:
        """Nothing may be taken from it for a moment."""
        self._turns.close(queue, _clock() + OFF_SECONDS)

    async def run(self) -> None:
        """Do what is due, for ever. In the end, what is under way has some seconds more; then it is left to its
        lease."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._poll())
                tasks.create_task(self._dispatch())
        finally:
            if last := list(self._at_work.values()):
                await asyncio.wait(last, timeout=self._patience)
            for task in last:
                task.cancel()
            await asyncio.gather(*last, return_exceptions=True)

    async def poll(self) -> bool:
        """Look for queues with something due; whether there is more to look at."""
        found = await self._queues.due_queues(self._now(), PAGE, self._behind)
        for queue, at in found:
            self.wake(queue)
            self._behind = at
        if len(found) < PAGE:
            self._behind = None
        return len(found) >= PAGE

    async def _poll(self) -> None:
        while True:
            more = False
            try:
                more = await self.poll()
            except DomainError as error:
                log.warning("The %s are looked for again: %s", self._name, error.message)
            except Exception:
                log.exception("The %s are looked for again", self._name)
            await asyncio.sleep(POLL_SECONDS / 10 if more else POLL_SECONDS)

    async def _dispatch(self) -> None:
        while True:
            await self._stir.wait()
            self._stir.clear()
            try:
                await self._hand_out()
            except DomainError as error:
                log.warning("The %s are taken up again: %s", self._name, error.message)
            except Exception:
                log.exception("The %s are taken up again", self._name)

    async def _hand_out(self) -> None:
        """Fill the free slots, one queue after the other."""
        while (turn := self._turns.next(_clock())) is not None:
            queue, room = turn
            # Those at work are due still until their claim is written.
            wanted = room + sum(task.get_name() == queue for task in self._at_work.values())
            try:
                due = await self._queues.due(queue, self._now(), wanted)
            except ValueError:  # one of a version to come
                log.exception("The queue %s cannot be read", queue)
                self.close(queue)
                continue
            fresh = [each for each in due if each.id not in self._at_work]
            if not fresh or (len(due) < wanted and len(fresh) <= room):
                self._turns.drained(queue)
            fresh.sort(key=lambda _: self._chance())  # so that workers seldom reach for the same ones
            for each in fresh[:room]:
                self._turns.take(queue)
                task = asyncio.create_task(self._one(each, queue), name=queue)
                self._at_work[each.id] = task

    async def _one(self, item: T, queue: str) -> None:
        rest = 0.0
        try:
            await self._work(item, queue)
        except DomainError as error:
            log.warning("One of the %s, %s, is tried again: %s", self._name, item.id, error.message)
            rest = REST_SECONDS
        except Exception:
            log.exception("One of the %s, %s, is tried again", self._name, item.id)
            self.failed(queue)
            rest = REST_SECONDS
        finally:
            self._turns.give_back(queue)
            self.wake(queue)
            try:
                await asyncio.sleep(rest)  # others go first
            finally:
                self._at_work.pop(item.id, None)
                self.wake(queue)


def _clock() -> float:
    return asyncio.get_running_loop().time()

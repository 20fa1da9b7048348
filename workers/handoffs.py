"""Handoffs at work: call the partners of those that are due, and see to those that nobody decided or did in time.

Everything that is due is found by time in the database, by any number of workers: new work, retries, time limits and
lost leases alike. A call to say that there is work makes it prompt; the poll makes it sure.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from domain import attempting, deciding
from domain.errors import DomainError, Unavailable
from domain.handoff import Handoff
from domain.handoff_events import HandoffEvent
from storage.store import Store
from storage.subject import Cause, digest
from storage.templates import SYSTEM
from workers.calls import Calls, SwitchedOff
from workers.lease import held
from workers.turns import Turns

log = logging.getLogger(__name__)

POLL_SECONDS: Final = 1.0
PAGE: Final = 500
REST_SECONDS: Final = 2.0  # what could not be worked at
OFF_SECONDS: Final = 2.0  # a package that is switched off is looked at again
RECORD_TRIES: Final = 10
RECORD_SECONDS: Final = 0.5


class HandoffWorker:
    """`lease`: how long a worker that dies holds an attempt up, in seconds. `patience`: how long calls under way may
    take in the end. `chance` gives numbers from 0 to 1."""

    def __init__(
        self,
        store: Store,
        calls: Calls,
        now: Callable[[], datetime],
        *,
        new_id: Callable[[], str],
        chance: Callable[[], float],
        slots: int = 64,
        lease: float = 15.0,
        patience: float = 5.0,
    ) -> None:
        self._store, self._calls, self._now, self._patience = store, calls, now, patience
        self._new_id, self._chance, self._lease = new_id, chance, lease
        self._turns = Turns(slots)
        self._at_work: dict[str, asyncio.Task[None]] = {}  # by the handoff's id
        self._stir = asyncio.Event()
        self._behind: datetime | None = None  # how far the poll has come, where there is more than a page

    def wake(self, queue: str) -> None:
        """There is something to do in this queue."""
        self._turns.add(queue, _clock())
        self._stir.set()

    async def listen(self, woken: AsyncIterator[str]) -> None:
        """Hear of work that other processes have made, for ever."""
        async for queue in woken:
            self.wake(queue)

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
        found = await self._store.handoffs.due_queues(self._now(), PAGE, self._behind)
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
                log.warning("The handoffs are looked for again: %s", error.message)
            except Exception:
                log.exception("The handoffs are looked for again")
            await asyncio.sleep(POLL_SECONDS / 10 if more else POLL_SECONDS)

    async def _dispatch(self) -> None:
        while True:
            await self._stir.wait()
            self._stir.clear()
            try:
                await self._hand_out()
            except DomainError as error:
                log.warning("The handoffs are taken up again: %s", error.message)
            except Exception:
                log.exception("The handoffs are taken up again")

    async def _hand_out(self) -> None:
        """Fill the free slots, one queue after the other."""
        while (turn := self._turns.next(_clock())) is not None:
            queue, room = turn
            # Those at work are due still until their claim is written.
            wanted = room + sum(task.get_name() == queue for task in self._at_work.values())
            try:
                due = await self._store.handoffs.due(queue, self._now(), wanted)
            except ValueError:  # one of a version to come
                log.exception("The queue %s cannot be read", queue)
                self._turns.close(queue, _clock() + OFF_SECONDS)
                continue
            fresh = [each for each in due if each.id not in self._at_work]
            if not fresh or (len(due) < wanted and len(fresh) <= room):
                self._turns.drained(queue)
            fresh.sort(key=lambda _: self._chance())  # so that workers seldom reach for the same ones
            for handoff in fresh[:room]:
                self._turns.take(queue)
                task = asyncio.create_task(self._one(handoff, queue), name=queue)
                self._at_work[handoff.id] = task

    async def _one(self, handoff: Handoff, queue: str) -> None:
        rest = 0.0
        try:
            await (self._execute(handoff, queue) if handoff.executes else self._come_due(handoff))
        except DomainError as error:
            log.warning("The handoff %s is tried again: %s", handoff.id, error.message)
            rest = REST_SECONDS
        except Exception:
            log.exception("The handoff %s is tried again", handoff.id)
            self._turns.failed(queue, _clock())
            rest = REST_SECONDS
        finally:
            self._turns.give_back(queue)
            self.wake(queue)
            try:
                await asyncio.sleep(rest)  # others go first
            finally:
                self._at_work.pop(handoff.id, None)
                self.wake(queue)

    async def _come_due(self, handoff: Handoff) -> None:
        """Nobody decided, did it or answered in time."""

        def run(current: Handoff, at: datetime) -> list[HandoffEvent]:
            return deciding.come_due(current, at=at) or attempting.come_due(current, at=at)

        await self._change(handoff, run, self._cause(handoff, "due"))

    async def _execute(self, handoff: Handoff, queue: str) -> None:
        """One attempt: claim it, call the partner while the lease is held, and record what came of it."""
        try:
            target = await self._calls.target(handoff)
        except SwitchedOff:
            self._turns.close(queue, _clock() + OFF_SECONDS)
            return
        name, lease, began = self._new_id(), timedelta(seconds=self._lease), _clock()

        def claim(current: Handoff, at: datetime) -> list[HandoffEvent]:
            return attempting.claim(current, name=name, lease=lease, at=at)

        claimed = await self._change(handoff, claim, self._cause(handoff, "claim"))
        if claimed.claim != name:
            return  # somebody else is at it, or its time is over

        async def renew() -> bool:
            return await self._store.handoffs.renew(handoff.id, name, self._now() + lease)

        answer = await held(
            lambda: self._calls.call(target, claimed), renew, seconds=self._lease, since=began
        )
        if answer is None:
            log.warning("The lease of %s was lost", handoff.id)
            return
        if answer.status is None or answer.status >= 500:  # noqa: PLR2004  # HTTP's own numbers
            self._turns.failed(queue, _clock())
        else:
            self._turns.succeeded(queue)
        chance = self._chance()

        def record(current: Handoff, at: datetime) -> list[HandoffEvent]:
            return attempting.answered(current, answer, name=name, jitter=chance, at=at)

        await self._insist(claimed, record)

    async def _insist(
        self, handoff: Handoff, record: Callable[[Handoff, datetime], list[HandoffEvent]]
    ) -> Handoff:
        """The partner has done it: that is recorded, even if the database is away for some seconds. What it has
        written without being able to say so counts."""
        cause = self._cause(handoff, "answer")
        for tries_left in range(RECORD_TRIES, 0, -1):
            try:
                return await self._change(handoff, record, cause)
            except Unavailable:
                if tries_left == 1:
                    raise
                await asyncio.sleep(RECORD_SECONDS)
                cause = replace(cause, keyed=True)
        raise AssertionError("the last try returns or raises")

    async def _change(
        self, handoff: Handoff, command: Callable[[Handoff, datetime], list[HandoffEvent]], cause: Cause
    ) -> Handoff:
        return (await self._store.handoffs.change(handoff.id, handoff.tenant_id, command, cause)).state

    def _cause(self, handoff: Handoff, part: str) -> Cause:
        name = digest(part, handoff.id, self._new_id())
        return Cause(SYSTEM, name, handoff.correlation_id or handoff.id)


def _clock() -> float:
    return asyncio.get_running_loop().time()

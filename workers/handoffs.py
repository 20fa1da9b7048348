"""Handoffs at work: call the partners of those that are due, and see to those that nobody decided or did in time."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from domain import attempting, deciding
from domain.errors import Unavailable
from domain.handoff import Handoff
from domain.handoff_events import HandoffEvent
from storage.store import Store
from storage.subject import Cause, digest
from storage.templates import SYSTEM
from workers.calls import Calls, SwitchedOff
from workers.dispatch import Dispatch
from workers.lease import held

log = logging.getLogger(__name__)

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
        self._store, self._calls, self._now = store, calls, now
        self._new_id, self._chance, self._lease = new_id, chance, lease
        self._dispatch: Dispatch[Handoff] = Dispatch(
            "handoffs", store.handoffs, self._one, now, chance=chance, slots=slots, patience=patience
        )

    def wake(self, queue: str) -> None:
        """There is something to do in this queue."""
        self._dispatch.wake(queue)

    async def run(self) -> None:
        """Do what is due, for ever."""
        await self._dispatch.run()

    async def _one(self, handoff: Handoff, queue: str) -> None:
        await (self._execute(handoff, queue) if handoff.executes else self._come_due(handoff))

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
            self._dispatch.close(queue)
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
            self._dispatch.failed(queue)
        else:
            self._dispatch.succeeded(queue)
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

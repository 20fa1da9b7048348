"""Timers: what is due without anybody asking, by due time in the database.

No lease is needed: the command looks at the clock again, and compare-and-set makes a second worker's a no-op.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Final

from domain import walk
from domain.errors import DomainError, Unavailable
from domain.journey import Journey
from storage.store import Store
from storage.subject import Cause, digest
from storage.templates import SYSTEM

log = logging.getLogger(__name__)

POLL_SECONDS: Final = 1.0
BATCH: Final = 200


class Timers:
    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store, self._now = store, now
        self._failing: set[str] = set()

    async def run(self) -> None:
        """Look for what is due, for ever."""
        while True:
            try:
                full = await self.poll() >= BATCH
            except DomainError as error:
                log.warning("The timers try again: %s", error.message)
                full = False
            except Exception:
                log.exception("The timers try again")
                full = False
            if not full:
                await asyncio.sleep(POLL_SECONDS)

    async def poll(self) -> int:
        """Do what is due now; how many journeys that were. What fails is tried each time, and holds nobody up."""
        due = await self._store.journeys.due(self._now(), BATCH + len(self._failing))
        failing = set()
        for journey in due:
            try:
                await self._time_out(journey)
            except Unavailable:
                raise
            except Exception as error:
                failing.add(journey.id)
                if journey.id not in self._failing:
                    log.warning("The journey %s could not be timed out: %r", journey.id, error)
        self._failing = failing
        return len(due) - len(failing)

    async def _time_out(self, journey: Journey) -> None:
        name = digest("timer", journey.id, str(journey.revision))
        await self._store.journeys.change(
            journey.id,
            journey.tenant_id,
            lambda current, _, at: walk.time_out(current, at=at),
            Cause(SYSTEM, name, name),
        )

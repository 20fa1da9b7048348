"""The relay: what follows each event, and telling the subscribers.

The process that made a change relays it at once; two sweeps find what a dead process or an absent Redis left behind.
Everything here may be done twice, by any number of workers.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from domain.errors import DomainError, Unavailable
from domain.events import Envelope
from domain.handoff_events import HandoffCreated, HandoffRetried, HandoffStarted
from storage.entries import changes
from storage.indexes import WITH_OUTBOX
from storage.pending import Word, words
from storage.store import Store
from workers.actions import Actions
from workers.consumers import Consume, Consumers
from workers.follow import Following
from workers.overdue import CatchingUp
from workers.publishing import Publish, Publishing
from workers.strikes import Strikes

log = logging.getLogger(__name__)

GRACE: Final = timedelta(seconds=3)  # what a living process is given to relay its own changes
SWEEP_SECONDS: Final = 1.0
BATCH: Final = 500

Wake = Callable[[str], None]
WAKING: Final = frozenset((HandoffCreated.type, HandoffStarted.type, HandoffRetried.type))


def _nobody(_: str) -> None:
    pass


def _always_the_first() -> float:
    return 0.0


class Relay:
    """`publish` tells the subscribers of one change; it raises Unavailable while they cannot be told. `wake` tells the
    workers that a queue has something for them; what they miss they find. `consumers` do what other words stand for.
    `chance` gives numbers from 0 to 1, so that several workers do not all do the same."""

    def __init__(
        self,
        store: Store,
        publish: Publish,
        now: Callable[[], datetime],
        wake: Wake = _nobody,
        consumers: Mapping[Word, Consume] | None = None,
        actions: Actions | None = None,
        chance: Callable[[], float] = _always_the_first,
    ) -> None:
        self._store, self._now, self._wake = store, now, wake
        self._following = Following(store, actions or Actions(store, now))
        self._strikes = Strikes(store)
        self._publishing = Publishing(store, publish, self._told)
        self._consumers = Consumers(consumers or {}, self._strikes.done)
        self._catching_up = CatchingUp(store, self._following, self._consumers, self._publishing, now, chance)

    async def logged(self, envelopes: Sequence[Envelope]) -> None:
        """Events of this process are in the log: write what follows from them; the subscribers are told soon."""
        for change in changes(envelopes):
            pending = words(change)
            self._strikes.expect(change[0].id, pending)
            if "feed" in pending:
                self._publishing.put(change)
            self._consumers.put(change, pending)
            if "follow" in pending:
                await self._following.follow(change)
                self._strikes.done(change[0].id, ("follow",))
            if any(each.type in WAKING for each in change) and change[0].facets is not None:
                queue = change[0].facets.get("queue")
                if isinstance(queue, str):
                    self._wake(queue)

    async def run(self) -> None:
        """Tell the subscribers of this process's changes, for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._publishing.run())
            tasks.create_task(self._consumers.run())
            tasks.create_task(self._strikes.run())

    def _told(self, change: Sequence[Envelope]) -> None:
        self._strikes.done(change[0].id, ("feed",))

    async def sweep(self) -> None:
        """Find what others left behind, for ever."""
        while True:
            try:
                full = await self.sweep_once()
            except DomainError as error:
                log.warning("The sweep tries again: %s", error.message)
                full = False
            except Exception:
                log.exception("The sweep tries again")
                full = False
            if not full:
                await asyncio.sleep(SWEEP_SECONDS)

    async def sweep_once(self) -> bool:
        """Whether there is more to do at once."""
        before, full = self._now() - GRACE, False
        for collection in WITH_OUTBOX:
            relayed = 0
            for document in await self._store.changes.outboxes.unrelayed(collection, before, BATCH):
                try:
                    await self._store.changes.relay(collection, document)
                    relayed += 1
                except Unavailable:
                    raise
                except Exception:
                    log.exception("What follows from %s stays pending", document["_id"])
            full = full or relayed == BATCH
        await self._store.changes.outboxes.flush()
        due = await self._store.events.due(before, BATCH)
        progress = await self._catching_up.catch_up(due)
        return full or (len(due) == BATCH and progress)

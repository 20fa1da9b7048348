"""The relay: what follows each event, and telling the subscribers.

The process that made a change relays it at once; two sweeps find what a dead process or an absent Redis left behind.
Everything here may be done twice, by any number of workers.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

from domain.errors import DomainError, Unavailable
from domain.events import Envelope
from domain.handoff_events import HandoffCreated, HandoffRetried, HandoffStarted
from storage.entries import Entry, changes
from storage.indexes import WITH_OUTBOX
from storage.pending import Word, words
from storage.store import Store
from workers.actions import Actions
from workers.consumers import Consume, Consumers
from workers.follow import Following
from workers.stuck import raise_incident

log = logging.getLogger(__name__)

GRACE: Final = timedelta(seconds=3)  # what a living process is given to relay its own changes
SWEEP_SECONDS: Final = 1.0
BATCH: Final = 500
AT_ONCE: Final = 8  # subjects that a sweep catches up with
QUEUE: Final = 10_000
STRIKE_SECONDS: Final = 0.1


class Published(Protocol):
    @property
    def outcome(self) -> str: ...
    @property
    def last(self) -> int | None: ...


Publish = Callable[[list[Envelope], int | None], Awaitable[Published]]
Wake = Callable[[str], None]
WAKING: Final = frozenset((HandoffCreated.type, HandoffStarted.type, HandoffRetried.type))


def _nobody(_: str) -> None:
    pass


class Incomplete(Exception):
    """Earlier revisions are not in the log yet: whoever wrote them, or the sweep, brings them."""


class Relay:
    """`publish` tells the subscribers of one change; it raises Unavailable while they cannot be told. `wake` tells the
    workers that a queue has something for them; what they miss they find. `consumers` do what other words stand for."""

    def __init__(
        self,
        store: Store,
        publish: Publish,
        now: Callable[[], datetime],
        wake: Wake = _nobody,
        consumers: Mapping[Word, Consume] | None = None,
        actions: Actions | None = None,
    ) -> None:
        self._store, self._publish, self._now, self._wake = store, publish, now, wake
        self._following = Following(store, actions or Actions(store, now))
        self._queue: asyncio.Queue[list[Envelope]] = asyncio.Queue(QUEUE)
        self._struck: list[tuple[str, Sequence[Word]]] = []
        self._consumers = Consumers(consumers or {}, self._strike)
        self._away = False  # the subscribers, for the rest of a sweep

    async def logged(self, envelopes: Sequence[Envelope]) -> None:
        """Events of this process are in the log: write what follows from them; the subscribers are told soon."""
        for change in changes(envelopes):
            pending = words(change)
            if "feed" in pending and not self._queue.full():
                self._queue.put_nowait(change)
            self._consumers.put(change, pending)
            if "follow" in pending:
                await self._following.follow(change)
                self._struck.append((change[0].id, ("follow",)))
            if any(each.type in WAKING for each in change) and change[0].facets is not None:
                queue = change[0].facets.get("queue")
                if isinstance(queue, str):
                    self._wake(queue)

    async def run(self) -> None:
        """Tell the subscribers of this process's changes, for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tell())
            tasks.create_task(self._consumers.run())
            tasks.create_task(self._strike_often())

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
        progress = await self._catch_up(due)
        return full or (len(due) == BATCH and progress)

    async def _catch_up(self, due: list[Entry]) -> bool:
        """Do what these entries wait for: those of one subject in order, several subjects at once. Whether anything
        got done."""
        by_subject: dict[str, list[Entry]] = {}
        for entry in due:
            by_subject.setdefault(entry.envelope.subject, []).append(entry)
        places, done = asyncio.Semaphore(AT_ONCE), list[tuple[str, Sequence[Word]]]()

        async def catch_up(entries: list[Entry]) -> None:
            async with places:
                for entry in entries:
                    await self._finish(entry, done)

        self._away = False
        await asyncio.gather(*map(catch_up, by_subject.values()))
        await self._store.events.strike(_merged(done))
        return bool(done)

    async def _finish(self, entry: Entry, done: list[tuple[str, Sequence[Word]]]) -> None:
        try:
            wrong = await self._do(entry, done)
        except Exception as error:
            wrong = error
        if isinstance(wrong, Unavailable):
            self._away = True
        elif wrong is not None:
            log.error("The entry %s fails", entry.envelope.id, exc_info=wrong)
            await self._put_off(entry, wrong)

    async def _do(self, entry: Entry, done: list[tuple[str, Sequence[Word]]]) -> Exception | None:
        """Do what an entry waits for; what went wrong with a consumer, which holds up no other."""
        first = entry.envelope
        [change] = await self._store.events.revisions(first.subject, first.revision - 1, first.revision)
        if "follow" in entry.pending:
            await self._following.follow(change)
            done.append((first.id, ("follow",)))
        finished, wrong = await self._consumers.finish(change, entry.pending)
        done += [(first.id, finished)] if finished else []
        if "feed" in entry.pending and not self._away:
            await self._publish_change(change)
            done.append((first.id, ("feed",)))
        return wrong

    async def _put_off(self, entry: Entry, error: Exception) -> None:
        """It is tried later. After ten tries it is an incident, and holds up nothing any more."""
        if entry.last_try:
            await raise_incident(self._store, entry, error, self._now())
        await self._store.events.postpone(entry, self._now(), type(error).__name__)

    async def _tell(self) -> None:
        while True:
            change = await self._queue.get()
            try:
                await self._publish_change(change)
            except Unavailable:
                self._drop_queue()  # it is all pending in the log
                continue
            except Exception as error:
                log.warning("The change %s is left to the sweep: %r", change[0].id, error)
                continue
            self._struck.append((change[0].id, ("feed",)))

    def _drop_queue(self) -> None:
        while not self._queue.empty():
            self._queue.get_nowait()

    def _strike(self, id: str, done: Sequence[Word]) -> None:
        self._struck.append((id, done))

    async def _strike_often(self) -> None:
        while True:
            await asyncio.sleep(STRIKE_SECONDS)
            struck, self._struck = self._struck[:BATCH], self._struck[BATCH:]
            try:
                await self._store.events.strike(_merged(struck))
            except Exception as error:
                log.warning("Entries stay pending for the sweep: %r", error)

    async def _publish_change(self, change: list[Envelope]) -> None:
        """In order: what is missing before it is published first, from the log. Raises Incomplete where it is not
        there."""
        subject, revision = change[0].subject, change[0].revision
        published = await self._publish(change, 0 if revision == 1 else None)
        if published.outcome == "unknown":
            first = await self._store.events.first_unpublished(subject)
            published_upto = min(first or revision, revision) - 1
        elif published.outcome == "gap" and published.last is not None:
            published_upto = published.last
        else:
            return
        for earlier in await self._store.events.revisions(subject, published_upto, revision):
            published = await self._publish(earlier, published_upto)
        if published.outcome not in ("published", "old"):
            raise Incomplete(f"{subject}:{revision}")


def _merged(struck: Sequence[tuple[str, Sequence[Word]]]) -> list[tuple[str, Sequence[Word]]]:
    """One entry an id, with all its words."""
    by_id: dict[str, list[Word]] = {}
    for id, done in struck:
        by_id.setdefault(id, []).extend(done)
    return [(id, tuple(sorted(set(done)))) for id, done in by_id.items()]

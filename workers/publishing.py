"""Publishing: telling the subscribers of changes, each subject's in order."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from domain.errors import Unavailable
from domain.events import Envelope
from storage.store import Store

log = logging.getLogger(__name__)

QUEUE: Final = 10_000


class Published(Protocol):
    @property
    def outcome(self) -> str: ...
    @property
    def last(self) -> int | None: ...


Publish = Callable[[list[Envelope], int | None], Awaitable[Published]]


class Incomplete(Exception):
    """Earlier revisions are not in the log yet: whoever wrote them, or the sweep, brings them."""


class Publishing:
    """`send` tells the subscribers of one change; it raises Unavailable while they cannot be told. `told` hears of
    those that were."""

    def __init__(self, store: Store, send: Publish, told: Callable[[list[Envelope]], None]) -> None:
        self._store, self._send, self._told = store, send, told
        self._queue: asyncio.Queue[list[Envelope]] = asyncio.Queue(QUEUE)

    def put(self, change: list[Envelope]) -> None:
        """Tell of it soon. Never waits: what there is no room for, the sweep finds."""
        if not self._queue.full():
            self._queue.put_nowait(change)

    async def run(self) -> None:
        """Tell of what was put, for ever."""
        while True:
            change = await self._queue.get()
            try:
                await self.publish(change)
            except Unavailable:
                self._drop_queue()  # it is all pending in the log
                continue
            except Exception as error:
                log.warning("The change %s is left to the sweep: %r", change[0].id, error)
                continue
            self._told(change)

    def _drop_queue(self) -> None:
        while not self._queue.empty():
            self._queue.get_nowait()

    async def publish(self, change: list[Envelope]) -> None:
        """In order: what is missing before it is published first, from the log. Raises Incomplete where it is not
        there."""
        subject, revision = change[0].subject, change[0].revision
        published = await self._send(change, 0 if revision == 1 else None)
        if published.outcome == "unknown":
            first = await self._store.events.first_unpublished(subject)
            published_upto = min(first or revision, revision) - 1
        elif published.outcome == "gap" and published.last is not None:
            published_upto = published.last
        else:
            return
        for earlier in await self._store.events.revisions(subject, published_upto, revision):
            published = await self._send(earlier, published_upto)
        if published.outcome not in ("published", "old"):
            raise Incomplete(f"{subject}:{revision}")

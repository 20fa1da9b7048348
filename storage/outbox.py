"""Outboxes: the way of a document's events to the log, and their emptying once they are there.

Emptying waits a moment, so that a subject that changes again and again is not written twice as often: what this
process knows to be in the log, its next change leaves out. Whatever is forgotten, the sweep finds.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pymongo import UpdateOne

from domain.errors import DomainError
from storage.codec import Document
from storage.events import EventLog
from storage.indexes import WITH_OUTBOX
from storage.mongo import Mongo, translated

EMPTY_SECONDS: Final = 1.0
BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class _Logged:
    collection: str
    revision: int
    at: float  # seconds of the loop's clock


class Outboxes:
    def __init__(self, mongo: Mongo, events: EventLog) -> None:
        self._mongo, self._events = mongo, events
        self._logged: dict[str, _Logged] = {}  # by the subject's id, until emptied
        self._emptying: asyncio.Task[None] | None = None

    def unlogged(self, id: str, outbox: Sequence[Document]) -> list[Document]:
        """The entries that are not known to be in the log."""
        known = self._logged.get(id)
        return [entry for entry in outbox if known is None or entry["revision"] > known.revision]

    async def append(self, collection: str, id: str, revision: int, outbox: Sequence[Document]) -> None:
        """Put entries into the log; the outbox is emptied soon, unless the subject has changed by then."""
        await self._events.append(outbox)
        known = self._logged.pop(id, None)
        if known is not None and known.revision == revision:
            self._logged[id] = known  # done twice: it is emptied no later for that
            return
        self._logged[id] = _Logged(collection, revision, asyncio.get_running_loop().time())
        if self._emptying is None or self._emptying.done():
            self._emptying = asyncio.create_task(self._empty_soon())

    async def unrelayed(self, collection: str, before: datetime, limit: int) -> list[Document]:
        """Documents whose outbox has waited since before this time."""
        with translated():
            found = (
                self._mongo[collection].find({"outboxAt": {"$lte": before}}).sort("outboxAt", 1).limit(limit)
            )
            return await found.to_list(None)

    async def waiting(self, before: datetime, tenant_id: str | None = None) -> int:
        """How many documents of one tenant, or of all, have an outbox that has waited since before this time."""
        pipeline: list[Document] = [{"$match": {"outboxAt": {"$lte": before}}}]
        pipeline += [{"$match": {"tenantId": tenant_id}}] if tenant_id is not None else []
        pipeline += [{"$count": "n"}]
        counts = 0
        for collection in WITH_OUTBOX:
            async for counted in self._mongo.aggregate(self._mongo[collection], pipeline):
                counts += int(counted["n"])
        return counts

    async def flush(self, *, older_than: float = 0.0) -> None:
        """Empty the outboxes whose entries have been in the log for so many seconds. Where a later change was
        quicker, nothing happens: that one relays it all. The revision never moves."""
        last = asyncio.get_running_loop().time() - older_than
        while batch := [(id, each) for id, each in self._logged.items() if each.at <= last][:BATCH]:
            by_collection: dict[str, list[UpdateOne]] = {}
            for id, each in batch:
                del self._logged[id]
                emptied = {"$set": {"outbox": []}, "$unset": {"outboxAt": ""}}
                update = UpdateOne({"_id": id, "revision": each.revision}, emptied)
                by_collection.setdefault(each.collection, []).append(update)
            for collection, updates in by_collection.items():
                with translated():
                    await self._mongo[collection].bulk_write(updates, ordered=False)

    async def drain(self) -> None:
        """Empty them all now, for an orderly end."""
        if self._emptying is not None:
            self._emptying.cancel()
            with suppress(asyncio.CancelledError):
                await self._emptying
        with suppress(DomainError):
            await self.flush()

    async def _empty_soon(self) -> None:
        while self._logged:
            await asyncio.sleep(EMPTY_SECONDS)
            with suppress(DomainError):  # the sweep finds them
                await self.flush(older_than=EMPTY_SECONDS)

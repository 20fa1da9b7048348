"""Many new subjects at once: one document carries them and their facts until both are where they belong.

It is written first, so state and facts are one atomic write here too; what a process that died has left half-done,
the relay's sweep completes. On a subject that was there before nothing changes.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import bson
from bson import ObjectId
from pymongo.errors import BulkWriteError

from storage.codec import Document
from storage.events import EventLog
from storage.mongo import Mongo, translated
from storage.written import only_duplicates

BATCHES: Final = "batches"
LARGEST: Final = (
    15 * 1024 * 1024
)  # bytes that a batch's documents may have together: one document holds 16 MiB
AT_ONCE: Final = 2_000  # events, about, in one insert, which a slow server has to answer in time
PATIENCE: Final = timedelta(seconds=30)  # what a living process is given for a batch of its own


def document_size(document: Document) -> int:
    """Bytes that a document takes in the database."""
    return len(bson.encode(document))


async def _nothing(_: str) -> None:
    pass


class Batches:
    """`passed` stands between the writes of a batch; it hears which of them is done."""

    def __init__(self, mongo: Mongo, events: EventLog) -> None:
        self._mongo, self._events = mongo, events
        self.passed: Callable[[str], Awaitable[None]] = _nothing

    async def write(self, collection: str, made: Sequence[Document], now: datetime) -> set[str]:
        """Store new documents, their events in the outbox; which of the ids were not there before."""
        id = ObjectId()
        outbox = [entry for each in made for entry in each["outbox"]]
        left_out = ("outbox", "outboxAt")
        documents = [
            {key: value for key, value in each.items() if key not in left_out} | {"batch": id}
            for each in made
        ]
        batch = {"_id": id, "tenantId": made[0]["tenantId"], "revision": 1, "collection": collection}
        batch |= {"documents": documents, "outbox": outbox, "outboxAt": now + PATIENCE}
        with translated():
            await self._mongo[BATCHES].insert_one(batch)
        await self.passed("batch")
        others = await self.settle(batch)
        return {each["_id"] for each in documents} - others

    async def settle(self, batch: Document) -> set[str]:
        """Put subjects and facts where they belong. Done twice, it is done once. The ids that others hold."""
        others = await self._insert(batch)
        await self.passed("subjects")
        entries = [each for each in batch["outbox"] if each["subject"] not in others]
        for part in _whole_changes(entries):
            await self._events.append(part)
        await self.passed("facts")
        with translated():
            await self._mongo[BATCHES].delete_one({"_id": batch["_id"]})
        return others

    async def left(self, tenant_id: str) -> list[Any]:
        """The names of the tenant's batches that are not settled."""
        with translated():
            found = await self._mongo[BATCHES].find({"tenantId": tenant_id}, {"_id": 1}).to_list(None)
        return [each["_id"] for each in found]

    async def resume(self, id: Any) -> None:
        """Settle a batch that another process may have left."""
        with translated():
            batch = await self._mongo[BATCHES].find_one({"_id": id})
        if batch is not None:
            await self.settle(batch)

    async def _insert(self, batch: Document) -> set[str]:
        collection, documents = self._mongo[batch["collection"]], batch["documents"]
        with translated():
            try:
                await collection.insert_many(documents, ordered=False)
            except BulkWriteError as error:
                if not only_duplicates(error):
                    raise
                there = [documents[each["index"]]["_id"] for each in error.details["writeErrors"]]
            else:
                return set()
            found = await collection.find({"_id": {"$in": there}}, {"batch": 1}).to_list(None)
        return {each["_id"] for each in found if each.get("batch", batch["_id"]) != batch["_id"]}


def _whole_changes(entries: Sequence[Document]) -> Iterator[list[Document]]:
    """The entries in parts that cut no change in two."""
    part: list[Document] = []
    for entry in entries:
        if len(part) >= AT_ONCE and entry["n"] == 0:
            yield part
            part = []
        part.append(entry)
    if part:
        yield part

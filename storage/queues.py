"""Queues: documents that wait for their turn, found by what they wait in and since when something is due."""

from collections.abc import Callable
from datetime import datetime
from typing import Generic, TypeVar

from storage.codec import Document
from storage.mongo import Collection, translated

T = TypeVar("T")


class Queues(Generic[T]):
    """The documents of a collection with `queue` and `wakeAt`."""

    def __init__(self, collection: Collection, read: Callable[[Document], T]) -> None:
        self._collection, self._read = collection, read

    async def due_queues(
        self, now: datetime, limit: int, behind: datetime | None = None
    ) -> list[tuple[str, datetime]]:
        """The queues of documents with something due, and when it was, from the longest due on; `behind` what an
        earlier call gave. A full page has all that are due at its last moment, be they more than the limit."""
        span = {"$lte": now} if behind is None else {"$lte": now, "$gt": behind}
        wanted = {"queue": 1, "wakeAt": 1}
        with translated():
            cursor = self._collection.find({"wakeAt": span}, wanted).sort("wakeAt", 1).limit(limit)
            found = await cursor.to_list(None)
            if len(found) == limit:
                found += await self._collection.find({"wakeAt": found[-1]["wakeAt"]}, wanted).to_list(None)
        return [(each["queue"], each["wakeAt"]) for each in found]

    async def due(self, queue: str, now: datetime, limit: int) -> list[T]:
        """Those of one queue with something due."""
        with translated():
            cursor = self._collection.find({"queue": queue, "wakeAt": {"$lte": now}})
            found = await cursor.sort("wakeAt", 1).limit(limit).to_list(None)
        return [self._read(each) for each in found]

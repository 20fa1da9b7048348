"""A bounded queue between a fast sender and a reader that may be slow.

Full, items with the same key collapse into the newest, if they may; still full, the reader is cut off. It never blocks
a sender.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from domain.errors import Lagged

T = TypeVar("T")


class Mailbox(Generic[T]):
    def __init__(self, limit: int, merge: Callable[[T, T], T] | None) -> None:
        """`merge(older, newer)` makes one item of two with the same key; without it none gets lost."""
        self._limit, self._merge = limit, merge
        self._items: deque[tuple[Hashable, T]] = deque()
        self._ready = asyncio.Event()
        self._end: Exception | None = None
        self._ended = False

    @property
    def crowded(self) -> bool:
        """Whether it is half full."""
        return 2 * len(self._items) >= self._limit

    def put(self, key: Hashable, item: T) -> None:
        """Never waits. A reader too far behind finds Lagged next: it has what it took, and resumes from there."""
        if self._ended:
            return
        if len(self._items) >= self._limit and self._merge is not None:
            self._collapse(self._merge)
        if len(self._items) >= self._limit:
            self._items.clear()
            self.end(Lagged("The subscriber reads too slowly; subscribe again from the cursor."))
            return
        self._items.append((key, item))
        self._ready.set()

    def end(self, error: Exception | None = None) -> None:
        """Nothing more will come; the reader gets what is there, then the error."""
        if not self._ended:
            self._ended, self._end = True, error
            self._ready.set()

    async def get(self) -> T:
        """The next item. Raises StopAsyncIteration at the end, or the error it ended with."""
        while not self._items:
            if self._ended:
                raise self._end or StopAsyncIteration
            self._ready.clear()
            await self._ready.wait()
        return self._items.popleft()[1]

    def _collapse(self, merge: Callable[[T, T], T]) -> None:
        newest: dict[Hashable, T] = {}
        for key, item in self._items:
            older = newest.pop(key, None)
            newest[key] = item if older is None else merge(older, item)
        self._items = deque(newest.items())

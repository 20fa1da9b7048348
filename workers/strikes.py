"""Strikes: the words that are done with entries of the log, held back a moment so that one write strikes all of an
entry's words."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from storage.pending import Word
from storage.store import Store

log = logging.getLogger(__name__)

SECONDS: Final = 0.1
PATIENCE: Final = 1.0  # for the rest of an entry's words; a sweep's is longer
BATCH: Final = 500
MOST: Final = 50_000  # entries whose words are waited for


class Strikes:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._expected: dict[str, frozenset[Word]] = {}
        self._done: dict[str, tuple[float, set[Word]]] = {}  # since when, by the loop's clock

    def expect(self, id: str, pending: Sequence[Word]) -> None:
        """These words of an entry are going to be done here."""
        self._expected[id] = frozenset(pending)
        if len(self._expected) > MOST:
            self._expected.pop(next(iter(self._expected)))

    def done(self, id: str, words: Sequence[Word]) -> None:
        """They are done."""
        self._done.setdefault(id, (asyncio.get_running_loop().time(), set()))[1].update(words)

    async def run(self) -> None:
        """Strike them, for ever. What cannot be struck now stays pending for the sweep."""
        while True:
            await asyncio.sleep(SECONDS)
            try:
                await self.flush(older_than=PATIENCE)
            except Exception as error:
                log.warning("Entries stay pending for the sweep: %r", error)

    async def flush(self, *, older_than: float = 0.0) -> None:
        """Strike the entries of which all is done, or has been waited for so many seconds."""
        last = asyncio.get_running_loop().time() - older_than
        ripe = [
            (id, words)
            for id, (since, words) in self._done.items()
            if since <= last or self._expected.get(id, frozenset()) <= words
        ][:BATCH]
        for id, _ in ripe:
            del self._done[id]
            self._expected.pop(id, None)
        await self._store.events.strike([(id, sorted(words)) for id, words in ripe])

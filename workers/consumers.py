"""Consumers of the log that work behind the back of whoever made a change: triggers fire, and webhooks hear of it.

All of them are handed the same batch at the same time, and their words are struck together, so that one more of them
costs no more writes. What goes wrong is left to the sweep.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from domain.events import Envelope
from storage.pending import Word

log = logging.getLogger(__name__)

QUEUE: Final = 10_000
AT_ONCE: Final = 100  # changes in a batch
BEHIND: Final[tuple[Word, ...]] = ("triggers", "webhooks")

Changes = Sequence[Sequence[Envelope]]
Consume = Callable[[Changes], Awaitable[Sequence[Exception | None]]]  # for each change what went wrong
Outcome = tuple[tuple[Word, ...], Exception | None]  # the words that are done with a change; what went wrong
Strike = Callable[[str, Sequence[Word]], None]


async def _nothing(changes: Changes) -> Sequence[Exception | None]:
    return [None] * len(changes)


class Consumers:
    """`by_word` does what a word in `pending` stands for; `strike` hears of a change's first event and the words that
    are done with it."""

    def __init__(self, by_word: Mapping[Word, Consume], strike: Strike) -> None:
        self._by_word = {word: by_word.get(word, _nothing) for word in BEHIND}
        self._strike = strike
        self._waiting: asyncio.Queue[tuple[Sequence[Envelope], tuple[Word, ...]]] = asyncio.Queue(QUEUE)

    def put(self, change: Sequence[Envelope], pending: Sequence[Word]) -> None:
        """There is something to do with this change. Never waits: what there is no room for, the sweep finds."""
        wanted = tuple(word for word in BEHIND if word in pending)
        if wanted and not self._waiting.full():
            self._waiting.put_nowait((change, wanted))

    async def run(self) -> None:
        """Do what was put, for ever."""
        while True:
            batch = [await self._waiting.get()]
            while not self._waiting.empty() and len(batch) < AT_ONCE:
                batch.append(self._waiting.get_nowait())
            for (change, _), (done, wrong) in zip(batch, await self._consume(batch), strict=True):
                if done:
                    self._strike(change[0].id, done)
                if wrong is not None:
                    log.warning("What follows from %s is left to the sweep: %r", change[0].id, wrong)

    async def finish(self, changes: Sequence[tuple[Sequence[Envelope], Sequence[Word]]]) -> list[Outcome]:
        """Do what is still to be done with changes, each with all words that are pending."""
        return await self._consume(
            [(change, tuple(word for word in BEHIND if word in pending)) for change, pending in changes]
        )

    async def _consume(self, batch: Sequence[tuple[Sequence[Envelope], tuple[Word, ...]]]) -> list[Outcome]:
        async def one(word: Word) -> dict[int, Exception | None]:
            numbers = [n for n, (_, wanted) in enumerate(batch) if word in wanted]
            if not numbers:
                return {}
            try:
                outcomes = await self._by_word[word]([batch[n][0] for n in numbers])
            except Exception as error:
                outcomes = [error] * len(numbers)
            return dict(zip(numbers, outcomes, strict=True))

        by_word = dict(zip(BEHIND, await asyncio.gather(*map(one, BEHIND)), strict=True))
        found = []
        for n, (_, wanted) in enumerate(batch):
            outcomes = {word: by_word[word][n] for word in wanted}
            done = tuple(word for word, wrong in outcomes.items() if wrong is None)
            found.append((done, next((wrong for wrong in outcomes.values() if wrong is not None), None)))
        return found

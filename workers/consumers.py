"""Consumers of the log that work behind the back of whoever made a change: triggers fire, and webhooks hear of it.

Each has its own queue and takes what waits there as one batch, so that none holds up another. What is done at once for
many costs little: the webhooks of a busy process are looked for ten times a second, however many changes it makes.
What goes wrong is left to the sweep.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from domain.errors import QueryTimeout, Unavailable
from domain.events import Envelope
from storage.pending import Word

log = logging.getLogger(__name__)

QUEUE: Final = 10_000
AT_ONCE: Final = 100  # changes in a batch
PAUSES: Final[Mapping[Word, float]] = {
    "triggers": 0.0,
    "webhooks": 0.1,
}  # seconds behind a batch that is not full

Change = Sequence[Envelope]
Consume = Callable[
    [Sequence[Change]], Awaitable[Sequence[Exception | None]]
]  # for each change what went wrong
Outcome = tuple[tuple[Word, ...], Exception | None]  # the words that are done with a change; what went wrong
Strike = Callable[[str, Sequence[Word]], None]


async def _nothing(changes: Sequence[Change]) -> Sequence[Exception | None]:
    return [None] * len(changes)


class Consumers:
    """`by_word` does what a word in `pending` stands for; `strike` hears of a change's first event and the words that
    are done with it."""

    def __init__(self, by_word: Mapping[Word, Consume], strike: Strike) -> None:
        self._by_word = {word: by_word.get(word, _nothing) for word in PAUSES}
        self._strike = strike
        self._waiting: dict[Word, asyncio.Queue[Change]] = {word: asyncio.Queue(QUEUE) for word in PAUSES}

    def put(self, change: Change, pending: Sequence[Word]) -> None:
        """There is something to do with this change. Never waits: what there is no room for, the sweep finds."""
        for word, waiting in self._waiting.items():
            if word in pending and not waiting.full():
                waiting.put_nowait(change)

    async def run(self) -> None:
        """Do what was put, for ever."""
        async with asyncio.TaskGroup() as tasks:
            for word in PAUSES:
                tasks.create_task(self._run(word))

    async def finish(self, changes: Sequence[tuple[Change, Sequence[Word]]]) -> list[Outcome]:
        """Do what is still to be done with changes, each with all words that are pending."""

        async def one(word: Word) -> dict[int, Exception | None]:
            numbers = [n for n, (_, pending) in enumerate(changes) if word in pending]
            outcomes = await self._consume(word, [changes[n][0] for n in numbers]) if numbers else ()
            return dict(zip(numbers, outcomes, strict=True))

        by_word = dict(zip(PAUSES, await asyncio.gather(*map(one, PAUSES)), strict=True))
        found = []
        for n in range(len(changes)):
            outcomes = {word: each[n] for word, each in by_word.items() if n in each}
            done = tuple(word for word, wrong in outcomes.items() if wrong is None)
            found.append((done, next((wrong for wrong in outcomes.values() if wrong is not None), None)))
        return found

    async def _run(self, word: Word) -> None:
        waiting = self._waiting[word]
        while True:
            batch = [await waiting.get()]
            while not waiting.empty() and len(batch) < AT_ONCE:
                batch.append(waiting.get_nowait())
            for change, wrong in zip(batch, await self._consume(word, batch), strict=True):
                if wrong is None:
                    self._strike(change[0].id, (word,))
                else:
                    log.warning("The %s of %s are left to the sweep: %r", word, change[0].id, wrong)
            if len(batch) < AT_ONCE:
                await asyncio.sleep(PAUSES[word])

    async def _consume(self, word: Word, batch: Sequence[Change]) -> Sequence[Exception | None]:
        """What cannot be done together is done one by one: a batch is not to suffer for one of it."""
        try:
            return await self._by_word[word](batch)
        except (Unavailable, QueryTimeout) as error:
            return [error] * len(batch)
        except Exception as error:
            if len(batch) == 1:
                return [error]
            return [wrong for each in batch for wrong in await self._consume(word, [each])]

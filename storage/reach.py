"""How far back a page of a list probably reaches: the keys of every so many journeys of a tenant, read now and then.

A page is first looked for above such a key, which spares sorting all that a common word or value matches. It is no
more than a guess: where it finds too little, the whole list is asked.
"""

import asyncio
import logging
from bisect import bisect_left
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from storage.mongo import Mongo

log = logging.getLogger(__name__)

APART: Final = 50  # rows between two keys that are kept
WIDE: Final = 8  # keys that a page of as many rows reaches over, for a filter that leaves out most rows
MOST: Final = 20_000  # rows; further back the whole list is asked
GOOD_SECONDS: Final = 600.0
LEAST_SECONDS: Final = 10.0  # between two readings of the same list
KEPT: Final = 500  # lists


@dataclass(frozen=True, slots=True)
class _Ladder:
    rungs: list[str]  # ascending
    read: float


class Reach:
    def __init__(self, mongo: Mongo, collection: str, *, apart: int = APART, wide: int = WIDE) -> None:
        self._mongo, self._collection, self._apart, self._wide = mongo, mongo[collection], apart, wide
        self._ladders: OrderedDict[tuple[str, str], _Ladder] = OrderedDict()
        self._learning: dict[tuple[str, str], asyncio.Task[None]] = {}

    def floor(self, tenant_id: str, key: str, below: str | None, rows: int) -> str | None:
        """A key above which so many rows of the list are likely to be found, counted from the top or from `below`
        downwards; None where nothing is known."""
        ladder = self._ladders.get((tenant_id, key))
        if ladder is None:
            return None
        at = len(ladder.rungs) if below is None else bisect_left(ladder.rungs, below)
        at -= self._wide * (1 + (rows - 1) // self._apart)
        return ladder.rungs[at] if at >= 0 else None

    def learn(self, tenant_id: str, key: str, *, failed: bool) -> None:
        """Read the keys of the list in the background where they are old, or, if the guess has failed or there was
        none, not quite new."""
        name, now = (tenant_id, key), asyncio.get_running_loop().time()
        ladder = self._ladders.get(name)
        good = LEAST_SECONDS if failed else GOOD_SECONDS
        if name in self._learning or (ladder is not None and now - ladder.read < good):
            return
        task = asyncio.create_task(self._read(tenant_id, key, now))
        self._learning[name] = task
        task.add_done_callback(lambda _: self._learning.pop(name))

    async def settled(self) -> None:
        """Wait until what is being read is known."""
        await asyncio.gather(*self._learning.values())

    async def _read(self, tenant_id: str, key: str, now: float) -> None:
        query = {"tenantId": tenant_id, key: {"$gte": ""}}
        try:
            cursor = self._collection.find(query, {"_id": 0, key: 1}, max_time_ms=self._mongo.timeout_ms)
            found = await cursor.sort(key, -1).limit(MOST).to_list(None)
        except Exception as error:  # nothing depends on it, and nobody waits for it
            log.info("How far a list reaches stays unknown: %r", error)
            return
        rungs = [each[key] for each in found[self._apart - 1 :: self._apart]]
        self._ladders[tenant_id, key] = _Ladder(rungs[::-1], now)
        self._ladders.move_to_end((tenant_id, key))
        if len(self._ladders) > KEPT:
            self._ladders.popitem(last=False)

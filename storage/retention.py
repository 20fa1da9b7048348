"""How long each tenant keeps things: one document, without which all is kept for ever.

It also says who sweeps now and how far that is. Neither is a change: the revision stays as it is.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from domain import retention as fold
from domain.errors import Conflict
from domain.retention import Retention, RetentionChanged
from storage.change import Changes
from storage.codec import Document
from storage.mongo import DuplicateKeyError, Mongo, translated
from storage.subject import Cause, Changed, Kind, digest

Command = Callable[[Retention, datetime], Sequence[RetentionChanged]]


RETENTION: Final = Kind(
    "retentions",
    Retention,
    fold.begin,
    fold.evolve,
    lambda _: {},
    unrevised=("wakeAt", "claim", "place"),
)


def retention_id(tenant_id: str) -> str:
    return f"ret_{digest('retention', tenant_id)}"


class Retentions:
    def __init__(self, mongo: Mongo, changes: Changes, now: Callable[[], datetime]) -> None:
        self._changes, self._now = changes, now
        self._retentions = mongo[RETENTION.collection]

    async def get(self, tenant_id: str) -> Retention:
        id = retention_id(tenant_id)
        with translated():
            found = await self._retentions.find_one({"_id": id})
        return RETENTION.read(found) if found else Retention(id=id, tenant_id=tenant_id)

    async def change(
        self, tenant_id: str, command: Command, cause: Cause, *, expected: int | None = None
    ) -> Changed[Retention]:
        """Carry a command out; the first one makes the document."""

        async def run(retention: Retention, now: datetime) -> Sequence[RetentionChanged]:
            return [replace(event, by=event.by or cause.actor) for event in command(retention, now)]

        current = await self.get(tenant_id)
        if current.revision == 0:
            if expected:
                raise Conflict(0)
            events = await run(current, self._now())
            if not events:
                return Changed(current)
            try:
                return await self._changes.create(RETENTION, current.id, events, cause)
            except DuplicateKeyError:
                pass  # somebody else made it a moment ago
        return await self._changes.change(RETENTION, current.id, tenant_id, run, cause, expected=expected)

    async def due(self, now: datetime, limit: int) -> list[Retention]:
        """The settings of tenants whose sweep is due, or was left by its worker."""
        with translated():
            found = self._retentions.find({"wakeAt": {"$lte": now}}).sort("wakeAt", 1).limit(limit)
            return [RETENTION.read(each) for each in await found.to_list(None)]

    async def take(self, seen: Retention, claim: str, until: datetime) -> bool:
        """Begin a sweep, or go on with one. False where another worker was quicker, or the settings changed."""
        query = {"_id": seen.id, "revision": seen.revision, "wakeAt": seen.wake_at, "claim": seen.claim}
        return await self._set(query, {"$set": {"claim": claim, "wakeAt": until}})

    async def went_on(self, seen: Retention, claim: str, place: str, until: datetime) -> bool:
        """Note how far the sweep is. False where it is not this worker's any more."""
        return await self._set(_mine(seen, claim), {"$set": {"place": place, "wakeAt": until}})

    async def finish(self, seen: Retention, claim: str, next: datetime) -> bool:
        """The sweep is done; the next one begins at the beginning."""
        update: Document = {"$set": {"wakeAt": next}, "$unset": {"claim": "", "place": ""}}
        return await self._set(_mine(seen, claim), update)

    async def _set(self, query: Document, update: Document) -> bool:
        with translated():
            return (await self._retentions.update_one(query, update)).matched_count == 1


def _mine(seen: Retention, claim: str) -> Document:
    return {"_id": seen.id, "revision": seen.revision, "claim": claim}

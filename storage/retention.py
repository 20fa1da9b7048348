"""How long each tenant keeps things: one document, without which all is kept for ever.

It also says who sweeps now and how far that is. Neither is a change: the revision stays as it is.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from domain import retention as fold
from domain.retention import Retention, RetentionChanged
from storage.change import Changes
from storage.codec import Document
from storage.mongo import Mongo, translated
from storage.subject import Kind, digest
from storage.tenant_settings import TenantSettings

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


def _unset(tenant_id: str) -> Retention:
    return Retention(id=retention_id(tenant_id), tenant_id=tenant_id)


class Retentions(TenantSettings[Retention, RetentionChanged]):
    def __init__(self, mongo: Mongo, changes: Changes, now: Callable[[], datetime]) -> None:
        super().__init__(mongo, changes, now, RETENTION, _unset)

    async def due(self, now: datetime, limit: int) -> list[Retention]:
        """The settings of tenants whose sweep is due, or was left by its worker."""
        with translated():
            found = self._stored.find({"wakeAt": {"$lte": now}}).sort("wakeAt", 1).limit(limit)
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
            return (await self._stored.update_one(query, update)).matched_count == 1


def _mine(seen: Retention, claim: str) -> Document:
    return {"_id": seen.id, "revision": seen.revision, "claim": claim}

"""Exports: what was asked, and how far the download that is told of has come. No file is kept."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from domain import export as fold
from domain.export import FRESH, Export, ExportEvent, ExportRequested, Progress
from domain.paging import Page, Rows
from domain.values import timestamp
from storage.change import Changes
from storage.codec import Document, dump
from storage.listing import Listing
from storage.mongo import Mongo, translated
from storage.subject import Cause, Changed, Kind

Command = Callable[[Export, datetime], Sequence[ExportEvent]]


def _keys(export: Export) -> Document:
    return {"createdKey": f"{timestamp(export.created_at)}|{export.id}"}


EXPORT: Final = Kind("exports", Export, fold.begin, fold.evolve, _keys, unrevised=("progress",))


class Exports:
    def __init__(self, mongo: Mongo, changes: Changes) -> None:
        self._changes = changes
        self._exports = mongo[EXPORT.collection]
        self._listing: Listing[Export] = Listing(mongo, EXPORT, ())

    async def request(self, event: ExportRequested, cause: Cause) -> Changed[Export]:
        """Make an export. Given again, it is the one that was made. Raises IdempotencyKeyReused."""
        return await self._changes.create(EXPORT, f"exp_{cause.command_id}", [event], cause)

    async def get(self, id: str, tenant_id: str) -> Export:
        """Raises NotFound."""
        return await self._changes.load(EXPORT, id, tenant_id)

    async def page(self, tenant_id: str, page: Page) -> Rows[Export]:
        return await self._listing.page(tenant_id, {}, page)

    async def count(self, tenant_id: str) -> int:
        return await self._listing.count(tenant_id, {})

    async def note(self, export: Export, progress: Progress) -> None:
        """How far a download is. This is no change: it has no revision and no event.

        Of several downloads the one that began first is told until it ends or is not heard of any more. Within one,
        nothing goes back, and nothing comes behind its end.
        """
        own = {"progress.download": progress.download}
        another = {"progress.download": {"$ne": progress.download}}
        waiting = [
            {"progress": None},
            own | {"progress.outcome": None, "progress.rows": {"$lte": progress.rows}},
            another | {"progress.outcome": {"$ne": None}},
            another | {"progress.at": {"$lte": progress.at - FRESH}},
        ]
        with translated():
            await self._exports.update_one(
                {"_id": export.id, "$or": waiting}, {"$set": {"progress": dump(progress)}}
            )

    async def change(self, export: Export, command: Command, cause: Cause) -> Changed[Export]:
        async def run(current: Export, now: datetime) -> Sequence[ExportEvent]:
            return command(current, now)

        return await self._changes.change(EXPORT, export.id, export.tenant_id, run, cause)

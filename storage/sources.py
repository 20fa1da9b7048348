"""A tenant's sources. A source's id is part of an address, so it tells nothing of the tenant; the name is unique by an
index."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from domain import source as fold
from domain.errors import AlreadyExists, LimitExceeded, NotFound
from domain.source import Source, SourceEvent
from storage.change import Changes
from storage.codec import Document
from storage.mongo import DuplicateKeyError, Mongo, translated
from storage.subject import Cause, Changed, Kind, digest

Command = Callable[[Source, datetime], Sequence[SourceEvent]]

MOST: Final = 200


def _keys(source: Source) -> Document:
    """What it is found by; nothing any more once it is deleted."""
    if source.deleted:
        return {}
    return {"listedFor": source.tenant_id, "nameKey": digest("source", source.tenant_id, source.name)}


SOURCE: Final = Kind("sources", Source, fold.begin, fold.evolve, _keys)


class Sources:
    def __init__(self, mongo: Mongo, changes: Changes, now: Callable[[], datetime]) -> None:
        self._changes, self._now = changes, now
        self._sources = mongo[SOURCE.collection]

    async def find(self, id: str) -> Source | None:
        """Whosever it is; None where it is not there, or deleted. For whoever reports, and has no token."""
        with translated():
            found = await self._sources.find_one({"_id": id})
        source = SOURCE.read(found) if found else None
        return None if source is None or source.deleted else source

    async def get(self, id: str, tenant_id: str) -> Source:
        """Raises NotFound for what is not there, deleted, or another tenant's."""
        source = await self._changes.load(SOURCE, id, tenant_id)
        if source.deleted:
            raise NotFound(id, "id")
        return source

    async def all(self, tenant_id: str) -> list[Source]:
        """Those that are not deleted, by name."""
        with translated():
            found = await self._sources.find({"listedFor": tenant_id}).to_list(None)
        return sorted(map(SOURCE.read, found), key=lambda each: each.name)

    async def outcome(self, id: str, cause: Cause) -> Changed[Source] | None:
        """What a command did that is given again; None where it was not given before."""
        return await self._changes.outcome(SOURCE, id, cause)

    async def create(
        self, id: str, tenant_id: str, name: str, description: str, cause: Cause
    ) -> Changed[Source]:
        """Raises InvalidInput for a name that it cannot have, AlreadyExists for one that another has, LimitExceeded
        for one source too many."""
        if done := await self.outcome(id, cause):
            return done
        events = fold.create(name, tenant_id=tenant_id, at=self._now(), description=description)
        with translated():
            if await self._sources.count_documents({"listedFor": tenant_id}, limit=MOST) >= MOST:
                raise LimitExceeded(f"A tenant has at most {MOST} sources.")
        try:
            return await self._changes.create(SOURCE, id, events, cause)
        except DuplicateKeyError:
            raise AlreadyExists("Another source has this name.", "name") from None

    async def change(
        self, id: str, tenant_id: str, command: Command, cause: Cause, *, expected: int | None = None
    ) -> Changed[Source]:
        """Carry a command out."""

        async def run(source: Source, now: datetime) -> Sequence[SourceEvent]:
            return [replace(event, by=event.by or cause.actor) for event in command(source, now)]

        return await self._changes.change(SOURCE, id, tenant_id, run, cause, expected=expected)

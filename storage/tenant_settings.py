"""Settings of a tenant: one document, which is as if it were there before anybody has said anything."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Generic

from domain.errors import Conflict
from storage.change import Changes
from storage.mongo import DuplicateKeyError, Mongo, translated
from storage.subject import Cause, Changed, E, Kind, S


class TenantSettings(Generic[S, E]):
    """`unset` makes the settings of a tenant that has said nothing."""

    def __init__(
        self,
        mongo: Mongo,
        changes: Changes,
        now: Callable[[], datetime],
        kind: Kind[S, E],
        unset: Callable[[str], S],
    ) -> None:
        self._changes, self._now = changes, now
        self._kind, self._unset = kind, unset
        self._stored = mongo[kind.collection]

    async def get(self, tenant_id: str) -> S:
        unset = self._unset(tenant_id)
        with translated():
            found = await self._stored.find_one({"_id": unset.id})
        return self._kind.read(found) if found else unset

    async def change(
        self,
        tenant_id: str,
        command: Callable[[S, datetime], Sequence[E]],
        cause: Cause,
        *,
        expected: int | None = None,
    ) -> Changed[S]:
        """Carry a command out; the first one makes the document. Raises what the command raises, Conflict,
        IdempotencyKeyReused."""

        async def run(settings: S, now: datetime) -> Sequence[E]:
            return [replace(event, by=event.by or cause.actor) for event in command(settings, now)]

        current = await self.get(tenant_id)
        if current.revision == 0:
            if expected:
                raise Conflict(0)
            events = await run(current, self._now())
            if not events:
                return Changed(current)
            try:
                return await self._changes.create(self._kind, current.id, events, cause)
            except DuplicateKeyError:
                pass  # somebody else made it a moment ago
        return await self._changes.change(self._kind, current.id, tenant_id, run, cause, expected=expected)

"""Firings: one document for each trigger and event; and for each conditional trigger and customer, whether it holds."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from domain import firing as fold
from domain.firing import Firing, FiringEvent, FiringFilter, TriggerFired, TriggerFiredAgain
from domain.paging import Page, Rows
from domain.values import timestamp
from storage.change import Changes
from storage.codec import Document
from storage.indexes import FIRING_FILTERS
from storage.listing import Listing
from storage.mongo import DuplicateKeyError, Mongo, translated
from storage.subject import Cause, Changed, Kind, digest


def _keys(firing: Firing) -> Document:
    return {"createdKey": f"{timestamp(firing.created_at)}|{firing.id}"}


FIRING: Final = Kind("firings", Firing, fold.begin, fold.evolve, _keys, lambda firing: firing.facets)


def firing_id(trigger_id: str, event_id: str) -> str:
    """The id of what one event makes of one trigger: that is how it fires once."""
    return f"fir_{digest(trigger_id, event_id)}"


class Firings:
    def __init__(self, mongo: Mongo, changes: Changes) -> None:
        self._changes = changes
        self._truths = mongo["truths"]
        self._firings = mongo[FIRING.collection]
        self._listing: Listing[Firing] = Listing(mongo, FIRING, FIRING_FILTERS)

    async def known(self, id: str) -> bool:
        """Whether this was fired already."""
        with translated():
            return await self._firings.find_one({"_id": id}, {"_id": 1}) is not None

    async def add(self, id: str, event: TriggerFired, cause: Cause) -> None:
        """Twice is once."""
        try:
            await self._changes.create(FIRING, id, [event], cause)
        except DuplicateKeyError:
            return

    async def again(self, id: str, tenant_id: str, event: TriggerFiredAgain, cause: Cause) -> Changed[Firing]:
        """What came of doing it again. Raises IllegalTransition for one that had not failed."""

        async def run(firing: Firing, _: datetime) -> Sequence[FiringEvent]:
            fold.require_failed(firing)
            return [event]

        return await self._changes.change(FIRING, id, tenant_id, run, cause)

    async def outcome(self, id: str, cause: Cause) -> Changed[Firing] | None:
        """What a command did that is given again."""
        return await self._changes.outcome(FIRING, id, cause)

    async def get(self, id: str, tenant_id: str) -> Firing:
        return await self._changes.load(FIRING, id, tenant_id)

    async def page(self, tenant_id: str, filter: FiringFilter, page: Page) -> Rows[Firing]:
        return await self._listing.page(tenant_id, _one_of(filter), page)

    async def count(self, tenant_id: str, filter: FiringFilter) -> int:
        return await self._listing.count(tenant_id, _one_of(filter))

    async def turned(
        self, tenant_id: str, trigger_id: str, customer: str, event_id: str, *, holds: bool
    ) -> bool:
        """Note whether a conditional trigger holds for a customer; whether this event made it hold. The same event
        gives the same answer again."""
        id = digest("truth", tenant_id, trigger_id, customer)
        values = {"tenantId": tenant_id, "holds": holds, "eventId": event_id}
        with translated():
            if not holds:
                await self._truths.update_one({"_id": id}, {"$set": values})
                return False
            try:
                await self._truths.insert_one({"_id": id, **values})
            except DuplicateKeyError:
                await self._truths.update_one({"_id": id, "holds": False}, {"$set": values})
            found = await self._truths.find_one({"_id": id})
            return found is not None and found["eventId"] == event_id

    async def holds(self, tenant_id: str, trigger_id: str, customer: str) -> bool:
        """Whether a conditional trigger held for a customer when it was looked at last."""
        with translated():
            found = await self._truths.find_one({"_id": digest("truth", tenant_id, trigger_id, customer)})
        return found is not None and bool(found["holds"])


def _one_of(filter: FiringFilter) -> dict[str, tuple[str, ...]]:
    parts = {"eventId": filter.event_id, "triggerId": filter.trigger_id, "status": filter.status}
    return {name: (str(value),) for name, value in parts.items() if value is not None}

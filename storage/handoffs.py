"""Handoffs in the database: one document each. Those with something due are found by their queue.

A lease is no change: it leaves the revision as it is.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from domain import handoff_fold as fold
from domain.handoff import Handoff, excluded
from domain.handoff_events import HandoffEvent
from domain.handoff_filter import HandoffFilter, HandoffOrder, audience_of
from domain.identity import Identity
from domain.paging import Page, Rows, rows
from domain.values import timestamp
from storage import cursors
from storage.change import Changes
from storage.codec import Document
from storage.indexes import FEW_HANDOFFS, HANDOFF_FILTERS
from storage.listing import Listing
from storage.mongo import Mongo, translated
from storage.queues import Queues
from storage.subject import Cause, Changed, Kind

Command = Callable[[Handoff, datetime], Sequence[HandoffEvent]]

ORDER_KEYS: Final = {HandoffOrder.CREATED_AT: "createdKey", HandoffOrder.LAST_ACTIVITY: "activityKey"}
NEVER: Final = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


def keys(handoff: Handoff) -> Document:
    """What a handoff's document is found by, beside its own fields."""
    found: Document = {
        "createdKey": f"{timestamp(handoff.created_at)}|{handoff.id}",
        "activityKey": f"{timestamp(handoff.last_activity)}|{handoff.id}",
        "wakeAt": handoff.wake_at,
        "queue": handoff.queue,
    }
    if handoff.audience and handoff.approval is not None:
        found |= {
            "pendingFor": [f"{handoff.tenant_id}|{name}" for name in handoff.audience],
            "excluded": sorted(excluded(handoff.approval, handoff.requester)),
            "dueKey": f"{timestamp(handoff.due_at or NEVER)}|{timestamp(handoff.created_at)}|{handoff.id}",
        }
    return found


HANDOFF: Final = Kind(
    "handoffs",
    Handoff,
    fold.begin,
    fold.evolve,
    keys,
    lambda handoff: handoff.facets,
    unrevised=("leaseUntil",),
)


class Handoffs(Queues[Handoff]):
    def __init__(self, mongo: Mongo, changes: Changes) -> None:
        self._mongo, self._changes = mongo, changes
        self._handoffs = mongo[HANDOFF.collection]
        super().__init__(self._handoffs, HANDOFF.read)
        self._listing: Listing[Handoff] = Listing(mongo, HANDOFF, HANDOFF_FILTERS, FEW_HANDOFFS)

    async def create(self, id: str, events: Sequence[HandoffEvent], cause: Cause) -> Changed[Handoff]:
        return await self._changes.create(HANDOFF, id, events, cause)

    async def outcome(self, id: str, cause: Cause) -> Changed[Handoff] | None:
        """What a creation did that is given again; None where it was not given before."""
        return await self._changes.outcome(HANDOFF, id, cause)

    async def change(
        self, id: str, tenant_id: str, command: Command, cause: Cause, *, expected: int | None = None
    ) -> Changed[Handoff]:
        """Carry a command out on a handoff; the time it is handed never runs backwards within the handoff."""

        async def run(handoff: Handoff, now: datetime) -> Sequence[HandoffEvent]:
            return command(handoff, max(now, handoff.last_activity))

        return await self._changes.change(HANDOFF, id, tenant_id, run, cause, expected=expected)

    async def get(self, id: str, tenant_id: str) -> Handoff:
        return await self._changes.load(HANDOFF, id, tenant_id)

    async def many(self, ids: Sequence[str], tenant_id: str) -> list[Handoff | None]:
        """The handoffs with these ids, in that order; None for what is unknown or another tenant's."""
        with translated():
            found = await self._handoffs.find({"_id": {"$in": list(ids)}}).to_list(None)
        known = {each["_id"]: HANDOFF.read(each) for each in found if each["tenantId"] == tenant_id}
        return [known.get(id) for id in ids]

    async def page(
        self, tenant_id: str, filter: HandoffFilter, order: HandoffOrder, page: Page
    ) -> Rows[Handoff]:
        """Handoffs from new to old by the order asked for."""
        key = ORDER_KEYS[order]
        return await self._listing.page(tenant_id, filter.one_of, page, key=key, created=filter.created_at)

    async def count(self, tenant_id: str, filter: HandoffFilter) -> int:
        return await self._listing.count(tenant_id, filter.one_of, created=filter.created_at)

    async def pending_for(self, identity: Identity, page: Page) -> Rows[Handoff]:
        """The approvals that this person may decide, the one due first at the front."""
        cursors.require(page, cursors.TIME_KEY)
        bounds: Document = {} if page.after is None else {"$gt": page.after}
        if page.before is not None:
            bounds["$lt"] = page.before
        pipeline = [*self._pending(identity), *([{"$match": {"dueKey": bounds}}] if bounds else [])]
        pipeline += [{"$sort": {"dueKey": -1 if page.backwards else 1}}, {"$limit": page.limit + 1}]
        pipeline += [{"$project": {"outbox": 0}}]
        found = [each async for each in self._mongo.aggregate(self._handoffs, pipeline)]
        return rows(page, [HANDOFF.read(each) for each in found], [each["dueKey"] for each in found])

    async def count_pending_for(self, identity: Identity) -> int:
        pipeline = [*self._pending(identity), {"$count": "n"}]
        counted = [each async for each in self._mongo.aggregate(self._handoffs, pipeline)]
        return int(counted[0]["n"]) if counted else 0

    async def renew(self, id: str, claim: str, until: datetime) -> bool:
        """Hold an attempt's lease longer. False where it is not this worker's any more."""
        values = {"leaseUntil": until, "wakeAt": until}
        with translated():
            result = await self._handoffs.update_one({"_id": id, "claim": claim}, {"$set": values})
        return result.matched_count == 1

    def _pending(self, identity: Identity) -> list[Document]:
        names = [f"{identity.tenant_id}|{name}" for name in audience_of(identity)]
        return [
            {"$match": {"pendingFor": {"$in": names}}},
            {"$match": {"excluded": {"$ne": identity.user_id}}},
        ]

"""Deliveries in the database: one document for each webhook and event. Each update rewrites every index entry of its
document, so there are few indexes; those of the queue hold only what waits."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from pymongo.errors import BulkWriteError

from domain.delivery import Delivery, DeliveryStatus
from domain.errors import NotFound
from domain.paging import Page, Rows, rows
from domain.values import timestamp
from domain.webhook import Webhook, queue_of
from storage import cursors
from storage.codec import Document, dump, load
from storage.mongo import Mongo, key_range, translated
from storage.queues import Queues
from storage.subject import digest
from storage.written import only_duplicates

AT_ONCE: Final = 500  # documents in one write
RECENT: Final = 1_000  # delivered ones that are looked through


def delivery_id(webhook_id: str, event_id: str) -> str:
    """The id of what one event makes of one webhook: that is how twice is once. It is also the message's."""
    return f"dlv_{digest('delivery', webhook_id, event_id)}"


def _read(document: Document) -> Delivery:
    return load(Delivery, {**document, "id": document["_id"]})


def _document(delivery: Delivery) -> Document:
    document = dump(delivery)
    document["_id"] = document.pop("id")
    document["createdKey"] = f"{timestamp(delivery.created_at)}|{delivery.id}"
    if delivery.status is DeliveryStatus.PENDING:
        document["queue"] = queue_of(delivery.tenant_id, delivery.webhook_id)
    return {key: value for key, value in document.items() if value is not None}


class Deliveries(Queues[Delivery]):
    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self._deliveries = mongo["deliveries"]
        super().__init__(self._deliveries, _read)

    async def add(self, deliveries: Sequence[Delivery]) -> None:
        """Those that are there already stay as they are."""
        for first in range(0, len(deliveries), AT_ONCE):
            made = [_document(each) for each in deliveries[first : first + AT_ONCE]]
            with translated():
                try:
                    await self._deliveries.insert_many(made, ordered=False)
                except BulkWriteError as error:
                    if not only_duplicates(error):
                        raise

    async def write(self, before: Delivery, after: Delivery) -> Delivery | None:
        """Change one that nobody has changed meanwhile; None where somebody has."""
        return await self._set({"_id": before.id, "revision": before.revision}, before, after)

    async def record(self, claimed: Delivery, after: Delivery) -> Delivery | None:
        """The end of an attempt; None where it is another worker's by now."""
        return await self._set({"_id": claimed.id, "claim": claimed.claim}, claimed, after)

    async def renew(self, claimed: Delivery, until: datetime) -> bool:
        """Hold an attempt's lease longer. False where it is not this worker's any more."""
        mine = {"_id": claimed.id, "claim": claimed.claim}
        with translated():
            return (await self._deliveries.update_one(mine, {"$set": {"wakeAt": until}})).matched_count == 1

    async def hasten(self, webhook: Webhook, now: datetime) -> None:
        """Its webhook is switched on again: all that waits for it is due now, but for what is under way. Each has a new
        revision, also one whose attempt may be lost: whoever saw the webhook switched off writes to none of them."""
        behind = ""
        due = {"$cond": ["$claim", "$wakeAt", now]}
        sooner: list[Document] = [{"$set": {"wakeAt": due, "revision": {"$add": ["$revision", 1]}}}]
        while True:
            waiting: Document = {"webhookId": webhook.id, "status": "pending", "createdKey": {"$gt": behind}}
            with translated():
                cursor = self._deliveries.find(waiting, {"createdKey": 1}).sort("createdKey", 1)
                found = await cursor.limit(AT_ONCE).to_list(None)
                these: Document = {"_id": {"$in": [each["_id"] for each in found]}, "status": "pending"}
                if found:
                    await self._deliveries.update_many(these, sooner)
            if len(found) < AT_ONCE:
                return
            behind = found[-1]["createdKey"]

    async def delivered_after(self, webhook_id: str, at: datetime) -> datetime | None:
        """When something was delivered to it after that; None for never. Looks at the newest thousand that were
        delivered: one that was sent again ended long after it was made."""
        query: Document = {"webhookId": webhook_id, "status": "delivered", "createdKey": {"$gte": ""}}
        pipeline: list[Document] = [{"$match": query}, {"$sort": {"createdKey": -1}}, {"$limit": RECENT}]
        pipeline += [{"$match": {"endedAt": {"$gt": at}}}, {"$limit": 1}, {"$project": {"endedAt": 1}}]
        found = [each["endedAt"] async for each in self._mongo.aggregate(self._deliveries, pipeline)]
        return found[0] if found else None

    async def get(self, id: str, tenant_id: str) -> Delivery:
        """Raises NotFound."""
        with translated():
            found = await self._deliveries.find_one({"_id": id})
        if found is None or found["tenantId"] != tenant_id:
            raise NotFound(id, "id")
        return _read(found)

    async def dead(self, webhook_id: str, tenant_id: str, limit: int) -> list[str]:
        """The ids of a webhook's dead letters, the oldest first."""
        query: Document = {"webhookId": webhook_id, "status": "dead", "createdKey": {"$gte": ""}}
        pipeline: list[Document] = [{"$match": query}, {"$match": {"tenantId": tenant_id}}]
        pipeline += [{"$sort": {"createdKey": 1}}, {"$limit": limit}, {"$project": {"_id": 1}}]
        return [each["_id"] async for each in self._mongo.aggregate(self._deliveries, pipeline)]

    async def page(
        self, tenant_id: str, webhook_id: str, status: DeliveryStatus | None, page: Page
    ) -> Rows[Delivery]:
        """A webhook's deliveries from new to old."""
        cursors.require(page, cursors.TIME_KEY)
        pipeline = _match(tenant_id, webhook_id, status, key_range(page))
        pipeline += [{"$sort": {"createdKey": 1 if page.backwards else -1}}, {"$limit": page.limit + 1}]
        found = [each async for each in self._mongo.aggregate(self._deliveries, pipeline)]
        return rows(page, [_read(each) for each in found], [each["createdKey"] for each in found])

    async def count(self, tenant_id: str, webhook_id: str, status: DeliveryStatus | None) -> int:
        pipeline: list[Document] = [*_match(tenant_id, webhook_id, status, {}), {"$count": "n"}]
        counted = [each async for each in self._mongo.aggregate(self._deliveries, pipeline)]
        return int(counted[0]["n"]) if counted else 0

    async def expire(self, now: datetime, limit: int = AT_ONCE) -> int:
        """Delete a batch of those that are kept no longer; how many."""
        with translated():
            cursor = self._deliveries.find({"expiresAt": {"$lte": now}}, {"_id": 1}).sort("expiresAt", 1)
            found = [each["_id"] for each in await cursor.limit(limit).to_list(None)]
            if not found:
                return 0
            # One that was sent again a moment ago expires no more.
            gone = await self._deliveries.delete_many({"_id": {"$in": found}, "expiresAt": {"$lte": now}})
        return gone.deleted_count

    async def _set(self, query: Document, before: Delivery, after: Delivery) -> Delivery | None:
        """Write what is different: what others have written meanwhile without the claim stays."""
        old, new = _document(before), _document(after)
        update: dict[str, Any] = {"$inc": {"revision": 1}}
        if changed := {key: value for key, value in new.items() if old.get(key) != value}:
            update["$set"] = changed
        if unset := {key: "" for key in old if key not in new}:
            update["$unset"] = unset
        with translated():
            result = await self._deliveries.update_one(query, update)
        return replace(after, revision=before.revision + 1) if result.matched_count else None


def _match(
    tenant_id: str, webhook_id: str, status: DeliveryStatus | None, bounds: dict[str, str]
) -> list[Document]:
    served: Document = {"webhookId": webhook_id} | ({} if status is None else {"status": status.value})
    return [{"$match": served | {"createdKey": bounds or {"$gte": ""}}}, {"$match": {"tenantId": tenant_id}}]

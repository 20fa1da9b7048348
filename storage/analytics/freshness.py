"""How fresh a report can be."""

from datetime import datetime

from storage.codec import Document
from storage.indexes import WITH_OUTBOX
from storage.mongo import Mongo


async def complete_until(mongo: Mongo, tenant_id: str, now: datetime) -> datetime:
    """Everything that was recorded before this time is in the log, and in what the reports read."""
    times = [now]
    for collection in WITH_OUTBOX:
        pipeline: list[Document] = [
            {"$match": {"outboxAt": {"$lte": now}}},
            {"$match": {"tenantId": tenant_id}},
            {"$sort": {"outboxAt": 1}},
            {"$limit": 1},
            {"$project": {"outboxAt": 1}},
        ]
        times += [each["outboxAt"] async for each in mongo.aggregate(mongo[collection], pipeline)]
    return min(times)

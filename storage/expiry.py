"""What is kept no longer: entries of the log, records and figures that are older than their tenant's retention.

What an open journey, handoff or incident has to do with stays, however old it is, and so does what is not relayed yet
or was recorded just now. Journeys never open again, so what is looked up here still holds when it is deleted.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from domain.events import HandoffStatus
from domain.external import OWN_SOURCE
from domain.incident import IncidentStatus
from domain.journey import Status
from domain.retention import RECENT, Part
from domain.values import timestamp
from storage.codec import Document
from storage.first_conversions import remember
from storage.mongo import Mongo, translated

BATCH: Final = 200  # so many take well under a second everywhere
ENDED: Final = (Status.COMPLETED.value, Status.ABANDONED.value)
OPEN: Final = {
    "handoffs": tuple(each.value for each in HandoffStatus if each.open),
    "incidents": (IncidentStatus.OPEN.value,),
}
PREFIXES: Final = {"handoffs": "hof_", "incidents": "inc_"}
LOOKED_AT: Final = {
    "subject": 1,
    "revision": 1,
    "source": 1,
    "recordedAt": 1,
    "journeyId": 1,
    "data.journeyId": 1,
    "tenantId": 1,
    "customerId": 1,
    "leadId": 1,
    "added.at": 1,
    "outboxAt": 1,
}


@dataclass(frozen=True, slots=True)
class Expiring:
    """A collection with `tenantId` and a key that begins with the time, and an index on the two. A document that names
    a `journeyId` stays while that journey is open."""

    collection: str
    part: Part
    key: str = "timeKey"


EXPIRING: Final = (
    Expiring("events", Part.EVENTS),
    Expiring("touchpoints", Part.TOUCHPOINTS),
    Expiring("conversions", Part.TOUCHPOINTS),
    Expiring("milestones", Part.ANALYTICS),
    Expiring("exports", Part.ANALYTICS, "createdKey"),
)


@dataclass(frozen=True, slots=True)
class Batch:
    """How many documents went, and the key of the last one that was looked at; None where there are no more."""

    deleted: int
    last: str | None


class Expiry:
    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def sweep(
        self,
        expiring: Expiring,
        tenant_id: str,
        *,
        until: datetime,
        now: datetime,
        behind: str | None = None,
        limit: int = BATCH,
    ) -> Batch:
        """Delete of one batch what is to go: of a tenant's documents from before `until`, the next behind a key."""
        span = {"$lt": timestamp(until)} | ({} if behind is None else {"$gt": behind})
        collection, wanted = self._mongo[expiring.collection], LOOKED_AT | {expiring.key: 1}
        with translated():
            cursor = collection.find(
                {"tenantId": tenant_id, expiring.key: span}, wanted, max_time_ms=self._mongo.timeout_ms
            )
            found = await cursor.sort(expiring.key, 1).limit(limit).to_list(None)
        going = await self._going(expiring, found, now)
        deleted = 0
        if going:
            if expiring.collection == "conversions":
                await remember(self._mongo, [each for each in found if each["_id"] in set(going)])
            with translated():
                deleted = (await collection.delete_many({"_id": {"$in": going}})).deleted_count
        return Batch(deleted, str(found[-1][expiring.key]) if len(found) == limit else None)

    async def _going(self, expiring: Expiring, found: Sequence[Document], now: datetime) -> list[object]:
        if not found:
            return []
        in_log = expiring.collection == "events"
        firsts = {each["_id"]: _first_entry(each, in_log=in_log) for each in found}
        told = await self._many("events", firsts.values(), "pending", "recordedAt")
        about = {each["_id"]: _about(each, in_log=in_log) for each in found}
        open = await self._open({id for ids in about.values() for id in ids})
        going = []
        for each in found:
            id, first = each["_id"], told.get(firsts[each["_id"]], {})
            recorded = first.get("recordedAt", each.get("recordedAt"))
            recent = recorded is not None and recorded > now - RECENT
            waiting = "pending" in first or "outboxAt" in each
            if not (recent or waiting or open.intersection(about[id])):
                going.append(id)
        return going

    async def _open(self, ids: set[str]) -> set[str]:
        """Those of these subjects that are open, or belong to an open journey."""
        open: set[str] = set()
        journey_of: dict[str, str] = {id: id for id in ids if id.startswith("jrn_")}
        for collection, prefix in PREFIXES.items():
            wanted = [id for id in ids if id.startswith(prefix)]
            for id, each in (await self._many(collection, wanted, "status", "journeyId")).items():
                if each["status"] in OPEN[collection]:
                    open.add(id)
                if "journeyId" in each:
                    journey_of[id] = each["journeyId"]
        journeys = await self._many("journeys", set(journey_of.values()), "status")
        live = {id for id, each in journeys.items() if each["status"] not in ENDED}
        return open | {id for id, journey in journey_of.items() if journey in live}

    async def _many(self, collection: str, ids: Iterable[str], *fields: str) -> dict[str, Document]:
        wanted = sorted(set(ids))
        if not wanted:
            return {}
        with translated():
            cursor = self._mongo[collection].find(
                {"_id": {"$in": wanted}}, dict.fromkeys(fields, 1), max_time_ms=self._mongo.timeout_ms
            )
            return {each["_id"]: each for each in await cursor.to_list(None)}


def _first_entry(document: Document, *, in_log: bool) -> str:
    """The entry that says what is still to be done with a change: of this entry of the log, or of what made this
    record."""
    if in_log:
        return f"{document['subject']}:{document['revision']}:0"
    return f"{document['_id']}:1:0"


def _about(document: Document, *, in_log: bool) -> tuple[str, ...]:
    """The subjects that keep this while they are open."""
    if not in_log:
        return tuple(filter(None, (document.get("journeyId"),)))
    own = document["source"] == OWN_SOURCE
    named = document.get("data", {}).get("journeyId") if own else None
    return (document["subject"], named) if isinstance(named, str) else (document["subject"],)

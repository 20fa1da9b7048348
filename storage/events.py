"""The log: facts in order, never changed. The first entry of a change also says what is still to be done with it.

`pending` names its consumers (`feed`: tell the subscribers, `follow`: write what follows from it); each strikes its
word when done, and `pendingAt`, the time of the next try, goes with the last word. That is all the sweep reads.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from pymongo.errors import BulkWriteError

from domain.events import Envelope, EventFilter, Origin
from domain.paging import Page, Rows, rows
from domain.values import timestamp
from storage import cursors
from storage.codec import Document
from storage.entries import TRIES, Entry, changes, entry, entry_documents, entry_envelope, struck
from storage.milestones import Milestones
from storage.mongo import Collection, Mongo, key_range, translated
from storage.pending import Word
from storage.written import only_duplicates

LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
MAX_DELAY: Final = timedelta(hours=1)
AT_ONCE: Final = 50  # entries that are made before others have their turn


@dataclass(frozen=True, slots=True)
class Backlog:
    """What the relay has not done yet."""

    entries: int
    oldest: datetime | None
    failing: list[Entry]


class EventLog:
    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self._events: Collection = mongo["events"]
        self.milestones = Milestones(mongo)

    async def append(self, entries: Sequence[Document]) -> None:
        """Write the entries in order, whole changes, and what the analytics count of them. What is there already stays
        as it is."""
        if not entries:
            return
        await self.milestones.add(entries)
        with translated():
            try:
                await self._events.insert_many(entries, ordered=False)
            except BulkWriteError as error:
                if not only_duplicates(error):
                    raise

    async def take(self, envelopes: Sequence[Envelope]) -> list[bool]:
        """Write facts from elsewhere; for each whether it was not there yet."""
        entries: list[Document] = []
        for n, each in enumerate(envelopes):
            if n % AT_ONCE == 0:
                await asyncio.sleep(0)  # others have their turn: there may be a thousand
            entries += entry_documents([each])
        if not entries:
            return []
        with translated():
            try:
                await self._events.insert_many(entries, ordered=False)
            except BulkWriteError as error:
                if not only_duplicates(error):
                    raise
                known = {each["index"] for each in error.details["writeErrors"]}
                return [n not in known for n in range(len(entries))]
        return [True] * len(entries)

    async def get(self, id: str, tenant_id: str) -> Envelope | None:
        """One event by its id."""
        with translated():
            found = await self._events.find_one({"_id": id})
        return entry_envelope(found) if found is not None and found["tenantId"] == tenant_id else None

    async def many(self, ids: Sequence[str], tenant_id: str) -> dict[str, Envelope]:
        """Those of these events that are the tenant's, by id."""
        if not ids:
            return {}
        with translated():
            cursor = self._events.find({"_id": {"$in": list(ids)}}, max_time_ms=self._mongo.timeout_ms)
            found = [entry_envelope(each) for each in await cursor.to_list(None)]
        return {each.id: each for each in found if each.tenant_id == tenant_id}

    async def of_command(self, command_id: str) -> Envelope | None:
        """The first event that a command caused, if it was carried out."""
        with translated():
            found = await self._events.find_one({"commandId": command_id})
        return None if found is None else entry_envelope(found)

    async def history(self, subject: str, page: Page) -> Rows[Envelope]:
        """A subject's events from first to last; the keys are positions."""
        cursors.require(page, cursors.NUMBER)
        bounds: Document = {}
        if page.after is not None:
            bounds["$gt"] = int(page.after)
        if page.before is not None:
            bounds["$lt"] = int(page.before)
        query: Document = {"subject": subject} | ({"position": bounds} if bounds else {})
        cursor = self._events.find(query, max_time_ms=self._mongo.timeout_ms)
        with translated():
            found = (
                await cursor.sort("position", -1 if page.backwards else 1).limit(page.limit + 1).to_list(None)
            )
        return rows(page, [entry_envelope(each) for each in found], [str(each["position"]) for each in found])

    async def page(self, tenant_id: str, filter: EventFilter, page: Page) -> Rows[Envelope]:
        """A tenant's events from new to old by the time they occurred."""
        cursors.require(page, cursors.TIME_KEY)
        served, rest = _served(tenant_id, filter, page)
        pipeline: list[Document] = [{"$match": served}, *([{"$match": rest}] if rest else [])]
        pipeline += [{"$sort": {"timeKey": 1 if page.backwards else -1}}, {"$limit": page.limit + 1}]
        found = [each async for each in self._mongo.aggregate(self._events, pipeline)]
        return rows(page, [entry_envelope(each) for each in found], [each["timeKey"] for each in found])

    async def revisions(self, subject: str, above: int, upto: int) -> list[list[Envelope]]:
        """The changes of a subject with these revisions (above < revision <= upto), each with its events."""
        span = {"$gte": (above + 1) * 1_000_000, "$lt": (upto + 1) * 1_000_000}
        with translated():
            cursor = self._events.find(
                {"subject": subject, "position": span}, max_time_ms=self._mongo.timeout_ms
            )
            found = [entry_envelope(each) for each in await cursor.sort("position", 1).to_list(None)]
        return changes(found)

    async def first_unpublished(self, subject: str) -> int | None:
        """The lowest revision of a subject that its feed still waits for."""
        waiting: list[Document] = [{"$match": {"subject": subject}}, {"$match": {"pending": "feed"}}]
        pipeline = [*waiting, {"$sort": {"position": 1}}, {"$limit": 1}]
        found = [each async for each in self._mongo.aggregate(self._events, pipeline)]
        return found[0]["revision"] if found else None

    async def recorded_since(self, tenant_id: str, since: datetime) -> AsyncIterator[list[Envelope]]:
        """Whole changes recorded at or after this time, oldest first; imports left out, as the feed does."""
        query = {"tenantId": tenant_id, "recordedAt": {"$gte": since}}
        held: list[Envelope] = []
        with translated():
            async for each in self._events.find(query).sort(
                [("recordedAt", 1), ("subject", 1), ("position", 1)]
            ):
                envelope = entry_envelope(each)
                if envelope.origin is Origin.IMPORT:
                    continue
                if held and (held[0].subject, held[0].revision) != (envelope.subject, envelope.revision):
                    yield held
                    held = []
                held.append(envelope)
        if held:
            yield held

    async def due(self, now: datetime, limit: int) -> list[Entry]:
        """Entries with something left to do whose next try has come."""
        with translated():
            cursor = self._events.find({"pendingAt": {"$lte": now}}).sort("pendingAt", 1).limit(limit)
            return [entry(each) for each in await cursor.to_list(None)]

    async def left(self, ids: Sequence[str]) -> set[str]:
        """Those of these entries with something left to do."""
        with translated():
            found = await self._events.find(
                {"_id": {"$in": list(ids)}}, {"pendingAt": 1}, max_time_ms=self._mongo.timeout_ms
            ).to_list(None)
        return {each["_id"] for each in found if "pendingAt" in each}

    async def strike(self, done: Sequence[tuple[str, Sequence[Word]]]) -> None:
        """These consumers are done with these entries."""
        by_words: dict[tuple[Word, ...], list[str]] = {}
        for id, words in done:
            by_words.setdefault(tuple(words), []).append(id)
        if not by_words:
            return
        with translated():
            for words, ids in by_words.items():
                waiting: Document = {"_id": {"$in": ids}, "pending": {"$exists": True}}
                await self._events.update_many(waiting, struck(words))

    async def postpone(self, entry: Entry, now: datetime, error: str, *, counts: bool = True) -> None:
        """A try failed: the next one waits twice as long, up to an hour; an operator sees the entry meanwhile. After
        the tenth that `counts` there is none, until `again`. Nothing where another worker was first."""
        attempts = entry.attempts + counts
        later = {"pendingAt": now + min(MAX_DELAY, timedelta(seconds=2 ** (attempts % TRIES)))}
        last = entry.last_try and counts
        update: Document = {"$unset": {"pendingAt": ""}} if last else {"$set": later}
        update.setdefault("$set", {}).update({"attempts": attempts, "lastError": error} if attempts else {})
        seen: Document = {"_id": entry.envelope.id, "attempts": entry.attempts or None}
        with translated():
            await self._events.update_one(seen | {"pendingAt": {"$exists": True}}, update)

    async def wait(self, ids: Sequence[str], until: datetime) -> None:
        """Entries that cannot be gone on with now are not due before this time."""
        if ids:
            waiting: Document = {"_id": {"$in": list(ids)}, "pendingAt": {"$exists": True}}
            with translated():
                await self._events.update_many(waiting, {"$set": {"pendingAt": until}})

    async def again(self, event_id: str, now: datetime) -> None:
        """Try anew what was left alone after its tenth try. Nothing where it is done, or tried anyway."""
        left_alone = {"_id": event_id, "pending": {"$exists": True}, "pendingAt": {"$exists": False}}
        with translated():
            await self._events.update_one(left_alone, {"$set": {"pendingAt": now}})

    async def backlog(self, tenant_id: str | None = None, limit: int = 20) -> Backlog:
        """What the relay has not done yet of one tenant's changes, or of all tenants'."""
        mine: list[Document] = [{"$match": {"tenantId": tenant_id}}] if tenant_id is not None else []
        waiting: list[Document] = [{"$match": {"pendingAt": {"$gt": LONG_AGO}}}, *mine]
        oldest = [{"$group": {"_id": None, "n": {"$sum": 1}, "since": {"$min": "$recordedAt"}}}]
        [counted] = [each async for each in self._mongo.aggregate(self._events, waiting + oldest)] or [{}]
        failed: list[Document] = [{"$match": {"attempts": {"$gte": 1}}}, *mine]
        worst: list[Document] = [{"$sort": {"attempts": -1}}, {"$limit": limit}]
        failing = [each async for each in self._mongo.aggregate(self._events, failed + worst)]
        return Backlog(counted.get("n", 0), counted.get("since"), [entry(each) for each in failing])


def _served(tenant_id: str, filter: EventFilter, page: Page) -> tuple[Document, Document]:
    """What the index answers, and the rest."""
    served: Document = {"tenantId": tenant_id}
    wanted: Document = {"subject": filter.subject, "customerId": filter.customer_id, "source": filter.source}
    if filter.types:
        wanted["type"] = filter.types[0] if len(filter.types) == 1 else {"$in": list(filter.types)}
    rest: Document = {name: value for name, value in wanted.items() if value is not None}
    # Of what is given, the index of that which the fewest events have; of several types, none.
    for name in ("subject", "customerId", "type", "source"):
        if isinstance(rest.get(name), str):
            served[name] = rest.pop(name)
            break
    if "subject" in served:
        rest["tenantId"] = served.pop("tenantId")
    bounds = key_range(page)
    spans = served if filter.subject is None else rest
    if filter.since is not None:
        bounds["$gte"] = timestamp(filter.since)
    if filter.until is not None:
        bounds["$lt"] = min(timestamp(filter.until), bounds.get("$lt", "~"))
    if bounds:
        spans["timeKey"] = bounds
    return served, rest

"""Journeys in the database: one document each, found by what the filter names, listed from new to old."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import reduce
from typing import Final

from domain import journey_fold as fold
from domain import promise
from domain.errors import JourneyExists, LimitExceeded
from domain.events import StepState
from domain.identity import Actor
from domain.journey import Journey, Status
from domain.journey_events import JourneyEvent, JourneyStarted
from domain.journey_filter import JourneyFilter, JourneyOrder
from domain.paging import Page, Rows, rows
from domain.template import Definition, Reentry, Stage
from domain.values import timestamp
from storage import cursors
from storage.change import Changes
from storage.codec import Document
from storage.journey_match import ORDER_KEYS, match, spans
from storage.listing import Listing
from storage.mongo import Collection, DuplicateKeyError, Mongo, translated
from storage.reach import Reach
from storage.subject import Cause, Changed, Kind
from storage.templates import Templates

Command = Callable[[Journey, Definition, datetime], Sequence[JourneyEvent]]

ROOM_SECONDS: Final = 5.0
ROOMY: Final = 2_000  # more than a fleet starts for one tenant in that time
ROOMS: Final = 10_000


def _begin(id: str, event: JourneyEvent, by: Actor) -> Journey:
    if not isinstance(event, JourneyStarted):
        raise TypeError("a journey begins with its start")
    return fold.begin(id, event, by)


def keys(journey: Journey) -> Document:
    """What a journey's document is found by, beside its own fields."""
    tokens = journey.searchable
    return {
        "createdKey": f"{timestamp(journey.created_at)}|{journey.id}",
        "activityKey": f"{timestamp(journey.last_activity)}|{journey.id}",
        "searchTokens": [f"{journey.tenant_id}|{token}" for token in tokens],
        "searchText": f" {' '.join(tokens)} ",
        "reservation": journey.reservation,
        "wakeAt": journey.wake_at,
        "parentId": None if journey.parent is None else journey.parent.journey_id,
    }


def pack(document: Document) -> Document:
    """Steps that the journey has not come to are told by their place only: a list reads many journeys at once."""
    steps = [{key: value for key, value in step.items() if value is not None} for step in document["steps"]]
    come_to = [step for step in steps if step != {"id": step["id"], "state": StepState.PENDING, "visit": 0}]
    return document | {"steps": come_to, "stepIds": " ".join(step["id"] for step in steps)}


def unpack(document: Document) -> Document:
    """The reverse of `pack`."""
    come_to = {step["id"]: step for step in document["steps"]}
    return document | {"steps": [come_to.get(id, {"id": id}) for id in document["stepIds"].split()]}


JOURNEY: Final = Kind(
    "journeys", Journey, _begin, fold.evolve, keys, lambda journey: journey.facets, pack, unpack
)


class Journeys:
    def __init__(self, mongo: Mongo, changes: Changes, templates: Templates) -> None:
        self._mongo, self._changes, self._templates = mongo, changes, templates
        self._journeys: Collection = mongo["journeys"]
        self.reach = Reach(mongo, "journeys")
        self.children: Listing[Journey] = Listing(mongo, JOURNEY, (), ("parentId",))
        self._room: dict[str, float] = {}  # until when a tenant is known to be far below its limit

    async def start(self, id: str, events: Sequence[JourneyEvent], cause: Cause) -> Changed[Journey]:
        """Store a new journey. Raises JourneyExists where its template allows none beside a live or earlier one."""
        journey = _begin(id, events[0], cause.actor)
        if journey.reentry is Reentry.NEVER_AGAIN and (earlier := await self._earlier(journey)) not in (
            None,
            id,
        ):
            raise _exists(earlier)
        try:
            return await self._changes.create(JOURNEY, id, events, cause)
        except DuplicateKeyError:
            with translated():
                holder = await self._journeys.find_one({"reservation": journey.reservation})
            raise _exists(holder["_id"] if holder else None) from None

    async def in_the_way(self, id: str, events: Sequence[JourneyEvent], by: Actor) -> str | None:
        """The journey beside which its template does not allow this new one; None where it may start."""
        journey = _begin(id, events[0], by)
        if journey.reentry is Reentry.NEVER_AGAIN:
            return await self._earlier(journey)
        if journey.reservation is None:
            return None
        with translated():
            found = await self._journeys.find_one({"reservation": journey.reservation}, {"_id": 1})
        return None if found is None else str(found["_id"])

    async def outcome(self, id: str, cause: Cause) -> Changed[Journey] | None:
        """What a start did that is given again; None where it was not given before."""
        return await self._changes.outcome(JOURNEY, id, cause)

    async def change(
        self, id: str, tenant_id: str, command: Command, cause: Cause, *, expected: int | None = None
    ) -> Changed[Journey]:
        """Carry a command out on a journey; it is handed its template's version and the time, which never runs
        backwards within a journey."""

        async def run(journey: Journey, now: datetime) -> Sequence[JourneyEvent]:
            definition, at = await self.definition(journey), max(now, journey.last_activity)
            broken = promise.broken(journey, at=at)  # told before whatever comes now ends them
            after = reduce(fold.evolve, broken, journey)
            return [*broken, *command(after, definition, at)]

        return await self._changes.change(JOURNEY, id, tenant_id, run, cause, expected=expected)

    async def definition(self, journey: Journey) -> Definition:
        template = await self._templates.version(
            journey.tenant_id, journey.template_id, journey.template_version
        )
        return template.definition

    async def get(self, id: str, tenant_id: str) -> Journey:
        return await self._changes.load(JOURNEY, id, tenant_id)

    async def many(self, ids: Sequence[str], tenant_id: str) -> list[Journey | None]:
        """The journeys with these ids, in that order; None for what is unknown or another tenant's."""
        with translated():
            found = await self._journeys.find({"_id": {"$in": list(ids)}}).to_list(None)
        known = {each["_id"]: _journey(each) for each in found if each["tenantId"] == tenant_id}
        return [known.get(id) for id in ids]

    async def page(
        self, tenant_id: str, filter: JourneyFilter, order: JourneyOrder, page: Page
    ) -> Rows[Journey]:
        """Journeys from new to old by the order asked for."""
        cursors.require(page, cursors.TIME_KEY)
        key = ORDER_KEYS[order]
        floor = self._floor(tenant_id, filter, order, page)
        found = await self._found(tenant_id, filter, order, page, floor)
        whole = floor is None or len(found) <= page.limit
        if floor is not None and whole:
            found = await self._found(tenant_id, filter, order, page)
        if len(found) > page.limit and not page.backwards:
            self.reach.learn(tenant_id, key, failed=whole)
        return rows(page, [_journey(each) for each in found], [each[key] for each in found])

    def _floor(self, tenant_id: str, filter: JourneyFilter, order: JourneyOrder, page: Page) -> str | None:
        """A key above which the page is likely to lie; None where it had better be looked for in the whole list."""
        if page.backwards:
            return None
        span = spans(filter, order, page)[ORDER_KEYS[order]]
        floor = self.reach.floor(tenant_id, ORDER_KEYS[order], span.get("$lt"), page.limit)
        return floor if floor is not None and floor > span.get("$gte", "") else None

    async def _found(
        self, tenant_id: str, filter: JourneyFilter, order: JourneyOrder, page: Page, floor: str | None = None
    ) -> list[Document]:
        """The documents of a page, and one more where there is one."""
        key = ORDER_KEYS[order]
        served, rest = match(tenant_id, filter, order, page, floor)
        if served is None:
            return []
        pipeline: list[Document] = [{"$match": served}, *({"$match": each} for each in rest)]
        pipeline += [{"$sort": {key: 1 if page.backwards else -1}}, {"$limit": page.limit + 1}]
        pipeline += [{"$project": {"outbox": 0, "searchTokens": 0, "searchText": 0}}]
        return [each async for each in self._mongo.aggregate(self._journeys, pipeline)]

    async def count(self, tenant_id: str, filter: JourneyFilter) -> int:
        served, rest = match(tenant_id, filter, JourneyOrder.CREATED_AT)
        if served is None:
            return 0
        if not rest:
            with translated():
                return await self._journeys.count_documents(served, maxTimeMS=self._mongo.timeout_ms)
        pipeline: list[Document] = [{"$match": served}, *({"$match": each} for each in rest), {"$count": "n"}]
        counted = [each async for each in self._mongo.aggregate(self._journeys, pipeline)]
        return int(counted[0]["n"]) if counted else 0

    async def tally(self, tenant_id: str, filter: JourneyFilter) -> dict[tuple[Status, Stage], int]:
        """How many journeys there are in each state and stage, in one pass; combinations without any are left out."""
        served, rest = match(tenant_id, filter, JourneyOrder.CREATED_AT)
        if served is None:
            return {}
        pipeline: list[Document] = [{"$match": served}, *({"$match": each} for each in rest)]
        pipeline += [{"$group": {"_id": {"status": "$status", "stage": "$stage"}, "n": {"$sum": 1}}}]
        found = [each async for each in self._mongo.aggregate(self._journeys, pipeline)]
        return {(Status(each["_id"]["status"]), Stage(each["_id"]["stage"])): each["n"] for each in found}

    async def usage(self, tenant_id: str, template_id: str, version: int) -> int:
        """How many journeys have followed this version of a template."""
        query = {"tenantId": tenant_id, "templateId": template_id, "templateVersion": version}
        with translated():
            return await self._journeys.count_documents(query, maxTimeMS=self._mongo.timeout_ms)

    async def require_room(self, tenant_id: str, limit: int) -> None:
        """Raises LimitExceeded when the tenant has as many active journeys as it may. Starts at the same moment may
        pass the limit by their number. Far below the limit a count is good for some seconds."""
        now = asyncio.get_running_loop().time()
        if self._room.get(tenant_id, 0.0) > now:
            return
        served = {"tenantId": tenant_id, "status": Status.ACTIVE.value}
        with translated():
            count = await self._journeys.count_documents(
                served, limit=limit, maxTimeMS=self._mongo.timeout_ms
            )
        if count >= limit:
            raise LimitExceeded(f"The tenant has {count} active journeys, as many as it may.", limit=limit)
        if limit - count > ROOMY:
            self._room[tenant_id] = now + ROOM_SECONDS
            if len(self._room) > ROOMS:
                self._room.pop(next(iter(self._room)))

    async def due(self, now: datetime, limit: int) -> list[Journey]:
        """Journeys for which something is due."""
        with translated():
            cursor = self._journeys.find({"wakeAt": {"$lte": now}}).sort("wakeAt", 1).limit(limit)
            return [_journey(each) for each in await cursor.to_list(None)]

    async def _earlier(self, journey: Journey) -> str | None:
        query = {
            "tenantId": journey.tenant_id,
            "templateId": journey.template_id,
            "entryKey": journey.entry_key,
        }
        if journey.entry_key is None:
            return None
        with translated():
            found = await self._journeys.find_one(query)
        return None if found is None else str(found["_id"])


def _exists(id: str | None) -> JourneyExists:
    return JourneyExists(
        "There is a journey of this template for this customer already.", "templateId", journeyId=id
    )


def _journey(document: Document) -> Journey:
    return JOURNEY.read(document)

"""Touchpoints and conversions: recorded once, listed from new to old by when they took place."""

from typing import Final, Generic, NoReturn, TypeVar

from domain import touchpoint as fold
from domain.paging import Page, Rows, rows
from domain.record_events import ConversionAdded, TouchpointAdded
from domain.touchpoint import Conversion, RecordFilter, Touchpoint
from domain.values import timestamp
from storage import cursors
from storage.change import Changes
from storage.codec import Document, load
from storage.mongo import Mongo, key_range
from storage.subject import Cause, Changed, Kind

R = TypeVar("R", Touchpoint, Conversion)
E = TypeVar("E", TouchpointAdded, ConversionAdded)


def _keys(record: Touchpoint | Conversion) -> Document:
    added = record.added
    return {
        "journeyId": added.journey_id,
        "customerId": added.customer_id,
        "leadId": added.lead_id,
        "kind": added.kind,
        "channel": added.channel,
        "source": added.source,
        "campaign": added.campaign,
        "timeKey": f"{timestamp(added.at)}|{record.id}",
    }


def _never(_: object, __: object) -> NoReturn:
    raise TypeError("a record never changes")


TOUCHPOINT: Final = Kind("touchpoints", Touchpoint, fold.touchpoint, _never, _keys)
CONVERSION: Final = Kind("conversions", Conversion, fold.conversion, _never, _keys)


class Records(Generic[R, E]):
    """The touchpoints, or the conversions."""

    def __init__(self, mongo: Mongo, changes: Changes, kind: Kind[R, E]) -> None:
        self._mongo, self._changes = mongo, changes
        self._kind: Kind[R, E] = kind

    async def add(self, id: str, event: E, cause: Cause) -> Changed[R]:
        return await self._changes.create(self._kind, id, [event], cause)

    async def get(self, id: str, tenant_id: str) -> R:
        return await self._changes.load(self._kind, id, tenant_id)

    async def page(self, tenant_id: str, filter: RecordFilter, page: Page) -> Rows[R]:
        cursors.require(page, cursors.TIME_KEY)
        served, rest = _match(tenant_id, filter, page)
        pipeline: list[Document] = [{"$match": served}]
        pipeline += [{"$match": rest}] if rest else []
        pipeline += [{"$sort": {"timeKey": 1 if page.backwards else -1}}, {"$limit": page.limit + 1}]
        found = [each async for each in self._mongo.aggregate(self._mongo[self._kind.collection], pipeline)]
        items = [load(self._kind.state, {**each, "id": each["_id"]}) for each in found]
        return rows(page, items, [each["timeKey"] for each in found])

    async def count(self, tenant_id: str, filter: RecordFilter) -> int:
        served, rest = _match(tenant_id, filter)
        pipeline: list[Document] = [{"$match": served}]
        pipeline += [{"$match": rest}] if rest else []
        pipeline += [{"$count": "n"}]
        counted = [each async for each in self._mongo.aggregate(self._mongo[self._kind.collection], pipeline)]
        return int(counted[0]["n"]) if counted else 0


def _match(tenant_id: str, filter: RecordFilter, page: Page | None = None) -> tuple[Document, Document]:
    """What one index answers (the first part given, which is the most selective), and the rest."""
    parts = {
        "journeyId": filter.journey_id,
        "customerId": filter.customer_id,
        "leadId": filter.lead_id,
        "campaign": filter.campaign,
        "source": filter.source,
        "channel": filter.channel,
        "kind": filter.kind,
    }
    given = {name: value for name, value in parts.items() if value is not None}
    first = next(iter(given), None)
    served: Document = {"tenantId": tenant_id} | ({} if first is None else {first: given.pop(first)})
    bounds = key_range(page) if page else {}
    if filter.since is not None:
        bounds["$gte"] = timestamp(filter.since)
    if filter.until is not None:
        bounds["$lt"] = min(timestamp(filter.until), bounds.get("$lt", "~"))
    if bounds:
        served["timeKey"] = bounds
    return served, dict(given)

"""Lists that run from new to old: what one index answers first, the rest behind it."""

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

from domain.journey_filter import TimeRange
from domain.paging import Page, Rows, rows
from domain.values import timestamp
from storage import cursors
from storage.codec import Document
from storage.mongo import Mongo, key_range
from storage.subject import Kind, State

S = TypeVar("S", bound=State)
OneOf = Mapping[str, tuple[str, ...]]  # field: the values it may have; the most selective field first


class Listing(Generic[S]):
    """The documents of one kind, each with `createdKey` and whatever other keys its lists are in the order of."""

    def __init__(
        self, mongo: Mongo, kind: Kind[S, Any], indexed: Sequence[str], few: Sequence[str] = ()
    ) -> None:
        """`indexed` are the fields with an index in each order; `few` those that so few documents share that an index
        in the order of `createdKey` alone will do."""
        self._mongo, self._kind, self._indexed, self._few = mongo, kind, indexed, few
        self._collection = mongo[kind.collection]

    async def page(
        self,
        tenant_id: str,
        one_of: OneOf,
        page: Page,
        *,
        key: str = "createdKey",
        created: TimeRange | None = None,
    ) -> Rows[S]:
        """Documents from new to old by the key."""
        cursors.require(page, cursors.TIME_KEY)
        if any(not values for values in one_of.values()):
            return rows(page, [], [])
        served, rest = self._match(tenant_id, one_of, key, page, created)
        pipeline: list[Document] = [{"$match": served}, *({"$match": each} for each in rest)]
        pipeline += [{"$sort": {key: 1 if page.backwards else -1}}, {"$limit": page.limit + 1}]
        pipeline += [{"$project": {"outbox": 0}}]
        found = [each async for each in self._mongo.aggregate(self._collection, pipeline)]
        return rows(page, [self._kind.read(each) for each in found], [each[key] for each in found])

    async def count(self, tenant_id: str, one_of: OneOf, *, created: TimeRange | None = None) -> int:
        """How many there are."""
        if any(not values for values in one_of.values()):
            return 0
        served, rest = self._match(tenant_id, one_of, "createdKey", None, created)
        pipeline: list[Document] = [{"$match": served}, *({"$match": each} for each in rest), {"$count": "n"}]
        counted = [each async for each in self._mongo.aggregate(self._collection, pipeline)]
        return int(counted[0]["n"]) if counted else 0

    def _match(
        self, tenant_id: str, one_of: OneOf, key: str, page: Page | None, created: TimeRange | None
    ) -> tuple[Document, list[Document]]:
        """An index serves the tenant, one field with one value, and a range on the list's key."""
        usable = (*self._few, *self._indexed)
        first = next((name for name, values in one_of.items() if name in usable and len(values) == 1), None)
        served: Document = {"tenantId": tenant_id} | ({} if first is None else {first: one_of[first][0]})
        rest: list[Document] = [
            {name: values[0] if len(values) == 1 else {"$in": list(values)}}
            for name, values in one_of.items()
            if name != first
        ]
        bounds, span = key_range(page) if page else {}, _span(created)
        if key == "createdKey":
            bounds = span | bounds | ({"$lt": min(span["$lt"], bounds["$lt"])} if _both(span, bounds) else {})
        elif span:
            rest.append({"createdKey": span})
        if first in self._few and key != "createdKey":
            rest += [{key: bounds}] if bounds else []
        else:
            # Any key: a list names the index that is in its order, where a planner might take another to sort.
            served[key] = bounds or {"$gte": ""}
        return served, rest


def _both(span: dict[str, str], bounds: dict[str, str]) -> bool:
    return "$lt" in span and "$lt" in bounds


def _span(created: TimeRange | None) -> dict[str, str]:
    span = {}
    if created is not None and created.since is not None:
        span["$gte"] = timestamp(created.since)
    if created is not None and created.until is not None:
        span["$lt"] = timestamp(created.until)
    return span

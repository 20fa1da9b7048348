"""What a report reads: the documents of its scope, and the customers that they are of.

A filter on what never changes of a journey is on each document; the rest is looked up once a unit.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from domain.analytics.scope import Scope, UnitKind
from domain.journey_filter import TimeRange
from domain.values import timestamp
from storage.codec import Document
from storage.milestones import LEADS
from storage.mongo import Mongo

Stages = list[Document]
Source = tuple[str, Stages]  # a collection, and how its rows are made

STEADY: Final = ("templateId", "category")  # what a milestone knows of its journey, and never changes
JOURNEY: Final = "journey"  # where a unit's journey is looked up to
ROWS: Final = 1_000  # documents that are read at a time
FEW_ROWS: Final = 200  # of those that are large, or take some work


def span(scope: Scope) -> Document:
    """The report's range on a key that begins with a time."""
    bounds = {"$gte": "" if scope.since is None else timestamp(scope.since)}
    return bounds if scope.until is None else bounds | {"$lt": timestamp(scope.until)}


def steady(scope: Scope) -> Stages:
    """The part of the filter that milestones themselves tell."""
    wanted = {name: _any(values) for name, values in scope.filter.one_of.items() if name in STEADY}
    return [{"$match": wanted}] if wanted else []


def changing(scope: Scope, local: str = "_id") -> Stages:
    """The rest of the filter, on the journey that the field names; nothing where there is no rest."""
    return _on_journey(scope, local, without=STEADY)


def whole(scope: Scope, local: str, *, always: bool = False) -> Stages:
    """The filter on the journey that the field names, for documents that know nothing else of it; what has no journey
    of the tenant is not meant. Nothing where there is no filter, unless it is `always` asked for."""
    return _on_journey(scope, local, always=always)


def _on_journey(scope: Scope, local: str, without: Sequence[str] = (), *, always: bool = False) -> Stages:
    wanted: list[Document] = [
        {f"{JOURNEY}.{name}": _any(values)}
        for name, values in scope.filter.one_of.items()
        if name not in without
    ]
    for name, given in (("createdKey", scope.filter.created_at), ("activityKey", scope.filter.last_activity)):
        if bounds := _bounds(given):
            wanted.append({f"{JOURNEY}.{name}": bounds})
    tokens = scope.filter.tokens
    if tokens is not None:
        words = [{f"{JOURNEY}.searchTokens": f"{scope.tenant_id}|{token}"} for token in tokens]
        wanted += words or [{f"{JOURNEY}._id": None}]  # a search without a word finds nothing
    own = {f"{JOURNEY}.tenantId": scope.tenant_id}  # what comes from elsewhere may name another tenant's
    return [*looked_up(local), {"$match": {"$and": [own, *wanted]}}] if wanted or always else []


def looked_up(local: str = "_id") -> Stages:
    """The journey that the field names, as `journey`."""
    return [
        {"$lookup": {"from": "journeys", "localField": local, "foreignField": "_id", "as": JOURNEY}},
        {"$unwind": f"${JOURNEY}"},
    ]


def unit_key(unit: UnitKind) -> Any:
    """What documents are grouped by: the journey; or the customer, else the lead, each told apart by a letter."""
    if unit is UnitKind.JOURNEY:
        return "$journeyId"
    return {
        "$ifNull": [{"$concat": ["c:", "$customerId"]}, {"$concat": ["l:", "$leadId"]}]
    }  # null for what is nobody's


def customers(scope: Scope, merged: Document) -> Stages:
    """Groups whose `_id` is a `unit_key` of customers, once more: a lead that is a customer by now is the customer.

    `merged` says how the fields of several groups become one, as `$group` does.
    """
    lead = {"$concat": [scope.tenant_id, "|", {"$substrCP": ["$_id", 2, {"$strLenCP": "$_id"}]}]}
    return [
        {"$match": {"_id": {"$ne": None}}},
        {"$set": {"lead": {"$cond": [{"$eq": [{"$substrCP": ["$_id", 0, 2]}, "l:"]}, lead, None]}}},
        {"$lookup": {"from": LEADS, "localField": "lead", "foreignField": "_id", "as": "known"}},
        {"$set": {"known": {"$arrayElemAt": ["$known", 0]}}},
        {"$group": {"_id": {"$ifNull": [{"$concat": ["c:", "$known.customerId"]}, "$_id"]}, **merged}},
    ]


def concatenated(field: str) -> Document:
    """The arrays of several groups as one: `$group` pushes them, this takes them apart."""
    both = {"$concatArrays": ["$$value", "$$this"]}
    return {field: {"$reduce": {"input": f"${field}", "initialValue": [], "in": both}}}


def read(mongo: Mongo, collection: str, pipeline: Sequence[Document]) -> AsyncIterator[Document]:
    """The rows of a report, some at a time."""
    return mongo.aggregate(mongo[collection], pipeline, batch_size=ROWS, spill=True)


async def read_large(mongo: Mongo, source: Source) -> AsyncIterator[Document]:
    """Rows that take some work each, few at a time, and others have their turn in between."""
    collection, pipeline = source
    turn = 0
    async for row in mongo.aggregate(mongo[collection], pipeline, batch_size=FEW_ROWS, spill=True):
        turn += 1
        if turn % FEW_ROWS == 0:
            await asyncio.sleep(0)
        yield row


def served(scope: Scope, field: str, values: Sequence[str], keys: Document) -> Stages:
    """The documents with one of these values and a time key in this span, as an index on both serves them.

    Several values stand in a stage of their own: MongoDB makes one of the two, other servers use the index for it."""
    if len(values) == 1:
        return [{"$match": {"tenantId": scope.tenant_id, field: values[0], "timeKey": keys}}]
    return [
        {"$match": {"tenantId": scope.tenant_id, field: {"$in": list(values)}}},
        {"$match": {"timeKey": keys}},
    ]


def joined(sources: Sequence[Source]) -> Source:
    """Rows of several collections as one."""
    [(collection, pipeline), *others] = sources
    return collection, pipeline + [{"$unionWith": {"coll": each, "pipeline": rows}} for each, rows in others]


def _any(values: Sequence[str]) -> Any:
    return values[0] if len(values) == 1 else {"$in": list(values)}


def _bounds(given: TimeRange | None) -> Document:
    bounds: Document = {}
    if given is not None and given.since is not None:
        bounds["$gte"] = timestamp(given.since)
    if given is not None and given.until is not None:
        bounds["$lt"] = timestamp(given.until)
    return bounds

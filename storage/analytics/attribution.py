"""Attribution from the database: it brings each customer's contacts and conversions together, and the credits are
divided here, one customer after the other.

A lead that became a customer is that customer; what is nobody's is left out. With a filter on journeys, the conversions
of these journeys are counted, by all contacts of their customers; a conversion without a journey is none of them.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from domain.analytics.attribution import Report, Tally
from domain.analytics.path import Conversion, Path, Touch, paths
from domain.analytics.question import Attributed, Question
from domain.analytics.revenue import LeftOut, MoneyRow, usual_currency
from domain.analytics.scope import Scope, UnitKind
from domain.values import Money
from storage.analytics.scope import Stages, concatenated, customers, read, read_large, span, unit_key, whole
from storage.codec import Document
from storage.mongo import Mongo

TURN: Final = 250  # contacts on paths that are divided before others have their turn
AT: Final = 24  # characters of a time key that are the time
SOMEBODYS: Final[Document] = {"$match": {"unit": {"$ne": None}}}


@dataclass(frozen=True, slots=True)
class _Converted:
    """A conversion as the database tells of it. `meant`: of the kind and the journeys that the report is about."""

    at: datetime
    currency: str | None
    units: int
    meant: bool


async def attribution(mongo: Mongo, scope: Scope, question: Question) -> Attributed:
    """What each key earned of the conversions in the scope's range. Memory grows with the keys and with what one
    customer has, never with the customers."""
    currency = question.currency or await _usual(mongo, scope, question)
    tally = Tally(question.models, half_life=question.half_life, direct=question.direct)
    sums = _Sums(scope, currency)
    divided = 0
    async for touches, converted in _histories(mongo, scope, question):
        sums.count(converted)
        for path in _paths(touches, converted, scope, question, currency):
            tally.add(path)
            sums.add(path)
            divided += 1 + len(path.touches)
            if divided > TURN:
                divided = 0
                await asyncio.sleep(0)
    report = await asyncio.to_thread(tally.report)  # a Markov chain of many keys takes a moment
    return sums.attributed(report)


def _paths(
    touches: list[Touch],
    converted: list[_Converted],
    scope: Scope,
    question: Question,
    currency: str | None,
) -> Iterator[Path]:
    conversions = [
        Conversion(each.at, each.units, counted=each.meant and each.currency in (None, currency))
        for each in converted
    ]
    yield from paths(touches, conversions, lookback=question.lookback, since=scope.since, until=scope.until)


class _Sums:
    """Money in whole units, so that sums are exact."""

    def __init__(self, scope: Scope, currency: str | None) -> None:
        self._scope, self._currency = scope, currency
        self._valued = self._units = self._unattributed = 0
        self._other_count: Counter[str] = Counter()
        self._other_units: Counter[str] = Counter()

    def add(self, path: Path) -> None:
        units = 0 if path.conversion is None else int(path.conversion.value)
        self._units += units
        self._unattributed += 0 if path.touches else units

    def count(self, converted: list[_Converted]) -> None:
        """How many conversions have a value, in the report's currency or in another."""
        for each in converted:
            if not each.meant or each.currency is None or not self._in_range(each.at):
                continue
            if each.currency == self._currency:
                self._valued += 1
            else:
                self._other_count[each.currency] += 1
                self._other_units[each.currency] += each.units

    def _in_range(self, at: datetime) -> bool:
        since, until = self._scope.since, self._scope.until
        return (since is None or since <= at) and (until is None or at < until)

    def attributed(self, report: Report) -> Attributed:
        currency, count, units = self._currency, self._other_count, self._other_units
        valued = currency is not None and self._valued > 0
        return Attributed(
            report=report,
            currency=currency,
            valued=self._valued,
            value=Money(self._units, currency or "") if valued else None,
            unattributed_value=Money(self._unattributed, currency or "") if valued else None,
            left_out=tuple(LeftOut(each, count[each], Money(units[each], each)) for each in sorted(count)),
        )


async def _histories(
    mongo: Mongo, scope: Scope, question: Question
) -> AsyncIterator[tuple[list[Touch], list[_Converted]]]:
    """The contacts and conversions of each customer, and of each lead that is none, in the order of time."""
    async for row in read_large(mongo, ("touchpoints", _pipeline(scope, question))):
        items = sorted(row["items"], key=lambda item: item["k"])
        touches = [Touch(_at(item), item.get("key"), item["channel"]) for item in items if "channel" in item]
        yield touches, _converted(item for item in items if "channel" not in item)


def _converted(items: Iterator[Document]) -> list[_Converted]:
    """Each conversion once: where there is a filter, those that it means come twice."""
    known: dict[str, _Converted] = {}
    for item in items:
        earlier = known.get(item["k"])
        meant = bool(item["meant"]) or (earlier is not None and earlier.meant)
        known[item["k"]] = _Converted(_at(item), item.get("currency"), item.get("units", 0), meant)
    return list(known.values())


def _at(item: Document) -> datetime:
    return datetime.fromisoformat(item["k"][:AT])


def _pipeline(scope: Scope, question: Question) -> Stages:
    """One row a customer. A contact may have led to a conversion later than the range, and a conversion may come of a
    contact before it."""
    touched = _shifted(scope, before=question.lookback)
    converted = _shifted(scope, after=question.lookback)
    by = question.by.value
    contact = {"k": "$timeKey", "key": f"${by}", "channel": "$channel"}
    filtered = whole(scope, "journeyId")
    meant = _conversions(converted, filtered, {"$eq": ["$kind", {"$literal": question.kind}]})
    if question.kind is None:
        meant = _conversions(converted, filtered, {"$literal": True})
    others = _conversions(converted, [], {"$literal": False})
    return [
        {"$match": {"tenantId": scope.tenant_id, "timeKey": span(touched)}},
        {"$project": {"_id": 0, "unit": unit_key(UnitKind.CUSTOMER), "item": contact}},
        *(
            {"$unionWith": {"coll": "conversions", "pipeline": each}}
            for each in ([meant, others] if filtered else [meant])
        ),
        SOMEBODYS,
        {"$group": {"_id": "$unit", "items": {"$push": "$item"}}},
        *customers(scope, {"items": {"$push": "$items"}}),
        {"$project": concatenated("items")},
    ]


def _conversions(scope: Scope, filtered: Stages, meant: Document) -> Stages:
    item = {
        "k": "$timeKey",
        "units": "$added.value.units",
        "currency": "$added.value.currency",
        "meant": meant,
    }
    return [
        {"$match": {"tenantId": scope.tenant_id, "timeKey": span(scope)}},
        *filtered,
        {"$project": {"_id": 0, "unit": unit_key(UnitKind.CUSTOMER), "item": item}},
    ]


async def _usual(mongo: Mongo, scope: Scope, question: Question) -> str | None:
    """The currency of most of the conversions that are meant."""
    pipeline: Stages = [
        {"$match": {"tenantId": scope.tenant_id, "timeKey": span(scope)}},
        *([] if question.kind is None else [{"$match": {"kind": question.kind}}]),
        *whole(scope, "journeyId"),
        {"$project": {"unit": unit_key(UnitKind.CUSTOMER), "currency": "$added.value.currency"}},
        SOMEBODYS,
        {"$group": {"_id": "$currency", "count": {"$sum": 1}}},
    ]
    found = [row async for row in read(mongo, "conversions", pipeline)]
    return usual_currency(MoneyRow(None, row["_id"], row["count"], 0) for row in found)


def _shifted(scope: Scope, *, before: timedelta = timedelta(), after: timedelta = timedelta()) -> Scope:
    """The same with a longer range; open, where the calendar has no such time."""
    try:
        since = scope.since and scope.since - before
        until = scope.until and scope.until + after
    except OverflowError:
        return replace(scope, since=None, until=None)
    return replace(scope, since=since, until=until)

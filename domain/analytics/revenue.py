"""Revenue: what conversions are worth by campaign, channel or source, and what came back of the costs.

A report has one currency. Money of other currencies is never converted: it is listed as left out. Sums are exact.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from domain.analytics.cost import CampaignCost
from domain.analytics.figure import Figure, ratio
from domain.analytics.path import Key
from domain.analytics.scope import Scope
from domain.record_events import ConversionAdded, TouchpointAdded
from domain.values import UNITS_PER_ONE, Money

NO_VALUE: Final = "no conversion has a value in this currency"
NO_COST: Final = "no cost is known"
COST_IS_ZERO: Final = "the cost is 0"
OTHER_CURRENCY: Final = "a part of the cost is in another currency"
NOT_BY_SOURCE: Final = "the costs of campaigns are not known by source"
NOT_BY_JOURNEY: Final = "the costs of campaigns are not known by journey, and the journeys are filtered"
NO_KEY: Final = "these have nothing to group by"


class Group(StrEnum):
    """What conversions and costs are grouped by."""

    CAMPAIGN = "campaign"
    CHANNEL = "channel"
    SOURCE = "source"


@dataclass(frozen=True, slots=True)
class MoneyRow:
    """`count` records of one key and currency, and the sum of their money in units of Money.

    The currency is None, and the units 0, where nothing was recorded. Rows of the same key and currency add up.
    """

    key: Key
    currency: str | None
    count: int
    units: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Money of a currency that is not the report's."""

    currency: str
    count: int
    value: Money


@dataclass(frozen=True, slots=True)
class RevenueRow:
    """One campaign, channel or source; None for what has none. In the total, everything.

    `conversions`: those with a value in the report's currency. `value`: of these. `average`: value / conversions, in
    whole money. `unvalued`: conversions without any value; they are in no other figure.
    `cost`: what is known to have been spent in the report's currency; None where nothing is known.
    `roi`: (value - cost) / cost, from -1 (nothing came back) up: 1 is twice the cost. Null with a reason where the cost
    is 0, unknown, or partly in another currency. Source of the formula: `semantics`, section Analytics.
    """

    key: Key
    conversions: int
    value: Money
    average: Figure
    unvalued: int
    cost: Money | None
    roi: Figure


@dataclass(frozen=True, slots=True)
class RevenueReport:
    """`rows` in the order of their keys, None last; their conversions, values and costs add up to the total's.

    `left_out` and `costs_left_out`: conversions and costs in other currencies, in the order of these.
    """

    group: Group
    currency: str
    rows: tuple[RevenueRow, ...]
    total: RevenueRow
    left_out: tuple[LeftOut, ...]
    costs_left_out: tuple[LeftOut, ...]


def money_rows(records: Iterable[ConversionAdded | TouchpointAdded], group: Group) -> list[MoneyRow]:
    """Conversions by their value, or touchpoints by their cost: what the database's own grouping agrees with."""
    count: Counter[tuple[Key, str | None]] = Counter()
    units: Counter[tuple[Key, str | None]] = Counter()
    for each in records:
        money = each.value if isinstance(each, ConversionAdded) else each.cost
        key = (_key(each, group), None if money is None else money.currency)
        count[key] += 1
        units[key] += 0 if money is None else money.units
    return [MoneyRow(*key, count[key], units[key]) for key in count]


def usual_currency(conversions: Iterable[MoneyRow]) -> str | None:
    """The currency of most conversions, of equally many the first by name; None where none has a value."""
    count: Counter[str] = Counter()
    for row in conversions:
        if row.currency is not None:
            count[row.currency] += row.count
    return min(count, key=lambda currency: (-count[currency], currency), default=None)


def left_out(rows: Iterable[MoneyRow], currency: str | None) -> tuple[LeftOut, ...]:
    """The money of the rows that is not in the report's currency, in the order of currencies."""
    return _all(_by_key(rows)).left_out(currency)


def revenue(
    conversions: Iterable[MoneyRow],
    contacts: Iterable[MoneyRow],
    costs: Iterable[CampaignCost],
    *,
    group: Group,
    currency: str,
    scope: Scope,
) -> RevenueReport:
    """What the conversions of the scope's range are worth, and what they cost.

    The cost is that of the touchpoints (`contacts`) in the range and the share of the campaigns' costs that falls into
    it (`CampaignCost.share`), added up: what is spent once is to be recorded once. A campaign's cost counts for its
    campaign and its channel; by source only touchpoints have a cost, so while there are costs of campaigns a source has
    no ROI. Nor has anything while there are some and the scope means certain journeys only. What has no key has no ROI
    either: its cost may have earned what others got. Nothing gives nulls, no error.
    """
    earned, spent = _by_key(conversions), _by_key(contacts)
    shares = [row for cost in costs if (row := _share(cost, group, scope)) is not None]
    for key, sums in _by_key(shares).items():
        spent[key].add(sums)
    known = [key for key, sums in spent.items() if sums.known]  # touchpoints without a cost make no row
    partial = NOT_BY_JOURNEY if shares and not scope.filter.means_all else None
    without = partial or (NOT_BY_SOURCE if group is Group.SOURCE and shares else None)
    rows = [
        _row(key, earned[key], spent[key], currency, NO_KEY if key is None else without)
        for key in sorted({*earned, *known}, key=lambda key: (key is None, key or ""))
    ]
    all_earned, all_spent = _all(earned), _all(spent)
    return RevenueReport(
        group=group,
        currency=currency,
        rows=tuple(rows),
        total=_row(None, all_earned, all_spent, currency, partial),
        left_out=all_earned.left_out(currency),
        costs_left_out=all_spent.left_out(currency),
    )


class _Sums:
    """How many records there are of each currency, and their units."""

    def __init__(self) -> None:
        self.count: Counter[str | None] = Counter()
        self.units: Counter[str | None] = Counter()

    def add(self, other: "_Sums") -> None:
        self.count.update(other.count)
        self.units.update(other.units)

    @property
    def known(self) -> list[str]:
        return sorted(currency for currency in self.count if currency is not None)

    def left_out(self, currency: str | None) -> tuple[LeftOut, ...]:
        others = (each for each in self.known if each != currency)
        return tuple(LeftOut(each, self.count[each], Money(self.units[each], each)) for each in others)


def _by_key(rows: Iterable[MoneyRow]) -> defaultdict[Key, _Sums]:
    found: defaultdict[Key, _Sums] = defaultdict(_Sums)
    for row in rows:
        found[row.key].count[row.currency] += row.count
        found[row.key].units[row.currency] += row.units
    return found


def _all(sums: Mapping[Key, _Sums]) -> _Sums:
    total = _Sums()
    for each in sums.values():
        total.add(each)
    return total


def _row(key: Key, earned: _Sums, spent: _Sums, currency: str, without: str | None = None) -> RevenueRow:
    value, count = earned.units[currency], earned.count[currency]
    cost = Money(spent.units[currency], currency) if currency in spent.count else None
    return RevenueRow(
        key=key,
        conversions=count,
        value=Money(value, currency),
        average=ratio(value, count * UNITS_PER_ONE, reason=NO_VALUE),
        unvalued=earned.count[None],
        cost=cost,
        roi=_roi(value, spent, currency) if without is None else Figure(reason=without),
    )


def _roi(value: int, spent: _Sums, currency: str) -> Figure:
    if any(other != currency for other in spent.known):
        return Figure(reason=OTHER_CURRENCY)
    if not spent.known:
        return Figure(reason=NO_COST)
    cost = spent.units[currency]
    return ratio(value - cost, cost, reason=COST_IS_ZERO)


def _share(cost: CampaignCost, group: Group, scope: Scope) -> MoneyRow | None:
    share = cost.share(scope)
    if share is None:
        return None
    key = {Group.CAMPAIGN: cost.campaign, Group.CHANNEL: cost.channel, Group.SOURCE: None}[group]
    return MoneyRow(key, share.currency, 1, share.units)


def _key(record: ConversionAdded | TouchpointAdded, group: Group) -> Key:
    match group:
        case Group.CAMPAIGN:
            return record.campaign
        case Group.CHANNEL:
            return record.channel
        case Group.SOURCE:
            return record.source

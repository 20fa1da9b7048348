"""A filter of journeys as a query: what one index answers first, the rest behind it."""

from typing import Final

from domain.journey_filter import JourneyFilter, JourneyOrder
from domain.paging import Page
from domain.values import timestamp
from storage.codec import Document

ORDER_KEYS: Final = {JourneyOrder.CREATED_AT: "createdKey", JourneyOrder.LAST_ACTIVITY: "activityKey"}


def match(
    tenant_id: str,
    filter: JourneyFilter,
    order: JourneyOrder,
    page: Page | None = None,
    floor: str | None = None,
) -> tuple[Document | None, list[Document]]:
    """What one index answers, and the rest of the filter behind it; None when nothing can match.

    The parts are tried from the most selective on: an index serves equalities and one range on the order's key. Above
    a floor there is little, so that a word need not be looked up there.
    """
    tokens = filter.tokens
    if tokens == [] or any(not values for values in filter.one_of.values()):
        return None, []
    key, other = ORDER_KEYS[order], ("activityKey" if order is JourneyOrder.CREATED_AT else "createdKey")
    ranges = spans(filter, order, page, floor)
    equal = {name: values[0] for name, values in filter.one_of.items() if len(values) == 1}
    several = {name: {"$in": list(values)} for name, values in filter.one_of.items() if len(values) > 1}
    words = sorted(tokens or (), key=_rarity)
    served: Document
    if words and floor is None and not (equal.keys() & {"customerId", "leadId"}):
        served = {"searchTokens": f"{tenant_id}|{words.pop()}"}
    elif equal or not several or any(ranges.values()):
        first = dict([next(iter(equal.items()))]) if equal else {}
        near = key if ranges[key] or not ranges[other] else other
        served = {"tenantId": tenant_id, **first}
        if ranges[near] or page is not None:
            # Any key: a list names the index that is in its order, where a planner might take another to sort.
            served[near] = ranges[near] or {"$gte": ""}
    else:
        served = {"tenantId": tenant_id, **dict([next(iter(several.items()))])}
    others = equal | several | {name: span for name, span in ranges.items() if span}
    rest = [{name: value} for name, value in others.items() if name not in served]
    return served, rest + [{"searchText": {"$regex": f" {word} "}} for word in words]


def spans(
    filter: JourneyFilter, order: JourneyOrder, page: Page | None, floor: str | None = None
) -> dict[str, dict[str, str]]:
    """The ranges of the two keys that a list can be in the order of."""
    ranges: dict[str, dict[str, str]] = {}
    for name, wanted in (("createdKey", filter.created_at), ("activityKey", filter.last_activity)):
        span = ranges[name] = {}
        if wanted is not None and wanted.since is not None:
            span["$gte"] = timestamp(wanted.since)
        if wanted is not None and wanted.until is not None:
            span["$lt"] = timestamp(wanted.until)
    ordered = ranges[ORDER_KEYS[order]]
    if page is not None and page.after is not None:
        ordered["$lt"] = min(page.after, ordered.get("$lt", page.after))
    if page is not None and page.before is not None:
        ordered["$gt"] = page.before
    if floor is not None:
        ordered["$gte"] = floor
    return ranges


def _rarity(word: str) -> tuple[bool, int]:
    """Which of several words the index is asked for: numbers tell more apart than words do, long words more than
    short ones."""
    return any(map(str.isdigit, word)), len(word)

"""Whether an index serves a command as it was really sent, by the rules of storage/indexes.py alone.

Served means: the equalities of the filter's first stage are the leading keys of an index, and what follows them is
the range or the sort. `_id` finds by itself. Sorting in memory is allowed behind what bounds it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

from storage.indexes import FEW_HANDOFFS, INDEXES

Filter = Mapping[str, Any]

# A search is bounded by the query's time limit; one subject's events and one journey's, customer's or lead's handoffs
# by their number.
SORTED_IN_MEMORY = {("journeys", "searchTokens"), ("events", "subject")}
SORTED_IN_MEMORY |= {("handoffs", name) for name in FEW_HANDOFFS}
# A range on one order's key while the list is in the other's order: the range is served.
OTHER_ORDER = {"createdKey", "activityKey"}
RANGES = {"$gt", "$gte", "$lt", "$lte"}
SEVERAL = {"$in"}  # a few equalities: the index is walked for each, and merged
READING = {"find", "aggregate", "count", "distinct", "update", "delete", "findAndModify"}


@dataclass(frozen=True)
class Sent:
    """A command with a filter."""

    name: str
    collection: str
    filter: Filter
    sort: tuple[str, ...]
    command: Mapping[str, Any]


class Recorder(CommandListener):
    """What the driver really sent."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name in READING:
            self.sent += _sent(event.command_name, event.command)

    def succeeded(self, event: CommandSucceededEvent) -> None:
        pass

    def failed(self, event: CommandFailedEvent) -> None:
        pass


def _sent(name: str, command: Mapping[str, Any]) -> list[Sent]:
    def one(filter: Filter, sort: Mapping[str, Any] | None = None) -> Sent:
        return Sent(name, command[name], filter, tuple(sort or ()), command)

    match name:
        case "update":
            return [one(each["q"]) for each in command["updates"]]
        case "delete":
            return [one(each["q"]) for each in command["deletes"]]
        case "aggregate":
            pipeline = command["pipeline"]
            first = pipeline[0].get("$match", {}) if pipeline else {}
            sorts = [stage["$sort"] for stage in pipeline if "$sort" in stage]
            joined = [stage["$unionWith"] for stage in pipeline if "$unionWith" in stage]
            parts = [
                {"aggregate": each["coll"], "pipeline": each["pipeline"], "cursor": {}} for each in joined
            ]
            return [
                one(first, sorts[0] if sorts else None),
                *(part for each in parts for part in _sent(name, each)),
            ]
        case "find":
            return [one(command.get("filter", {}), command.get("sort"))]
        case _:
            return [one(command.get("query", {}), command.get("sort"))]


def unserved(sent: Sent, indexes: Mapping[str, Sequence[Any]] = INDEXES) -> str | None:
    """Why no index serves the command; None where one does."""
    equal, ranged, odd = _parts(sent.filter)
    if "_id" in equal:
        return None
    if odd:
        return f"{sorted(odd)} is neither an equality nor a range"
    if len(ranged) > 1:
        return f"two ranges: {sorted(ranged)}"
    if not equal and not ranged:
        return "it has no filter"
    [span] = ranged or [None]
    for keys, _ in indexes.get(sent.collection, ()):
        names = [name for name, _ in keys]
        led = set(names[: len(equal)]) == equal
        if led and _follows(sent, equal, span, names[len(equal) :]):
            return None
    return f"no index on {sent.collection} begins with {sorted(equal)} and goes on with {span or sent.sort}"


def _follows(sent: Sent, equal: set[str], span: str | None, rest: list[str]) -> bool:
    if span is not None and rest[:1] != [span]:
        return False
    in_memory = any((sent.collection, name) in SORTED_IN_MEMORY for name in equal)
    return (
        rest[: len(sent.sort)] == list(sent.sort)
        or in_memory
        or ({span, *sent.sort} <= OTHER_ORDER and span is not None)
    )


def _parts(filter: Filter) -> tuple[set[str], set[str], set[str]]:
    """The fields that are compared for equality, by range, or otherwise."""
    equal, ranged, odd = set(), set(), set()
    for name, value in filter.items():
        operators = set(value) if isinstance(value, Mapping) else set()
        if name.startswith("$"):
            odd.add(name)
        elif not operators or operators == SEVERAL:
            equal.add(name)
        elif operators <= RANGES:
            ranged.add(name)
        else:
            odd.add(name)
    return equal, ranged, odd

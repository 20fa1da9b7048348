"""Lengths of time from the database: all of them, some hundred documents however many they are.

Exact percentiles need every length. One by one they would be as many documents, in one list too large a document; so
they come in as many lists as the last two characters of an id can be.
"""

from array import array
from collections.abc import Iterable
from typing import Any, Final

from storage.codec import Document

SECOND: Final = 1_000  # milliseconds

PART: Final[Document] = {
    "$substrCP": ["$_id", {"$max": [0, {"$subtract": [{"$strLenCP": "$_id"}, 2]}]}, 2]
}  # to group by


def length(since: str, until: Any) -> Document:
    """The milliseconds between two times; null where one is missing."""
    return {"$subtract": [until, since]}


def seconds(lists: Iterable[Iterable[float | None]]) -> "array[float]":
    """The lengths of these lists in seconds, sorted."""
    found = array("d")
    for each in lists:
        found.extend(ms / SECOND for ms in each if ms is not None)
    return array("d", sorted(found))

"""Rows as bytes, one by one: CSV by RFC 4180, one JSON array, or JSON Lines. Nothing of earlier rows is kept.

In CSV a text that a spreadsheet could take for a formula gets an apostrophe before it; numbers are numbers, so -1 stays
-1, and an amount of money is one, beside its currency. Nothing is an empty cell, an empty text a quoted one. What is
nested is compact JSON. JSON is exact.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final, Protocol, cast

from domain.export import Format
from domain.values import Json

FORMULA: Final = re.compile(
    r"[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]"
)  # at the beginning; the last four are full-width
QUOTED: Final = re.compile(r'[",\r\n]')
AMOUNT: Final = "amount"  # what a text of money is in two columns
CURRENCY: Final = "currency"

Row = Mapping[str, Json]
Columns = Sequence[
    tuple[str, ...]
]  # each a path of names into the row; money has two, which end in its parts


class Writer(Protocol):
    """`begin`, `row` for each row, `end`: together the whole file, in UTF-8."""

    def begin(self) -> bytes: ...
    def row(self, row: Row) -> bytes: ...
    def end(self) -> bytes: ...


def writer(format: Format, columns: Columns) -> Writer:
    match format:
        case Format.CSV:
            return _Csv(columns)
        case Format.JSON:
            return _JsonArray()
        case Format.JSONL:
            return _JsonLines()


class _Csv:
    def __init__(self, columns: Columns) -> None:
        self._columns = columns

    def begin(self) -> bytes:
        return _line(".".join(path) for path in self._columns)

    def row(self, row: Row) -> bytes:
        return _line(cell(_at(row, path)) for path in self._columns)

    def end(self) -> bytes:
        return b""


class _JsonArray:
    def __init__(self) -> None:
        self._first = True

    def begin(self) -> bytes:
        return b"["

    def row(self, row: Row) -> bytes:
        before, self._first = b"\n" if self._first else b",\n", False
        return before + _json(row).encode()

    def end(self) -> bytes:
        return b"\n]\n"


class _JsonLines:
    def begin(self) -> bytes:
        return b""

    def row(self, row: Row) -> bytes:
        return _json(row).encode() + b"\n"

    def end(self) -> bytes:
        return b""


def cell(value: Json | Decimal) -> str:
    """A value as a cell, quoted where it must be."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case Decimal():
            return f"{value:f}"
        case str():
            return _text(value)
        case _:
            return _text(_json(value))


def _text(text: str) -> str:
    if FORMULA.match(text):
        text = f"'{text}"
    if text and not QUOTED.search(text):
        return text
    return '"' + text.replace('"', '""') + '"'


def _line(cells: Iterable[str]) -> bytes:
    return (",".join(cells) + "\r\n").encode()


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _at(row: Row, path: tuple[str, ...]) -> Json | Decimal:
    """What stands at the path; nothing below nothing."""
    found: object = row
    for name in path:
        match found:
            case Mapping():
                found = found.get(name)
            case str():
                return _of_money(found, name)
            case _:
                return None
    return cast(Json, found)


def _of_money(text: str, part: str) -> str | Decimal:
    amount, _, currency = text.partition(" ")
    return Decimal(amount) if part == AMOUNT else currency

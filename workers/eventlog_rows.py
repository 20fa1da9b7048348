"""Reads tables, CSV and JSON Lines: one event a row, the rows of a case anywhere in the file.

Rows go to a temporary SQLite file that has no name and goes with its connection; cases come back from it in
the order of their first rows, so memory stays the same however long the table is.
"""

import csv
import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import BinaryIO, TypeAlias

import orjson

from domain.errors import InvalidInput
from domain.mapping import Mapping
from workers.eventlog_entry import (
    MAX_CASE,
    MAX_EVENTS,
    Interpreter,
    LogCase,
    LogEvent,
    Progress,
    Reject,
    Scalar,
    UnreadableError,
    checked,
    shown,
    text,
    too_large,
    weight,
)

MAX_LINE = 4 * 1024 * 1024  # bytes
DELIMITERS = ",;\t|"
FEWEST_COLUMNS = 3  # case, activity, time

Row: TypeAlias = tuple[int, dict[str, Scalar] | UnreadableError]  # its first line, and what stands in it

_BOM = b"\xef\xbb\xbf"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_CREATE = """
PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -8192; PRAGMA temp_store = FILE;
CREATE TABLE event (
    line INTEGER PRIMARY KEY, id TEXT NOT NULL, activity TEXT NOT NULL, at INTEGER NOT NULL, actor TEXT,
    attributes BLOB NOT NULL, weight INTEGER NOT NULL
);
BEGIN;
"""
_ADD = "INSERT INTO event (line, id, activity, at, actor, attributes, weight) VALUES (?, ?, ?, ?, ?, ?, ?)"
_INDEX = "CREATE INDEX by_case ON event (id, weight)"
_CASES = "SELECT id, MIN(line), COUNT(*), SUM(weight) FROM event GROUP BY id ORDER BY 2"
_EVENTS = "SELECT line, activity, at, actor, attributes FROM event WHERE id = ? ORDER BY line"


def read_rows(
    rows: Iterable[Row], mapping: Mapping, progress: Progress, position: Callable[[], int]
) -> Iterator[LogCase | Reject]:
    """The rejects, as the rows are read, and then the cases."""
    interpreter = Interpreter(mapping, case_column=True)
    # An empty name is SQLite's for a temporary file. Threads may take turns in a reading.
    with closing(sqlite3.connect("", isolation_level=None, check_same_thread=False)) as spilt:
        spilt.executescript(_CREATE)
        kept = 0
        for line, row in rows:
            progress.read = position() // 2
            try:
                case, event = _entry(row, line, interpreter)
            except UnreadableError as error:
                yield Reject(line, _case(row, interpreter), str(error))
                continue
            if event is None:
                progress.skipped += 1
                continue
            at, attributes = (event.at - _EPOCH) // _MILLISECOND, orjson.dumps(event.attributes)
            spilt.execute(_ADD, (line, case, event.activity, at, event.actor, attributes, weight(event)))
            kept += 1
        yield from _cases(spilt, kept, progress)


def _entry(
    row: dict[str, Scalar] | UnreadableError, line: int, interpreter: Interpreter
) -> tuple[str, LogEvent | None]:
    """The case's id and the event; None for one that is no step. Raises UnreadableError."""
    if isinstance(row, UnreadableError):
        raise row
    case = text(row.get(interpreter.case))
    if case is None:
        raise UnreadableError(f"The case is missing ({interpreter.case}).")
    values = {name: checked(name, value) for name, value in row.items() if interpreter.wants(name)}
    return case, interpreter.event(values, line) if interpreter.counts(values) else None


def _case(row: dict[str, Scalar] | UnreadableError, interpreter: Interpreter) -> str | None:
    """The id of a rejected row's case, if that much can be read."""
    try:
        return None if isinstance(row, Exception) else text(checked("", row.get(interpreter.case)))
    except UnreadableError:
        return None


def _cases(spilt: sqlite3.Connection, kept: int, progress: Progress) -> Iterator[LogCase | Reject]:
    spilt.execute(_INDEX)
    done = 0
    for position, (case, line, events, heavy) in enumerate(spilt.execute(_CASES), 1):
        if events > MAX_EVENTS or heavy > MAX_CASE:
            yield Reject(line, case, too_large(case, events))
        else:
            yield LogCase(case, [_event(*found) for found in spilt.execute(_EVENTS, (case,))], position)
        done += events
        progress.read = (progress.total + progress.total * done // kept) // 2


def _event(line: int, activity: str, at: int, actor: str | None, attributes: bytes) -> LogEvent:
    return LogEvent(activity, _EPOCH + at * _MILLISECOND, actor, orjson.loads(attributes), line)


def json_rows(source: BinaryIO) -> Iterator[Row]:
    """JSON Lines: an object a line. Values that are objects or lists are passed over, as in XES."""
    number = 0
    while line := source.readline(MAX_LINE):
        number += 1
        if len(line) == MAX_LINE and not line.endswith(b"\n"):
            while (rest := source.readline(MAX_LINE)) and not rest.endswith(b"\n"):
                pass
            yield number, UnreadableError(f"The line is longer than {MAX_LINE // 1024**2} MiB.")
        elif line := line.removeprefix(_BOM).strip():
            yield number, _object(line)


def _object(line: bytes) -> dict[str, Scalar] | UnreadableError:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return UnreadableError("The line is not valid JSON.")
    if not isinstance(found, dict):
        return UnreadableError("The line is not a JSON object.")
    return {name: value for name, value in found.items() if not isinstance(value, dict | list)}


def csv_columns(source: BinaryIO) -> list[str]:
    """The header's columns. Raises InvalidInput for what is no CSV with a header."""
    return _header(next(_Lines(source), ""))[1]


def csv_rows(source: BinaryIO) -> Iterator[Row]:
    """CSV with a header (RFC 4180); an empty cell is no value. A broken row does not take others with it."""
    lines = _Lines(source)
    delimiter, header = _header(next(lines, ""))
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        first = lines.begin_row()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            lines.give_back()
            yield first, UnreadableError("The row's quotation marks or line ends are broken.")
            continue
        if len(cells) == len(header):
            yield first, {name: cell for name, cell in zip(header, cells, strict=True) if name and cell}
        elif cells:
            yield first, UnreadableError(f"The row has {len(cells)} cells, but the header {len(header)}.")


def _header(line: str) -> tuple[str, list[str]]:
    """The delimiter that makes most columns of the header, and those columns."""
    found = []
    for delimiter in DELIMITERS:
        try:
            found.append((delimiter, next(csv.reader([line], delimiter=delimiter, strict=True), [])))
        except csv.Error:
            continue
    delimiter, header = max(found, key=lambda one: len(one[1]), default=("", []))
    if len(header) < FEWEST_COLUMNS or "\0" in line or not _utf8(line):
        raise InvalidInput("The file is neither XES, nor JSON Lines, nor CSV in UTF-8 with a header.")
    twice = next((name for n, name in enumerate(header) if name and name in header[:n]), None)
    if twice is not None:
        raise InvalidInput(f"Two columns have the name {shown(twice)}.")
    return delimiter, header


def _utf8(line: str) -> bool:
    try:
        line.encode()
    except UnicodeEncodeError:
        return False
    return True


class _Lines(Iterator[str]):
    """The lines of a CSV file with their ends. Those of a row that broke can be had again, save its first."""

    def __init__(self, source: BinaryIO) -> None:
        self._source, self._next = source, 1
        self._row: list[str] = []
        self._size = 0
        self._again: deque[str] = deque()

    def begin_row(self) -> int:
        """Forget the lines of the row before. The number of the next line."""
        self._row, self._size = [], 0
        return self._next

    def give_back(self) -> None:
        self._again.extendleft(reversed(self._row[1:]))
        self._next -= len(self._row) - 1

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else self._read()
        self._row.append(line)
        self._size += len(line)
        if self._size >= MAX_LINE:
            raise InvalidInput(
                f"The row that ends at line {self._next} is larger than {MAX_LINE // 1024**2} MiB."
            )
        self._next += 1
        return line

    def _read(self) -> str:
        line = self._source.readline(MAX_LINE)
        if not line:
            raise StopIteration
        if self._next == 1:
            line = line.removeprefix(_BOM)
        return line.decode(errors="surrogateescape")  # a value that is not UTF-8 is rejected with its row

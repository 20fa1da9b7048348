"""Event logs of other systems, read as a stream: XES, CSV, JSON Lines, plain or gzip, told apart by content.

Memory stays the same however large the file is or what it unpacks to. A file that is none of these or damaged
is InvalidInput; a bad event is a Reject among the cases.
"""

import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from domain.errors import InvalidInput, Problem
from domain.mapping import Mapping
from domain.proposal import Summary, guess_columns, propose
from workers.eventlog_entry import LogCase, LogEvent, Progress, Reject, Scalar
from workers.eventlog_rows import csv_columns, csv_rows, json_rows, read_rows
from workers.eventlog_xes import read_xes

__all__ = ["EventLog", "Format", "LogCase", "LogEvent", "Progress", "Reject", "Scalar"]

_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_XML = (b"<", b"\xff\xfe<", b"\xfe\xff\0<")
_HEAD = 4096  # bytes in which the format shows
_SAMPLE = 100  # rows of JSON Lines whose names are taken for columns


class Format(StrEnum):
    XES = "xes"
    CSV = "csv"
    JSONL = "jsonl"


class EventLog:
    """One file. It may be read any number of times; `progress` is that of the latest reading."""

    path: Path
    format: Format
    columns: tuple[str, ...]  # of a table: the header's, or those of the first objects; none for XES
    progress: Progress

    def __init__(self, path: Path) -> None:
        """Raises InvalidInput if the file cannot be opened or is no event log."""
        self.path = path
        with _opened(path) as (source, _):
            self.format = _recognised(source)
        with _opened(path) as (source, _):
            self.columns = tuple(_columns(source, self.format))
        self.progress = Progress(total=path.stat().st_size)

    def read(self, mapping: Mapping) -> Iterator[LogCase | Reject]:
        """The cases in the order of their first events, among them what could not be read.

        Events whose lifecycle transition makes them no step are counted in `progress.skipped`. A case that is
        left with no event does not come. Raises InvalidInput, after some cases if damage lies behind them.
        """
        if self.format is Format.CSV:
            self._require_columns(mapping)
        progress = self.progress = Progress(total=self.path.stat().st_size)
        with _opened(self.path) as (source, position):
            match self.format:
                case Format.XES:
                    yield from read_xes(source, mapping, progress, position)
                case Format.CSV:
                    yield from read_rows(csv_rows(source), mapping, progress, position)
                case Format.JSONL:
                    yield from read_rows(json_rows(source), mapping, progress, position)
        progress.read = progress.total

    def mapping(self, said: Mapping | None = None) -> Mapping:
        """What was said, completed by what the log proposes, for which it is read once if no steps are said.

        Raises InvalidInput if columns go by no usual name, or the log has too many activities or none.
        """
        base = said or Mapping()
        if self.format is not Format.XES:
            base = guess_columns(self.columns, base=base)
        if base.complete:
            return base
        summary = Summary()
        for found in self.read(base):
            if isinstance(found, LogCase):
                names = dict.fromkeys(found.attributes)
                for event in found.events:
                    names.update(dict.fromkeys(event.attributes))
                summary.add([event.activity for event in found.events], names)
        return propose(summary, base)

    def _require_columns(self, mapping: Mapping) -> None:
        named = [(mapping.case, ("case",)), (mapping.activity, ("activity",)), (mapping.time, ("time",))]
        if mapping.actor and "actor" in mapping.model_fields_set:
            named.append((mapping.actor, ("actor",)))
        if mapping.customer:
            named.append((mapping.customer, ("customer",)))
        if mapping.lead:
            named.append((mapping.lead, ("lead",)))
        paths: list[tuple[str, tuple[str, ...]]] = [
            *named,
            *((name, ("context", name)) for name in mapping.context),
        ]
        problems = [
            Problem(f"no column has the name {name!r}", path)
            for name, path in paths
            if name not in self.columns
        ]
        if problems:
            listed = ", ".join(self.columns)
            raise InvalidInput(
                f"The mapping does not fit the file, whose columns are: {listed}.", problems=problems
            )


@contextmanager
def _opened(path: Path) -> Iterator[tuple[BinaryIO, Callable[[], int]]]:
    """The file's content, unpacked, and a function that tells how many bytes of the file have been read."""
    try:
        raw = path.open("rb")
    except OSError as error:
        raise InvalidInput(f"The file cannot be opened: {error.strerror}.") from None
    with raw:
        packed = raw.read(2) == _GZIP
        raw.seek(0)
        try:
            yield (io.BufferedReader(gzip.GzipFile(fileobj=raw)) if packed else raw), raw.tell
        except EOFError:
            raise InvalidInput("The gzip file is cut short.") from None
        except (gzip.BadGzipFile, zlib.error):
            raise InvalidInput("The gzip file is damaged.") from None


def _recognised(source: BinaryIO) -> Format:
    head = source.read(_HEAD)
    start = head.removeprefix(_BOM).lstrip()
    if not start:
        raise InvalidInput("The file is empty." if not head else "The file begins with nothing but blanks.")
    if start.startswith(_XML):
        return Format.XES
    if start.startswith(b"["):
        raise InvalidInput("The file is a JSON array; write JSON Lines, one object a line.")
    return Format.JSONL if start.startswith(b"{") else Format.CSV


def _columns(source: BinaryIO, format: Format) -> list[str]:
    match format:
        case Format.XES:
            return []
        case Format.CSV:
            return csv_columns(source)
        case Format.JSONL:
            objects = [row for _, row in islice(json_rows(source), _SAMPLE) if isinstance(row, dict)]
            if not objects:
                raise InvalidInput("The file begins like JSON Lines, but has no object on a line of its own.")
            return list(dict.fromkeys(name for row in objects for name in row))

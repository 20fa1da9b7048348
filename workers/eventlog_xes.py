"""Reads XES (IEEE 1849) as it streams by: no tree is built, and no more than one trace is held.

SAX and not iterparse, because only a handler that is called when an element begins sees expat's line for it:
an event's line is its true line. Nested attributes and what is neither trace nor event are passed over.
"""

import sys
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO
from xml.sax import SAXParseException
from xml.sax.handler import ContentHandler
from xml.sax.xmlreader import AttributesImpl

from defusedxml.common import DefusedXmlException
from defusedxml.expatreader import DefusedExpatParser

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

CHUNK = 64 * 1024  # bytes
MAX_ELEMENT = 4 * 1024 * 1024  # bytes that may pass without an element beginning or ending: expat holds them
MAX_DEPTH = 100
MAX_ATTRIBUTES = 1_000  # of one event or trace

_LOG, _TRACE, _EVENT, _ATTRIBUTE = 1, 2, 3, 4  # how deep each stands
_TRUTH = {"true": True, "1": True, "false": False, "0": False}


def read_xes(
    source: BinaryIO, mapping: Mapping, progress: Progress, position: Callable[[], int]
) -> Iterator[LogCase | Reject]:
    """The traces of the log in order, as they are read. Raises InvalidInput for what is no XES."""
    parser = DefusedExpatParser(forbid_dtd=True)
    log = _Log(mapping, progress, parser.getLineNumber)
    parser.setContentHandler(log)
    passed = 0
    while chunk := source.read(CHUNK):
        log.moved = False
        _feed(parser, chunk)
        passed = 0 if log.moved else passed + len(chunk)
        if passed > MAX_ELEMENT:
            raise InvalidInput(f"At line {log.line} one element is larger than {MAX_ELEMENT // 1024**2} MiB.")
        progress.read = position()
        while log.found:
            yield log.found.popleft()
    _feed(parser, b"")
    yield from log.found


def _feed(parser: DefusedExpatParser, chunk: bytes) -> None:
    """Parse on; an empty chunk says that this is the end."""
    try:
        if chunk:
            parser.feed(chunk)
        else:
            parser.close()
    except DefusedXmlException:
        raise InvalidInput("The file has a DTD or declares entities, which XES does not need.") from None
    except SAXParseException as error:
        where, what = error.getLineNumber(), error.getMessage()
        raise InvalidInput(f"The XML is not well-formed at line {where}: {what}.") from None
    except (LookupError, ValueError):  # Python looks for an encoding that expat does not know
        raise InvalidInput("The XML is in an encoding that is not known here; UTF-8 is.") from None


@dataclass(slots=True)
class _Trace:
    line: int
    position: int
    id: str | None = None
    attributes: dict[str, Scalar] = field(default_factory=dict)
    events: list[LogEvent] = field(default_factory=list)  # emptied when the trace is too large
    seen: int = 0  # events, also those rejected or skipped
    read: int = 0  # events that could be read
    weight: int = 0


@dataclass(slots=True)
class _Event:
    line: int
    values: dict[str, Scalar] = field(default_factory=dict)
    flaw: str | None = None  # the first thing in it that could not be read


class _Log(ContentHandler):
    """Turns elements into cases; what is complete stands in `found` until it is taken."""

    def __init__(self, mapping: Mapping, progress: Progress, line: Callable[[], int | None]) -> None:
        super().__init__()
        self.found: deque[LogCase | Reject] = deque()
        self.moved = False
        self._interpreter, self._progress = Interpreter(mapping, case_column=False), progress
        self._line = line
        self._depth = self._traces = 0
        self._trace: _Trace | None = None
        self._event: _Event | None = None

    @property
    def line(self) -> int:
        return self._line() or 1

    def startElement(self, name: str, attrs: AttributesImpl) -> None:  # noqa: N802 - SAX's name
        self.moved = True
        self._depth += 1
        tag = name.rpartition(":")[2]
        if self._depth == _ATTRIBUTE and self._event:
            self._event_attribute(self._event, tag, attrs)
        elif self._depth == _EVENT and self._trace:
            if tag == "event":
                self._event = _Event(self.line)
            else:
                self._trace_attribute(self._trace, tag, attrs)
        elif self._depth == _TRACE and tag == "trace":
            self._traces += 1
            self._trace = _Trace(self.line, self._traces)
        elif self._depth == _TRACE and tag == "event":
            self._reject(self.line, None, "The event is in no trace, so its case is not known.")
        elif self._depth == _LOG and tag != "log":
            raise InvalidInput(f"The file is XML but not XES: it holds {shown(tag)}, not a log.")
        elif self._depth > MAX_DEPTH:
            raise InvalidInput(f"At line {self.line} elements are nested more than {MAX_DEPTH} deep.")

    def endElement(self, name: str) -> None:  # noqa: ARG002, N802 - SAX's name and shape
        self.moved = True
        if self._depth == _EVENT and self._event and self._trace:
            self._end_event(self._event, self._trace)
            self._event = None
        elif self._depth == _TRACE and self._trace:
            self._end_trace(self._trace)
            self._trace = None
        self._depth -= 1

    def _trace_attribute(self, trace: _Trace, tag: str, attrs: AttributesImpl) -> None:
        name = attrs.get("key", "")
        if name != self._interpreter.case and not self._interpreter.keeps(name):
            return
        try:
            _take(trace.attributes, name, tag, attrs)
        except UnreadableError as error:
            self._reject(self.line, trace.id, f"An attribute of the case is left out: {error}")
        else:
            if name == self._interpreter.case:
                trace.id = text(trace.attributes.pop(name, None))

    def _event_attribute(self, event: _Event, tag: str, attrs: AttributesImpl) -> None:
        name = attrs.get("key", "")
        if event.flaw or not self._interpreter.wants(name):
            return
        try:
            _take(event.values, name, tag, attrs)
        except UnreadableError as error:
            event.flaw = str(error)

    def _end_event(self, event: _Event, trace: _Trace) -> None:
        trace.seen += 1
        if not self._interpreter.counts(event.values):
            self._progress.skipped += 1
            return
        if event.flaw:
            self._reject(event.line, trace.id, event.flaw)
            return
        try:
            read = self._interpreter.event(event.values, event.line)
        except UnreadableError as error:
            self._reject(event.line, trace.id, str(error))
            return
        trace.read += 1
        trace.weight += weight(read)
        if trace.read > MAX_EVENTS or trace.weight > MAX_CASE:
            trace.events = []
        else:
            trace.events.append(read)

    def _end_trace(self, trace: _Trace) -> None:
        if trace.read > MAX_EVENTS or trace.weight > MAX_CASE:
            self._reject(trace.line, trace.id, too_large(trace.id, trace.read))
        elif trace.id is None:
            for event in trace.events:
                reason = f"The trace has no {self._interpreter.case}, so the event's case is not known."
                self._reject(event.line, None, reason)
        elif not trace.seen:
            self._reject(trace.line, trace.id, "The case has no events.")
        elif trace.events:
            self.found.append(LogCase(trace.id, trace.events, trace.position, trace.attributes))

    def _reject(self, line: int, case: str | None, reason: str) -> None:
        self.found.append(Reject(line, case, reason))


def _take(values: dict[str, Scalar], name: str, tag: str, attrs: AttributesImpl) -> None:
    """Add an XES attribute to the values; one without a value is none. Raises UnreadableError."""
    value = attrs.get("value")
    if value is None:
        return
    if len(values) >= MAX_ATTRIBUTES:
        raise UnreadableError(f"There are more than {MAX_ATTRIBUTES:,} attributes.")
    values[sys.intern(name)] = checked(name, _typed(name, tag, value))


def _typed(name: str, tag: str, value: str) -> Scalar:
    """A value by its XES type; dates stay text, as written."""
    try:
        match tag:
            case "int":
                return int(value)
            case "float":
                return float(value)
            case "boolean":
                return _TRUTH[value.strip().lower()]
            case _:
                return value
    except (ValueError, KeyError):
        raise UnreadableError(f"The value of {name}, {shown(value)}, is not of its type ({tag}).") from None

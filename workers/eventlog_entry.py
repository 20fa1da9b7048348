"""What a log says, whatever its format: cases with events in the file's order, and what could not be read.

A bad event costs that event only. A reason is a sentence for whoever has the file open. Nothing in a file
makes a case larger than the limits here.
"""

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from domain.mapping import EPOCHS, Mapping
from domain.values import milliseconds

MAX_EVENTS = 10_000  # in a case
MAX_VALUE = 32 * 1024  # bytes of UTF-8 in one value
MAX_NAME = 256  # characters in the name of a column or attribute
MAX_CASE = 64 * 1024 * 1024  # weight of all its events: a case is held in memory
LIFECYCLE = "lifecycle:transition"

_SMALLEST, _LARGEST = -(2**63), 2**63 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Scalar: TypeAlias = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class LogEvent:
    activity: str
    at: datetime  # UTC, whole milliseconds
    actor: str | None
    attributes: dict[str, Scalar]  # by the names of the file; the mapping's context if it has one, else all
    line: int  # where it begins in the file, 1 for the first


@dataclass(frozen=True, slots=True)
class LogCase:
    id: str
    events: list[LogEvent]  # at least one, in the order of the file, which alone counts: some share a time
    position: (
        int  # 1 for the first case of the file; two XES traces may bear the same id, never the same position
    )
    attributes: dict[str, Scalar] = field(default_factory=dict)  # of the XES trace


@dataclass(frozen=True, slots=True)
class Reject:
    line: int
    case: str | None
    reason: str


@dataclass(slots=True)
class Progress:
    """How far a reading is, for a caller to poll; `read` reaches `total` at its end."""

    total: int  # bytes of the file, compressed if it is
    read: int = 0  # a table is gone through twice, so that each time counts half
    skipped: int = 0  # events whose lifecycle transition makes them no step


class UnreadableError(ValueError):
    """Something in the file cannot be understood; the message is the reason of the Reject."""


def shown(value: object) -> str:
    """A value as a reason quotes it: short, on one line."""
    text = " ".join(str(value).split())
    return f"“{text[:60]}…”" if len(text) > 60 else f"“{text}”"  # noqa: PLR2004 - as much as fits a line


def too_large(case: str | None, events: int) -> str:
    limit = f"{MAX_EVENTS:,} events or {MAX_CASE // 1024**2} MiB"
    return f"The case {shown(case or '?')} is larger than {limit}: all its {events:,} events are left out."


def weight(event: LogEvent) -> int:
    """Bytes that the event takes in memory, roughly."""
    values = (event.activity, event.actor, *event.attributes.values())
    return 128 + sum(64 + (len(value) if isinstance(value, str) else 0) for value in values)


def checked(name: str, value: Scalar) -> Scalar:
    """The value if a journey can hold it, null for NaN and infinities, which JSON lacks.

    Raises UnreadableError.
    """
    if len(name) > MAX_NAME:
        raise UnreadableError(f"The name {shown(name)} is longer than {MAX_NAME} characters.")
    if isinstance(value, str):
        try:
            size = len(value) if value.isascii() else len(value.encode())
        except UnicodeEncodeError:
            raise UnreadableError(f"The value of {name} is not UTF-8 text.") from None
        if size > MAX_VALUE:
            raise UnreadableError(f"The value of {name} is larger than {MAX_VALUE // 1024} KiB.")
    elif isinstance(value, float):
        return value if math.isfinite(value) else None
    elif value is not None and not _SMALLEST <= value <= _LARGEST:
        raise UnreadableError(f"The number in {name} is too large: {shown(value)}.")
    return value


class Interpreter:
    """Reads one event's values as the mapping says."""

    def __init__(self, mapping: Mapping, *, case_column: bool) -> None:
        """`case_column`: the case's id stands in each event, as in a table, not in a trace."""
        self.case = mapping.case
        self._mapping, self._zone = mapping, mapping.zone
        self._lifecycle = {transition.lower() for transition in mapping.lifecycle}
        self._own = {mapping.activity, mapping.time, mapping.actor, LIFECYCLE, *([self.case] * case_column)}
        named = {name for name in (mapping.customer, mapping.lead) if name}
        self._context = named | set(mapping.context) if "context" in mapping.model_fields_set else None

    def wants(self, name: str) -> bool:
        """Whether an event's value of this name matters; the rest of the file need not even be valid."""
        return name in self._own or self.keeps(name)

    def keeps(self, name: str) -> bool:
        """Whether it stays an attribute: the context names it, or it names the customer or lead; with no context
        said, all but the other roles."""
        return name not in self._own if self._context is None else name in self._context

    def counts(self, values: dict[str, Scalar]) -> bool:
        """Whether the event's lifecycle transition makes it a step; without one it is."""
        transition = text(values.get(LIFECYCLE))
        return transition is None or transition.lower() in self._lifecycle

    def event(self, values: dict[str, Scalar], line: int) -> LogEvent:
        """The event that these values are. Raises UnreadableError."""
        mapping = self._mapping
        activity = text(values.get(mapping.activity))
        if activity is None:
            raise UnreadableError(f"The activity is missing ({mapping.activity}).")
        return LogEvent(
            activity=activity,
            at=self._time(values.get(mapping.time)),
            actor=text(values.get(mapping.actor)) if mapping.actor else None,
            attributes={name: value for name, value in values.items() if self.keeps(name)},
            line=line,
        )

    def _time(self, value: Scalar) -> datetime:
        said = text(value)
        if said is None:
            raise UnreadableError(f"The time is missing ({self._mapping.time}).")
        try:
            at = self._parsed(said.strip())
            return milliseconds(at if at.tzinfo else at.replace(tzinfo=self._zone))
        except (ValueError, OverflowError):
            form = self._mapping.time_format
            if form:
                raise UnreadableError(f"The time {shown(said)} is not written as {form}.") from None
            raise UnreadableError(
                f"The time {shown(said)} is not ISO 8601; a mapping can give its timeFormat."
            ) from None

    def _parsed(self, said: str) -> datetime:
        form = self._mapping.time_format
        if form in EPOCHS:
            return _EPOCH + timedelta(seconds=float(said) / EPOCHS[form])
        if form:
            return datetime.strptime(said, form)  # noqa: DTZ007 - the caller adds the mapping's zone
        if said.isdigit():  # would be read as a compact date with a stray digit for the T
            raise ValueError
        # 2012/10/09 leaves no doubt; 09/10/2012 does and stays refused.
        return datetime.fromisoformat(said.replace("/", "-"))


def text(value: Scalar) -> str | None:
    """A value as an id or a name; None if it is missing, blank, or true or false."""
    if value is None or isinstance(value, bool):
        return None
    said = str(value)
    return said if said.strip() else None

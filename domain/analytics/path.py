"""Paths: the contacts that led to each conversion, and those that led to none.

A contact belongs to every conversion in whose lookback, (conversion - lookback, conversion], it lies, also when
another conversion lies between. All models see the same paths.
"""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from domain.errors import InvalidInput

LOOKBACK: Final = timedelta(days=30)

Key: TypeAlias = str | None
"""A channel, source, campaign or type, as the report asks; None for contacts that have none."""


@dataclass(frozen=True, slots=True)
class Touch:
    """One contact. `channel` tells direct contacts apart where the key is not the channel itself."""

    at: datetime
    key: Key
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class Conversion:
    """One conversion and what it is worth: 0 when nothing is known, always in one unit of one currency.

    One that is not `counted` has no path, but what led to it did convert: the report is about others.
    """

    at: datetime
    value: float = 0.0
    counted: bool = True


@dataclass(frozen=True, slots=True)
class Path:
    """Contacts in the order of time and the conversion they led to, or None."""

    touches: tuple[Touch, ...]
    conversion: Conversion | None = None

    @property
    def keys(self) -> tuple[Key, ...]:
        return tuple(touch.key for touch in self.touches)


@dataclass(frozen=True, slots=True)
class PathCount:
    """Equal paths together: how many converted, what those were worth in all, and how many did not convert.

    Raises ValueError when a count is negative.
    """

    keys: tuple[Key, ...]
    conversions: int = 0
    value: float = 0.0
    nulls: int = 0

    def __post_init__(self) -> None:
        if self.conversions < 0 or self.nulls < 0:
            raise ValueError("paths are counted from 0")


def counted(path: Path) -> PathCount:
    """One path as a count of one."""
    if path.conversion is None:
        return PathCount(path.keys, nulls=1)
    return PathCount(path.keys, conversions=1, value=path.conversion.value)


def require_length(length: timedelta, name: str) -> None:
    """Raises InvalidInput unless this length of time is longer than nothing."""
    if length <= timedelta():
        raise InvalidInput("It must be longer than nothing.", name)


def ordered(touches: Iterable[Touch]) -> list[Touch]:
    """By time; at the same time in the order given."""
    return sorted(touches, key=lambda touch: touch.at)


def within(touches: list[Touch], converted_at: datetime, lookback: timedelta) -> slice:
    """Which of the ordered touches lie in (converted_at - lookback, converted_at]."""
    first = bisect_left(touches, True, key=lambda touch: converted_at - touch.at < lookback)
    after = bisect_left(touches, True, key=lambda touch: touch.at > converted_at)
    return slice(first, after)


def paths(
    touches: Iterable[Touch],
    conversions: Iterable[Conversion],
    *,
    lookback: timedelta = LOOKBACK,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[Path]:
    """The paths of one customer or lead, in the order of time.

    Each counted conversion in [since, until) has its path, which may be empty. The contacts in [since, until) that lie
    in no conversion's lookback did not convert, as far as is known now: those between two conversions, before the first
    and after the last are one such path each. For that, give also conversions up to `until` + lookback and contacts
    from `since` - lookback. Raises InvalidInput when the lookback is not longer than nothing.
    """
    require_length(lookback, "lookback")
    contacts = ordered(touches)
    found = []
    seen = 0

    def in_range(at: datetime) -> bool:
        return (since is None or since <= at) and (until is None or at < until)

    def lost(part: list[Touch]) -> None:
        left = tuple(touch for touch in part if in_range(touch.at))
        if left:
            found.append(Path(left))

    for conversion in sorted(conversions, key=lambda each: each.at):
        own = within(contacts, conversion.at, lookback)
        lost(contacts[seen : own.start])
        seen = own.stop
        if conversion.counted and in_range(conversion.at):
            found.append(Path(tuple(contacts[own]), conversion))
    lost(contacts[seen:])
    return found

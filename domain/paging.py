"""Keyset pages: a cursor is the sort key of a row, and a page is what lies behind it."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from domain.errors import BadCursor, InvalidInput

T = TypeVar("T")

MAX_PAGE: Final = 100
DEFAULT_PAGE: Final = 25
_KEY = re.compile(r"[\x20-\x7e]{1,400}")


@dataclass(frozen=True, slots=True)
class Page:
    """What is asked for: the first rows behind a key, or the last ones before one."""

    limit: int
    backwards: bool = False
    after: str | None = None
    before: str | None = None

    @classmethod
    def of(
        cls,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> "Page":
        """Raises InvalidInput for a page that is too large or both ways at once, BadCursor for no cursor of ours."""
        if first is not None and last is not None:
            raise InvalidInput("Give first or last, not both.", "last")
        size, name = (first, "first") if last is None else (last, "last")
        size = DEFAULT_PAGE if size is None else size
        if not 1 <= size <= MAX_PAGE:
            raise InvalidInput(f"A page has 1 to {MAX_PAGE} rows.", name)
        return cls(size, last is not None, decode_cursor(after, "after"), decode_cursor(before, "before"))

    def cut(self, rows: list[T]) -> tuple[list[T], bool]:
        """The rows of the page in the order of the list, and whether there are more in the direction asked."""
        more = len(rows) > self.limit
        rows = rows[: self.limit]
        return (rows[::-1] if self.backwards else rows), more


@dataclass(frozen=True, slots=True)
class Rows(Generic[T]):
    """One page: items with their keys, and whether there is more on either side."""

    items: list[T]
    keys: list[str]
    has_next: bool
    has_previous: bool


def rows(page: Page, items: list[T], keys: list[str]) -> Rows[T]:
    """A page of what was found: one row more than asked for where there is more."""
    pairs, more = page.cut(list(zip(items, keys, strict=True)))
    bounded = page.after is not None if not page.backwards else page.before is not None
    has_next, has_previous = (bounded, more) if page.backwards else (more, bounded)
    return Rows([item for item, _ in pairs], [key for _, key in pairs], has_next, has_previous)


def encode_cursor(key: str) -> str:
    return urlsafe_b64encode(key.encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None, name: str) -> str | None:
    """The key in a cursor. Raises BadCursor for what is none."""
    if cursor is None:
        return None
    try:
        key = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (Error, ValueError):
        raise BadCursor(name) from None
    if not _KEY.fullmatch(key) or encode_cursor(key) != cursor:
        raise BadCursor(name)
    return key

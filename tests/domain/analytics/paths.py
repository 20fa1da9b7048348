"""Paths to attribute: in letters, in days, and as Hypothesis makes them."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from hypothesis import strategies as st

from domain.analytics.credit import Credit
from domain.analytics.path import Conversion, Key, Path, PathCount, Touch
from tests.domain.samples import NOON

KEYS: tuple[Key, ...] = ("direct", "mail", "search", "shop", None)


def day(number: float) -> datetime:
    return NOON + timedelta(days=number)


def touches(*days: float) -> list[Touch]:
    """A contact on each of these days, and the key is the day."""
    return [Touch(day(number), f"{number:g}") for number in days]


def path(keys: str, *, value: float | None = None) -> Path:
    """A contact a day, with these keys; it converts at the last when it has a value."""
    found = tuple(Touch(day(n), key) for n, key in enumerate(keys.split(">") if keys else ()))
    return Path(found, None if value is None else Conversion(day(len(found)), value))


def number(credit: Credit, name: str = "conversions") -> float:
    """What a figure of the credit says; there must be one."""
    value = getattr(credit, name).value
    assert value is not None
    return float(value)


def numbers(credits: dict[Key, Credit], name: str = "conversions") -> dict[Key, float]:
    return {key: number(each, name) for key, each in credits.items()}


def counts(keys: Sequence[Key] = KEYS, longest: int = 6) -> st.SearchStrategy[PathCount]:
    return st.builds(
        PathCount,
        keys=st.lists(st.sampled_from(keys), max_size=longest).map(tuple),
        conversions=st.integers(0, 5),
        value=st.integers(0, 1_000_000).map(float),
        nulls=st.integers(0, 5),
    )


# Tenths of a day, so that contacts and conversions meet, also at the same moment.
moments = st.integers(0, 600).map(lambda tenths: day(tenths / 10))
contacts = st.builds(Touch, moments, st.sampled_from(KEYS), st.sampled_from(("direct", "mail", None)))
conversions = st.builds(Conversion, moments, st.integers(0, 1_000_000).map(float))
people = st.tuples(st.lists(contacts, max_size=12), st.lists(conversions, max_size=4))

"""Reading one JSON value as a type. What cannot be read as it raises ValueError."""

from datetime import UTC, datetime
from math import isfinite

from domain.values import Json


def string(value: Json) -> str:
    """A text; true, false and numbers as JSON writes them."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer() and abs(value) < 2**53:
            return str(int(value))  # JSON does not tell 5 from 5.0
        case int() | float():
            return str(value)
        case _:
            raise ValueError


def number(value: Json) -> float | int:
    """A number, or a text that is one."""
    match value:
        case bool():
            raise ValueError
        case int() | float():
            return value
        case str():
            number = float(value)
            if not isfinite(number) or "_" in value:  # Python would read 1_000
                raise ValueError
            return int(value) if value.strip().lstrip("+-").isdecimal() else number  # exact, however long
        case _:
            raise ValueError


def boolean(value: Json) -> bool:
    """True or false, as such, as a text in any case, or as 1 and 0."""
    match value:
        case bool():
            return value
        case str() if value.lower() in ("true", "false"):
            return value.lower() == "true"
        case int() if value in (0, 1):
            return value == 1
        case _:
            raise ValueError


def date(value: Json) -> datetime:
    """The instant that a text in ISO 8601 names; UTC where it names no offset."""
    if not isinstance(value, str):
        raise ValueError  # noqa: TRY004  # what cannot be coerced, like the others
    at = datetime.fromisoformat(value)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


def array(value: Json) -> list[Json]:
    """A list; anything else as a list of one."""
    return value if isinstance(value, list) else [value]

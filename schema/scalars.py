"""Strict scalars: what does not fit exactly is refused, with a sentence that says what would."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NewType, cast

import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

from domain.errors import InvalidInput
from domain.storable import json_problems
from domain.values import JsonObject, Money, milliseconds, timestamp

JSON = NewType("JSON", object)

_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z", re.IGNORECASE | re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_DURATION = re.compile(
    r"P(?:(\d{1,9})D)?(?:T(?=\d)(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:\.\d{1,3})?)S)?)?", re.ASCII
)
LONGEST: Final = timedelta(days=100_000)  # more than any contact or step takes, less than overflows


def parse_date_time(value: object) -> datetime:
    if isinstance(value, str) and _DATE_TIME.fullmatch(value):
        try:
            whole, _, fraction = value[:-1].partition(".")
            at = datetime.fromisoformat(f"{whole}.{fraction[:6].ljust(6, '0')}").replace(tzinfo=UTC)
            return milliseconds(at)
        except ValueError:
            pass
    raise GraphQLError("A DateTime is RFC 3339 in UTC: 2026-01-31T12:00:00Z.")


def parse_date(value: object) -> date:
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise GraphQLError("A Date is RFC 3339's full-date: 2026-01-31.")


def parse_duration(value: object) -> timedelta:
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None or not any(match.groups()):
        raise GraphQLError("A Duration is ISO 8601 of days, hours, minutes and seconds: P1DT2H30M.")
    days, hours, minutes, seconds = match.groups()
    length = timedelta(hours=int(hours or 0), minutes=int(minutes or 0), seconds=float(seconds or 0))
    whole = timedelta(days=min(int(days or 0), LONGEST.days + 1)) + length
    if whole > LONGEST:
        raise GraphQLError(f"A Duration is at most {LONGEST.days:,} days.")
    return whole


def write_duration(value: timedelta) -> str:
    seconds = value.total_seconds()
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, rest = divmod(rest, 60)
    date = f"{days:.0f}D" if days else ""
    time = (f"{hours:.0f}H" if hours else "") + (f"{minutes:.0f}M" if minutes else "")
    time += f"{rest:.3f}".rstrip("0").rstrip(".") + "S" if rest else ""
    return f"P{date}{'T' + time if time else ''}" if date or time else "PT0S"


def parse_money(value: object) -> Money:
    try:
        return Money.parse(value if isinstance(value, str) else "")
    except ValueError as error:
        raise GraphQLError(f"Money is refused: {error}.") from None


def parse_json(value: object) -> Any:
    """Any JSON value of at most 32 levels, with keys and numbers that fit the database."""
    if found := json_problems(value):
        raise GraphQLError(found[0].message)
    return value


SCALARS: Final[dict[object, ScalarDefinition]] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="An instant: RFC 3339 in UTC, kept to the millisecond, such as `2026-01-31T12:00:00.000Z`.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=timestamp,
        parse_value=parse_date_time,
    ),
    date: strawberry.scalar(
        name="Date",
        description="A day of the calendar: the full-date of RFC 3339, such as `2026-01-31`.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=date.isoformat,
        parse_value=parse_date,
    ),
    timedelta: strawberry.scalar(
        name="Duration",
        description="A length of time: ISO 8601 of days, hours, minutes and seconds, such as `P1DT2H30M`.",
        specified_by_url="https://www.iso.org/standard/70907.html",
        serialize=write_duration,
        parse_value=parse_duration,
    ),
    Money: strawberry.scalar(
        name="Money",
        description="An amount with at most four decimals, a space and an ISO 4217 currency: `49.90 EUR`.",
        specified_by_url="https://www.iso.org/iso-4217-currency-codes.html",
        serialize=str,
        parse_value=parse_money,
    ),
    JSON: strawberry.scalar(
        name="JSON",
        description="Any JSON value of at most 32 levels. Numbers lie between -2^63 and 2^63; a key is not empty, has "
        "no NUL and does not begin with $.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc8259",
        serialize=lambda value: value,
        parse_value=parse_json,
    ),
}


def json_object(value: JSON | None) -> JsonObject:
    """The JSON as an object; an empty one for null. Raises InvalidInput for anything else."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidInput("A JSON object is needed here.")
    return cast(JsonObject, value)

"""A condition compares the value at a dotted path with an expected one.

With a `type`, both sides are coerced to it; what cannot be coerced makes the condition false, with the
reason, and never an exception. A path that leads nowhere equals nothing, contains nothing and has no order.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain import coercion
from domain.values import Json

_INDEX = re.compile(r"[0-9]{1,9}")


class Operator(StrEnum):
    EQUALS = "equals"
    NOT_EQUALS = "not_equals"
    CONTAINS = "contains"
    NOT_CONTAINS = "not_contains"
    GREATER_THAN = "greater_than"
    LESS_THAN = "less_than"
    EXISTS = "exists"
    NOT_EXISTS = "not_exists"
    IN = "in"
    NOT_IN = "not_in"


class ValueType(StrEnum):
    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    ARRAY = "array"


@dataclass(frozen=True, slots=True)
class Condition:
    field: str
    operator: Operator
    value: Json = None
    type: ValueType | None = None


@dataclass(frozen=True, slots=True)
class Unmet:
    """A condition that did not hold, with the value it saw (None where the path led nowhere) and why."""

    field: str
    operator: Operator
    expected: Json
    seen: Json
    reason: str


def unmet(conditions: Sequence[Condition], scope: Mapping[str, Json]) -> tuple[Unmet, ...]:
    """The conditions that do not hold in this scope, in their order; none when all hold."""
    found = []
    for condition in conditions:
        present, seen = look_up(condition.field, scope)
        reason = _why_not(condition, present, seen)
        if reason is not None:
            found.append(Unmet(condition.field, condition.operator, condition.value, seen, reason))
    return tuple(found)


def look_up(path: str, scope: Mapping[str, Json]) -> tuple[bool, Json]:
    """Whether the dotted path leads to a value that is not null, and the value. Numbers index into lists."""
    value: object = scope
    for key in path.split("."):
        if isinstance(value, Mapping) and key in value:
            value = value[key]
        elif isinstance(value, list) and _INDEX.fullmatch(key) and int(key) < len(value):
            value = value[int(key)]
        else:
            return False, None
    return value is not None, value  # type: ignore[return-value]  # a scope holds nothing but JSON


def _why_not(condition: Condition, present: bool, seen: Json) -> str | None:
    """None when the condition holds, else the reason for a person."""
    name = condition.field
    match condition.operator:
        case Operator.EXISTS:
            return None if present else f"{name} is missing"
        case Operator.NOT_EXISTS:
            return f"{name} is there" if present else None
        case Operator.NOT_EQUALS | Operator.NOT_CONTAINS | Operator.NOT_IN if not present:
            return None
        case _ if not present:
            return f"{name} is missing"
        case _:
            pass
    try:
        holds, phrase = _compare(condition, seen)
    except _NotComparable as error:
        return f"{name}: {error}"
    return None if holds else f"{name} {phrase}"


class _NotComparable(Exception):  # a reason, no error: it never leaves this module
    pass


def _compare(condition: Condition, seen: Json) -> tuple[bool, str]:
    kind, expected = condition.type, condition.value
    match condition.operator:
        case Operator.EQUALS:
            return _same(coerce(seen, kind), coerce(expected, kind)), "is another value"
        case Operator.NOT_EQUALS:
            return not _same(coerce(seen, kind), coerce(expected, kind)), "is that value"
        case Operator.CONTAINS:
            return _contains(seen, expected, kind), "does not contain it"
        case Operator.NOT_CONTAINS:
            return not _contains(seen, expected, kind), "contains it"
        case Operator.IN:
            return _among(_list(expected), seen, kind), "is none of them"
        case Operator.NOT_IN:
            return not _among(_list(expected), seen, kind), "is one of them"
        case Operator.GREATER_THAN:
            return _ordered(seen, expected, kind) > 0, "is not greater"
        case Operator.LESS_THAN:
            return _ordered(seen, expected, kind) < 0, "is not less"
        case Operator.EXISTS | Operator.NOT_EXISTS:
            raise AssertionError("decided before a value is looked at")


def _same(one: object, other: object) -> bool:
    """JSON equality, at any depth: true is not 1, but 1 is 1.0."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def _list(value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise _NotComparable("the expected value is not a list")
    return value


def _contains(container: Json, item: Json, kind: ValueType | None) -> bool:
    if kind is ValueType.ARRAY:
        container = coercion.array(container)
    if isinstance(container, list):
        return _among(container, item, kind)
    if kind in (None, ValueType.STRING):
        text, part = coerce(container, kind), coerce(item, kind)
        if isinstance(text, str) and isinstance(part, str):
            return part in text
    raise _NotComparable("only a list or a text can contain something")


def _among(values: list[Json], item: Json, kind: ValueType | None) -> bool:
    """Whether one of the values is the item. Where none is, one that cannot be coerced leaves it open."""
    kind = None if kind is ValueType.ARRAY else kind  # the type of the list, not of what is in it
    wanted = coerce(item, kind)
    odd: _NotComparable | None = None
    for value in values:
        try:
            if _same(coerce(value, kind), wanted):
                return True
        except _NotComparable as error:
            odd = error
    if odd is not None:
        raise odd
    return False


def _ordered(seen: Json, expected: Json, kind: ValueType | None) -> int:
    left, right = coerce(seen, kind), coerce(expected, kind)
    number = (int, float)
    if isinstance(left, bool) or isinstance(right, bool):
        raise _NotComparable("true and false have no order")
    if isinstance(left, number) and isinstance(right, number):
        return (left > right) - (left < right)
    if isinstance(left, str) and isinstance(right, str):
        return (left > right) - (left < right)
    if isinstance(left, datetime) and isinstance(right, datetime):
        return (left > right) - (left < right)
    raise _NotComparable("the two values have no common order")


def coerce(value: Json, kind: ValueType | None) -> object:
    """The value as the type, or itself without one. Raises _NotComparable with a reason."""
    if kind is None:
        return value
    try:
        return _COERCE[kind](value)
    except (ValueError, OverflowError):
        raise _NotComparable(f"{_shown(value)} is no {kind.value}") from None


def _shown(value: Json) -> str:
    try:
        return f"{value!s:.60}"
    except ValueError:  # Python writes out no whole number of more than 4,300 digits
        return "a very large number"


_COERCE: dict[ValueType, Callable[[Json], object]] = {
    ValueType.STRING: coercion.string,
    ValueType.NUMBER: coercion.number,
    ValueType.BOOLEAN: coercion.boolean,
    ValueType.DATE: coercion.date,
    ValueType.ARRAY: coercion.array,
}

"""Objects of the API as plain JSON with all their own fields, and these fields as columns.

A field that is worked out by a method is left out: a row costs no query of its own.
"""

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Any, Final, cast

from pydantic.alias_generators import to_camel
from strawberry.types.base import StrawberryContainer, StrawberryOptional, get_object_definition
from strawberry.types.field import StrawberryField

from domain.export_format import AMOUNT, CURRENCY
from domain.values import Json, JsonObject, Money, timestamp
from schema.scalars import write_duration

LEFT_OUT: Final = ("live_cursor", "coverage")  # what says something of a whole page or report


def plain(value: object) -> Json:
    """The value as a client would read or write it; what is null is null."""
    match value:
        case Enum():
            return value.name
        case Money():
            return str(value)
        case datetime():
            return timestamp(value)
        case date():
            return value.isoformat()
        case timedelta():
            return write_duration(value)
        case list() | tuple():
            return [plain(each) for each in value]
        case dict():
            return cast(Json, value)  # the API's JSON
        case _ if is_dataclass(value):
            return plain_object(value)
        case _:
            return cast(Json, value)


def plain_object(value: Any, *, lists: bool = True, only: Sequence[str] | None = None) -> JsonObject:
    """An object with its own fields in the order of the schema, or only those of these names; without `lists`, those
    that are none."""
    found = {_name(field): getattr(value, field.python_name) for field in _own(type(value), only)}
    return {name: plain(each) for name, each in found.items() if lists or not isinstance(each, list)}


def given(input: Any) -> JsonObject:
    """An input with what is given in it, at every level of inputs. The JSON in it stays as it is, with its nulls."""
    found = {_name(field): getattr(input, field.python_name) for field in _own(type(input))}
    return {name: _given(each) for name, each in found.items() if each is not None}


def _given(value: object) -> Json:
    if is_dataclass(value) and get_object_definition(value) is not None:
        return given(value)
    if isinstance(value, list):
        return [_given(each) for each in value]
    return plain(value)


def columns(
    kind: type, *, lists: bool = True, only: Sequence[str] | None = None
) -> Sequence[tuple[str, ...]]:
    """The paths of the values in such an object, or in only these fields of it: those of an object inside it one by
    one, money in two parts, a list whole or, without `lists`, not at all."""
    found: list[tuple[str, ...]] = []
    for field in _own(kind, only):
        of, name = field.type, _name(field)
        while isinstance(of, StrawberryOptional):
            of = of.of_type
        if isinstance(of, StrawberryContainer):
            found += [(name,)] if lists else []
        elif of is Money:
            found += [(name, AMOUNT), (name, CURRENCY)]
        elif isinstance(of, type) and get_object_definition(of) is not None:
            found += [(name, *inner) for inner in columns(of)]
        else:
            found.append((name,))
    return found


def _own(kind: type, only: Sequence[str] | None = None) -> list[StrawberryField]:
    """The fields that objects of this type hold; those that are named, in that order."""
    definition = get_object_definition(kind, strict=True)
    names = {each.name for each in fields(kind)}
    held = {
        each.python_name: each
        for each in definition.fields
        if each.base_resolver is None and each.python_name in names
    }
    return [held[name] for name in only or held if only or name not in LEFT_OUT]


def _name(field: StrawberryField) -> str:
    return field.graphql_name or to_camel(field.python_name)

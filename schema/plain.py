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


def plain_object(value: Any, *, lists: bool = True) -> JsonObject:
    """An object with its own fields in the order of the schema; without `lists`, those that are none."""
    found = {_name(field): getattr(value, field.python_name) for field in _own(type(value))}
    return {name: plain(each) for name, each in found.items() if lists or not isinstance(each, list)}


def given(input: Any) -> JsonObject:
    """An input with what is given in it, at every level."""
    return {name: _given(each) for name, each in plain_object(input).items() if each is not None}


def _given(value: Json) -> Json:
    if isinstance(value, dict):
        return {name: _given(each) for name, each in value.items() if each is not None}
    return [_given(each) for each in value] if isinstance(value, list) else value


def columns(kind: type, *, lists: bool = True) -> Sequence[tuple[str, ...]]:
    """The paths of the values in such an object: those of an object inside it one by one, a list whole or, without
    `lists`, not at all."""
    found: list[tuple[str, ...]] = []
    for field in _own(kind):
        of = field.type
        while isinstance(of, StrawberryOptional):
            of = of.of_type
        if isinstance(of, StrawberryContainer):
            found += [(_name(field),)] if lists else []
        elif isinstance(of, type) and get_object_definition(of) is not None:
            found += [(_name(field), *inner) for inner in columns(of)]
        else:
            found.append((_name(field),))
    return found


def _own(kind: type) -> list[StrawberryField]:
    definition = get_object_definition(kind, strict=True)
    names = {each.name for each in fields(kind)}
    return [
        each
        for each in definition.fields
        if each.base_resolver is None and each.python_name in names and each.python_name not in LEFT_OUT
    ]


def _name(field: StrawberryField) -> str:
    return field.graphql_name or to_camel(field.python_name)

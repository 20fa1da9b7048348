"""Domain values to documents and back: camelCase names, one adapter per type, made once."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, timedelta
from typing import Any, TypeVar, get_args, get_type_hints

from pydantic import ConfigDict, TypeAdapter
from pydantic.alias_generators import to_camel

from domain.events import Event
from domain.values import JsonObject

T = TypeVar("T")

Document = dict[str, Any]  # what the driver reads and writes: BSON has more types than JSON

_CONFIG = ConfigDict(
    alias_generator=to_camel, validate_by_alias=True, validate_by_name=False, ser_json_timedelta="float"
)
_ENVELOPED = frozenset(("at", "by"))  # an event's time and actor stand in its envelope


_adapters: dict[type, TypeAdapter[Any]] = {}


def _adapter(kind: type[T]) -> TypeAdapter[T]:
    found = _adapters.get(kind)
    if found is None:
        _configure(kind)
        found = _adapters[kind] = TypeAdapter(kind)
    return found


def _configure(kind: object) -> None:
    """Pydantic takes no config for somebody else's dataclasses but from themselves, so it is put there."""
    for part in get_args(kind):
        _configure(part)
    if isinstance(kind, type) and is_dataclass(kind) and "__pydantic_config__" not in vars(kind):
        kind.__pydantic_config__ = _CONFIG  # type: ignore[attr-defined]  # Pydantic's own protocol
        for hint in get_type_hints(kind).values():
            _configure(hint)


def dump(value: object) -> Document:
    """The fields of a domain value as a document."""
    dumped: Document = _adapter(type(value)).dump_python(value, by_alias=True)
    return dumped


def load(kind: type[T], document: Mapping[str, Any]) -> T:
    """The domain value that `dump` made the document of; keys it does not know are passed over."""
    return _adapter(kind).validate_python(document)


def event_data(event: Event) -> JsonObject:
    """What an event says, as JSON: times in RFC 3339, durations in seconds."""
    data: JsonObject = _adapter(type(event)).dump_python(
        event, by_alias=True, mode="json", exclude=set(_ENVELOPED)
    )
    return {key: value for key, value in data.items() if value is not None}


def data_schema(kind: type[Event]) -> JsonObject:
    """A JSON Schema of what `event_data` makes of such events: references resolved, nothing null at the top."""
    whole: Any = _adapter(kind).json_schema(by_alias=True, mode="serialization")
    described = {name: each for name, each in whole["properties"].items() if name not in _ENVELOPED}
    given = {name: _resolved(each, whole.get("$defs", {})) for name, each in described.items()}
    return {
        "type": "object",
        "properties": {name: _without_null(each) for name, each in given.items()},
        "required": [name for name, each in given.items() if each and _without_null(each) == each],
        "additionalProperties": False,
    }


_OF_THE_CODE = ("title", "description", "default")  # Python's names and words, not a client's


def _resolved(schema: Any, definitions: Mapping[str, Any], inside: tuple[str, ...] = ()) -> Any:
    """The schema without references; what holds another of its own kind may hold anything there."""
    if isinstance(schema, list):
        return [_resolved(each, definitions, inside) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return {} if name in inside else _resolved(definitions[name], definitions, (*inside, name))
    found = {}
    for key, each in schema.items():
        if key == "properties":
            found[key] = {name: _resolved(one, definitions, inside) for name, one in each.items()}
        elif key not in _OF_THE_CODE:
            found[key] = _resolved(each, definitions, inside)
    return found


def _without_null(schema: Any) -> Any:
    """The schema of a value that is left out where it is null."""
    others = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    if len(others) == len(schema.get("anyOf", ())):
        return schema
    return others[0] if len(others) == 1 else {"anyOf": others}


def load_event(kind: type[T], data: Mapping[str, Any], **enveloped: object) -> T:
    """The event that `event_data` made this of, with the time and actor from its envelope."""
    return _adapter(kind).validate_python({**data, **enveloped})


def plain(value: object) -> object:
    """For the driver: what BSON does not know. A duration becomes its seconds, a date its name in ISO 8601."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in a document")


def field_names(kind: type) -> frozenset[str]:
    """The camelCase names of a dataclass's fields."""
    return frozenset(to_camel(field.name) for field in fields(kind))

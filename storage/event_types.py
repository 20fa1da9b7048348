"""The catalogue of event types as others read it: of each what it means, a JSON Schema of its data, and an example."""

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from domain.catalogue import own_types
from domain.isp.event_types import EVENT_TYPES
from domain.values import JsonObject
from storage.codec import data_schema

INSTANT: Final = "2026-01-31T12:00:00.000Z"
EXAMPLES: Final = {"string": "text", "number": 1.5, "integer": 1, "boolean": True, "null": None}


@dataclass(frozen=True, slots=True)
class KnownType:
    """A type of event that is known here. `own`: this service alone makes such events; else other systems do."""

    type: str
    description: str
    own: bool
    schema: JsonObject
    example: JsonObject


@cache
def known_types() -> tuple[KnownType, ...]:
    """Every type, this service's own first."""
    own = []
    for type, kind in own_types().items():
        schema = data_schema(kind)
        own.append(KnownType(type, " ".join((kind.__doc__ or "").split()), True, schema, example(schema)))
    external = (
        KnownType(type, known.description, False, known.schema, known.example)
        for type, known in EVENT_TYPES.items()
    )
    return (*own, *external)


def example(schema: Any) -> Any:
    """A value of a JSON Schema without references, the same each time."""
    match schema:
        case {"enum": [first, *_]} | {"const": first}:
            return first
        case {"anyOf": [first, *_]}:
            return example(first)
        case {"type": "object", "properties": fields}:
            return {name: example(each) for name, each in fields.items()}
        case {"type": "object"}:
            return {"key": "value"}
        case {"type": "array"}:
            inside = schema.get("prefixItems") or [schema.get("items", {})]
            return [example(each) for each in inside]
        case {"type": "string", "format": "date-time"}:
            return INSTANT
        case {"type": type}:
            return EXAMPLES[type]
        case _:
            return "any"

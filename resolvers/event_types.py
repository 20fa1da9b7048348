"""The catalogue of event types: what triggers may wait for, and what is in the data of each."""

from functools import cache
from typing import Any, Final

import strawberry

from domain.catalogue import own_types
from domain.isp.event_types import EVENT_TYPES
from schema.event_type import EventType, EventTypeSource
from schema.permissions import CanView
from schema.scalars import JSON
from storage.codec import data_schema

INSTANT: Final = "2026-01-31T12:00:00.000Z"
EXAMPLES: Final = {"string": "text", "number": 1.5, "integer": 1, "boolean": True, "null": None}


@strawberry.type
class EventTypeQueries:
    @strawberry.field(
        description="Every type of event that is known here, this service's own first.",
        permission_classes=[CanView],
    )
    def event_types(self) -> list[EventType]:
        return _all()


@cache
def _all() -> list[EventType]:
    own = []
    for type, kind in own_types().items():
        schema = data_schema(kind)
        description = " ".join((kind.__doc__ or "").split())
        own.append(
            EventType(
                type=type,
                description=description,
                source=EventTypeSource.OWN,
                schema=JSON(schema),
                example=JSON(example(schema)),
            )
        )
    external = [
        EventType(
            type=type,
            description=known.description,
            source=EventTypeSource.EXTERNAL,
            schema=JSON(known.schema),
            example=JSON(known.example),
        )
        for type, known in EVENT_TYPES.items()
    ]
    return own + external


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

"""The catalogue of event types: what triggers may wait for, and what is in the data of each."""

from functools import cache

import strawberry

from schema.event_type import EventType, EventTypeSource
from schema.permissions import CanView
from schema.scalars import JSON
from storage.event_types import known_types


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
    return [
        EventType(
            type=known.type,
            description=known.description,
            source=EventTypeSource.OWN if known.own else EventTypeSource.EXTERNAL,
            schema=JSON(known.schema),
            example=JSON(known.example),
        )
        for known in known_types()
    ]

"""Types of event as GraphQL shows them."""

from enum import Enum

import strawberry

from schema.scalars import JSON


@strawberry.enum(description="Who makes events of a type.")
class EventTypeSource(Enum):
    OWN = strawberry.enum_value("own", description="This service alone.")
    EXTERNAL = strawberry.enum_value(
        "external", description="Other systems, with `emitEvent` or `POST /events`."
    )


@strawberry.type(
    description="A type of event that is known here. Events of other types are kept as they come."
)
class EventType:
    type: str = strawberry.field(description="The type as area:name, such as `journey:started`.")
    description: str = strawberry.field(description="What such an event means.")
    source: EventTypeSource = strawberry.field(description="Who makes such events.")
    schema: JSON = strawberry.field(description="A JSON Schema of an event's `data`.")
    example: JSON = strawberry.field(description="Such `data`, made up.")

"""Live journeys: one of them, or those of a filter."""

from collections.abc import AsyncIterator
from enum import Enum
from typing import Self

import strawberry

from domain.errors import NotFound
from domain.journey import Journey as State
from domain.journey_filter import JourneyFilter
from schema.arguments import Filter, ObjectId
from schema.event import Event
from schema.info import Info
from schema.journey import Journey
from schema.journey_inputs import JourneyFilterInput
from schema.permissions import CanView
from subscriptions.changes import Meaning, Told, watch
from subscriptions.events import SinceCursor


@strawberry.enum(description="What a change means to a list of journeys.")
class JourneyChangeKind(Enum):
    ENTERED = strawberry.enum_value("entered", description="The journey is among those of the filter now.")
    UPDATED = strawberry.enum_value("updated", description="It was and still is.")
    LEFT = strawberry.enum_value("left", description="It is not any more.")
    RESET = strawberry.enum_value(
        "reset", description="No change: the cursor given led nowhere any more, so read the list again."
    )


@strawberry.type(description="A change of a journey, live.")
class JourneyChange:
    kind: JourneyChangeKind = strawberry.field(description="What it means to the list.")
    journey: Journey | None = strawberry.field(
        description="The journey, at least as new as the events; null with `reset`."
    )
    events: list[Event] = strawberry.field(description="What happened, in order.")
    cursor: str | None = strawberry.field(
        description="The place in the feed, for `after`; null where it cannot be told."
    )
    reset: bool = strawberry.field(
        default=False,
        description="The cursor given led nowhere any more: read again, then go on with what follows here.",
    )

    @classmethod
    def of(cls, told: Told[State]) -> Self:
        return cls(
            kind=JourneyChangeKind(told.meaning.value),
            journey=None if told.subject is None else Journey.of(told.subject),
            events=[Event.of(each) for each in told.events],
            cursor=told.cursor,
            reset=told.meaning is Meaning.RESET,
        )


@strawberry.type
class JourneySubscriptions:
    @strawberry.subscription(
        description="Every change of one journey, in order, once.", permission_classes=[CanView]
    )
    async def journey_changed(
        self, info: Info, id: ObjectId, after: SinceCursor = None
    ) -> AsyncIterator[JourneyChange]:
        if (await info.context.store.journeys.many([id], info.context.identity.tenant_id))[0] is None:
            raise NotFound(id, "id")
        read = info.context.store.journeys.many
        async for told in watch(info, after, id, JourneyFilter().matches, read):
            yield JourneyChange.of(told)

    @strawberry.subscription(
        description="Every change of the journeys of a filter, those included that enter or leave it.",
        permission_classes=[CanView],
    )
    async def journey_changes(
        self, info: Info, filter: Filter[JourneyFilterInput] = None, after: SinceCursor = None
    ) -> AsyncIterator[JourneyChange]:
        wanted = JourneyFilter() if filter is None else filter.to_domain()
        read = info.context.store.journeys.many
        async for told in watch(info, after, "jrn_", wanted.matches, read):
            yield JourneyChange.of(told)

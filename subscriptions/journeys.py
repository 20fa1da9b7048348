"""Live journeys: one of them, or those of a filter."""

from collections.abc import AsyncIterator
from enum import Enum

import strawberry

from domain.errors import NotFound
from domain.journey_filter import JourneyFilter
from schema.arguments import Filter, ObjectId
from schema.event import Event
from schema.info import Info
from schema.journey import Journey
from schema.journey_inputs import JourneyFilterInput
from schema.permissions import CanView
from subscriptions.broker import Change
from subscriptions.events import SinceCursor, listen
from subscriptions.replay import Reset


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
        async for change in _changes(info, JourneyFilter(), after, id):
            yield change

    @strawberry.subscription(
        description="Every change of the journeys of a filter, those included that enter or leave it.",
        permission_classes=[CanView],
    )
    async def journey_changes(
        self, info: Info, filter: Filter[JourneyFilterInput] = None, after: SinceCursor = None
    ) -> AsyncIterator[JourneyChange]:
        wanted = JourneyFilter() if filter is None else filter.to_domain()
        async for change in _changes(info, wanted, after, None):
            yield change


async def _changes(
    info: Info, wanted: JourneyFilter, after: str | None, id: str | None
) -> AsyncIterator[JourneyChange]:
    context = info.context
    async for item in listen(info, after, collapse=True):
        if isinstance(item, Reset):
            yield JourneyChange(
                kind=JourneyChangeKind.RESET, journey=None, events=[], cursor=str(item.cursor), reset=True
            )
            continue
        kind = _kind(item, wanted, id)
        if kind is None:
            continue
        [journey] = await context.store.journeys.many([item.subject], context.identity.tenant_id)
        if journey is not None:
            cursor = None if item.cursor is None else str(item.cursor)
            # A slow reader may miss an older change of the same kind, but not that the journey came or went.
            context.delivered = (f"{item.subject}:{kind.value}", cursor)
            events = [Event.of(each) for each in item.events]
            yield JourneyChange(kind=kind, journey=Journey.of(journey), events=events, cursor=cursor)


def _kind(change: Change, wanted: JourneyFilter, id: str | None) -> JourneyChangeKind | None:
    """What the change means to the list; None when nothing."""
    if change.facets is None or not change.subject.startswith("jrn_" if id is None else id):
        return None
    now = wanted.matches(change.facets)
    before = change.was is not None and wanted.matches(change.was)
    match (before, now):
        case (False, True):
            return (
                JourneyChangeKind.ENTERED if id is None or change.was is None else JourneyChangeKind.UPDATED
            )
        case (True, True):
            return JourneyChangeKind.UPDATED
        case (True, False):
            return JourneyChangeKind.LEFT
        case _:
            return None

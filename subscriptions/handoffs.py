"""Live handoffs: those of a filter, and the approvals that wait for the viewer."""

from collections.abc import AsyncIterator
from enum import Enum
from typing import Self

import strawberry

from domain.handoff import Handoff as State
from domain.handoff_filter import HandoffFilter, awaits
from domain.values import JsonObject
from schema.arguments import Filter
from schema.event import Event
from schema.handoff import Handoff
from schema.handoff_inputs import HandoffFilterInput
from schema.info import Info
from schema.permissions import CanDecide, CanView
from subscriptions.changes import Meaning, Told, watch
from subscriptions.events import SinceCursor


@strawberry.enum(description="What a change means to a list of handoffs.")
class HandoffChangeKind(Enum):
    ENTERED = strawberry.enum_value("entered", description="The handoff is among those of the list now.")
    UPDATED = strawberry.enum_value("updated", description="It was and still is.")
    LEFT = strawberry.enum_value("left", description="It is not any more.")
    RESET = strawberry.enum_value(
        "reset", description="No change: the cursor given led nowhere any more, so read the list again."
    )


@strawberry.type(description="A change of a handoff, live.")
class HandoffChange:
    kind: HandoffChangeKind = strawberry.field(description="What it means to the list.")
    handoff: Handoff | None = strawberry.field(
        description="The handoff, at least as new as the events; null with `reset`."
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
            kind=HandoffChangeKind(told.meaning.value),
            handoff=None if told.subject is None else Handoff.of(told.subject),
            events=[Event.of(each) for each in told.events],
            cursor=told.cursor,
            reset=told.meaning is Meaning.RESET,
        )


@strawberry.type
class HandoffSubscriptions:
    @strawberry.subscription(
        description="Every change of the handoffs of a filter, those included that enter or leave it.",
        permission_classes=[CanView],
    )
    async def handoff_changes(
        self, info: Info, filter: Filter[HandoffFilterInput] = None, after: SinceCursor = None
    ) -> AsyncIterator[HandoffChange]:
        wanted = HandoffFilter() if filter is None else filter.to_domain()
        async for told in watch(info, after, "hof_", wanted.matches, info.context.store.handoffs.many):
            yield HandoffChange.of(told)

    @strawberry.subscription(
        description="Every change of the list `pendingApprovals`: what the viewer may decide now, and what not any "
        "more.",
        permission_classes=[CanDecide],
    )
    async def pending_approvals_changed(
        self, info: Info, after: SinceCursor = None
    ) -> AsyncIterator[HandoffChange]:
        viewer = info.context.identity

        def waits(facets: JsonObject) -> bool:
            return awaits(facets, viewer)

        async for told in watch(info, after, "hof_", waits, info.context.store.handoffs.many):
            yield HandoffChange.of(told)

"""Live events of a tenant."""

from collections.abc import AsyncIterator
from typing import Annotated

import strawberry

from domain.events import Envelope
from schema.event import Event, EventChange
from schema.info import Info
from schema.permissions import CanView
from subscriptions.broker import Change
from subscriptions.replay import Reset

SinceCursor = Annotated[
    str | None,
    strawberry.argument(
        description="A `liveCursor` or the `cursor` of an earlier message: go on behind it, without gap or double."
    ),
]


async def listen(info: Info, after: str | None, *, collapse: bool) -> AsyncIterator[Change | Reset]:
    """The tenant's feed for one subscription: notes what it has told."""
    context = info.context
    context.replays = after is not None
    async for item in context.feed.listen(context.identity.tenant_id, after, collapse=collapse):
        if isinstance(item, Reset):
            context.delivered = ("reset", str(item.cursor))
        else:
            told = f"{item.subject}:{item.revision}"
            context.delivered = (told, None if item.cursor is None else str(item.cursor))
        yield item


@strawberry.type
class EventSubscriptions:
    @strawberry.subscription(
        description="Events as they are recorded; those of one change come together.",
        permission_classes=[CanView],
    )
    async def events(
        self,
        info: Info,
        types: Annotated[
            list[str] | None, strawberry.argument(description="Only events of these types.")
        ] = None,
        reported_by: Annotated[  # Strawberry's permissions take an argument `source` for their own
            str | None,
            strawberry.argument(name="source", description="Only events that this system reports."),
        ] = None,
        subject: Annotated[
            strawberry.ID | None, strawberry.argument(description="Only events about this subject.")
        ] = None,
        after: SinceCursor = None,
    ) -> AsyncIterator[EventChange]:
        def meant(event: Envelope) -> bool:
            return (
                (types is None or event.type in types)
                and reported_by in (None, event.source)
                and subject in (None, event.subject)
            )

        async for item in listen(info, after, collapse=False):
            if isinstance(item, Reset):
                yield EventChange(events=[], cursor=str(item.cursor), reset=True)
                continue
            wanted = [Event.of(each) for each in item.events if meant(each)]
            if wanted:
                yield EventChange(events=wanted, cursor=None if item.cursor is None else str(item.cursor))

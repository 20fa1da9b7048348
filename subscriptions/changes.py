"""What the changes of the feed mean to a list that somebody watches, of journeys or of handoffs.

Each comes with its subject as it is now: at least as new as the change.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from domain.events import Envelope
from domain.values import JsonObject
from schema.info import Info
from subscriptions.broker import Change
from subscriptions.events import listen
from subscriptions.replay import Reset

S = TypeVar("S")


class Meaning(StrEnum):
    ENTERED = "entered"
    UPDATED = "updated"
    LEFT = "left"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class Told(Generic[S]):
    """One message: nothing but the cursor where it means RESET."""

    meaning: Meaning
    subject: S | None
    events: list[Envelope]
    cursor: str | None


async def watch(
    info: Info,
    after: str | None,
    prefix: str,
    listed: Callable[[JsonObject], bool],
    read: Callable[[Sequence[str], str], Awaitable[list[S | None]]],
) -> AsyncIterator[Told[S]]:
    """The changes of the subjects whose ids begin so, as the list of those sees them that `listed` picks by their
    facets; `read` gets them by id and tenant."""
    context = info.context
    async for item in listen(info, after, collapse=True):
        if isinstance(item, Reset):
            yield Told(Meaning.RESET, None, [], str(item.cursor))
            continue
        meaning = _meaning(item, prefix, listed)
        if meaning is None:
            continue
        [subject] = await read([item.subject], context.identity.tenant_id)
        if subject is not None:
            cursor = None if item.cursor is None else str(item.cursor)
            # A slow reader may miss an older change of the same meaning, but not that the subject came or went.
            context.delivered = (f"{item.subject}:{meaning.value}", cursor)
            yield Told(meaning, subject, item.events, cursor)


def _meaning(change: Change, prefix: str, listed: Callable[[JsonObject], bool]) -> Meaning | None:
    """What the change means to the list; None when nothing."""
    if change.facets is None or not change.subject.startswith(prefix):
        return None
    now = listed(change.facets)
    match (change.was is not None and listed(change.was), now):
        case (False, True):
            return Meaning.ENTERED
        case (True, True):
            return Meaning.UPDATED
        case (True, False):
            return Meaning.LEFT
        case _:
            return None

"""From a cursor to the end of the feed, and how a listener goes over from there into what is live."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from subscriptions.broker import Broker, Change, Cursor


@dataclass(frozen=True, slots=True)
class Reset:
    """The cursor leads nowhere any more: read again, and go on from here."""

    cursor: Cursor


async def replay(broker: Broker, tenant_id: str, start: Cursor) -> AsyncIterator[Change | Reset]:
    """The changes behind a cursor up to the end of the feed, or a reset. Raises Unavailable."""
    tail = await broker.tail(tenant_id)
    if start.run != tail.run or start.place > tail.place:
        yield Reset(tail)
        return
    first = True
    async for change in broker.read(tenant_id, tail.run, start.id):
        if first and change.previous != start.id:
            yield Reset(tail)
            return
        first = False
        yield change
    end = await broker.tail(tenant_id)
    if end.run != tail.run or (
        first and start.id != tail.id
    ):  # it came back, perhaps empty, while it was read
        yield Reset(end)


class Replayed:
    """What a listener has got from the stream, for as long as some of it may come again live."""

    def __init__(self, start: Cursor | None) -> None:
        self._reached = start
        self._revisions: dict[str, int] = {}

    def add(self, item: Change | Reset) -> None:
        self._reached = item.cursor
        if isinstance(item, Change):
            self._revisions[item.subject] = item.revision

    def covers(self, change: Change) -> bool:
        here, reached = change.cursor, self._reached
        if here is None or reached is None or here.run != reached.run:
            return change.revision <= self._revisions.get(change.subject, 0)
        if here.place <= reached.place:
            return True
        self._reached = None
        self._revisions.clear()
        return False

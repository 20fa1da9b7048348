"""Each tenant's calendar: one document, without which it is UTC and weeks begin on Monday."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from domain import calendar as fold
from domain.calendar import Calendar, CalendarChanged
from domain.errors import Conflict
from storage.change import Changes
from storage.mongo import DuplicateKeyError, Mongo, translated
from storage.subject import Cause, Changed, Kind, digest

Command = Callable[[Calendar, datetime], Sequence[CalendarChanged]]


CALENDAR: Final = Kind("calendars", Calendar, fold.begin, fold.evolve, lambda _: {})


def calendar_id(tenant_id: str) -> str:
    return f"cal_{digest('calendar', tenant_id)}"


class Calendars:
    def __init__(self, mongo: Mongo, changes: Changes, now: Callable[[], datetime]) -> None:
        self._changes, self._now = changes, now
        self._calendars = mongo[CALENDAR.collection]

    async def get(self, tenant_id: str) -> Calendar:
        id = calendar_id(tenant_id)
        with translated():
            found = await self._calendars.find_one({"_id": id})
        return CALENDAR.read(found) if found else Calendar(id=id, tenant_id=tenant_id)

    async def change(
        self, tenant_id: str, command: Command, cause: Cause, *, expected: int | None = None
    ) -> Changed[Calendar]:
        """Carry a command out; the first one makes the document."""

        async def run(calendar: Calendar, now: datetime) -> Sequence[CalendarChanged]:
            return [replace(event, by=event.by or cause.actor) for event in command(calendar, now)]

        current = await self.get(tenant_id)
        if current.revision == 0:
            if expected:
                raise Conflict(0)
            events = await run(current, self._now())
            if not events:
                return Changed(current)
            try:
                return await self._changes.create(CALENDAR, current.id, events, cause)
            except DuplicateKeyError:
                pass  # somebody else made it a moment ago
        return await self._changes.change(CALENDAR, current.id, tenant_id, run, cause, expected=expected)

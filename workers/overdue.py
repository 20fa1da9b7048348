"""Overdue entries of the log: what a dead process or an absent Redis left undone with them is done by a sweep."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from domain.errors import QueryTimeout, Unavailable
from domain.events import Envelope
from storage.entries import Entry
from storage.pending import Word
from storage.store import Store
from workers.consumers import Consumers
from workers.follow import Following
from workers.publishing import Publishing
from workers.stuck import raise_incident, withdraw_incident

log = logging.getLogger(__name__)

PART: Final = 100  # entries, about, that are done before it is looked which others have done
AT_ONCE: Final = 8  # subjects of them
AWAY: Final = timedelta(seconds=5)  # that an entry which cannot be told waits, holding up no other


@dataclass(slots=True)
class Overdue:
    """An entry that a sweep found: its change once that is followed up, and what is done with it."""

    entry: Entry
    change: list[Envelope] = field(default_factory=list)
    done: list[Word] = field(default_factory=list)
    wrong: Exception | None = None

    @property
    def left(self) -> set[Word]:
        return set(self.entry.pending) - set(self.done)


class CatchingUp:
    """`chance` gives numbers from 0 to 1, so that several workers do not all do the same."""

    def __init__(
        self,
        store: Store,
        following: Following,
        consumers: Consumers,
        publishing: Publishing,
        now: Callable[[], datetime],
        chance: Callable[[], float],
    ) -> None:
        self._store, self._now, self._chance = store, now, chance
        self._following, self._consumers, self._publishing = following, consumers, publishing
        self._away = False

    async def catch_up(self, due: list[Entry]) -> bool:
        """Do what these entries wait for, those of one subject in order. Whether anything got done.

        Workers that find the same entries begin at different places, and look which are left before they go on.
        """
        by_subject: dict[str, list[Entry]] = {}
        for entry in due:
            by_subject.setdefault(entry.envelope.subject, []).append(entry)
        parts: list[list[Entry]] = [[]]
        for entries in by_subject.values():
            if len(parts[-1]) >= PART:
                parts.append([])
            parts[-1] += entries
        first, got_done = int(self._chance() * len(parts)), False
        self._away = False  # the subscribers, for this time
        for part in parts[first:] + parts[:first]:
            left = await self._store.events.left([each.envelope.id for each in part])
            got_done |= await self._finish([Overdue(each) for each in part if each.envelope.id in left])
        return got_done

    async def _finish(self, overdue: list[Overdue]) -> bool:
        """Whether anything of these got done. What goes wrong with one of them holds up no other."""
        await self._in_order(overdue, self._follow_up)
        going = [each for each in overdue if each.change]
        outcomes = await self._consumers.finish([(each.change, each.entry.pending) for each in going])
        for each, (done, wrong) in zip(going, outcomes, strict=True):
            each.done += done
            each.wrong = each.wrong or wrong
        await self._in_order(going, self._tell_of)
        struck = [each for each in overdue if each.done or not each.entry.pending]
        await self._store.events.strike([(each.entry.envelope.id, each.done) for each in struck])
        for each in struck:
            if each.entry.last_try and not each.left:
                await withdraw_incident(self._store, each.entry)
        for each in overdue:
            if each.wrong is not None and not isinstance(each.wrong, Unavailable):
                log.error("The entry %s fails", each.entry.envelope.id, exc_info=each.wrong)
                await self._put_off(each.entry, each.wrong)
        untold = [each for each in overdue if self._away and "feed" in each.left and each.wrong is None]
        await self._store.events.wait([each.entry.envelope.id for each in untold], self._now() + AWAY)
        return any(each.done for each in overdue)

    async def _in_order(self, overdue: list[Overdue], work: Callable[[Overdue], Awaitable[None]]) -> None:
        """Several subjects at once, the entries of each one after the other."""
        by_subject: dict[str, list[Overdue]] = {}
        for each in overdue:
            by_subject.setdefault(each.entry.envelope.subject, []).append(each)
        places = asyncio.Semaphore(AT_ONCE)

        async def one(entries: list[Overdue]) -> None:
            async with places:
                for each in entries:
                    try:
                        await work(each)
                    except Exception as error:
                        each.wrong = error

        await asyncio.gather(*map(one, by_subject.values()))

    async def _follow_up(self, overdue: Overdue) -> None:
        first = overdue.entry.envelope
        change = [first]
        if first.external_id is None:  # what others report is a change of one event
            [change] = await self._store.events.revisions(first.subject, first.revision - 1, first.revision)
        overdue.change = change
        if "follow" in overdue.entry.pending:
            await self._following.follow(change)
            overdue.done.append("follow")

    async def _tell_of(self, overdue: Overdue) -> None:
        if "feed" not in overdue.entry.pending or self._away:
            return
        try:
            await self._publishing.publish(overdue.change)
        except Unavailable:
            self._away = True
        else:
            overdue.done.append("feed")

    async def _put_off(self, entry: Entry, error: Exception) -> None:
        """It is tried later. After ten tries it is an incident, and holds up nothing any more. A slow database is
        nobody's fault: it counts as no try."""
        counts = not isinstance(error, QueryTimeout)
        if entry.last_try and counts:
            await raise_incident(self._store, entry, error, self._now())
        await self._store.events.postpone(entry, self._now(), type(error).__name__, counts=counts)

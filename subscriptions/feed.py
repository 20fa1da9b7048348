"""The feed of a process: one pub/sub connection, fanned out to whoever listens, without gaps or doubles.

Every message names its predecessor, so a lost one shows at once; after a restart of Redis the gap is filled from the
log. A listener that gives a cursor is replayed to from there and then goes live.
"""

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from domain.errors import DomainError, Unavailable
from storage.events import EventLog
from subscriptions.broker import NOTHING, Broker, Change, Cursor, channel, parse, tenant_of
from subscriptions.line import Line
from subscriptions.mailbox import Mailbox
from subscriptions.replay import Replayed, Reset, replay

log = logging.getLogger(__name__)

MAILBOX: Final = 1_000
WAITING: Final = 10_000  # messages kept while a gap is filled; with more there is another gap
PASSED: Final = 20_000  # subjects whose last revision passed on is remembered, per tenant
SUBSCRIBE_SECONDS: Final = 2.0
RETRY_SECONDS: Final = 0.5
OVERLAP: Final = timedelta(seconds=5)


@dataclass(slots=True)
class _Tenant:
    """What the process knows of one tenant's feed, from the first listener until the last has left."""

    id: str
    began: datetime
    heard: datetime
    begin: Cursor | None = None  # the end of the feed when the first listener came
    cursor: Cursor | None = None
    live: asyncio.Event = field(default_factory=asyncio.Event)
    listeners: set[Mailbox[Change]] = field(default_factory=set)
    passed: OrderedDict[str, int] = field(default_factory=OrderedDict)
    waiting: deque[Change] = field(default_factory=lambda: deque(maxlen=WAITING))
    behind: bool = False
    filling: asyncio.Task[None] | None = None

    def pass_on(self, change: Change) -> None:
        """To every listener, unless they have it or it was out before the first of them came."""
        if change.cursor is not None:
            self.cursor = change.cursor
            if self.begin is not None and change.cursor.place <= self.begin.place:
                return
        if change.revision <= self.passed.get(change.subject, 0):
            return
        self.passed[change.subject] = change.revision
        self.passed.move_to_end(change.subject)
        if len(self.passed) > PASSED:
            self.passed.popitem(last=False)
        for mailbox in self.listeners:
            mailbox.put(change.subject, change)


class Feed:
    def __init__(self, broker: Broker, events: EventLog, now: Callable[[], datetime]) -> None:
        self._broker, self._events, self._now = broker, events, now
        self._tenants: dict[str, _Tenant] = {}
        self._line = Line(broker, heard=self._receive, joined=self._catch_up)

    async def run(self) -> None:
        """Hear the changes of every tenant that somebody listens to, for ever."""
        try:
            await self._line.run()
        finally:
            for tenant in self._tenants.values():
                if tenant.filling is not None:
                    tenant.filling.cancel()

    async def cursor(self, tenant_id: str) -> str | None:
        """The end of a tenant's feed now; None while Redis is away."""
        try:
            return str(await self._broker.tail(tenant_id))
        except Unavailable:
            return None

    async def listen(
        self, tenant_id: str, after: str | None = None, *, collapse: bool = True
    ) -> AsyncIterator[Change | Reset]:
        """Changes from the cursor on, or from now. Raises BadCursor, Unavailable while Redis is away, and Lagged
        for a listener that is too slow; with `collapse`, one that is slow gets several changes of a subject as one."""
        start = None if after is None else Cursor.parse(after)
        tenant = self._tenants.get(tenant_id)
        if tenant is None:
            now = self._now()
            tenant = self._tenants[tenant_id] = _Tenant(tenant_id, now, now)
        mailbox: Mailbox[Change] = Mailbox(MAILBOX, _merge if collapse else None)
        tenant.listeners.add(mailbox)
        try:
            await self._join(tenant)
            replayed = Replayed(start)
            if start is not None:
                async for item in replay(self._broker, tenant_id, start):
                    replayed.add(item)
                    yield item
            while True:
                change = await mailbox.get()
                if not replayed.covers(change):
                    yield change
        except StopAsyncIteration:
            return
        finally:
            tenant.listeners.discard(mailbox)
            if not tenant.listeners and self._tenants.get(tenant_id) is tenant:
                del self._tenants[tenant_id]
                self._line.leave(channel(tenant_id))

    async def _join(self, tenant: _Tenant) -> None:
        name = channel(tenant.id)
        self._line.want(name)
        if not self._line.hears(name):
            tenant.live.clear()
        elif not tenant.live.is_set() and tenant.filling is None:
            self._catch_up(name)
        try:
            async with asyncio.timeout(SUBSCRIBE_SECONDS):
                await tenant.live.wait()
        except TimeoutError:
            raise Unavailable("Live updates are away for the moment; try again.") from None

    def _receive(self, name: str, message: bytes) -> None:
        tenant = self._tenants.get(tenant_of(name))
        if tenant is None:
            return
        try:
            change = parse(message)
        except ValueError:
            log.exception("A message of %s cannot be read", tenant.id)
            self._catch_up(name)
            return
        if tenant.filling is not None:
            tenant.waiting.append(change)
        elif not self._take(tenant, change):
            self._catch_up(name)

    def _take(self, tenant: _Tenant, change: Change) -> bool:
        """Pass a message on where it continues what is known; False where something is missing before it."""
        known, here = tenant.cursor, change.cursor
        if known is None or here is None or known.run != here.run:
            return False
        if here.place > known.place:
            if change.previous != known.id:
                return False
            tenant.heard = self._now()
            tenant.pass_on(change)
        return True

    def _catch_up(self, name: str) -> None:
        """Something may have been missed: bring the tenant up to the end of its stream, in the background."""
        tenant = self._tenants.get(tenant_of(name))
        if tenant is None:
            return
        tenant.behind = True
        if tenant.filling is None:
            tenant.filling = asyncio.create_task(self._fill(tenant))

    async def _fill(self, tenant: _Tenant) -> None:
        try:
            while tenant.behind and self._tenants.get(tenant.id) is tenant:
                tenant.behind = False
                try:
                    await self._bring_up(tenant)
                except Exception as error:
                    if not isinstance(error, DomainError):
                        log.exception("The feed of %s is behind", tenant.id)
                    tenant.behind = True
                    await asyncio.sleep(RETRY_SECONDS)
                    continue
                while tenant.waiting and not tenant.behind:
                    tenant.behind = not self._take(tenant, tenant.waiting.popleft())
            if self._line.hears(channel(tenant.id)):
                tenant.live.set()
        finally:
            tenant.filling = None

    async def _bring_up(self, tenant: _Tenant) -> None:
        now, tail, known = self._now(), await self._broker.tail(tenant.id), tenant.cursor
        if known is None:
            tenant.begin = tenant.cursor = tail
        elif known != tail:
            same = known.run == tail.run
            changes = self._broker.read(tenant.id, tail.run, known.id if same else NOTHING)
            change = await anext(changes, None)
            if not same or change is None or change.previous != known.id:
                await self._from_log(tenant)
                tenant.cursor = tail if change is None else known
            while change is not None:
                tenant.pass_on(change)
                change = await anext(changes, None)
        tenant.heard = now

    async def _from_log(self, tenant: _Tenant) -> None:
        """What was recorded since anything was heard; with a gap in a subject, which the clocks of several processes
        can make, what is missing first."""
        since = max(tenant.heard - OVERLAP, tenant.began)
        async for events in self._events.recorded_since(tenant.id, since):
            change = Change(events)
            known = tenant.passed.get(change.subject, change.revision)
            if change.revision > known + 1:
                for earlier in await self._events.revisions(change.subject, known, change.revision - 1):
                    tenant.pass_on(Change(earlier))
            tenant.pass_on(change)


def _merge(older: Change, newer: Change) -> Change:
    """The newer change, seen from before the older one."""
    first = newer.events[0]
    was = None if older.events[0].was is None else (first.was or {}) | older.events[0].was
    return replace(newer, events=[replace(first, was=was), *newer.events[1:]])

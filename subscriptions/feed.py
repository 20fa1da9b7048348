"""The feed of a process: one pub/sub connection, fanned out to whoever listens, without gaps or doubles.

Every message names its predecessor, so a lost one shows at once; after a restart of Redis the gap is filled from the
log. A listener that gives a cursor is replayed to from there and then goes live.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from domain.errors import Unavailable
from storage.events import EventLog
from subscriptions.broker import NOTHING, Broker, Change, Cursor, channel, parse
from subscriptions.mailbox import Mailbox

log = logging.getLogger(__name__)

MAILBOX: Final = 1_000
PASSED: Final = 20_000  # subjects whose last revision passed on is remembered, per tenant
HEARTBEAT_SECONDS: Final = 1.0
SILENCE_SECONDS: Final = 4.0
SUBSCRIBE_SECONDS: Final = 3.0
OVERLAP: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Reset:
    """The cursor leads nowhere any more: read again, and go on from here."""

    cursor: Cursor


@dataclass(slots=True)
class _Tenant:
    """What the process knows of one tenant's feed."""

    heard: datetime
    cursor: Cursor | None = None
    subscribed: asyncio.Event = field(default_factory=asyncio.Event)
    listeners: set[Mailbox[Change]] = field(default_factory=set)
    passed: OrderedDict[str, int] = field(default_factory=OrderedDict)
    busy: asyncio.Lock = field(default_factory=asyncio.Lock)


class Feed:
    def __init__(self, broker: Broker, events: EventLog, now: Callable[[], datetime]) -> None:
        self._broker, self._events, self._now = broker, events, now
        self._tenants: dict[str, _Tenant] = {}
        self._heartbeat = f"heartbeat:{uuid4().hex}"
        self._beat_heard = 0.0
        self._pubsub: PubSub = broker.pubsub()
        self._fills: set[asyncio.Task[None]] = set()

    async def cursor(self, tenant_id: str) -> str | None:
        """The end of a tenant's feed now; None while Redis is away."""
        try:
            return str(await self._broker.tail(tenant_id))
        except Unavailable:
            return None

    async def listen(self, tenant_id: str, after: str | None = None) -> AsyncIterator[Change | Reset]:
        """Changes from the cursor on, or from now. Raises BadCursor, Unavailable while Redis is away, and Lagged
        for a listener that is too slow."""
        start = None if after is None else Cursor.parse(after)
        tenant = self._tenants.setdefault(tenant_id, _Tenant(self._now()))
        mailbox: Mailbox[Change] = Mailbox(MAILBOX, _merge)
        tenant.listeners.add(mailbox)
        try:
            await self._subscribed(tenant_id, tenant)
            reached: Cursor | None = None
            if start is not None:
                async for item in self._replay(tenant_id, start):
                    reached = item.cursor
                    yield item
                reached = reached or start
            while True:
                change = await mailbox.get()
                if not _behind(change.cursor, reached):
                    yield change
        except StopAsyncIteration:
            return
        finally:
            tenant.listeners.discard(mailbox)
            if not tenant.listeners and self._tenants.get(tenant_id) is tenant:
                del self._tenants[tenant_id]
                with suppress(RedisError, OSError):
                    await self._pubsub.unsubscribe(channel(tenant_id))

    async def run(self) -> None:
        """Read the pub/sub connection for ever."""
        await self._pubsub.subscribe(self._heartbeat)
        beating = asyncio.create_task(self._beat())
        try:
            while True:
                try:
                    async for message in self._pubsub.listen():
                        self._receive(message)
                except (RedisError, OSError) as error:
                    log.warning("The feed lost Redis: %r", error)
                    await asyncio.sleep(HEARTBEAT_SECONDS)
        finally:
            beating.cancel()
            for fill in list(self._fills):
                fill.cancel()
            with suppress(RedisError, OSError):
                await self._pubsub.aclose()  # type: ignore[no-untyped-call]  # redis-py leaves it untyped

    def _receive(self, message: dict[str, object]) -> None:
        name = message["channel"]
        name = name.decode() if isinstance(name, bytes) else str(name)
        self._beat_heard = asyncio.get_running_loop().time()
        if name == self._heartbeat:
            return
        tenant_id = name[1 : name.rindex("}")]
        tenant = self._tenants.get(tenant_id)
        if tenant is None:
            return
        if message["type"] == "subscribe":
            self._start_fill(tenant_id, tenant)
        elif message["type"] == "message" and isinstance(message["data"], bytes):
            change = parse(message["data"])
            continuous = (
                tenant.cursor is not None
                and change.cursor is not None
                and ((change.cursor.run, change.previous) == (tenant.cursor.run, tenant.cursor.id))
            )
            if continuous and not tenant.busy.locked():
                self._pass_on(tenant, change)
            else:
                self._start_fill(tenant_id, tenant)

    def _start_fill(self, tenant_id: str, tenant: _Tenant) -> None:
        task = asyncio.create_task(self._fill(tenant_id, tenant))
        self._fills.add(task)
        task.add_done_callback(self._fills.discard)

    async def _fill(self, tenant_id: str, tenant: _Tenant) -> None:
        """Bring the tenant up to the end of its stream: nothing may have been missed."""
        async with tenant.busy:
            try:
                tail = await self._broker.tail(tenant_id)
                if tenant.cursor is None:
                    tenant.cursor = tail
                elif tail != tenant.cursor:
                    await self._catch_up(tenant_id, tenant, tail)
                tenant.subscribed.set()
            except Unavailable:
                return  # the next message or heartbeat tries again

    async def _catch_up(self, tenant_id: str, tenant: _Tenant, tail: Cursor) -> None:
        known = tenant.cursor
        same = known is not None and known.run == tail.run
        after = known.id if same and known is not None else NOTHING
        first = True
        async for change in self._broker.read(tenant_id, tail.run, after):
            if first and (not same or change.previous != after):
                await self._fill_from_log(tenant_id, tenant)
            first = False
            self._pass_on(tenant, change)
        if first:
            if not same:
                await self._fill_from_log(tenant_id, tenant)
            tenant.cursor = tail

    async def _fill_from_log(self, tenant_id: str, tenant: _Tenant) -> None:
        async for events in self._events.recorded_since(tenant_id, tenant.heard - OVERLAP):
            self._pass_on(tenant, Change(events))

    def _pass_on(self, tenant: _Tenant, change: Change) -> None:
        tenant.heard = self._now()
        if change.cursor is not None:
            tenant.cursor = change.cursor
        if change.revision <= tenant.passed.get(change.subject, 0):
            return
        tenant.passed[change.subject] = change.revision
        tenant.passed.move_to_end(change.subject)
        if len(tenant.passed) > PASSED:
            tenant.passed.popitem(last=False)
        for mailbox in tenant.listeners:
            mailbox.put(change.subject, change)

    async def _subscribed(self, tenant_id: str, tenant: _Tenant) -> None:
        try:
            async with asyncio.timeout(SUBSCRIBE_SECONDS):
                if not tenant.subscribed.is_set():
                    await self._pubsub.subscribe(channel(tenant_id))
                await tenant.subscribed.wait()
        except (TimeoutError, RedisError, OSError) as error:
            raise Unavailable("Live updates are away for the moment; try again.") from error

    async def _replay(self, tenant_id: str, start: Cursor) -> AsyncIterator[Change | Reset]:
        tail = await self._broker.tail(tenant_id)
        if start.run != tail.run or start.place > tail.place:
            yield Reset(tail)
            return
        first = True
        async for change in self._broker.read(tenant_id, tail.run, start.id):
            if first and change.previous != start.id:
                yield Reset(tail)
                return
            first = False
            yield change
        if first and start.id != tail.id:
            yield Reset(tail)

    async def _beat(self) -> None:
        """Hear ourselves: silence on a connection that should carry our heartbeat is a gap."""
        loop = asyncio.get_running_loop()
        self._beat_heard = loop.time()
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            try:
                await self._broker.beat(self._heartbeat)
            except Unavailable:
                continue
            if loop.time() - self._beat_heard > SILENCE_SECONDS and self._pubsub.connection is not None:
                log.warning("The feed has heard nothing for %s s and connects anew", SILENCE_SECONDS)
                await self._pubsub.connection.disconnect()
                self._beat_heard = loop.time()
            for tenant_id, tenant in list(self._tenants.items()):
                if not tenant.subscribed.is_set():
                    self._start_fill(tenant_id, tenant)


def _behind(cursor: Cursor | None, reached: Cursor | None) -> bool:
    """Whether a replay has passed this already."""
    return (
        cursor is not None
        and reached is not None
        and cursor.run == reached.run
        and cursor.place <= reached.place
    )


def _merge(older: Change, newer: Change) -> Change:
    """The newer change, seen from before the older one."""
    first = newer.events[0]
    was = None if older.events[0].was is None else (first.was or {}) | older.events[0].was
    return replace(newer, events=[replace(first, was=was), *newer.events[1:]])

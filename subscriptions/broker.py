"""Redis: one script both appends a change to its tenant's stream and publishes it, so both have the same order.

The script keeps the last revision published of each subject: an old one is a no-op and a gap is refused, so the
stream is in order and without doubles. Nothing here waits for Redis to come back; what fails stays pending in the log.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import orjson
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import RedisError

from domain.errors import BadCursor, Unavailable
from domain.events import Envelope
from domain.values import JsonObject
from storage.codec import dump, load

PUBLISH_SECONDS: Final = 1.0
READ_SECONDS: Final = 5.0
READERS: Final = 32  # at once, however many subscribers come back
STREAM_SECONDS: Final = 7 * 24 * 3600  # an idle tenant's stream is forgotten after this
REVISION_SECONDS: Final = 2 * STREAM_SECONDS
NOTHING: Final = "0-0"

_PUBLISH = """
local last = redis.call('GET', KEYS[2]) or ARGV[2]
if last == '' then return {'unknown', ''} end
last = tonumber(last)
local revision = tonumber(ARGV[1])
if revision <= last then return {'old', tostring(last)} end
if revision > last + 1 then return {'gap', tostring(last)} end
local tail = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
local previous = tail[1] and tail[1][1] or '0-0'
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local id = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[3], '*', 'p', previous, 'c', ARGV[4])
redis.call('EXPIRE', KEYS[1], ARGV[5])
redis.call('SET', KEYS[2], revision, 'EX', ARGV[6])
redis.call('PUBLISH', ARGV[7], run .. ' ' .. id .. ' ' .. previous .. ' ' .. ARGV[4])
return {'published', id}
"""
_TAIL = """
local tail = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
return {string.match(redis.call('INFO', 'server'), 'run_id:(%x+)'), tail[1] and tail[1][1] or '0-0'}
"""
_CURSOR = re.compile(r"([0-9a-f]{40}):(\d{1,16}-\d{1,10})")


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a tenant's feed: which run of the Redis server, and where in its stream."""

    run: str
    id: str

    def __str__(self) -> str:
        return f"{self.run}:{self.id}"

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """Raises BadCursor."""
        match = _CURSOR.fullmatch(text)
        if match is None:
            raise BadCursor("after")
        return cls(*match.groups())

    @property
    def place(self) -> tuple[int, int]:
        time, _, n = self.id.partition("-")
        return int(time), int(n)


@dataclass(frozen=True, slots=True)
class Change:
    """One change as the feed carries it: its events in order. Without a cursor where it was read from the log."""

    events: list[Envelope]
    cursor: Cursor | None = None
    previous: str | None = None

    @property
    def subject(self) -> str:
        return self.events[0].subject

    @property
    def revision(self) -> int:
        return self.events[0].revision

    @property
    def facets(self) -> JsonObject | None:
        return self.events[0].facets

    @property
    def was(self) -> JsonObject | None:
        """The facets before the change; None for a subject that is new."""
        first = self.events[0]
        return None if first.facets is None or first.was is None else first.facets | first.was


@dataclass(frozen=True, slots=True)
class Published:
    """`published`, `old` (somebody else was first), `gap` (earlier revisions are missing) or `unknown` (Redis does not
    know the subject); `last` is the revision published last, where known."""

    outcome: str
    last: int | None


class Broker:
    """`patience`: how long whoever publishes waits for Redis, in seconds."""

    def __init__(self, url: str, *, feed_length: int = 10_000, patience: float = PUBLISH_SECONDS) -> None:
        self._length, self.patience = feed_length, patience
        # The limits on time are ours: redis-py's own, `asyncio.wait_for`, can swallow a cancellation (Python 3.11).
        wait: dict[str, Any] = {"socket_timeout": None, "socket_connect_timeout": patience}
        # A connection from before a restart fails once, without meaning that the server is away.
        once = Retry(NoBackoff(), 1, (Disconnected,))
        self._publisher = Redis.from_url(url, retry=once, **wait)
        self._reader = Redis.from_url(url, retry=once, **wait)
        self._listener = Redis.from_url(url, retry=Retry(NoBackoff(), 0, ()), **wait)
        self._readers = asyncio.Semaphore(READERS)
        self._publish = self._publisher.register_script(_PUBLISH)
        self._tail = self._reader.register_script(_TAIL)

    async def publish(self, events: list[Envelope], base: int | None) -> Published:
        """Tell the subscribers of a change. `base` is the revision known to be out where Redis knows of none.
        Raises Unavailable."""
        first = events[0]
        stream, revisions = _stream(first.tenant_id), f"{{{first.tenant_id}}}:revision:{first.subject}"
        arguments = [first.revision, "" if base is None else base, self._length, encode(events)]
        arguments += [STREAM_SECONDS, REVISION_SECONDS, channel(first.tenant_id)]
        async with _within(self.patience):
            outcome, value = await self._publish(keys=[stream, revisions], args=arguments)
        name = outcome.decode()
        return Published(name, int(value) if name in ("old", "gap") else None)

    async def tail(self, tenant_id: str) -> Cursor:
        """The end of a tenant's feed. Raises Unavailable."""
        async with self._readers, _within(self.patience):
            run, id = await self._tail(keys=[_stream(tenant_id)])
        return Cursor(run.decode(), id.decode())

    async def read(self, tenant_id: str, run: str, after: str, *, batch: int = 500) -> AsyncIterator[Change]:
        """The changes of a stream behind this id, in order. Raises Unavailable."""
        while True:
            async with self._readers, _within(READ_SECONDS):
                found: Any = await self._reader.xrange(_stream(tenant_id), min=f"({after}", count=batch)
            for id, fields in found:
                after = id.decode()
                yield Change(decode(fields[b"c"]), Cursor(run, after), fields[b"p"].decode())
            if len(found) < batch:
                return

    async def beat(self, name: str) -> None:
        """A heartbeat of our own. Raises Unavailable."""
        async with _within(self.patience):
            await self._publisher.publish(name, b"")

    async def wake(self, queue: str) -> None:
        """Tell the workers that there is something to do. Raises Unavailable."""
        async with _within(self.patience):
            await self._publisher.publish(WORK, queue.encode())

    async def woken(self) -> AsyncIterator[str]:
        """What `wake` tells, for ever. What is told while Redis is away is missed."""
        while True:
            line = self._listener.pubsub()
            try:
                await line.subscribe(WORK)
                async for message in line.listen():
                    if message["type"] == "message":
                        yield message["data"].decode()
            except (RedisError, OSError):
                await asyncio.sleep(RECONNECT_SECONDS)
            finally:
                await line.aclose()  # type: ignore[no-untyped-call]  # redis-py's own

    async def version(self) -> str:
        async with _within(self.patience):
            return str((await self._publisher.info("server"))["redis_version"])

    def pubsub(self) -> PubSub:
        """A connection to listen on. It does not reconnect."""
        return self._listener.pubsub()

    async def close(self) -> None:
        for client in (self._publisher, self._reader, self._listener):
            await client.aclose()


@asynccontextmanager
async def _within(seconds: float) -> AsyncIterator[None]:
    """An answer in time, or Unavailable."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except (RedisError, OSError) as error:
        raise Unavailable("Redis cannot be reached.") from error


WORK: Final = "journeys:work"
RECONNECT_SECONDS: Final = 0.5


def channel(tenant_id: str) -> str:
    return f"{{{tenant_id}}}:feed"


def tenant_of(channel: str) -> str:
    return channel[1 : channel.rindex("}")]


def _stream(tenant_id: str) -> str:
    return f"{{{tenant_id}}}:stream"


def encode(events: list[Envelope]) -> bytes:
    return orjson.dumps([dump(event) for event in events])


def decode(payload: bytes) -> list[Envelope]:
    return [load(Envelope, event) for event in orjson.loads(payload)]


def parse(message: bytes) -> Change:
    """A change as it came over pub/sub."""
    run, id, previous, payload = message.split(b" ", 3)
    return Change(decode(payload), Cursor(run.decode(), id.decode()), previous.decode())

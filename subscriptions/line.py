"""The pub/sub connection of a process: it hears the channels that are wanted, and connects anew for ever.

One task reads it and one writes to it. A new connection is a gap, and each channel says so by joining again; a
heartbeat of our own shows a connection that died without a word.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Final
from uuid import uuid4

from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from domain.errors import Unavailable
from subscriptions.broker import Broker

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS: Final = 1.0
UNHEARD: Final = 3  # heartbeats sent and not heard before the connection is given up
CONNECT_SECONDS: Final = 1.0
RETRY_SECONDS: Final = 0.25


class Line:
    """`heard` is handed each message with its channel; `joined` each channel from which on nothing is missed."""

    def __init__(
        self, broker: Broker, *, heard: Callable[[str, bytes], None], joined: Callable[[str], None]
    ) -> None:
        self._broker, self._heard, self._joined = broker, heard, joined
        self._heartbeat = f"heartbeat:{uuid4().hex}"
        self._wanted: set[str] = set()
        self._live: set[str] = set()
        self._changed = asyncio.Event()
        self._unheard = 0

    def want(self, channel: str) -> None:
        """Hear this channel from soon on: it joins when it does."""
        self._wanted.add(channel)
        self._changed.set()

    def leave(self, channel: str) -> None:
        self._wanted.discard(channel)
        self._changed.set()

    def hears(self, channel: str) -> bool:
        return channel in self._live

    async def run(self) -> None:
        """Hear for ever."""
        away = False
        while True:
            pubsub = self._broker.pubsub()
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    await pubsub.subscribe(self._heartbeat)
                self._unheard = 0
                if away:
                    log.info("Redis is back")
                away = False
                await _until_one_fails(self._read(pubsub), self._choose(pubsub), self._beat())
            except (RedisError, OSError) as error:
                if not away:
                    log.warning("Redis is away: %s %s", type(error).__name__, error)
                away = True
            finally:
                self._live.clear()
                with suppress(RedisError, OSError):
                    await pubsub.aclose()  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
            await asyncio.sleep(RETRY_SECONDS)

    async def _read(self, pubsub: PubSub) -> None:
        async for message in pubsub.listen():
            channel, self._unheard = _text(message["channel"]), 0
            if channel == self._heartbeat:
                continue
            match message["type"]:
                case "message":
                    self._heard(channel, message["data"])
                case "subscribe":
                    self._live.add(channel)
                    self._joined(channel)
                case "unsubscribe":
                    self._live.discard(channel)

    async def _choose(self, pubsub: PubSub) -> None:
        asked: set[str] = set()
        while True:
            self._changed.clear()
            new, old = self._wanted - asked, asked - self._wanted
            asked = set(self._wanted)
            self._live -= old
            if new:
                await pubsub.subscribe(*new)
            if old:
                await pubsub.unsubscribe(*old)
            await self._changed.wait()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            with suppress(Unavailable):
                await self._broker.beat(self._heartbeat)
                self._unheard += 1
            if self._unheard > UNHEARD:
                raise ConnectionError("the connection is silent")


async def _until_one_fails(*work: Coroutine[Any, Any, None]) -> None:
    """Not a TaskGroup, which can swallow a cancellation that comes while it fails (Python 3.11)."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _text(name: bytes | str) -> str:
    return name.decode() if isinstance(name, bytes) else name

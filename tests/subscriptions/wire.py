"""Changes to publish, and listeners that write down what they hear."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Self

from redis.asyncio import Redis

from app.wiring import utc_now
from domain.events import Envelope
from domain.identity import Actor, ActorKind
from storage.entries import entry_documents
from storage.store import Store
from subscriptions.broker import Broker, Change, Published
from subscriptions.feed import Feed
from subscriptions.replay import Reset
from tests.e2e.harness import BOUND, eventually, fresh
from workers.relay import GRACE, Relay

PROBE = "probe"
PATIENCE = 10.0  # of a broker whose Redis is there: a busy machine only makes it seem away
ANN = Actor(ActorKind.USER, "ann")


def change(tenant: str, subject: str, revision: int, *, events: int = 1) -> list[Envelope]:
    """One change of a subject."""
    now = utc_now()
    facets = {"status": "active", "round": revision}
    return [
        Envelope(
            id=f"{tenant}.{subject}:{revision}:{n}",
            type="journey:context_updated",
            source="journeys",
            subject=f"{tenant}.{subject}",
            revision=revision,
            n=n,
            tenant_id=tenant,
            actor=ANN,
            occurred_at=now,
            recorded_at=now,
            data={},
            correlation_id="test",
            command_id=f"{tenant}.{subject}:{revision}",
            facets=facets if n == 0 else None,
            was={"round": revision - 1} if n == 0 and revision > 1 else None,
        )
        for n in range(events)
    ]


@dataclass
class Teller:
    """Makes changes of one tenant: each goes to the log, then to the feed, as a service does it."""

    broker: Broker
    store: Store
    tenant: str
    revisions: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    async def record(self, subject: str) -> list[Envelope]:
        """A change that is in the log only."""
        self.revisions[subject] += 1
        made = change(self.tenant, subject, self.revisions[subject])
        await self.store.events.append(entry_documents(made))
        return made

    async def tell(self, subject: str, times: int = 1) -> None:
        for _ in range(times):
            made = await self.record(subject)
            base = 0 if made[0].revision == 1 else None
            assert (await self.broker.publish(made, base)).outcome == "published"

    async def publish(self, subject: str, *revisions: int) -> list[Published]:
        """Straight to the feed, with nothing in the log."""
        made = [change(self.tenant, subject, revision) for revision in revisions]
        return [await self.broker.publish(each, each[0].revision - 1) for each in made]

    async def spread(self, prefix: str, subjects: int) -> None:
        """The first change of each of many subjects."""
        for n in range(subjects):
            await self.publish(f"{prefix}{n}", 1)


class Listener:
    """Listens until the block ends, and keeps all it hears."""

    def __init__(self, feed: Feed, tenant: str, after: str | None = None) -> None:
        self.items: list[Change | Reset] = []
        self.error: Exception | None = None
        self._stream = feed.listen(tenant, after)
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _read(self) -> None:
        try:
            async for item in self._stream:
                self.items.append(item)
        except Exception as error:  # the test looks at it
            self.error = error

    @property
    def heard(self) -> list[tuple[str, int]]:
        """Subject and revision of every change so far, probes left out."""
        return [(each.subject, each.revision) for each in self._changes if PROBE not in each.subject]

    @property
    def live(self) -> bool:
        """Whether a probe has come."""
        return any(PROBE in each.subject for each in self._changes)

    @property
    def _changes(self) -> list[Change]:
        return [each for each in self.items if isinstance(each, Change)]

    @property
    def resets(self) -> int:
        return sum(isinstance(each, Reset) for each in self.items)

    async def has(self, count: int, bound: float = BOUND) -> None:
        """Wait for so many changes."""

        async def there() -> bool:
            assert self.error is None, self.error
            return len(self.heard) >= count

        try:
            await eventually(there, f"{count} changes", bound)
        except AssertionError as error:
            raise AssertionError(f"{error}; {len(self.heard)} came") from error

    async def ended(self, bound: float = BOUND) -> Exception | None:
        """Wait for the end; what it ended with."""
        assert self._task is not None
        await asyncio.wait([self._task], timeout=bound)
        return self.error


def check_once_in_order(heard: Iterable[tuple[str, int]], *, first: int = 1) -> None:
    """Each subject's revisions come one by one, without gap or double."""
    by_subject: dict[str, list[int]] = defaultdict(list)
    for subject, revision in heard:
        by_subject[subject].append(revision)
    for subject, revisions in by_subject.items():
        assert revisions == list(range(first, first + len(revisions))), subject


@asynccontextmanager
async def running(broker: Broker, store: Store) -> AsyncIterator[Feed]:
    """A feed as a server process runs it."""
    feed = Feed(broker, store.events, utc_now)
    task = asyncio.create_task(feed.run())
    try:
        yield feed
        assert not task.done(), task.exception()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def channels(url: str) -> set[str]:
    """The tenants' channels that anybody is subscribed to on the server."""
    async with Redis.from_url(url) as client:
        return {name.decode() for name in await client.pubsub_channels("*:feed")}


async def start(listener: Listener, teller: Teller) -> None:
    """Wait until a listener without a cursor is live: what is published from now on reaches it."""
    revision, probe = 0, fresh(PROBE)

    async def hears() -> bool:
        nonlocal revision
        assert listener.error is None, listener.error
        revision += 1
        await teller.publish(probe, revision)
        return listener.live

    await eventually(hears, "the listener is live")


@dataclass
class Service:
    """Makes changes as a server does, however Redis fares: they go to the log, and its relay tells of them."""

    broker: Broker
    store: Store
    relay: Relay
    revisions: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))

    async def change(self, tenant: str, subject: str) -> None:
        self.revisions[tenant, subject] += 1
        made = change(tenant, subject, self.revisions[tenant, subject])
        await self.store.events.append(entry_documents(made))
        await self.relay.logged(made)

    async def pour(self, tenant: str, subjects: int, stop: asyncio.Event) -> None:
        """A change now and then, until told to stop."""
        while not stop.is_set():
            for n in range(subjects):
                await self.change(tenant, f"s{n}")
            await asyncio.sleep(0.02)

    def made(self, tenant: str) -> int:
        return sum(revision for (of, _), revision in self.revisions.items() if of == tenant)


@asynccontextmanager
async def serving(broker: Broker, store: Store) -> AsyncIterator[Service]:
    """A server with its relay, and a worker that takes over at once what the relay leaves behind."""
    relay = Relay(store, broker.publish, utc_now)
    worker = Relay(store, broker.publish, lambda: utc_now() + 2 * GRACE)
    tasks = [asyncio.create_task(relay.run()), asyncio.create_task(worker.sweep())]
    try:
        yield Service(broker, store, relay)
        for task in tasks:
            assert not task.done(), task.exception()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

"""The composition root: one process's parts, made from the settings and put together."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from app.auth import Authenticator
from app.settings import Settings
from domain.values import milliseconds
from resolvers.context import Context
from storage.indexes import create_indexes
from storage.mongo import Mongo
from storage.pending import Word
from storage.secrets import Vault
from storage.store import Store
from subscriptions.broker import Broker
from subscriptions.feed import Feed
from workers.actions import Actions
from workers.calls import Calls
from workers.consumers import Consume
from workers.handoffs import HandoffWorker
from workers.outbound import Outbound
from workers.relay import Relay
from workers.retention import RetentionWorker
from workers.routing import Routing
from workers.timers import Timers
from workers.triggers import TriggerWorker
from workers.wakeup import Wake, Wakeup, listen, sorted_out
from workers.webhook_calls import WebhookCalls
from workers.webhooks import WebhookWorker

log = logging.getLogger(__name__)

BUSY_MS = 30_000


def utc_now() -> datetime:
    return milliseconds(datetime.now(UTC))


def new_id() -> str:
    return uuid4().hex


@dataclass(slots=True)
class Runtime:
    settings: Settings
    store: Store
    broker: Broker
    feed: Feed
    relay: Relay
    timers: Timers
    handoffs: HandoffWorker
    triggers: TriggerWorker
    calls: Calls
    webhook_calls: WebhookCalls
    vault: Vault
    authenticator: Authenticator
    wake: Wake
    now: Callable[[], datetime]
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    def context(self, request_id: str) -> Context:
        return Context(
            store=self.store,
            feed=self.feed,
            now=self.now,
            new_id=new_id,
            request_id=request_id[:64],
            max_concurrent_journeys=self.settings.max_concurrent_journeys,
            vault=self.vault,
            probe=self.calls.probe,
            probe_webhook=self.webhook_calls.probe,
            wake=self.wake,
            rerun=self.triggers.again,
            rehearse=self.triggers.rehearse,
        )

    def spawn(self, work: Any, name: str) -> None:
        """Run something in the background until the end; its death is loud."""
        task = asyncio.create_task(work, name=name)
        self.tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self.tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.critical("The background task %s died", task.get_name(), exc_info=error)


@asynccontextmanager
async def running(
    settings: Settings, *, now: Callable[[], datetime] = utc_now, serve: bool = True, work: bool = False
) -> AsyncIterator[Runtime]:
    """The parts, connected. `serve`: relay own changes and listen to the feed; `work`: sweep and watch timers."""
    if settings.mongodb_uri is None or settings.redis_url is None:
        raise RuntimeError("the addresses of MongoDB and Redis are known by now")
    database = (settings.mongodb_uri, settings.database, settings.driver.value)
    mongo = Mongo(*database, timeout=settings.query_timeout)
    # A database that a report keeps busy may be late to say that it is there.
    reports = Mongo(*database, timeout=settings.report_timeout, connectTimeoutMS=BUSY_MS)
    broker = Broker(settings.redis_url, feed_length=settings.feed_length)
    store = Store.of(mongo, now, reports)
    vault = Vault(mongo, settings.secrets_keys)
    outbound = Outbound(settings.target_networks, now)
    calls = Calls(store, vault, outbound.send, now)
    handoffs = HandoffWorker(
        store,
        calls,
        now,
        new_id=new_id,
        chance=random.random,
        slots=settings.worker_slots,
        lease=settings.lease_seconds,
    )
    webhook_calls = WebhookCalls(store, vault, outbound.send, now)
    webhooks = WebhookWorker(
        store,
        webhook_calls,
        now,
        new_id=new_id,
        chance=random.random,
        slots=settings.worker_slots,
        lease=settings.lease_seconds,
    )
    own = sorted_out(handoffs.wake, webhooks.wake)
    wakeup = Wakeup(broker.wake, own if work else None)
    actions = Actions(store, now, room=settings.max_concurrent_journeys)
    triggers = TriggerWorker(store, actions, now)
    routing = Routing(store, now, wakeup.wake)
    consumers: dict[Word, Consume] = {"triggers": triggers.fire, "webhooks": routing.route}
    relay = Relay(store, broker.publish, now, wakeup.wake, consumers, actions, random.random)
    store.changes.logged = relay.logged
    feed = Feed(broker, store.events, now)
    runtime = Runtime(
        settings,
        store,
        broker,
        feed,
        relay,
        Timers(store, now),
        handoffs,
        triggers,
        calls,
        webhook_calls,
        vault,
        Authenticator(settings, now),
        wakeup.wake,
        now,
    )
    try:
        await create_indexes(mongo)
        runtime.spawn(relay.run(), "relay")
        runtime.spawn(wakeup.run(), "wakeup")
        if serve:
            runtime.spawn(feed.run(), "feed")
        if work:
            runtime.spawn(relay.sweep(), "sweep")
            runtime.spawn(runtime.timers.run(), "timers")
            runtime.spawn(handoffs.run(), "handoffs")
            runtime.spawn(triggers.run(), "triggers")
            runtime.spawn(RetentionWorker(store, now, new_id).run(), "retention")
            runtime.spawn(webhooks.run(), "webhooks")
            runtime.spawn(listen(broker.woken(), own), "work")
        yield runtime
    finally:
        await store.changes.drain()
        for task in list(runtime.tasks):
            task.cancel()
        await asyncio.gather(*runtime.tasks, return_exceptions=True)
        await store.changes.drain()  # what the workers finished in the end
        await outbound.close()
        await broker.close()
        await reports.close()
        await mongo.close()

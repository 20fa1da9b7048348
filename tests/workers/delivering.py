"""Webhooks to deliver to, and workers that do, each with a store of its own as processes would have."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from uuid import uuid4

from cryptography.fernet import Fernet
from pymongo.monitoring import CommandListener

from app.wiring import new_id
from domain import webhook as fold
from domain.delivery import Delivery, DeliveryStatus
from domain.events import Envelope
from domain.paging import Page
from domain.webhook import Webhook, queue_of
from storage.entries import changes
from storage.indexes import create_indexes
from storage.mongo import Mongo
from storage.pending import words
from storage.secrets import Vault
from storage.store import Store
from storage.webhooks import Command
from tests.conftest import Servers
from tests.e2e.harness import eventually
from tests.storage.subjects import cause
from tests.workers.handing import LOOPBACK, Clock
from tests.workers.target import Request
from tests.workers.triggering import report
from workers.outbound import Outbound
from workers.routing import Routing
from workers.webhook_calls import WebhookCalls
from workers.webhooks import WebhookWorker

ALL: Final = Page(100)
TYPE: Final = "order:placed"
SECRET: Final = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()


@dataclass
class Office:
    """A database of its own, where events become deliveries as soon as they are in the log."""

    store: Store
    clock: Clock
    vault: Vault
    stack: AsyncExitStack
    woken: list[str] = field(default_factory=list)

    async def hear(self, envelopes: Sequence[Envelope]) -> None:
        heard = [each for each in changes(envelopes) if "webhooks" in words(each)]
        for wrong in await self.routing().route(heard):
            if wrong is not None:
                raise wrong

    def routing(self) -> Routing:
        return Routing(self.store, self.clock, self.woken.append)

    def process(self) -> Store:
        """A store as another process has it; what it writes is followed up by nobody."""
        store = Store.of(self.store.mongo, self.clock)
        self.stack.push_async_callback(store.changes.drain)
        return store

    def worker(self, *, lease: float = 15.0, slots: int = 64) -> WebhookWorker:
        store, outbound = self.process(), Outbound(LOOPBACK, self.clock)
        self.stack.push_async_callback(outbound.close)
        calls = WebhookCalls(store, self.vault, outbound.send, self.clock)
        return WebhookWorker(
            store,
            calls,
            self.clock,
            new_id=new_id,
            chance=lambda: 0.5,
            slots=slots,
            lease=lease,
            patience=0.0,
        )

    async def add(self, tenant: str, address: str, *types: str, secret: str | None = None) -> Webhook:
        id, name = f"whk_{uuid4().hex}", f"sec_{uuid4().hex}"
        if secret is not None:
            await self.vault.put(tenant, name, secret)
        events = fold.create(
            tenant_id=tenant,
            name="Orders",
            address=address,
            types=types or ("*",),
            known=(),
            at=self.clock(),
            secret_id=None if secret is None else name,
        )
        return (await self.store.webhooks.create(id, events, cause())).state

    async def change(self, webhook: Webhook, command: Command) -> Webhook:
        return (await self.store.webhooks.change(webhook.id, webhook.tenant_id, command, cause())).state

    async def now(self, webhook: Webhook) -> Webhook:
        found = await self.store.webhooks.find(webhook.id)
        assert found is not None
        return found

    async def deliveries(self, webhook: Webhook, status: DeliveryStatus | None = None) -> list[Delivery]:
        """From old to new."""
        rows = await self.store.deliveries.page(webhook.tenant_id, webhook.id, status, ALL)
        return rows.items[::-1]

    async def only(self, webhook: Webhook) -> Delivery:
        [found] = await self.deliveries(webhook)
        return found

    async def become(self, webhook: Webhook, *statuses: DeliveryStatus) -> list[Delivery]:
        """Its deliveries once these are their statuses."""

        async def so() -> bool:
            return [each.status for each in await self.deliveries(webhook)] == list(statuses)

        await eventually(so, f"deliveries that are {statuses}")
        return await self.deliveries(webhook)

    async def tried(self, worker: WebhookWorker, webhook: Webhook, attempts: int) -> Delivery:
        """Its only delivery after so many attempts, once it is due and the worker has been told."""
        delivery = await self.only(webhook)
        if delivery.wake_at is not None:
            self.clock.ahead += max(delivery.wake_at - self.clock(), timedelta(0))
        worker.wake(queue_of(webhook.tenant_id, webhook.id))

        async def so() -> bool:
            found = await self.only(webhook)
            return found.attempts >= attempts and found.claim is None

        await eventually(so, f"{attempts} attempts")
        return await self.only(webhook)

    async def happened(self, webhook: Webhook, type: str) -> Envelope:
        """The last event of a webhook, once that is of this type."""

        async def last() -> Envelope:
            return (await self.store.events.history(webhook.id, ALL)).items[-1]

        async def so() -> bool:
            return (await last()).type == type

        await eventually(so, type)
        return await last()


@asynccontextmanager
async def office_of(servers: Servers, *listeners: CommandListener) -> AsyncIterator[Office]:
    clock, mongo = (
        Clock(),
        Mongo(servers.mongodb_uri, f"webhooks_{uuid4().hex[:8]}", event_listeners=listeners),
    )
    await create_indexes(mongo)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(mongo.close)
        store = Store.of(mongo, clock)
        stack.push_async_callback(store.changes.drain)
        vault = Vault(mongo, [Fernet.generate_key().decode()])
        office = Office(store, clock, vault, stack)
        store.changes.logged = office.hear
        yield office


def signed_by_hand(request: Request, secret: str) -> str:
    """The signature that Standard Webhooks asks for, made from its text alone."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = (
        f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
    )
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def told(request: Request) -> Any:
    """The CloudEvent that was posted."""
    assert request.headers["content-type"] == "application/cloudevents+json"
    return json.loads(request.body)


async def fails(office: Office, worker: WebhookWorker, webhook: Webhook) -> None:
    """One more event that is not taken."""
    event = await report(office.store, webhook.tenant_id, TYPE)
    worker.wake(queue_of(webhook.tenant_id, webhook.id))

    async def tried() -> bool:
        [found] = [each for each in await office.deliveries(webhook) if each.event_id == event.id]
        return found.attempts > 0 and found.claim is None

    await eventually(tried, "an attempt")

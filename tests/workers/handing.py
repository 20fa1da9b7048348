"""Handoffs to hand out, and workers for them, each with a store of its own as processes would have."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Any, Final
from uuid import uuid4

from pymongo.monitoring import CommandListener

from app.wiring import new_id, utc_now
from domain import handing, package
from domain.approval import ApprovalPolicy
from domain.handoff import Handoff
from domain.handoff_events import HandoffCreated, HandoffType
from domain.limits import Limits
from domain.paging import Page
from storage.indexes import create_indexes
from storage.mongo import Mongo
from storage.secrets import Vault
from storage.store import Store
from tests.conftest import Servers
from tests.domain.samples import ANNA
from tests.e2e.harness import eventually
from tests.storage.subjects import cause
from workers.calls import Calls
from workers.handoffs import HandoffWorker
from workers.outbound import Call, Outbound, Reply
from workers.webhooks import WebhookWorker

LOOPBACK: Final = [ip_network("127.0.0.0/8")]
CRM: Final = "crm"


class Clock:
    """The real time, and as much more as the test says."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.ahead


async def configure(store: Store, tenant: str, url: str, **limits: Any) -> None:
    """Give the tenant's CRM an address and its limits."""
    await store.packages.change(
        tenant,
        CRM,
        lambda each, at: package.configure(each, at=at, address=url, limits=Limits(**limits)),
        cause(),
    )


async def hand_over(
    store: Store,
    tenant: str,
    customer: str = "c1",
    *,
    policy: ApprovalPolicy | None = None,
    at: datetime | None = None,
    **data: Any,
) -> Handoff:
    """One for the CRM, whose path ends in the customer's id; with a policy, one that people decide on."""
    id = f"hof_{uuid4().hex}"
    to = await store.packages.find(tenant, CRM)
    created = HandoffCreated(
        at=at or utc_now(),
        tenant_id=tenant,
        kind=HandoffType.AUTOMATIC if policy is None else HandoffType.APPROVAL_REQUIRED,
        name="update",
        to_package=CRM,
        action="update_customer" if policy is None else None,
        customer_id=customer,
        data={"customerId": customer, **data},
        limits=to.limits if to is not None else Limits(),
        policy=policy,
    )
    events = handing.create(id, created, to, by=ANNA, strict=True)
    return (await store.handoffs.create(id, events, cause())).state


@dataclass
class Crew:
    """A database of its own, and the workers that look after it."""

    store: Store
    clock: Clock
    stack: AsyncExitStack
    sent: list[str] = field(default_factory=list)  # message ids
    given_up: list[str] = field(default_factory=list)

    def worker(self, *, lease: float = 15.0, slots: int = 64, patience: float = 0.0) -> HandoffWorker:
        store = Store.of(self.store.mongo, self.clock)
        self.stack.push_async_callback(store.changes.drain)
        outbound = Outbound(LOOPBACK, self.clock)
        self.stack.push_async_callback(outbound.close)

        async def send(call: Call) -> Reply:
            self.sent.append(call.message_id)
            try:
                return await outbound.send(call)
            except asyncio.CancelledError:
                self.given_up.append(call.message_id)
                raise

        calls = Calls(store, Vault(store.mongo, []), send, self.clock)
        return HandoffWorker(
            store,
            calls,
            self.clock,
            new_id=new_id,
            chance=lambda: 0.0,
            slots=slots,
            lease=lease,
            patience=patience,
        )

    async def get(self, handoff: Handoff) -> Handoff:
        return await self.store.handoffs.get(handoff.id, handoff.tenant_id)

    async def becomes(self, handoff: Handoff, holds: Callable[[Handoff], bool], what: str) -> Handoff:
        """The handoff once this holds."""

        async def so() -> bool:
            return holds(await self.get(handoff))

        await eventually(so, what)
        return await self.get(handoff)

    async def events(self, handoff: Handoff) -> list[str]:
        """The types of what has happened, once it is in the log."""
        history = await self.store.events.history(handoff.id, Page.of(first=100))
        return [each.type for each in history.items]


@asynccontextmanager
async def crew_of(servers: Servers, *listeners: CommandListener) -> AsyncIterator[Crew]:
    clock = Clock()
    mongo = Mongo(servers.mongodb_uri, f"handoffs_{uuid4().hex[:8]}", event_listeners=listeners)
    await create_indexes(mongo)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(mongo.close)
        store = Store.of(mongo, clock)
        stack.push_async_callback(store.changes.drain)
        yield Crew(store, clock, stack)


@asynccontextmanager
async def at_work(*workers: HandoffWorker | WebhookWorker) -> AsyncIterator[None]:
    """They work as long as the block lasts; none may die."""
    running = [asyncio.create_task(each.run()) for each in workers]
    try:
        yield
        assert not any(each.done() for each in running)
    finally:
        for each in running:
            each.cancel()
        await asyncio.gather(*running, return_exceptions=True)

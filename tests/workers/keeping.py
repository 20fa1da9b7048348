"""A house that keeps things: a database of its own, a clock, and whatever is old enough to go."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from app.wiring import new_id
from domain import external, retention, walk
from domain.external import Report
from domain.journey import Journey
from domain.paging import Page
from domain.record_events import TouchpointAdded
from domain.touchpoint import RecordFilter
from storage.expiry import EXPIRING, Expiring
from storage.indexes import create_indexes
from storage.mongo import Mongo
from storage.store import Store
from storage.subject import Cause
from tests.conftest import Servers
from tests.domain.samples import ANNA, definition
from tests.storage.subjects import cause, follow, start
from tests.workers.test_timers import Clock
from workers.retention import RetentionWorker

DAY = timedelta(days=1)
ALL = Page(100)


@dataclass
class House:
    """A database of its own, and a clock."""

    store: Store
    clock: Clock
    tenant: str

    def worker(self, batch: int = 500, expiring: Sequence[Expiring] = EXPIRING) -> RetentionWorker:
        return RetentionWorker(self.store, self.clock, new_id, batch=batch, expiring=expiring)

    async def keep(self, tenant: str | None = None, **days: int) -> None:
        """Set the days, at the clock's time."""
        given: dict[str, Any] = {"events": None, "touchpoints": None, "analytics": None} | days
        await self.store.retention.change(
            tenant or self.tenant, lambda r, at: retention.set_days(r, at=at, **given), cause()
        )

    async def settle(self) -> None:
        """All that was pending is done."""
        await self.store.changes.drain()
        due = await self.store.events.due(self.clock() + DAY, 1_000)
        await self.store.events.strike([(each.envelope.id, each.pending) for each in due])

    async def journey(self, tenant: str | None = None) -> Journey:
        made = definition("one", template_id=f"t{uuid4().hex[:8]}")
        return await start(self.store, await follow(self.store, tenant or self.tenant, made), at=self.clock())

    async def end(self, journey: Journey) -> None:
        await self.store.journeys.change(
            journey.id, journey.tenant_id, lambda j, d, at: walk.advance(j, d, at=at), cause()
        )

    async def contact(self, why: Cause | None = None, **rest: Any) -> str:
        why = why or cause()
        given: dict[str, Any] = {"at": self.clock(), "tenant_id": self.tenant, "kind": "call"} | rest
        event = TouchpointAdded(channel="phone", source="crm", title="", **given)
        return (await self.store.touchpoints.add(f"tch_{why.command_id}", event, why)).state.id

    async def report(self, id: str, at: datetime | None = None) -> bool:
        """Whether a report of the CRM is new."""
        told = Report(type="crm:called", source="crm", id=id, occurred_at=at or self.clock())
        made = external.envelope(
            told, tenant_id=self.tenant, by=ANNA, now=self.clock(), command_id=new_id(), correlation_id="c"
        )
        return (await self.store.changes.take([made]))[0]

    async def of(self, subject: str) -> int:
        """How many of a subject's events there are."""
        return len((await self.store.events.history(subject, ALL)).items)

    async def contacts(self) -> list[str]:
        found = await self.store.touchpoints.page(self.tenant, RecordFilter(), ALL)
        return [each.id for each in found.items]


@asynccontextmanager
async def house_of(servers: Servers, tenant: str) -> AsyncIterator[House]:
    clock = Clock()
    mongo = Mongo(servers.mongodb_uri, f"retention_{uuid4().hex[:8]}")
    await create_indexes(mongo)
    store = Store.of(mongo, clock)
    yield House(store, clock, tenant)
    await store.changes.drain()
    await mongo.close()

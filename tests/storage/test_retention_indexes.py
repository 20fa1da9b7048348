"""Every query of a sweep has its index, and none looks at more than one tenant or one batch."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import pytest

from app.wiring import new_id, utc_now
from tests.conftest import Servers
from tests.storage.service import Service, check, recorded
from workers.retention import EVERY, RetentionWorker

LATER = timedelta(days=40)


@pytest.fixture
async def service(servers: Servers) -> AsyncIterator[Service]:
    async with recorded(servers, f"retention_{uuid4().hex[:8]}") as service:
        yield service


async def test_what_a_sweep_reads_and_deletes_is_served_by_indexes(service: Service) -> None:
    started = await service.do("startJourney", "StartJourneyInput", templateId="support_resolution")
    journey = started["journey"]["id"]
    contact = {"kind": "call", "channel": "phone"}
    contacts = [contact | {"customerId": "c"}, contact | {"journeyId": journey}]
    await service.do("addTouchpoints", "AddTouchpointsInput", touchpoints=contacts)
    sold = {"kind": "sale", "toStage": "CUSTOMER", "customerId": "c"}
    await service.do("addConversions", "AddConversionsInput", conversions=[sold])
    work = {"type": "MANUAL", "name": "Visit", "toPackage": "crew", "journeyId": journey}
    await service.do("createHandoff", "CreateHandoffInput", **work)
    await service.do("createHandoff", "CreateHandoffInput", **(work | {"journeyId": None, "customerId": "c"}))
    for days in (30, 31, 31):
        given = {"events": days, "touchpoints": days, "analytics": days, "idempotencyKey": f"{days}"}
        await service.do("setRetention", "SetRetentionInput", **given)
    await service.ask("{ retention { revision eventsSince } }")
    store = service.store
    await store.changes.drain()
    due = await store.events.due(utc_now() + LATER, 1_000)
    await store.events.strike([(each.envelope.id, each.pending) for each in due])
    assert await RetentionWorker(store, lambda: utc_now() + LATER, new_id, batch=2).poll() > 3
    later = lambda: utc_now() + LATER + 2 * EVERY  # noqa: E731
    assert await RetentionWorker(store, later, new_id).poll() == 0
    assert {each.name for each in service.recorder.sent} >= {"find", "update", "delete"}
    assert "first_conversions" in {each.collection for each in service.recorder.sent}
    assert "findAndModify" not in {each.name for each in service.recorder.sent}
    await check(service)

"""What tests of exports do from outside: ask for one, fetch it, and have something to export."""

import csv
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt

from app.wiring import utc_now
from domain.external import Report, envelope
from domain.identity import Actor, ActorKind
from storage.mongo import connected
from storage.store import Store
from tests.conftest import Servers
from tests.e2e.harness import BOUND, Client

ANN = Actor(ActorKind.USER, "ann")
AT = datetime(2026, 3, 1, tzinfo=UTC)
REQUEST = """mutation($input: RequestExportInput!) { requestExport(input: $input) {
  export { id path state format what fileName asked } userErrors { code message path } } }"""
SHOW = """query($id: ID!) { export(id: $id) {
  state failure revision progress { rows total outcome reason } endedAt } }"""


async def requested(api: Client, what: str, **more: Any) -> dict[str, Any]:
    """An export that was just asked for."""
    payload = (await api.ask(REQUEST, input={"what": what, **more}))["requestExport"]
    assert payload["userErrors"] == [], payload
    found: dict[str, Any] = payload["export"]
    return found


def address(api: Client, export: dict[str, Any]) -> str:
    return f"{api.url.removesuffix('/graphql')}{export['path']}"


async def fetched(api: Client, export: dict[str, Any], **headers: str) -> httpx.Response:
    return await api.http.get(address(api, export), headers=api.headers | headers, timeout=BOUND)


async def table(api: Client, what: str, **more: Any) -> list[dict[str, str]]:
    """The rows of a CSV export."""
    answer = await fetched(api, await requested(api, what, **more))
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.content.decode(), newline="")))


async def add_touchpoints(api: Client, *touchpoints: dict[str, Any]) -> None:
    mutation = """mutation($input: AddTouchpointsInput!) {
      addTouchpoints(input: $input) { settled userErrors { message } } }"""
    contacts = [{"kind": "call", "channel": "phone", "customerId": "c1", **each} for each in touchpoints]
    assert (await api.ask(mutation, input={"touchpoints": contacts}))["addTouchpoints"]["userErrors"] == []


async def add_conversion(api: Client, **conversion: Any) -> None:
    mutation = """mutation($input: AddConversionsInput!) {
      addConversions(input: $input) { userErrors { message } } }"""
    given = {"kind": "upsell", "toStage": "CUSTOMER", "customerId": "c1", **conversion}
    assert (await api.ask(mutation, input={"conversions": [given]}))["addConversions"]["userErrors"] == []


def tenant_of(api: Client) -> str:
    tenant: str = jwt.decode(api.token or "", options={"verify_signature": False})["tenant"]
    return tenant


async def take_events(store: Store, tenant: str, count: int, size: int) -> None:
    """So many events of another system, of so many bytes each."""
    for first in range(0, count, 500):
        reported = [
            envelope(
                Report(type="crm:noted", source="crm", id=str(n), data={"n": n, "text": "x" * size}),
                tenant_id=tenant,
                by=ANN,
                now=AT + timedelta(seconds=n),
                command_id=f"c{n}",
                input_hash=None,
                correlation_id="c",
            )
            for n in range(first, min(first + 500, count))
        ]
        await store.events.take(reported)


async def add_unreadable(store: Store, tenant: str) -> None:
    """A touchpoint that nothing can be made of, behind all others."""
    await store.mongo["touchpoints"].insert_one(
        {"_id": f"tch_{tenant}", "tenantId": tenant, "timeKey": "2000"}
    )


@asynccontextmanager
async def behind(servers: Servers) -> AsyncIterator[Store]:
    """The database behind the server."""
    async with connected(servers.mongodb_uri, servers.database) as mongo:
        yield Store.of(mongo, utc_now)

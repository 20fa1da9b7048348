"""What tests of webhooks say and ask, and a place that hears of events."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from cryptography.fernet import Fernet

from tests.conftest import Servers
from tests.e2e.harness import Client, Server, eventually, fresh, serving
from tests.e2e.packages import LOOPBACK

SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
NEWER = "whsec_YWJjZGVmZ2hpamFiY2RlZmdoaWphYmNkZWZnaGlqYWI="
WEBHOOK = """id name description address types enabled offBecause since failingSince revision createdBy { kind id }
  secrets { id createdAt until }"""
DELIVERY = """id webhookId eventId eventType status attempts lastAttemptAt lastStatus lastError nextAttemptAt deadline
  createdAt deliveredAt deadSince keptUntil event { id type data }"""
KINDS = dict.fromkeys(("enableWebhook", "deleteWebhook"), "WebhookInput")
ERRORS = "userErrors { code message path currentRevision }"


@contextmanager
def delivering(servers: Servers) -> Iterator[Server]:
    """A server that keeps secrets, works, and may call this machine. Its database is its own: another test's worker
    would take up deliveries that it may not make."""
    key, alone = Fernet.generate_key().decode(), replace(servers, database=fresh("hooks"))
    with serving(alone, "--work", JOURNEYS_SECRETS_KEY=key, JOURNEYS_TARGET_NETWORKS=LOOPBACK) as server:
        yield server


async def payload(api: Client, mutation: str, fields: str, **input: Any) -> Any:
    kind = KINDS.get(mutation, mutation[0].upper() + mutation[1:] + "Input")
    query = f"mutation($input: {kind}!) {{ {mutation}(input: $input) {{ {fields} {ERRORS} }} }}"
    return (await api.ask(query, input=input))[mutation]


async def write(api: Client, mutation: str, **input: Any) -> Any:
    """The webhook after a mutation that is not refused."""
    found = await payload(api, mutation, f"webhook {{ {WEBHOOK} }}", **input)
    assert found["userErrors"] == [], found
    return found["webhook"]


async def create(api: Client, address: str, *types: str, **more: Any) -> Any:
    given = {"name": "Orders", "address": address, "types": list(types) or ["*"]}
    return await write(api, "createWebhook", **given | more)


async def refused(api: Client, mutation: str, **input: Any) -> list[tuple[str, str]]:
    fields = {
        "resendDelivery": "delivery { id }",
        "resendDeliveries": "results { id } hasMore",
        "testWebhook": "webhook { id } ok",
    }
    found = await payload(api, mutation, fields.get(mutation, "webhook { id }"), **input)
    assert [found[each] for each in ("webhook", "delivery", "results", "ok") if found.get(each)] == []
    return [(each["code"], ".".join(each["path"])) for each in found["userErrors"]]


async def webhook(api: Client, id: str) -> Any:
    return (await api.ask(f"query($id: ID!) {{ webhook(id: $id) {{ {WEBHOOK} }} }}", id=id))["webhook"]


async def deliveries(api: Client, id: str, status: str | None = None) -> list[Any]:
    """From new to old."""
    query = f"""query($id: ID!, $status: WebhookDeliveryStatus) {{
      webhookDeliveries(webhookId: $id, status: $status, first: 100) {{ nodes {{ {DELIVERY} }} }} }}"""
    found = (await api.ask(query, id=id, status=status))["webhookDeliveries"]
    nodes: list[Any] = found["nodes"]
    return nodes


async def become(api: Client, id: str, *statuses: str) -> list[Any]:
    """A webhook's deliveries, from new to old, once these are their statuses."""
    found: list[Any] = []

    async def so() -> bool:
        found[:] = await deliveries(api, id)
        return [each["status"] for each in found] == list(statuses)

    await eventually(so, f"deliveries that are {statuses}")
    return found


async def emit(api: Client, type: str = "order:placed", **more: Any) -> str:
    """The id of an event just reported."""
    query = "mutation($input: EmitEventInput!) { emitEvent(input: $input) { event { id } userErrors { message } } }"
    found = (await api.ask(query, input={"type": type, "source": "shop", **more}))["emitEvent"]
    assert found["userErrors"] == []
    return str(found["event"]["id"])

"""Posting CloudEvents as other systems do, and signing them by the letter of the Standard Webhooks specification."""

import hashlib
import hmac
import json
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from typing import Any

import httpx

from tests.e2e.harness import BOUND, Client
from tests.e2e.refusals import LEAKS

STRUCTURED = {"content-type": "application/cloudevents+json"}
BATCH = {"content-type": "application/cloudevents-batch+json"}
ORDER: dict[str, Any] = {
    "specversion": "1.0",
    "id": "1",
    "source": "/shop",
    "type": "com.example.order.created",
    "data": {"total": 5},
}
EVENT = "type source externalId customerId leadId correlationId occurredAt data attributes actor { kind id }"


def base(api: Client) -> str:
    return api.url.removesuffix("/graphql")


async def post(
    api: Client,
    body: Any,
    headers: dict[str, str] = STRUCTURED,
    *,
    path: str = "/events",
    method: str = "POST",
) -> httpx.Response:
    """The answer, looked through for words of the inside."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    bearer = api.headers if path == "/events" else {}
    answer = await api.http.request(
        method, base(api) + path, content=content, headers=bearer | headers, timeout=BOUND
    )
    assert LEAKS.search(answer.text) is None, answer.text[:2_000]
    return answer


def binary(event: dict[str, Any]) -> tuple[bytes, dict[str, str]]:
    """The body and headers of an event in binary mode."""
    headers = {f"ce-{name}": str(value) for name, value in event.items() if name != "data"}
    return json.dumps(event["data"]).encode(), headers | {"content-type": "application/json"}


def signature(secret: str, id: str, seconds: int, body: bytes) -> str:
    """`v1,` and the base64 of the HMAC-SHA256 of `id.timestamp.body` under the bytes of the secret."""
    key = b64decode(secret.removeprefix("whsec_"))
    signed = hmac.new(key, f"{id}.{seconds}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{b64encode(signed).decode()}"


def signed(secret: str, body: bytes, *, ago: int = 0, id: str = "msg_1") -> dict[str, str]:
    """The headers of a signed event; `ago` are the seconds since it was signed."""
    seconds = int(datetime.now(UTC).timestamp()) - ago
    stamps = {"webhook-id": id, "webhook-timestamp": str(seconds)}
    return STRUCTURED | stamps | {"webhook-signature": signature(secret, id, seconds, body)}


def refusal(answer: httpx.Response) -> tuple[int, set[tuple[str, str]]]:
    """The status, and the code and path of every error."""
    errors = [each["extensions"] for each in answer.json()["errors"]]
    return answer.status_code, {(each["code"], ".".join(each.get("path", []))) for each in errors}


async def kept(api: Client, **filter: Any) -> list[dict[str, Any]]:
    """What other systems reported, the newest first."""
    query = f"query($f: EventFilterInput) {{ events(filter: $f, first: 100) {{ nodes {{ {EVENT} }} }} }}"
    nodes = (await api.ask(query, f=filter or None))["events"]["nodes"]
    return [each for each in nodes if each["externalId"] is not None]

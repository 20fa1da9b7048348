"""How long things are kept, from outside: who may set it, what is refused, and what is told of it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.identity import Role
from tests.e2e.harness import Client, Server, client
from tests.e2e.refusals import codes, refused, send

FIELDS = "revision events touchpoints analytics eventsSince touchpointsSince analyticsSince updatedAt updatedBy { id }"


async def asked(api: Client) -> dict[str, Any]:
    found: dict[str, Any] = (await api.ask(f"{{ retention {{ {FIELDS} }} }}"))["retention"]
    return found


async def given(api: Client, **input: Any) -> dict[str, Any]:
    """What holds after it was set."""
    query = (
        "mutation($input: SetRetentionInput!) { setRetention(input: $input) "
        f"{{ settled retention {{ {FIELDS} }} userErrors {{ code message path }} }} }}"
    )
    payload = (await api.ask(query, input=input))["setRetention"]
    assert payload["userErrors"] == [], payload
    assert payload["settled"]
    found: dict[str, Any] = payload["retention"]
    return found


def ago(text: str) -> timedelta:
    return datetime.now(UTC) - datetime.fromisoformat(text)


@pytest.fixture
async def viewer(server: Server, tenant: str) -> AsyncIterator[Client]:
    async with client(server.url, tenant, Role.VIEWER) as api:
        yield api


async def test_all_is_kept_for_ever_until_an_administrator_says_otherwise(api: Client) -> None:
    assert await asked(api) == dict.fromkeys(FIELDS.removesuffix(" { id }").split()) | {"revision": 0}


async def test_what_is_set_holds_and_tells_how_far_back_things_reach(
    api: Client, viewer: Client, tenant: str
) -> None:
    held = await given(api, events=365, touchpoints=30, expectedRevision=0)
    assert (held["revision"], held["events"], held["touchpoints"], held["analytics"]) == (1, 365, 30, None)
    assert held["updatedBy"] == {"id": "ann"}
    assert ago(held["eventsSince"]).days == 365
    assert ago(held["touchpointsSince"]).days == 30
    assert held["analyticsSince"] is None
    seen = await asked(viewer)
    assert {**seen, "eventsSince": None, "touchpointsSince": None} == {
        **held,
        "eventsSince": None,
        "touchpointsSince": None,
    }
    for_ever = await given(api, expectedRevision=1)
    assert (for_ever["revision"], for_ever["events"]) == (2, None)
    assert ago(for_ever["eventsSince"]).days == 365
    told = await api.ask(
        '{ events(first: 9, filter: { types: ["retention:changed"] }) { nodes { data actor { id } } } }'
    )
    assert [each["data"] for each in told["events"]["nodes"]] == [
        {"tenantId": tenant},
        {"tenantId": tenant, "events": 365, "touchpoints": 30},
    ]


async def test_set_twice_under_one_key_it_is_set_once(api: Client) -> None:
    first = await given(api, events=30, idempotencyKey="k")
    assert (await given(api, events=30, idempotencyKey="k"))["revision"] == first["revision"] == 1
    await refused(api, "IDEMPOTENCY_KEY_REUSED", "setRetention", events=31, idempotencyKey="k")
    assert (await given(api, events=30))["revision"] == 1  # nothing changes


async def test_days_out_of_bounds_and_old_revisions_are_refused(api: Client) -> None:
    found = await refused(api, "INVALID_INPUT", "setRetention", events=1, touchpoints=0, analytics=36_501)
    assert [each["path"] for each in found] == [["events"], ["touchpoints"], ["analytics"]]
    assert "2 to 36,500" in found[0]["message"]
    await refused(api, "CONFLICT", "setRetention", events=30, expectedRevision=1)
    assert (await asked(api))["revision"] == 0
    await given(api, events=30)
    [stale] = await refused(api, "CONFLICT", "setRetention", events=40, expectedRevision=0)
    assert stale["currentRevision"] == 1
    await refused(api, "INVALID_INPUT", "setRetention", events=40, idempotencyKey="")
    assert (await asked(api))["events"] == 30


async def test_only_administrators_set_it(server: Server, tenant: str, viewer: Client) -> None:
    mutation = "mutation { setRetention(input: { events: 30 }) { settled } }"
    for role in (Role.VIEWER, Role.OPERATOR, Role.APPROVER, Role.SERVICE):
        async with client(server.url, tenant, role) as api:
            assert codes(await send(api, mutation)) == ["FORBIDDEN"]
    assert (await asked(viewer))["revision"] == 0

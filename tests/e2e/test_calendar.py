"""A tenant's calendar from outside: who may set it, what is refused, and what is told of it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.identity import Role
from tests.e2e.harness import Client, Server, client, fresh
from tests.e2e.refusals import codes, refused, send

FIELDS = "revision timeZone weekStart updatedAt updatedBy { id }"
VIENNA = "Europe/Vienna"
NOTHING = {"revision": 0, "timeZone": "UTC", "weekStart": "MONDAY", "updatedAt": None, "updatedBy": None}


async def asked(api: Client) -> dict[str, Any]:
    found: dict[str, Any] = (await api.ask(f"{{ calendar {{ {FIELDS} }} }}"))["calendar"]
    return found


async def given(api: Client, **input: Any) -> dict[str, Any]:
    """What holds after it was set."""
    query = (
        "mutation($input: SetCalendarInput!) { setCalendar(input: $input) "
        f"{{ settled calendar {{ {FIELDS} }} userErrors {{ code message path }} }} }}"
    )
    payload = (await api.ask(query, input=input))["setCalendar"]
    assert payload["userErrors"] == [], payload
    assert payload["settled"]
    found: dict[str, Any] = payload["calendar"]
    return found


@pytest.fixture
async def viewer(server: Server, tenant: str) -> AsyncIterator[Client]:
    async with client(server.url, tenant, Role.VIEWER) as api:
        yield api


async def test_it_is_utc_and_monday_until_an_administrator_says_otherwise(
    api: Client, viewer: Client
) -> None:
    assert await asked(api) == await asked(viewer) == NOTHING
    assert await given(api, timeZone="UTC", weekStart="MONDAY") == NOTHING  # nothing changes


async def test_what_is_set_holds_for_the_tenant_and_is_told(
    server: Server, api: Client, viewer: Client, tenant: str
) -> None:
    held = await given(api, timeZone=VIENNA, weekStart="SUNDAY", expectedRevision=0)
    assert (held["revision"], held["timeZone"], held["weekStart"]) == (1, VIENNA, "SUNDAY")
    assert held["updatedBy"] == {"id": "ann"}
    assert datetime.now(UTC) - datetime.fromisoformat(held["updatedAt"]) < timedelta(minutes=1)
    assert await asked(viewer) == held
    async with client(server.url, fresh()) as other:
        assert await asked(other) == NOTHING
    kept = await given(api, weekStart="SATURDAY", expectedRevision=1)
    assert (kept["revision"], kept["timeZone"], kept["weekStart"]) == (2, VIENNA, "SATURDAY")
    told = await viewer.ask(
        '{ events(first: 9, filter: { types: ["calendar:changed"] }) { nodes { data actor { id } } } }'
    )
    assert told["events"]["nodes"] == [
        {"data": {"tenantId": tenant, "timeZone": VIENNA, "weekStart": start}, "actor": {"id": "ann"}}
        for start in ("saturday", "sunday")
    ]


async def test_set_twice_under_one_key_it_is_set_once(api: Client) -> None:
    for _ in range(2):
        assert (await given(api, timeZone=VIENNA, idempotencyKey="k"))["revision"] == 1
    await refused(api, "IDEMPOTENCY_KEY_REUSED", "setCalendar", timeZone="Europe/Rome", idempotencyKey="k")
    assert (await given(api, timeZone=VIENNA))["revision"] == 1  # nothing changes


async def test_unknown_zones_and_old_revisions_are_refused(api: Client) -> None:
    for odd in ("Mars/Base", "", "../etc/passwd", "x" * 201):
        [error] = await refused(api, "INVALID_INPUT", "setCalendar", timeZone=odd, weekStart="SUNDAY")
        assert error["path"] == ["timeZone"]
    await refused(api, "INVALID_INPUT", "setCalendar", timeZone=VIENNA, idempotencyKey="")
    await refused(api, "CONFLICT", "setCalendar", timeZone=VIENNA, expectedRevision=1)
    assert await asked(api) == NOTHING
    await given(api, timeZone=VIENNA)
    [stale] = await refused(api, "CONFLICT", "setCalendar", weekStart="SUNDAY", expectedRevision=0)
    assert stale["currentRevision"] == 1
    assert (await asked(api))["weekStart"] == "MONDAY"


async def test_only_administrators_set_it(server: Server, tenant: str, viewer: Client) -> None:
    mutation = "mutation { setCalendar(input: { weekStart: SUNDAY }) { settled } }"
    for role in (Role.VIEWER, Role.OPERATOR, Role.APPROVER, Role.SERVICE):
        async with client(server.url, tenant, role) as api:
            assert codes(await send(api, mutation)) == ["FORBIDDEN"]
    assert await asked(viewer) == NOTHING

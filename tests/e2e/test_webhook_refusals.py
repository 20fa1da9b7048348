"""Webhooks from outside: what is refused, to whom, with which code and path; and that no tenant sees another's."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from domain.identity import Role
from tests.conftest import Servers
from tests.e2e.harness import Client, Server, client
from tests.e2e.hooking import SECRET, become, create, deliveries, delivering, emit, refused, webhook, write
from tests.workers.target import Partner, listening


@pytest.fixture(scope="module")
def house(servers: Servers) -> Iterator[Server]:
    with delivering(servers) as server:
        yield server


@pytest.fixture
async def admin(house: Server, tenant: str) -> AsyncIterator[Client]:
    async with client(house.url, tenant) as api:
        yield api


@pytest.fixture
async def receiver() -> AsyncIterator[Partner]:
    async with listening() as receiver:
        yield receiver


REFUSED: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({"name": ""}, [("INVALID_INPUT", "name")]),
    ({"address": "ftp://x"}, [("INVALID_INPUT", "address")]),
    ({"address": "x" * 501}, [("INVALID_INPUT", "address")]),
    ({"types": []}, [("INVALID_INPUT", "types")]),
    ({"types": ["*", "journey:strated"]}, [("INVALID_INPUT", "types.1")]),
    ({"types": ["x y"], "name": " "}, [("INVALID_INPUT", "name"), ("INVALID_INPUT", "types.0")]),
    ({"secret": "whsec_c2hvcnQ="}, [("INVALID_INPUT", "secret")]),
]


@pytest.mark.parametrize(("wrong", "told"), REFUSED)
async def test_what_cannot_be_is_refused_with_its_path(
    admin: Client, wrong: dict[str, Any], told: list[tuple[str, str]]
) -> None:
    given = {"name": "Orders", "address": "https://hooks.example", "types": ["*"]} | wrong
    assert await refused(admin, "createWebhook", **given) == told
    assert (await admin.ask("{ webhooks { id } }"))["webhooks"] == []


async def test_a_hundred_are_enough(admin: Client) -> None:
    for _ in range(100):
        await create(admin, "https://hooks.example")
    given = {"name": "Orders", "address": "https://hooks.example", "types": ["*"], "secret": SECRET}
    assert await refused(admin, "createWebhook", **given) == [("LIMIT_EXCEEDED", "")]


async def test_what_is_sent_again_must_be_named_and_its_webhook_switched_on(
    admin: Client, receiver: Partner
) -> None:
    made = await create(admin, f"{receiver.url}/in", "order:*")
    await emit(admin)
    [taken] = await become(admin, made["id"], "DELIVERED")
    assert await refused(admin, "resendDelivery", id="dlv_none") == [("NOT_FOUND", "id")]
    assert await refused(admin, "resendDeliveries") == [("INVALID_INPUT", "ids")]
    assert await refused(admin, "resendDeliveries", ids=[]) == [("INVALID_INPUT", "ids")]
    assert await refused(admin, "resendDeliveries", ids=["x"] * 1_001) == [("INVALID_INPUT", "ids")]
    assert await refused(admin, "resendDeliveries", ids=["x"], webhookId="y") == [("INVALID_INPUT", "ids")]
    assert await refused(admin, "resendDeliveries", webhookId="whk_none") == [("NOT_FOUND", "webhookId")]
    assert await refused(admin, "testWebhook", id="whk_none") == [("NOT_FOUND", "id")]
    await write(admin, "disableWebhook", id=made["id"])
    assert await refused(admin, "resendDelivery", id=taken["id"]) == [("ILLEGAL_TRANSITION", "id")]


async def test_tenants_see_and_change_nothing_of_each_other(
    house: Server, admin: Client, receiver: Partner, tenant: str
) -> None:
    made = await create(admin, f"{receiver.url}/in", "order:*")
    await emit(admin)
    [taken] = await become(admin, made["id"], "DELIVERED")
    async with client(house.url, f"{tenant}-b") as other:
        await emit(other)
        assert await webhook(other, made["id"]) is None
        assert await deliveries(other, made["id"]) == []
        query = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
        assert (await other.ask(query, ids=[made["id"], taken["id"]]))["nodes"] == [None, None]
        for mutation in ("enableWebhook", "disableWebhook", "deleteWebhook", "changeWebhook", "testWebhook"):
            assert await refused(other, mutation, id=made["id"]) == [("NOT_FOUND", "id")]
        assert await refused(other, "rotateWebhookSecret", id=made["id"], secret=SECRET) == [
            ("NOT_FOUND", "id")
        ]
        assert await refused(other, "resendDelivery", id=taken["id"]) == [("NOT_FOUND", "id")]
        assert await refused(other, "resendDeliveries", webhookId=made["id"]) == [("NOT_FOUND", "webhookId")]
    assert len(receiver.requests) == 1


@pytest.mark.parametrize(
    ("role", "mutation", "input"),
    [
        (Role.OPERATOR, "createWebhook", {"name": "x", "address": "https://x", "types": ["*"]}),
        (Role.OPERATOR, "changeWebhook", {"id": "whk_x"}),
        (Role.OPERATOR, "deleteWebhook", {"id": "whk_x"}),
        (Role.OPERATOR, "testWebhook", {"id": "whk_x"}),
        (Role.OPERATOR, "rotateWebhookSecret", {"id": "whk_x", "secret": SECRET}),
        (Role.VIEWER, "resendDelivery", {"id": "dlv_x"}),
        (Role.VIEWER, "resendDeliveries", {"ids": ["dlv_x"]}),
    ],
)
async def test_who_may_not_is_refused(
    house: Server, tenant: str, role: Role, mutation: str, input: dict[str, Any]
) -> None:
    async with client(house.url, tenant, role) as api:
        kind = "WebhookInput" if mutation == "deleteWebhook" else mutation[0].upper() + mutation[1:] + "Input"
        query = f"mutation($input: {kind}!) {{ {mutation}(input: $input) {{ userErrors {{ code }} }} }}"
        body = await api.send(query, input=input)
        assert [each["extensions"]["code"] for each in body["errors"]] == ["FORBIDDEN"]
        assert (await api.ask("{ webhooks { id } }"))["webhooks"] == []

"""Sources: set by administrators, seen by one tenant alone, and their secrets by nobody."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from domain.identity import Role
from tests.conftest import Servers
from tests.e2e.harness import Client, Server, client
from tests.e2e.packages import calling
from tests.e2e.sourcing import FIRST, SECOND, SOURCE, do, payload, refused
from tests.e2e.test_package_secrets import ODD_SECRETS


@pytest.fixture(scope="module")
def house(servers: Servers) -> Iterator[Server]:
    with calling(servers) as server:
        yield server


@pytest.fixture
async def admin(house: Server, tenant: str) -> AsyncIterator[Client]:
    async with client(house.url, tenant) as api:
        yield api


@pytest.fixture
async def shop(admin: Client) -> dict[str, Any]:
    """A source with a secret."""
    made = await do(admin, "createSource", name="/shop")
    return await do(admin, "rotateSourceSecret", id=made["id"], secret=FIRST)


async def sources(api: Client) -> list[str]:
    return [each["name"] for each in (await api.ask("{ sources { name } }"))["sources"]]


async def test_a_source_lives_from_its_creation_to_its_deletion(admin: Client) -> None:
    made = await do(admin, "createSource", name="/shop", description="orders", idempotencyKey="k")
    assert await do(admin, "createSource", name="/shop", description="orders", idempotencyKey="k") == made
    assert (made["name"], made["description"], made["enabled"], made["revision"]) == (
        "/shop",
        "orders",
        True,
        1,
    )
    assert (made["path"], made["secrets"]) == (f"/events/{made['id']}", [])
    assert await refused(admin, "createSource", name="/shop") == [("ALREADY_EXISTS", ["name"])]
    changed = await do(admin, "changeSource", id=made["id"], description="all orders", expectedRevision=1)
    assert (changed["description"], changed["revision"]) == ("all orders", 2)
    stale = await refused(admin, "changeSource", id=made["id"], description="x", expectedRevision=1)
    assert stale == [("CONFLICT", ["expectedRevision"])]
    await do(admin, "disableSource", id=made["id"], reason="moving")
    assert await refused(admin, "disableSource", id=made["id"]) == [("ILLEGAL_TRANSITION", ["id"])]
    assert (await do(admin, "enableSource", id=made["id"]))["enabled"] is True
    assert await refused(admin, "enableSource", id=made["id"]) == [("ILLEGAL_TRANSITION", ["id"])]
    await do(admin, "createSource", name="a")
    assert await sources(admin) == ["/shop", "a"]
    query = f"query($id: ID!) {{ source(id: $id) {{ {SOURCE} }} node(id: $id) {{ id }} }}"
    found = await admin.ask(query, id=made["id"])
    assert (found["source"]["revision"], found["node"]) == (4, {"id": made["id"]})
    await do(admin, "deleteSource", id=made["id"])
    assert await sources(admin) == ["a"]
    assert await admin.ask(query, id=made["id"]) == {"source": None, "node": None}
    assert await refused(admin, "enableSource", id=made["id"]) == [("ILLEGAL_TRANSITION", ["id"])]
    again = await do(admin, "createSource", name="/shop")
    assert again["id"] != made["id"]
    log = (await admin.ask("{ events(first: 100) { nodes { type subject } } }"))["events"]["nodes"]
    types = [each["type"] for each in log if each["subject"] == made["id"]]
    words = ("deleted", "enabled", "disabled", "changed", "created")
    assert types == [f"source:{word}" for word in words]


@pytest.mark.parametrize("name", ["", " ", " a", "a\n", "x" * 201, "journeys", "/Journeys"])
async def test_a_name_that_no_source_can_have_is_refused(admin: Client, name: str) -> None:
    assert await refused(admin, "createSource", name=name) == [("INVALID_INPUT", ["name"])]
    assert await sources(admin) == []


async def test_sources_are_one_tenants_and_its_administrators(
    admin: Client, house: Server, tenant: str, shop: dict[str, Any]
) -> None:
    async with client(house.url, f"{tenant}x") as other:
        assert await sources(other) == []
        assert (await other.ask("query($id: ID!) { source(id: $id) { id } }", id=shop["id"]))[
            "source"
        ] is None
        for mutation in ("deleteSource", "disableSource", "enableSource"):
            assert await refused(other, mutation, id=shop["id"]) == [("NOT_FOUND", ["id"])]
        assert await refused(other, "rotateSourceSecret", id=shop["id"], secret=SECOND) == [
            ("NOT_FOUND", ["id"])
        ]
        theirs = await do(other, "createSource", name="/shop")
    assert tenant not in shop["id"]
    assert theirs["id"] != shop["id"]
    async with client(house.url, tenant, Role.OPERATOR, Role.VIEWER) as user:
        assert await sources(user) == ["/shop"]
        query = "mutation($input: SourceInput!) { deleteSource(input: $input) { settled } }"
        [error] = (await user.send(query, input={"id": shop["id"]}))["errors"]
        assert error["extensions"]["code"] == "FORBIDDEN"


async def test_what_is_no_secret_is_refused_and_never_repeated(admin: Client, shop: dict[str, Any]) -> None:
    for odd in ODD_SECRETS:
        done = await payload(admin, "rotateSourceSecret", id=shop["id"], secret=odd)
        [error] = done["userErrors"]
        assert (error["code"], error["path"]) == ("INVALID_INPUT", ["secret"])
        assert len(odd) < 8 or odd not in error["message"]
    mark = "c3VwZXJzZWNyZXRzdXBlcnNlY3JldHN1cGVyc2VjcmV0"
    query = "mutation($input: RotateSourceSecretInput!) { rotateSourceSecret(input: $input) { settled } }"
    for odd_input in ({"secret": [f"whsec_{mark}"]}, {"id": "x", "secret": f"whsec_{mark}", "x": 1}):
        answer = json.dumps(await admin.send(query, input=odd_input))
        assert "errors" in answer
        assert mark not in answer
    found = json.dumps(
        await admin.ask(f"{{ sources {{ {SOURCE} }} events(first: 100) {{ nodes {{ data }} }} }}")
    )
    assert FIRST.removeprefix("whsec_") not in found


async def test_a_tenant_has_at_most_200_sources(admin: Client) -> None:
    fields = "userErrors { code }"
    for start in range(0, 200, 40):
        many = " ".join(
            f'm{n}: createSource(input: {{name: "s{n}"}}) {{ {fields} }}' for n in range(start, start + 40)
        )
        done = await admin.ask(f"mutation {{ {many} }}")
        assert all(each["userErrors"] == [] for each in done.values())
    assert await refused(admin, "createSource", name="one more") == [("LIMIT_EXCEEDED", [])]

"""Packages from outside: where they are reached, what they can do, and who may change them."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from domain.identity import Role
from tests.conftest import Servers
from tests.e2e.harness import Client, Server, client, fresh
from tests.e2e.packages import BUILT_IN, PACKAGE, calling, do, log, package
from tests.e2e.refusals import refused, send

SECRET = f"whsec_{'A' * 32}"


@pytest.fixture(scope="module")
def house(servers: Servers) -> Iterator[Server]:
    with calling(servers) as server:
        yield server


@pytest.fixture
async def admin(house: Server, tenant: str) -> AsyncIterator[Client]:
    async with client(house.url, tenant) as api:
        yield api


async def test_the_built_in_packages_are_there_from_the_start_and_nobody_has_changed_them(
    admin: Client,
) -> None:
    found = (await admin.ask(f"{{ packages {{ {PACKAGE} }} }}"))["packages"]
    assert [each["name"] for each in found] == BUILT_IN
    for each in found:
        assert (each["address"], each["enabled"], each["secrets"]) == (None, True, [])
        assert (each["revision"], each["updatedAt"], each["updatedBy"]) == (0, None, None)
        assert each["limits"] == {
            "attempts": 3,
            "attemptTime": "PT30S",
            "totalTime": "PT5M",
            "answerTime": None,
        }
        assert each["actions"]
        assert (await admin.ask("query($id: ID!) { node(id: $id) { id } }", id=each["id"]))["node"] == {
            "id": each["id"]
        }
    assert await package(admin, "crm") == found[2]
    assert await package(admin, "nothing") is None


async def test_a_package_is_told_where_it_is_and_what_it_can_do(admin: Client) -> None:
    known = {each["name"]: each for each in (await package(admin, "crm"))["actions"]}
    score = {"name": "score_lead", "path": "/leads/{leadId}/score", "requiredData": ["leadId"]}
    moved = {"name": "convert_lead", "path": "/v2/leads"}
    address = "https://crm.example/api"
    given = {"name": "crm", "address": address, "actions": [score, moved], "limits": {"attempts": 5}}
    configured = await do(admin, "configurePackage", **given, expectedRevision=0)
    assert (configured["address"], configured["revision"]) == (address, 1)
    assert configured["limits"] == {
        "attempts": 5,
        "attemptTime": "PT30S",
        "totalTime": "PT5M",
        "answerTime": None,
    }
    assert configured["updatedBy"] == {"kind": "USER", "id": "ann"}
    actions = {each["name"]: each for each in configured["actions"]}
    empty = {"description": "", "requiredData": [], "optionalData": []}
    assert actions == known | {"score_lead": {**empty, **score}, "convert_lead": {**empty, **moved}}
    again = await do(admin, "configurePackage", name="crm", description="Ours.", expectedRevision=1)
    assert (again["description"], again["address"], again["revision"]) == ("Ours.", address, 2)
    away = await do(admin, "configurePackage", name="crm", address="")
    assert (away["address"], away["revision"]) == (None, 3)
    assert await package(admin, "crm") == away
    assert [each["type"] for each in await log(admin)] == ["package:configured"] * 3 + ["package:added"]


async def test_a_tenant_adds_packages_of_its_own_that_no_other_tenant_sees(
    house: Server, admin: Client
) -> None:
    own = await do(admin, "configurePackage", name="warehouse", actions=[{"name": "ship", "path": "/ship"}])
    assert [each["name"] for each in own["actions"]] == ["ship"]
    names = "{ packages { name } }"
    assert {"name": "warehouse"} in (await admin.ask(names))["packages"]
    async with client(house.url, fresh()) as foreign:
        assert {"name": "warehouse"} not in (await foreign.ask(names))["packages"]
        node = "query($id: ID!) { node(id: $id) { id } }"
        assert (await foreign.ask(node, id=own["id"]))["node"] is None
        await refused(foreign, "NOT_FOUND", "disablePackage", name="warehouse")


@pytest.mark.parametrize(
    ("path", "input"),
    [
        ("name", {"name": "No Name"}),
        *(
            ("address", {"name": "crm", "address": address})
            for address in (
                "crm.example", "ftp://crm.example", "https://", "https://ann:secret@crm.example", "https://x.example?a=b",
                "https://x.example/#a", "https://x.example/?", "http://x.example:0", "https://x .example", "http://[x",
                f"https://x.example/{'a' * 500}",
            )
        ),
        *(
            ("actions.x.path", {"name": "crm", "actions": [{"name": "x", "path": path}]})
            for path in ("x", "/../x", "//x", "/x?y", "/x{y", "/{}", "/{a..b}")
        ),
        ("actions.X", {"name": "crm", "actions": [{"name": "X", "path": "/x"}]}),
        (
            "actions.x.requiredData.1",
            {"name": "crm", "actions": [{"name": "x", "path": "/", "requiredData": ["a", ""]}]},
        ),
        ("limits.attempts", {"name": "crm", "limits": {"attempts": 0}}),
        ("limits.attempts", {"name": "crm", "limits": {"attempts": 11}}),
        ("limits.attemptTime", {"name": "crm", "limits": {"attemptTime": "PT5M1S"}}),
        ("limits.totalTime", {"name": "crm", "limits": {"totalTime": "PT0S"}}),
        ("limits.answerTime", {"name": "crm", "limits": {"answerTime": "PT0S"}}),
    ],
)  # fmt: skip
async def test_what_cannot_be_is_refused_with_its_path_and_adds_nothing(
    admin: Client, path: str, input: dict[str, Any]
) -> None:
    found = await refused(admin, "INVALID_INPUT", "configurePackage", **input)
    assert {".".join(error["path"]) for error in found} == {path}
    new = {**input, "name": input["name"] if path == "name" else "ours"}
    await refused(admin, "INVALID_INPUT", "configurePackage", **new)
    packages = (await admin.ask("{ packages { name revision } }"))["packages"]
    assert packages == [{"name": name, "revision": 0} for name in BUILT_IN]
    assert await log(admin) == []


async def test_a_package_is_changed_once_for_each_key_and_only_at_the_revision_expected(
    admin: Client,
) -> None:
    given = {"name": "crm", "address": "https://a.example", "idempotencyKey": "k", "expectedRevision": 0}
    answers = await asyncio.gather(*(do(admin, "configurePackage", **given) for _ in range(5)))
    assert {each["revision"] for each in answers} == {1}
    await refused(
        admin, "IDEMPOTENCY_KEY_REUSED", "configurePackage", **given | {"address": "https://b.example"}
    )
    [error] = await refused(admin, "CONFLICT", "configurePackage", name="crm", expectedRevision=0)
    assert error["currentRevision"] == 1
    [error] = await refused(admin, "CONFLICT", "configurePackage", name="field-ops", expectedRevision=3)
    assert error["currentRevision"] == 0
    assert (await package(admin, "field-ops"))["revision"] == 0


async def test_a_package_is_switched_off_and_on(admin: Client) -> None:
    await refused(admin, "ILLEGAL_TRANSITION", "enablePackage", name="crm")
    off = await do(admin, "disablePackage", name="crm", reason="They move house.")
    assert (off["enabled"], off["revision"]) == (False, 1)
    await refused(admin, "ILLEGAL_TRANSITION", "disablePackage", name="crm")
    on = await do(admin, "enablePackage", name="crm", expectedRevision=1)
    assert (on["enabled"], on["revision"]) == (True, 2)
    assert {"type": "package:disabled", "data": {"reason": "They move house."}} in await log(admin)
    for mutation in ("enablePackage", "disablePackage", "testPackage"):
        await refused(admin, "NOT_FOUND", mutation, name="nothing")
    await refused(admin, "NOT_FOUND", "rotatePackageSecret", name="nothing", secret=SECRET)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR, Role.APPROVER, Role.SERVICE])
async def test_everybody_sees_packages_and_administrators_change_them(
    house: Server, tenant: str, role: Role
) -> None:
    async with client(house.url, tenant, role) as api:
        assert len((await api.ask("{ packages { name } }"))["packages"]) == len(BUILT_IN)
        for mutation, more in (
            ("configurePackage", {}), ("rotatePackageSecret", {"secret": SECRET}), ("enablePackage", {}),
            ("disablePackage", {}), ("testPackage", {}),
        ):  # fmt: skip
            kind = mutation[0].upper() + mutation[1:] + "Input"
            query = f"mutation($input: {kind}!) {{ {mutation}(input: $input) {{ userErrors {{ code }} }} }}"
            body = await send(api, query, input={"name": "crm", **more})
            assert [error["extensions"]["code"] for error in body["errors"]] == ["FORBIDDEN"]

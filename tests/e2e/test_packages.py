"""Packages from outside: where they are reached, what they can do, their secrets, and whether they answer."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from domain.identity import Role
from tests.conftest import Servers
from tests.e2e.harness import Client, Server, client, fresh, serving
from tests.e2e.partners import Partner, partner
from tests.e2e.refusals import refused, send
from tests.e2e.test_subscription_access import logging_server

BUILT_IN = ["billing-system", "business-logic", "crm", "field-ops", "support-system"]
LOOPBACK = "127.0.0.0/8"
PACKAGE = """id name description address enabled revision updatedAt updatedBy { kind id }
  actions { name description path requiredData optionalData } limits { attempts attemptTime totalTime answerTime }
  secrets { id createdAt until }"""
FIRST = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
SECOND = "whsec_YWJjZGVmZ2hpamFiY2RlZmdoaWphYmNkZWZnaGlqYWI="


@pytest.fixture(scope="module")
def crm() -> Iterator[Partner]:
    """A partner that checks signatures."""
    with partner(secret=FIRST) as started:
        yield started


@pytest.fixture(scope="module")
def house(servers: Servers) -> Iterator[Server]:
    """A server that keeps secrets and may call this machine."""
    key = Fernet.generate_key().decode()
    with serving(servers, JOURNEYS_SECRETS_KEY=key, JOURNEYS_TARGET_NETWORKS=LOOPBACK) as server:
        yield server


@pytest.fixture
async def admin(house: Server, tenant: str) -> AsyncIterator[Client]:
    async with client(house.url, tenant) as api:
        yield api


async def do(api: Client, mutation: str, **input: Any) -> dict[str, Any]:
    """What a mutation that is not refused answers."""
    fields = (
        "ok status error milliseconds package { name }"
        if mutation == "testPackage"
        else f"package {{ {PACKAGE} }}"
    )
    kind = mutation[0].upper() + mutation[1:] + "Input"
    query = f"mutation($input: {kind}!) {{ {mutation}(input: $input) {{ {fields} userErrors {{ message path }} }} }}"
    payload: dict[str, Any] = (await api.ask(query, input=input))[mutation]
    assert payload["userErrors"] == [], payload
    return payload if mutation == "testPackage" else dict(payload["package"])


async def package(api: Client, name: str) -> Any:
    query = f"query($name: String!) {{ package(name: $name) {{ {PACKAGE} }} }}"
    return (await api.ask(query, name=name))["package"]


async def log(api: Client) -> list[dict[str, Any]]:
    found = await api.ask("{ events(first: 100) { nodes { type data } } }")
    return [each for each in found["events"]["nodes"] if each["type"].startswith("package:")]


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
    await refused(admin, "NOT_FOUND", "rotatePackageSecret", name="nothing", secret=FIRST)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR, Role.APPROVER, Role.SERVICE])
async def test_everybody_sees_packages_and_administrators_change_them(
    house: Server, tenant: str, role: Role
) -> None:
    async with client(house.url, tenant, role) as api:
        assert len((await api.ask("{ packages { name } }"))["packages"]) == len(BUILT_IN)
        for mutation, more in (
            ("configurePackage", {}), ("rotatePackageSecret", {"secret": FIRST}), ("enablePackage", {}),
            ("disablePackage", {}), ("testPackage", {}),
        ):  # fmt: skip
            kind = mutation[0].upper() + mutation[1:] + "Input"
            query = f"mutation($input: {kind}!) {{ {mutation}(input: $input) {{ userErrors {{ code }} }} }}"
            body = await send(api, query, input={"name": "crm", **more})
            assert [error["extensions"]["code"] for error in body["errors"]] == ["FORBIDDEN"]


async def test_a_test_call_is_signed_and_tells_what_came_of_it(admin: Client, crm: Partner) -> None:
    crm.behave()
    [error] = await refused(admin, "INVALID_INPUT", "testPackage", name="crm")
    assert error["path"] == ["name"]
    await do(admin, "configurePackage", name="crm", address=f"{crm.url}/crm")
    [error] = await refused(admin, "INVALID_INPUT", "testPackage", name="crm", action="dance")
    assert error["path"] == ["action"]
    unsigned = await do(admin, "testPackage", name="crm", action="create_customer")
    assert (unsigned["ok"], unsigned["status"]) == (False, 401)
    await do(admin, "rotatePackageSecret", name="crm", secret=FIRST)
    for action in (None, "create_customer"):
        tested = await do(admin, "testPackage", name="crm", action=action)
        assert (tested["ok"], tested["status"], tested["error"]) == (True, 200, None)
        assert tested["milliseconds"] > 0
        assert tested["package"] == {"name": "crm"}
    await do(admin, "configurePackage", name="crm", address="http://127.0.0.1:1")
    gone = await do(admin, "testPackage", name="crm")
    assert (gone["ok"], gone["status"]) == (False, None)
    assert gone["error"]
    await do(admin, "configurePackage", name="crm", address="http://10.0.0.1")
    barred = await do(admin, "testPackage", name="crm")
    assert (barred["ok"], barred["status"]) == (False, None)
    assert "10.0.0.1" not in barred["error"]


async def test_a_new_secret_signs_beside_the_old_ones_until_their_time_is_over(
    admin: Client, crm: Partner
) -> None:
    crm.behave()
    await do(admin, "configurePackage", name="crm", address=f"{crm.url}/crm")
    await do(admin, "rotatePackageSecret", name="crm", secret=FIRST)
    both = await do(
        admin, "rotatePackageSecret", name="crm", secret=SECOND, overlap="PT1H", idempotencyKey="k"
    )
    old, new = both["secrets"]
    assert old["until"] is not None
    assert new["until"] is None
    assert (await do(admin, "testPackage", name="crm"))["ok"]  # the partner knows the first one
    same = await do(
        admin, "rotatePackageSecret", name="crm", secret=SECOND, overlap="PT1H", idempotencyKey="k"
    )
    assert same["secrets"] == both["secrets"]
    await refused(
        admin, "IDEMPOTENCY_KEY_REUSED", "rotatePackageSecret",
        name="crm", secret=FIRST, overlap="PT1H", idempotencyKey="k",
    )  # fmt: skip
    await refused(admin, "CONFLICT", "rotatePackageSecret", name="crm", secret=FIRST, expectedRevision=1)
    only = await do(admin, "rotatePackageSecret", name="crm", secret=SECOND, overlap="PT0S")
    assert len(only["secrets"]) == 1
    assert (await do(admin, "testPackage", name="crm"))["status"] == 401
    for n in range(4):
        kept = (await do(admin, "rotatePackageSecret", name="crm", secret=FIRST))["secrets"]
        assert len(kept) == min(n + 2, 3)
    assert (await do(admin, "testPackage", name="crm"))["ok"]


ODD_SECRETS = (
    "", "secret", "whsec_", "whsec_c2hvcnQ=", f"whsec_{'A' * 31}", f"whsec_{'AAAA' * 22}", "whsec_Ä" + "A" * 32,
    f"{FIRST}\n",
)  # fmt: skip


async def test_a_secret_is_shown_nowhere_again(
    servers: Servers, tmp_path: Path, tenant: str, crm: Partner
) -> None:
    mark = "c3VwZXJzZWNyZXRzdXBlcnNlY3JldHN1cGVyc2VjcmV0"  # no word of any test
    secret, written = f"whsec_{mark}", tmp_path / "log"
    fields = "userErrors { message path } package { secrets { id } }"
    query = (
        f"mutation($input: RotatePackageSecretInput!) {{ rotatePackageSecret(input: $input) {{ {fields} }} }}"
    )
    literal = (
        f'mutation {{ rotatePackageSecret(input: {{name: "crm", secret: "{secret}", x: 1}}) {{ settled }} }}'
    )
    given = {"name": "crm", "secret": secret}
    said = []
    with logging_server(servers, written) as server:  # it has no key to keep secrets under
        async with client(server.url, tenant) as api:
            said.append(json.dumps(await api.send(query, input=given)))
            assert "JOURNEYS_SECRETS_KEY" in said[0]
            for odd in (
                {"secret": secret}, given | {"x": 1}, given | {"overlap": "P99D"}, given | {"overlap": secret},
                given | {"secret": [secret]}, given | {"secret": {"x": secret}}, given | {"secret": f"{secret}!"},
                given | {"name": "nothing"}, given | {"expectedRevision": 7}, given | {"idempotencyKey": ""},
            ):  # fmt: skip
                said.append(json.dumps(await api.send(query, input=odd)))
                assert "rror" in said[-1]
            said += [json.dumps(await api.send(each)) for each in (literal, literal.replace("}", ""))]
            said.append(
                json.dumps(
                    await api.ask(f"{{ packages {{ {PACKAGE} }} events(first: 100) {{ nodes {{ data }} }} }}")
                )
            )
        server.stop()
    assert mark not in "".join(said)
    assert mark not in written.read_text()


async def test_what_is_no_secret_is_refused_and_nothing_has_changed(admin: Client) -> None:
    for odd in ODD_SECRETS:
        [error] = await refused(admin, "INVALID_INPUT", "rotatePackageSecret", name="crm", secret=odd)
        assert error["path"] == ["secret"]
        assert len(odd) < 8 or odd not in error["message"]
    for overlap in ("P30DT1S", "P365D"):
        [error] = await refused(
            admin, "INVALID_INPUT", "rotatePackageSecret", name="crm", secret=FIRST, overlap=overlap
        )
        assert error["path"] == ["overlap"]
    assert (await package(admin, "crm"))["revision"] == 0

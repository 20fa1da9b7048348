"""Calls to packages are signed with secrets that are shown nowhere again; a test call tells whether that works."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.conftest import Servers
from tests.e2e.harness import Client, Server, client
from tests.e2e.packages import PACKAGE, calling, do, package
from tests.e2e.partners import Partner, partner
from tests.e2e.refusals import refused
from tests.e2e.test_subscription_access import logging_server

FIRST = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
SECOND = "whsec_YWJjZGVmZ2hpamFiY2RlZmdoaWphYmNkZWZnaGlqYWI="


@pytest.fixture(scope="module")
def crm() -> Iterator[Partner]:
    """A partner that checks signatures."""
    with partner(secret=FIRST) as started:
        yield started


@pytest.fixture(scope="module")
def house(servers: Servers) -> Iterator[Server]:
    with calling(servers) as server:
        yield server


@pytest.fixture
async def admin(house: Server, tenant: str) -> AsyncIterator[Client]:
    async with client(house.url, tenant) as api:
        yield api


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

"""Events that a source signs: taken as its own, and nothing told to whoever cannot sign."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.conftest import Servers
from tests.e2e.harness import Client, Server, client
from tests.e2e.ingesting import BATCH, ORDER, STRUCTURED, binary, kept, post, refusal, signature, signed
from tests.e2e.packages import calling
from tests.e2e.sourcing import BODY, FIRST, SECOND, UNKNOWN, do


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


async def test_what_a_source_signs_is_taken_as_its_own(admin: Client, shop: dict[str, Any]) -> None:
    answer = await post(admin, BODY, signed(FIRST, BODY), path=shop["path"])
    assert (answer.status_code, answer.json()) == (202, {"results": [{"id": "1", "duplicate": False}]})
    [event] = await kept(admin)
    assert (event["source"], event["actor"]) == ("/shop", {"kind": "SERVICE", "id": "/shop"})
    again = await post(admin, BODY, signed(FIRST, BODY), path=shop["path"])
    assert again.json()["results"][0]["duplicate"] is True
    assert (await post(admin, ORDER)).json()["results"][0]["duplicate"] is True
    several = json.dumps([ORDER | {"id": "2"}, ORDER | {"id": "3", "source": "/other"}]).encode()
    batch = await post(admin, several, signed(FIRST, several) | BATCH, path=shop["path"])
    assert batch.status_code == 207
    assert [each["path"] for each in batch.json()["results"][1]["errors"]] == [["source"]]


async def test_a_signature_of_the_library_and_one_by_the_letter_are_the_same(shop: dict[str, Any]) -> None:
    headers = signed(FIRST, BODY)
    seconds = int(headers["webhook-timestamp"])
    assert signature(FIRST, "msg_1", seconds, BODY) == headers["webhook-signature"]
    Webhook(FIRST).verify(BODY, headers)


async def test_a_source_reports_under_its_name_alone(admin: Client, shop: dict[str, Any]) -> None:
    body = json.dumps(ORDER | {"source": "/bank", "id": None}).encode()
    answer = await post(admin, body, signed(FIRST, body), path=shop["path"])
    assert refusal(answer) == (400, {("INVALID_INPUT", "id"), ("INVALID_INPUT", "source")})


async def test_binary_mode_cannot_be_signed(admin: Client, shop: dict[str, Any]) -> None:
    body, headers = binary(ORDER)
    answer = await post(admin, body, signed(FIRST, body) | headers, path=shop["path"])
    assert refusal(answer) == (415, {("BAD_REQUEST", "")})
    assert "ce-" in answer.json()["errors"][0]["message"]
    assert await kept(admin) == []


async def test_whatever_is_wrong_with_a_signature_the_answer_is_the_same(
    admin: Client, shop: dict[str, Any]
) -> None:
    good = signed(FIRST, BODY)
    other = await do(admin, "createSource", name="/bank")  # it has no secret
    off = await do(admin, "createSource", name="/off")
    await do(admin, "rotateSourceSecret", id=off["id"], secret=FIRST)
    await do(admin, "disableSource", id=off["id"])
    gone = await do(admin, "createSource", name="/gone")
    await do(admin, "rotateSourceSecret", id=gone["id"], secret=FIRST)
    await do(admin, "deleteSource", id=gone["id"])
    late, early = signed(FIRST, BODY, ago=302), signed(FIRST, BODY, ago=-302)
    attempts = [
        *((BODY, good, place["path"]) for place in (other, off, gone)),
        (BODY, good, "/events/src_unknown"),
        (BODY, good, "/events/x%00y"),
        (BODY, late, shop["path"]),
        (BODY, early, shop["path"]),
        (BODY + b" ", good, shop["path"]),
        (BODY, signed(SECOND, BODY), shop["path"]),
        (BODY, STRUCTURED, shop["path"]),
        *((BODY, {k: v for k, v in good.items() if k != name}, shop["path"]) for name in list(good)[1:]),
        *((BODY, good | {"webhook-id": id}, shop["path"]) for id in ("msg_2", "é")),
        *((BODY, good | {"webhook-timestamp": at}, shop["path"]) for at in ("x", "-1", "1e9", "9" * 30, "1")),
    ]
    signatures = (
        good["webhook-signature"].removeprefix("v1,"),
        "v1,",
        "v1,x",
        "v2,x",
        ",,,",
        "é",
        "v1a,x y,z",
    )
    attempts += [(BODY, good | {"webhook-signature": each}, shop["path"]) for each in signatures]
    answers = set()
    for body, headers, path in attempts:
        given = {name: value.encode() for name, value in headers.items()}
        answer = await post(admin, body, given, path=path)  # type: ignore[arg-type]  # bytes as they go out
        assert refusal(answer) == UNKNOWN, (path, headers)
        answers.add(answer.text)
    assert len(answers) == 1
    assert await kept(admin) == []
    for ago in (290, -290):
        assert (await post(admin, BODY, signed(FIRST, BODY, ago=ago), path=shop["path"])).status_code == 202


async def test_a_token_is_none_at_a_sources_address(admin: Client, shop: dict[str, Any]) -> None:
    answer = await post(admin, BODY, STRUCTURED | admin.headers, path=shop["path"])
    assert refusal(answer) == UNKNOWN


async def test_one_of_several_signatures_is_enough(admin: Client, shop: dict[str, Any]) -> None:
    good = signed(FIRST, BODY)
    both = f"v1a,AAAA {signature(SECOND, 'msg_1', int(good['webhook-timestamp']), BODY)} {good['webhook-signature']}"
    answer = await post(admin, BODY, good | {"webhook-signature": both}, path=shop["path"])
    assert answer.status_code == 202


async def test_an_old_secret_signs_until_its_time_is_over(admin: Client, shop: dict[str, Any]) -> None:
    async def taken(secret: str) -> bool:
        return (await post(admin, BODY, signed(secret, BODY), path=shop["path"])).status_code == 202

    assert (await taken(FIRST), await taken(SECOND)) == (True, False)
    given = {"id": shop["id"], "secret": SECOND, "overlap": "PT1H", "idempotencyKey": "k"}
    both = await do(admin, "rotateSourceSecret", **given)
    assert [each["until"] is None for each in both["secrets"]] == [False, True]
    assert await do(admin, "rotateSourceSecret", **given) == both
    assert (await taken(FIRST), await taken(SECOND)) == (True, True)
    only = await do(admin, "rotateSourceSecret", id=shop["id"], secret=SECOND, overlap="PT0S")
    assert len(only["secrets"]) == 1
    assert (await taken(FIRST), await taken(SECOND)) == (False, True)

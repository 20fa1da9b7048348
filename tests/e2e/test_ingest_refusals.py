"""What POST /events refuses, with which status, and with the path of every error; and when to try again."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.embedded import MongoChild
from domain.identity import Role
from tests.conftest import Servers
from tests.e2e.harness import BOUND, Client, Server, client, serving
from tests.e2e.ingesting import BATCH, ORDER, STRUCTURED, base, binary, kept, post, refusal

LEAD = ORDER | {"id": "lead", "type": "crm:lead_qualified", "data": {"score": 85}}


@pytest.mark.parametrize(
    ("status", "paths", "change"),
    [
        (400, "id type", {"id": None, "type": 5}),
        (400, "specversion", {"specversion": "2.0"}),
        (400, "time data.score", {"time": "today", "type": "crm:lead_qualified"}),
        (
            422,
            "data.score data.services",
            {"type": "crm:lead_qualified", "data": {"score": "1", "services": 1}},
        ),
        (422, "type", {"type": "Journey:started"}),
        (422, "source", {"source": "journeys"}),
        (422, "data", {"data": "text"}),
        (422, "data_base64", {"data_base64": "e30=", "data": None}),
        (422, "datacontenttype", {"datacontenttype": "application/xml"}),
        (422, "time customerid", {"time": "2999-01-01T00:00:00Z", "customerid": ""}),
    ],
)
async def test_an_event_is_refused_with_the_path_of_every_error(
    api: Client, status: int, paths: str, change: dict[str, Any]
) -> None:
    answer = await post(api, ORDER | change)
    assert refusal(answer) == (status, {("INVALID_INPUT", path) for path in paths.split()})
    assert await kept(api) == []


async def test_binary_mode_is_refused_with_the_path_of_every_error(api: Client) -> None:
    body, headers = binary(LEAD)
    for content, change, status, paths in (
        (body, {"content-type": "application/xml"}, 422, "datacontenttype data.score"),
        (b"{", {}, 400, "data"),
        (b"\xff", {"ce-time": "never"}, 400, "data time"),
        (b"[]", {}, 422, "data"),
        (b"", {}, 422, "data.score"),
        (body, {"ce-id": "", "ce-with_line": "x"}, 400, "id with_line"),
        (body, {"ce-subject": "%ff", "ce-data": "x"}, 400, "subject data"),
    ):
        answer = await post(api, content, headers | change)
        assert refusal(answer) == (status, {("INVALID_INPUT", path) for path in paths.split()})
    answer = await post(api, body, headers | {"ce-subject": "%C3%A9t%C3%A9 %22x%22"})
    assert answer.status_code == 202
    assert [each["attributes"] for each in await kept(api)] == [{"subject": 'été "x"'}]


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"", STRUCTURED),
        (b"{", STRUCTURED),
        (b"[]", STRUCTURED),
        (b"5", STRUCTURED),
        (b'{"id": NaN}', STRUCTURED),
        (b"\xff", STRUCTURED),
        (b"{}", BATCH),
        (b"null", BATCH),
        (b"[" * 3_000, BATCH),
    ],
)
async def test_a_body_that_is_none_is_a_bad_request(
    api: Client, body: bytes, headers: dict[str, str]
) -> None:
    assert refusal(await post(api, body, headers)) == (400, {("BAD_REQUEST", "")})


async def test_json_too_deep_for_the_database_is_refused(api: Client) -> None:
    deep = (
        b'{"specversion":"1.0","id":"1","source":"s","type":"t","data":' + b'{"a":' * 900 + b"1" + b"}" * 901
    )
    assert refusal(await post(api, deep)) == (422, {("INVALID_INPUT", "data" + ".a" * 32)})


async def test_other_media_types_and_methods_are_refused(api: Client) -> None:
    for kind in (
        "",
        "application/json",
        "text/plain",
        "application/cloudevents+xml",
        "application/cloudevents",
    ):
        answer = await post(api, ORDER, {"content-type": kind})
        assert refusal(answer) == (415, {("BAD_REQUEST", "")})
    for path in ("/events", "/events/src_x"):
        for method in ("GET", "PUT", "DELETE", "OPTIONS"):
            answer = await post(api, ORDER, method=method, path=path)
            assert refusal(answer) == (405, {("BAD_REQUEST", "")})
            assert answer.headers["allow"] == "POST"
    spelled = {"content-type": "Application/CloudEvents+JSON; charset=UTF-8"}
    assert (await post(api, ORDER, spelled)).status_code == 202


async def test_what_is_too_large_is_refused(api: Client) -> None:
    most = {"x": "x" * (256 * 1024 - 8)}
    assert refusal(await post(api, ORDER | {"data": {"x": most["x"] + "x"}})) == (
        413,
        {("TOO_LARGE", "data")},
    )
    assert refusal(await post(api, ORDER | {"note": "x" * 17_000})) == (413, {("TOO_LARGE", "note")})
    assert refusal(await post(api, ORDER | {"data": {"x": "x" * 5_000_000}})) == (413, {("TOO_LARGE", "")})
    assert await kept(api) == []
    assert (await post(api, ORDER | {"data": most})).status_code == 202


async def test_who_may_report(server: Server, tenant: str) -> None:
    for roles, status in (
        ((Role.VIEWER, Role.APPROVER), 403),
        ((Role.SERVICE,), 202),
        ((Role.OPERATOR,), 202),
    ):
        async with client(server.url, tenant, *roles) as user:
            assert (await post(user, ORDER)).status_code == status
    async with httpx.AsyncClient() as http:
        for token in (None, "x.y.z"):
            stranger = Client(http, server.url, token)
            assert refusal(await post(stranger, ORDER)) == (401, {("UNAUTHENTICATED", "")})


async def test_five_minutes_ahead_is_the_most(api: Client) -> None:
    now = datetime.now(UTC)
    near, far = ((now + timedelta(minutes=n)).isoformat() for n in (4, 6))
    assert (await post(api, ORDER | {"time": near})).status_code == 202
    assert refusal(await post(api, ORDER | {"id": "2", "time": far})) == (422, {("INVALID_INPUT", "time")})


@pytest.fixture
async def orphan(servers: Servers, tmp_path: Path) -> AsyncIterator[Client]:
    """A server whose database has gone away."""
    with MongoChild(tmp_path) as mongo:
        mine = Servers(mongo.url, servers.redis_url, f"gone_{uuid4().hex[:8]}")
        with serving(mine) as server:
            async with client(server.url, "t") as api:
                assert (await post(api, ORDER)).status_code == 202
                mongo.kill()
                yield api


async def test_without_the_database_the_sender_is_told_to_try_again(orphan: Client) -> None:
    answer = await post(orphan, ORDER)
    assert refusal(answer) == (503, {("UNAVAILABLE", "")})
    assert int(answer.headers["retry-after"]) > 0
    async with httpx.AsyncClient() as http:
        source = await http.post(
            f"{base(orphan)}/events/src_x", json=ORDER, headers=STRUCTURED, timeout=BOUND
        )
    assert source.status_code == 503

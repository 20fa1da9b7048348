"""Requests that never become an operation, or must not: each gets a code in GraphQL's form, and the server goes on."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.e2e.harness import BOUND, Client, Server, socket
from tests.e2e.refusals import clean, codes, raw, send, unchanged

JSON = {"content-type": "application/json"}
VIEWER = "{ viewer { tenantId } }"
MUTATION = 'mutation { startJourney(input: {templateId: "support_resolution"}) { settled } }'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"5",
        b"null",
        b"true",
        b'"{ viewer { tenantId } }"',
        b"\xff\xfe",
        b"[" * 3_000,
        b"{}",
        b'{"query": null}',
        b'{"query": ""}',
        b'{"query": 5}',
        b'{"query": ["x"]}',
        b'{"query": "\\ud800"}',
        b'{"query": "{ viewer { tenantId } }", "variables": []}',
        b'{"query": "{ viewer { tenantId } }", "variables": "x"}',
        b'{"query": "{ viewer { tenantId } }", "extensions": 5}',
        b'{"query": "{ viewer { tenantId } }", "operationName": 5}',
        b'{"query": "{ viewer { tenantId } }", "operationName": "Other"}',
        b'{"query": "query($a: Float) { viewer { tenantId } }", "variables": {"a": NaN}}',
        b'{"query": "query($a: Float) { viewer { tenantId } }", "variables": {"a": 1e999}}',
        b'{"query": "fragment F on Query { viewer { tenantId } }"}',
        b'{"query": "type X { a: Int }"}',
    ],
    ids=lambda body: body[:30].decode(errors="replace"),
)
async def test_a_malformed_body_is_a_bad_request(api: Client, body: bytes) -> None:
    answer = await raw(api, content=body, headers=JSON)
    assert answer.status_code == 400
    assert codes(answer.json()) == ["BAD_REQUEST"]
    assert codes(await send(api, VIEWER)) == []


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "x"]
)
async def test_another_content_type_is_refused(api: Client, kind: str) -> None:
    async with unchanged(api):
        answer = await raw(api, content=json.dumps({"query": MUTATION}), headers={"content-type": kind})
        assert answer.status_code == 400
        assert codes(answer.json()) == ["BAD_REQUEST"]


async def test_a_mutation_is_not_taken_by_get(api: Client) -> None:
    async with unchanged(api):
        answer = await raw(api, "GET", params={"query": MUTATION})
        assert (answer.status_code, codes(answer.json())) == (400, ["BAD_REQUEST"])
        several = f"query A {VIEWER} mutation B {MUTATION.removeprefix('mutation ')}"
        answer = await raw(api, "GET", params={"query": several, "operationName": "B"})
        assert (answer.status_code, codes(answer.json())) == (400, ["BAD_REQUEST"])


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_other_methods_are_refused(api: Client, method: str) -> None:
    answer = await raw(api, method, json={"query": VIEWER})
    assert (answer.status_code, codes(answer.json())) == (405, ["BAD_REQUEST"])


async def test_batches_are_refused(api: Client) -> None:
    async with unchanged(api):
        for batch in ([], [{"query": MUTATION}], [{"query": VIEWER}] * 100):
            answer = await raw(api, json=batch)
            assert (answer.status_code, codes(answer.json())) == (400, ["BAD_REQUEST"])


async def test_a_body_over_the_limit_is_refused_however_it_is_sent(api: Client) -> None:
    whole = b'{"query": "' + b"x" * 5 * 1024 * 1024 + b'"}'

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(whole), 65_536):
            yield whole[start : start + 65_536]

    for content in (whole, pieces()):
        answer = await raw(api, content=content, headers=JSON)
        assert (answer.status_code, codes(answer.json())) == (413, ["TOO_LARGE"])


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        (" ", "GRAPHQL_PARSE_FAILED"),
        ("{ viewer { tenantId } } }", "GRAPHQL_PARSE_FAILED"),
        ("\0", "GRAPHQL_PARSE_FAILED"),
        ("{ " + "a { " * 150 + "b" + " }" * 151, "GRAPHQL_VALIDATION_FAILED"),
        ("{ " + "a { " * 1_500 + "b" + " }" * 1_501, "GRAPHQL_PARSE_FAILED"),
        (
            "{ " + " ".join(f"a{n}: viewer {{ tenantId }}" for n in range(60)) + " }",
            "GRAPHQL_VALIDATION_FAILED",
        ),
        ("{ " + "viewer { tenantId } " * 1_500 + "}", "GRAPHQL_PARSE_FAILED"),
        ("{ ...F } fragment F on Query { ...F }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ journey { id } }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ journeys { nodes } }", "GRAPHQL_VALIDATION_FAILED"),
        ("query($v: Nothing) { viewer { tenantId } }", "GRAPHQL_VALIDATION_FAILED"),
        (
            "query($v: " + "[" * 100 + "Int" + "]" * 100 + ") { viewer { tenantId } }",
            "GRAPHQL_VALIDATION_FAILED",
        ),
        ("mutation { startJourney(input: {}) { settled } }", "GRAPHQL_VALIDATION_FAILED"),
        (
            'mutation { startJourney(input: {templateId: "x", more: 1}) { settled } }',
            "GRAPHQL_VALIDATION_FAILED",
        ),
        ("{ viewer { tenantId @nothing } }", "GRAPHQL_VALIDATION_FAILED"),
    ],
    ids=lambda text: text[:30],
)
async def test_a_document_that_is_wrong_or_too_much_is_refused(api: Client, query: str, code: str) -> None:
    for _ in range(2):  # the second time from the caches
        body = await send(api, query)
        assert set(codes(body)) == {code}, body
        assert body["data"] is None


async def test_a_document_at_the_limits_is_carried_out(api: Client) -> None:
    aliases = " ".join(f"a{n}: viewer {{ tenantId }}" for n in range(50))
    assert len(await api.ask(f"{{ {aliases} }}")) == 50


async def test_a_query_that_is_too_deep_is_refused_for_its_depth(api: Client) -> None:
    body = await send(api, "{ " + "a { " * 13 + "b" + " }" * 14)
    assert any("depth" in error["message"] for error in body["errors"])


SUBSCRIBE = {
    "journeyChanged": 'subscription($c: String) { journeyChanged(id: "ID", after: $c) { kind } }',
    "journeyChanges": "subscription($c: String) { journeyChanges(after: $c) { kind } }",
    "events": "subscription($c: String) { events(after: $c) { cursor } }",
}


async def first(api: Client, query: str, **variables: Any) -> dict[str, Any]:
    """What a subscription tells first, as server-sent events."""
    body = {"query": query, "variables": variables}
    headers = api.headers | {"accept": "text/event-stream"}
    async with api.http.stream("POST", api.url, json=body, headers=headers, timeout=BOUND) as answer:
        async for line in answer.aiter_lines():
            if line.startswith("data:") and line != "data:":
                clean(line[5:])
                told: dict[str, Any] = json.loads(line[5:])
                return told
    raise AssertionError("the stream ended without a word")


RUN = "a" * 40
CURSORS = st.sampled_from(["", "x", ":", "0-0", f"{RUN}:", f"{RUN[1:]}g:1-1", f"{RUN}:1-1-1", f"{RUN}a:1-1"])


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(cursor=CURSORS | st.text(max_size=60), field=st.sampled_from(sorted(SUBSCRIBE)))
async def test_whatever_text_is_no_cursor_of_a_feed(api: Client, cursor: str, field: str) -> None:
    journeys = (await api.ask("{ journeys(first: 1) { nodes { id } } }"))["journeys"]["nodes"]
    id = journeys[0]["id"] if journeys else (await api.start())["id"]
    told = await first(api, SUBSCRIBE[field].replace("ID", id), c=cursor)
    assert codes(told) == ["BAD_CURSOR"]


@pytest.mark.parametrize(
    "query", ["subscription {", "subscription { nothing }", "subscription { events(after: 5) { cursor } }"]
)
async def test_a_subscription_that_is_wrong_is_refused_with_a_code(
    server: Server, api: Client, query: str
) -> None:
    [over_sse] = codes(await first(api, query))
    async with socket(server.url, api.token) as opened:
        stream = await opened.subscribe(query)
        told = await stream.next()
        clean(json.dumps(told))
        assert codes(told) == [over_sse]
        good = await opened.subscribe("query { viewer { tenantId } }")
        assert (await good.next())["data"]["viewer"]


async def test_a_stream_is_not_given_to_get(api: Client) -> None:
    answer = await raw(
        api, "GET", params={"query": SUBSCRIBE["events"]}, headers={"accept": "text/event-stream"}
    )
    assert (answer.status_code, codes(answer.json())) == (405, ["BAD_REQUEST"])

"""Wrong values of every kind: scalars, names, sizes, pages, cursors, templates with many errors at once."""

from base64 import urlsafe_b64encode
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.e2e.harness import Client
from tests.e2e.refusals import codes, make_template, refused, send, unchanged

START = (
    'mutation($c: JSON) { startJourney(input: {templateId: "sample", context: $c}) { userErrors { code } } }'
)
LISTS = ("journeys", "templates", "touchpoints", "conversions", "events", 'templateVersions(id: "sample"')


STEP = '{id: "a", name: "A", stage: LEAD, order: 1, maxDuration: $v}'
DATES = (
    "yesterday",
    "2026-01-31",
    "2026-01-31T12:00:00",
    "2026-01-31T12:00:00+01:00",
    "2026-02-30T12:00:00Z",
    "2026-01-31T24:00:00Z",
    "2026-01-31T12:00:60Z",
    "0000-01-01T00:00:00Z",
    "\u0662026-01-31T12:00:00Z",
    "2026-01-31T12:00:00.1234567890Z",
    "2026-01-31 12:00:00Z",
    "2026-01-31T12:00:00Z\n",
)
LENGTHS = (
    "P",
    "PT",
    "P1Y",
    "P1M",
    "1D",
    "-P1D",
    "P1.5D",
    "P1DT",
    f"P{'9' * 5_000}D",
    "P999999999D",
    "P\u0661D",
)
DAYS = ("2026-02-30", "2026-1-1", "20260101", "2026-01-01T00:00:00Z", "\u0662026-01-01", "2026-01-01\n")
SUMS = (
    "1",
    "1 eur",
    "1.12345 EUR",
    "1,00 EUR",
    "1e3 EUR",
    "NaN EUR",
    "9" * 13 + " EUR",
    "\u0661 EUR",
    "1 EUR\n",
)
OTHER = ("", 5, 1.5, True, [], {}, ["x"])
# Where each scalar is taken, and what it does not take.
SCALARS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "DateTime": ("events(filter: {since: $v}) { nodes { id } }", DATES + OTHER),
    "Date!": (
        'setCampaignCost(input: {campaign: "a", since: $v, until: "2030-01-01", amount: "1 EUR"}) { settled }',
        DAYS + OTHER,
    ),
    "Duration": (
        f'validateTemplate(input: {{id: "a", name: "A", category: CUSTOM, steps: [{STEP}]}}) {{ valid }}',
        LENGTHS + OTHER,
    ),
    "Money": (
        'addTouchpoints(input: {touchpoints: [{kind: "a", channel: "b", customerId: "c", cost: $v}]}) { settled }',
        SUMS + OTHER,
    ),
    "Int": ("journeys(first: $v) { nodes { id } }", (2**31, -(2**31) - 1, "1", 1.5, True, [], {})),
    "ID!": ("journey(id: $v) { id }", ({}, [1], 1.5, True, None)),
    "String!": ("template(id: $v) { id }", (5, 1.5, True, [], {}, None)),
    "Priority!": (
        "journeys(filter: {priority: [$v]}) { nodes { id } }",
        ("EXTREME", "high", "", 1, None, {}),
    ),
}


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    "context",
    [
        {"$set": 1},
        {"a": {"$where": "x"}},
        {"a": [{"b": {"": 1}}]},
        {"a\0": 1},
        {"a": 2**63},
        {"a": -(2**63) - 1},
        {"a": 2**70},
        {"a": 1e300},
        nested(40),
        {"a": [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]},
    ],
    ids=lambda value: str(value)[:20],
)
async def test_json_that_the_database_cannot_keep_is_refused(api: Client, context: Any) -> None:
    await make_template(api)
    async with unchanged(api):
        assert codes(await send(api, START, c=context)) == ["GRAPHQL_VALIDATION_FAILED"]


@pytest.mark.parametrize(
    "literal",
    ["1e999", "-1e999", "9" * 5_000, "{a: " * 33 + "1" + "}" * 33, '{a: "\\uD800"}', "[" * 190 + "]" * 190],
)
async def test_odd_literals_in_the_document_are_refused(api: Client, literal: str) -> None:
    await make_template(api)
    query = f'mutation {{ startJourney(input: {{templateId: "sample", context: {{x: {literal}}}}}) {{ settled }} }}'
    async with unchanged(api):
        [code] = codes(await send(api, query))
        assert code in ("GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED")


@pytest.mark.parametrize("kind", SCALARS)
async def test_a_malformed_scalar_is_refused(api: Client, kind: str) -> None:
    use, values = SCALARS[kind]
    operation = "mutation" if use.startswith("add") else "query"
    async with unchanged(api):
        for value in values:
            body = await send(api, f"{operation}($v: {kind}) {{ {use} }}", v=value)
            assert codes(body) == ["GRAPHQL_VALIDATION_FAILED"], (value, body)


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize(
    "page", ["first: 10000", "first: 0", "first: -1", "last: 101", "last: 0", "first: 2, last: 2"]
)
async def test_a_page_has_1_to_100_rows_from_one_end(api: Client, name: str, page: str) -> None:
    assert codes(await send(api, f"{{ {_call(name, page)} }}")) == ["INVALID_INPUT"]


def _call(name: str, page: str) -> str:
    """A list's field with these arguments."""
    return f"{name}, {page}) {{ nodes {{ id }} }}" if "(" in name else f"{name}({page}) {{ nodes {{ id }} }}"


async def test_at_most_100_objects_are_found_at_a_time(api: Client) -> None:
    query = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    assert codes(await send(api, query, ids=["jrn_x"] * 101)) == ["INVALID_INPUT"]
    assert codes(await send(api, query, ids=["jrn_x"] * 100)) == []


def _encoded(key: str) -> str:
    return urlsafe_b64encode(key.encode()).decode().rstrip("=")


KEYS = (
    "",
    "x",
    "-1",
    "9" * 30,
    "2026-01-31T12:00:00.000Z|",
    "2026-01-31|x",
    "\0",
    "é",
    "x" * 500,
    "sample|1",
    "$",
)
CURSORS = ["", " ", "=", "x", "!!!", "YQ==", "YQ", "%00", "é", "a" * 10_000, "null", *map(_encoded, KEYS)]


@pytest.mark.parametrize("name", LISTS)
async def test_a_broken_cursor_is_refused_by_every_list(api: Client, name: str) -> None:
    await make_template(api)
    for cursor in CURSORS:
        for edge in ("after", "before"):
            query = f"query($c: String) {{ {_call(name, f'{edge}: $c')} }}"
            assert codes(await send(api, query, c=cursor)) == ["BAD_CURSOR"], (name, cursor)


async def test_a_broken_cursor_is_refused_by_a_history(api: Client) -> None:
    journey = await api.start()
    for cursor in CURSORS:
        query = "query($id: ID!, $c: String) { journey(id: $id) { history(after: $c) { nodes { id } } } }"
        assert codes(await send(api, query, id=journey["id"], c=cursor)) == ["BAD_CURSOR"], cursor


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    cursor=st.text(max_size=40)
    | st.binary(max_size=30).map(lambda b: urlsafe_b64encode(b).decode().rstrip("="))
)
@example("2026")
async def test_whatever_text_is_no_cursor(api: Client, cursor: str) -> None:
    fields = " ".join(f"a{n}: {_call(name, 'after: $c')}" for n, name in enumerate(LISTS))
    body = await send(api, f"query($c: String) {{ {fields} }}", c=cursor)
    assert set(codes(body)) == {"BAD_CURSOR"}


@pytest.mark.parametrize(
    ("code", "path", "input"),
    [
        ("NOT_FOUND", ["templateId"], {"templateId": "nothing"}),
        ("NOT_FOUND", ["templateId"], {"templateId": ""}),
        ("NOT_FOUND", ["id"], {"templateVersion": 7}),
        ("NOT_FOUND", ["id"], {"templateVersion": -1}),
        ("INVALID_INPUT", ["name"], {"name": ""}),
        ("INVALID_INPUT", ["name"], {"name": "x" * 201}),
        ("INVALID_INPUT", ["customerId"], {"customerId": " "}),
        ("INVALID_INPUT", ["leadId"], {"leadId": "x" * 1_000}),
        ("INVALID_INPUT", ["tags"], {"tags": ["x"] * 21}),
        ("INVALID_INPUT", ["tags"], {"tags": [""]}),
        ("INVALID_INPUT", ["tags", "1"], {"tags": ["x", "x" * 201]}),
        ("INVALID_INPUT", ["context"], {"context": []}),
        ("INVALID_INPUT", ["context"], {"context": "x"}),
        ("TOO_LARGE", ["context"], {"context": {"x": "x" * 1024 * 1024}}),
        ("TOO_LARGE", ["context"], {"context": {"x": "é" * 150 * 1024}}),
    ],
)
async def test_a_journey_is_not_started_from_a_wrong_input(
    api: Client, code: str, path: list[str], input: dict[str, Any]
) -> None:
    await make_template(api)
    async with unchanged(api):
        [error] = await refused(api, code, "startJourney", **{"templateId": "sample"} | input)
        assert error["path"] == path

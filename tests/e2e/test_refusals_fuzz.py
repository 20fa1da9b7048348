"""Whatever fits the types: an answer with a documented code or success, never INTERNAL, and no Python text."""

import re
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    get_named_type,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.graphql import build
from domain.errors import ErrorCode
from tests.e2e.harness import Client
from tests.e2e.refusals import LEAKS, codes, errors, make_template, send

SCHEMA: GraphQLSchema = build()._schema
assert SCHEMA.mutation_type is not None
MUTATIONS = sorted(SCHEMA.mutation_type.fields)
OF_THE_REQUEST = {"GRAPHQL_VALIDATION_FAILED", "BAD_REQUEST", "INVALID_INPUT"}

# Words that lead somewhere, so that not everything ends at the first check.
KNOWN = (
    "sample",
    "one",
    "two",
    "nothing",
    "x",
    "",
    " ",
    "a.b",
    "é" * 300,
    "\0",
    "$where",
    "name\nname",
    "\U0001f600",
)
# A refusal says again what was sent, and Hypothesis likes the words of our own code.
anything = st.text(max_size=12).filter(lambda text: LEAKS.search(text) is None)
texts = st.sampled_from(KNOWN) | anything
ints = st.sampled_from((0, 1, 2, -1, 2**31 - 1, -(2**31))) | st.integers(-(2**31), 2**31 - 1)
numbers = st.integers(-(2**53), 2**53) | st.floats(-1e18, 1e18) | st.sampled_from((2**63, -(2**63), 1e308))
json: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(texts, json, max_size=4)
dates = st.datetimes().map(lambda at: at.isoformat(timespec="milliseconds") + "Z")
SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "String": texts,
    "ID": texts,
    "Int": ints,
    "Float": st.floats(allow_nan=False, allow_infinity=False),
    "Boolean": st.booleans(),
    "JSON": objects | json,
    "Date": st.dates().map(str),
    "DateTime": dates,
    "Duration": st.integers(0, 10**9).map("PT{}S".format) | st.integers(0, 10**9).map("P{}D".format),
    "Money": st.integers(-(10**12), 10**12).map("{} EUR".format),
}


def of(kind: Any) -> st.SearchStrategy[Any]:
    """Whatever an input takes; what need not be given is often left out."""
    match kind:
        case GraphQLNonNull():
            return _some(kind.of_type)
        case _:
            return st.none() | _some(kind)


def _some(kind: Any) -> st.SearchStrategy[Any]:
    match kind:
        case GraphQLList():
            return st.lists(of(kind.of_type), max_size=3)
        case GraphQLEnumType():
            return st.sampled_from(list(kind.values))
        case GraphQLInputObjectType():
            needed = {name for name, field in kind.fields.items() if isinstance(field.type, GraphQLNonNull)}
            inner = {name: of(field.type) for name, field in kind.fields.items()}
            return st.fixed_dictionaries(
                {name: each for name, each in inner.items() if name in needed},
                optional={name: each for name, each in inner.items() if name not in needed},
            )
        case _:
            return SCALARS[kind.name]


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), mutation=st.sampled_from(MUTATIONS))
async def test_a_mutation_given_whatever_fits_its_types_answers_with_a_code_or_success(
    api: Client, data: st.DataObject, mutation: str
) -> None:
    assert SCHEMA.mutation_type is not None
    field = SCHEMA.mutation_type.fields[mutation]
    kind = get_named_type(field.args["input"].type)
    input = data.draw(of(field.args["input"].type))
    subject = _handoff if HANDOFFS.search(mutation) else _journey
    if "id" in input and mutation not in TEMPLATES and data.draw(st.booleans()):
        input["id"] = await subject(api)
    if input.get("ids") is not None:
        input["ids"] = [await subject(api), *input["ids"]]
    if input.get("templateId"):
        input["templateId"] = data.draw(st.sampled_from(("sample", input["templateId"])))
    query = (
        f"mutation($input: {kind}!) {{ {mutation}(input: $input) {{ userErrors {{ code path message }} }} }}"
    )
    body = await send(api, query, input=input)
    if "errors" in body:
        assert set(codes(body)) <= OF_THE_REQUEST
    else:
        assert {error["code"] for error in errors(body["data"][mutation])} <= {
            code.value for code in ErrorCode
        }
    await _can_be_read(api)


HANDOFFS = re.compile("Handoffs?$|Approval$|HandoffData$")
TEMPLATES = ("createTemplate", "createTemplateVersion", "activateTemplate", "deactivateTemplate")


async def _journey(api: Client) -> str:
    """The newest journey of the tenant, one of the sample template where there is none."""
    found = (await api.ask("{ journeys(first: 1) { nodes { id } } }"))["journeys"]["nodes"]
    if found:
        return str(found[0]["id"])
    await make_template(api)
    return str((await api.start("sample"))["id"])


async def _handoff(api: Client) -> str:
    """A new handoff, an approval that whoever asks may decide."""
    made = await api.ask(
        'mutation { createHandoff(input: { type: APPROVAL_REQUIRED, name: "x", toPackage: "x", '
        "approval: { requesterMayDecide: true } }) { handoff { id } } }"
    )
    return str(made["createHandoff"]["handoff"]["id"])


async def _can_be_read(api: Client) -> None:
    """Whatever was written can be shown in full."""
    body = await send(
        api,
        "{ journeys(first: 5) { nodes { id name context tags endReason remaining dueAt estimatedCompletion steps { id "
        "reason } blockedBy { expected seen } allowedActions { reason } history(last: 5) { nodes { data } } } } "
        "handoffs(first: 5) { nodes { name fromPackage toPackage action data output requiredData reason "
        "assignedTo dueAt approval { roles dueAt decisions { comment } delegations { to } } "
        "history(last: 5) { nodes { data } } } } incidents(first: 5) { nodes { reason resolution } } "
        "touchpoints(first: 5) { nodes { at cost duration metadata } } "
        "conversions(first: 5) { nodes { at value metadata } } "
        "templates(first: 5) { nodes { id steps { params ui maxDuration } triggers { contextMapping } } } }",
    )
    assert codes(body) == []


@pytest.mark.parametrize(
    "name",
    ["journeys", "handoffs", "incidents", "touchpoints", "conversions", "events", "journeyCounts"],
)
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
async def test_a_filter_of_whatever_fits_its_types_is_answered(
    api: Client, name: str, data: st.DataObject
) -> None:
    assert SCHEMA.query_type is not None
    argument = SCHEMA.query_type.fields[name].args["filter"]
    wanted = data.draw(of(argument.type))
    inner = "total" if name == "journeyCounts" else "nodes { id } totalCount"
    body = await send(api, f"query($f: {argument.type}) {{ {name}(filter: $f) {{ {inner} }} }}", f=wanted)
    assert codes(body) == []


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(id=texts | anything.map("jrn_{}".format), version=ints)
async def test_whatever_text_is_an_id_that_is_not_known(api: Client, id: str, version: int) -> None:
    data = await api.ask(
        "query($id: ID!, $text: String!, $version: Int) { journey(id: $id) { id } node(id: $id) { id } "
        "nodes(ids: [$id, $id]) { id } template(id: $text, version: $version) { id } "
        "templateVersions(id: $text) { nodes { id } } }",
        id=id,
        text=id,
        version=version,
    )
    assert data["journey"] is None
    assert data["nodes"] == [None, None]

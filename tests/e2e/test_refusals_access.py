"""Who may do what: nobody without a valid token, nobody beyond his roles, whatever the field."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    build_client_schema,
    get_introspection_query,
    get_named_type,
    is_leaf_type,
)
from strawberry.permission import PermissionExtension

from app.graphql import Mutation, Query, Subscription
from domain.identity import Role
from tests.e2e.harness import SECRET, Client, Server, client, eventually, socket, token
from tests.e2e.refusals import clean, codes, raw, send, unchanged

VALUES = {
    "Int": 1,
    "Float": 1.5,
    "Boolean": False,
    "String": "x",
    "ID": "jrn_x",
    "Date": "2026-01-31",
    "DateTime": "2026-01-31T12:00:00Z",
    "Duration": "PT1S",
    "Money": "1.00 EUR",
    "JSON": {},
}
ROOTS = {"query": Query, "mutation": Mutation, "subscription": Subscription}
NOW = datetime.now(UTC)


def sample(kind: Any) -> Any:
    """A value that an input takes: of an object what it must have."""
    match kind:
        case GraphQLNonNull():
            return sample(kind.of_type)
        case GraphQLList():
            return [sample(kind.of_type)]
        case GraphQLEnumType():
            return next(iter(kind.values))
        case GraphQLInputObjectType():
            needed = {name: field for name, field in kind.fields.items() if _is_needed(field)}
            return {name: sample(field.type) for name, field in needed.items()}
        case _:
            return VALUES[kind.name]


def _is_needed(field: Any) -> bool:
    return (
        isinstance(field.type, GraphQLNonNull)
        and not field.ast_node
        and "Undefined" in str(field.default_value)
    )


def operations(schema: GraphQLSchema) -> list[tuple[str, str, str, dict[str, Any]]]:
    """Every root field: its kind, its name, a document that asks for it and the variables."""
    found = []
    roots = {
        "query": schema.query_type,
        "mutation": schema.mutation_type,
        "subscription": schema.subscription_type,
    }
    for kind, root in roots.items():
        assert root is not None
        for name, field in root.fields.items():
            given = {each: argument for each, argument in field.args.items() if _is_needed(argument)}
            declared = ", ".join(f"${each}: {argument.type}" for each, argument in given.items())
            passed = ", ".join(f"{each}: ${each}" for each in given)
            inner = "" if is_leaf_type(get_named_type(field.type)) else " { __typename }"
            call = f"{name}({passed})" if passed else name
            document = (
                f"{kind}({declared}) {{ {call}{inner} }}" if declared else f"{kind} {{ {call}{inner} }}"
            )
            found.append((kind, name, document, {each: sample(a.type) for each, a in given.items()}))
    return found


async def introspected(api: Client) -> GraphQLSchema:
    return build_client_schema(await api.ask(get_introspection_query()))  # type: ignore[arg-type]  # as it came


@pytest.fixture
async def nobody(server: Server, tenant: str) -> AsyncIterator[Client]:
    """A member of the tenant without any role."""
    async with httpx.AsyncClient() as http:
        yield Client(http, server.url, token(tenant))


async def answer(
    server: Server, api: Client, kind: str, document: str, given: dict[str, Any]
) -> dict[str, Any]:
    """What comes first, by the way that the operation goes."""
    if kind != "subscription":
        return await send(api, document, **given)
    async with socket(server.url, api.token) as opened:
        told = await (await opened.subscribe(document, **given)).next()
        clean(str(told).replace("'", '"').replace("None", "null"))
        return told


async def test_without_a_role_every_root_field_is_forbidden(
    server: Server, api: Client, nobody: Client
) -> None:
    every = operations(await introspected(api))
    assert {kind for kind, *_ in every} == {"query", "mutation", "subscription"}
    assert len(every) > 30
    async with unchanged(api):
        for kind, name, document, given in every:
            told = await answer(server, nobody, kind, document, given)
            assert codes(told) == ["FORBIDDEN"], (name, told)


def _needed(kind: str, name: str) -> set[Role]:
    """The roles of which a root field needs one."""
    for field in ROOTS[kind].__strawberry_definition__.fields:  # type: ignore[attr-defined]  # Strawberry's protocol
        parts = field.python_name.split("_")
        if parts[0] + "".join(part.title() for part in parts[1:]) == name:
            [guard] = [each for each in field.extensions if isinstance(each, PermissionExtension)]
            return {Role.ADMIN, *guard.permissions[0].roles}  # type: ignore[attr-defined]  # one of ours: Needs
    raise AssertionError(name)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
async def test_a_role_does_not_reach_beyond_its_fields(
    server: Server, api: Client, tenant: str, role: Role
) -> None:
    every = operations(await introspected(api))
    beyond = [each for each in every if role not in _needed(each[0], each[1])]
    assert {"createTemplate", "relayStatus"} <= {name for _, name, *_ in beyond}
    async with client(server.url, tenant, role) as limited, unchanged(api):
        for kind, name, document, given in beyond:
            told = await answer(server, limited, kind, document, given)
            assert codes(told) == ["FORBIDDEN"], (name, told)


def _signed(secret: str = SECRET, algorithm: str = "HS256", **claims: Any) -> str:
    whole = {"tenant": "t", "sub": "ann", "roles": ["admin"], "exp": int(NOW.timestamp()) + 3600} | claims
    return jwt.encode({name: value for name, value in whole.items() if value is not None}, secret, algorithm)


TOKENS = {
    "none": None,
    "garbled": "garbled",
    "three parts": "a.b.c",
    "another secret": _signed("another secret that is long enough too"),
    "no signature": jwt.encode({"tenant": "t", "sub": "ann", "roles": ["admin"]}, "", "none"),
    "another algorithm": _signed(SECRET * 2, "HS512"),
    "expired": _signed(exp=int((NOW - timedelta(hours=1)).timestamp())),
    "not yet valid": _signed(nbf=int((NOW + timedelta(hours=1)).timestamp())),
    "no expiry": _signed(exp=None),
    "no tenant": _signed(tenant=None),
    "odd tenant": _signed(tenant="a b"),
    "no user": _signed(sub=None),
    "odd roles": _signed(roles="admin"),
    "cut off": _signed()[:-10],
    "very long": "x" * 7_000,
}


@pytest.mark.parametrize("name", TOKENS)
async def test_without_a_valid_token_nothing_is_told_or_done(
    server: Server, api: Client, tenant: str, name: str
) -> None:
    stranger = Client(api.http, server.url, TOKENS[name])
    start = 'mutation { startJourney(input: {templateId: "support_resolution"}) { settled } }'
    for query in ("{ viewer { tenantId } }", '{ node(id: "jrn_x") { id } }', start):
        got = await raw(stranger, json={"query": query})
        assert got.status_code == 401
        assert codes(got.json()) == ["UNAUTHENTICATED"]
        assert not any((got.json()["data"] or {}).values())


async def test_a_token_is_refused_from_the_moment_it_expires(server: Server, tenant: str) -> None:
    async with httpx.AsyncClient() as http:
        short = Client(http, server.url, token(tenant, Role.VIEWER, lifetime=timedelta(seconds=1)))

        async def is_refused() -> bool:
            got = await raw(short, json={"query": "{ viewer { tenantId } }"})
            return got.status_code == 401 and codes(got.json()) == ["UNAUTHENTICATED"]

        await eventually(is_refused, "the token has expired")


@pytest.mark.parametrize("header", ["Basic YTpi", "Bearer", "Token a.b.c", "Bearer a b", "x" * 20_000])
async def test_another_form_of_authorization_is_refused(api: Client, header: str) -> None:
    stranger = Client(api.http, api.url, None)
    got = await raw(stranger, json={"query": "{ viewer { tenantId } }"}, headers={"authorization": header})
    assert (got.status_code, codes(got.json())) == (401, ["UNAUTHENTICATED"])

"""The API's habits, held against the schema as it is built: whoever adds a field finds here what it still lacks."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    build_schema,
    find_breaking_changes,
    get_named_type,
    is_introspection_type,
    is_specified_scalar_type,
    print_schema,
)
from strawberry.permission import PermissionExtension

from app.graphql import Mutation, Query, Subscription, build
from domain.errors import ErrorCode
from schema.permissions import Needs

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT / "schema" / "schema.graphql"
SCHEMA: GraphQLSchema = build()._schema
TYPES = {
    name: kind
    for name, kind in SCHEMA.type_map.items()
    if not is_introspection_type(kind) and not is_specified_scalar_type(kind)
}
ROOTS = {"Query": Query, "Mutation": Mutation, "Subscription": Subscription}

CAMEL = re.compile(r"[a-z][a-zA-Z0-9]*")
PASCAL = re.compile(r"([A-Z][a-z0-9]+)+|JSON")
SCREAMING = re.compile(r"[A-Z]+(_[A-Z]+)*")


def fields() -> Iterator[tuple[str, GraphQLField]]:
    """Every field of every type, as `Type.field`."""
    for name, kind in TYPES.items():
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            yield from ((f"{name}.{field}", of) for field, of in kind.fields.items())


def inputs() -> Iterator[tuple[str, Any]]:
    """Every argument and every field of an input, by its place."""
    for place, field in fields():
        yield from ((f"{place}({name})", argument) for name, argument in field.args.items())
    for name, kind in TYPES.items():
        if isinstance(kind, GraphQLInputObjectType):
            yield from ((f"{name}.{field}", of) for field, of in kind.fields.items())


def values() -> Iterator[tuple[str, Any]]:
    """Every value of every enumeration."""
    for name, kind in TYPES.items():
        if isinstance(kind, GraphQLEnumType):
            yield from ((f"{name}.{value}", of) for value, of in kind.values.items())


@pytest.mark.parametrize("root", ROOTS)
def test_every_root_field_says_who_may_use_it(root: str) -> None:
    definition = ROOTS[root].__strawberry_definition__  # type: ignore[attr-defined]  # Strawberry's own protocol
    assert definition.fields
    for field in definition.fields:
        guards = [each for each in field.extensions if isinstance(each, PermissionExtension)]
        needed = [permission for guard in guards for permission in guard.permissions]
        assert len(needed) == 1, f"{root}.{field.python_name} has {len(needed)} permissions"
        assert isinstance(needed[0], Needs)
        assert needed[0].roles


def test_everything_is_described() -> None:
    named = [*TYPES.items(), *fields(), *inputs(), *values()]
    assert len(named) > 500
    assert [place for place, each in named if not (each.description or "").strip()] == []


def test_descriptions_are_sentences() -> None:
    named = [*TYPES.items(), *fields(), *inputs(), *values()]
    odd = [place for place, each in named if not re.search(r"[.:!?)`]$|\w$", each.description.strip())]
    assert odd == []
    assert [place for place, each in named if re.search(r"\bTBD\b|\.\.\.$", each.description)] == []


def test_names_follow_the_conventions() -> None:
    wrong = [name for name in TYPES if not PASCAL.fullmatch(name)]
    wrong += [place for place, _ in fields() if not CAMEL.fullmatch(place.split(".")[1])]
    wrong += [place for place, _ in inputs() if not CAMEL.fullmatch(re.split(r"[.(]", place)[-1].rstrip(")"))]
    wrong += [place for place, _ in values() if not SCREAMING.fullmatch(place.split(".")[1])]
    kinds = TYPES.items()
    wrong += [n for n, kind in kinds if isinstance(kind, GraphQLInputObjectType) != n.endswith("Input")]
    assert wrong == []


def test_every_mutation_takes_one_input_and_tells_its_errors() -> None:
    assert SCHEMA.mutation_type is not None
    for name, field in SCHEMA.mutation_type.fields.items():
        assert list(field.args) == ["input"], name
        given = field.args["input"].type
        assert isinstance(given, GraphQLNonNull), name
        assert isinstance(given.of_type, GraphQLInputObjectType), name
        assert isinstance(field.type, GraphQLNonNull), name
        payload = field.type.of_type
        assert payload.name.endswith("Payload"), name
        assert str(payload.fields["userErrors"].type) == "[UserError!]!", name


def test_every_mutation_can_be_given_again() -> None:
    assert SCHEMA.mutation_type is not None
    for name, field in SCHEMA.mutation_type.fields.items():
        assert "idempotencyKey" in get_named_type(field.args["input"].type).fields, name


def test_connections_are_as_relay_describes_them() -> None:
    connections = {name: kind for name, kind in TYPES.items() if name.endswith("Connection")}
    assert connections
    for name, kind in connections.items():
        of = name.removesuffix("Connection")
        shape = {
            field: str(kind.fields[field].type) for field in ("edges", "nodes", "pageInfo", "totalCount")
        }
        assert shape == {
            "edges": f"[{of}Edge!]!",
            "nodes": f"[{of}!]!",
            "pageInfo": "PageInfo!",
            "totalCount": "Int",
        }
        assert {field: str(each.type) for field, each in TYPES[f"{of}Edge"].fields.items()} == {
            "node": f"{of}!",
            "cursor": "String!",
        }
    for place, field in fields():
        if get_named_type(field.type).name in connections:
            assert isinstance(field.type, GraphQLNonNull), place
            assert [each for each in field.args if each in PAGE] == PAGE, place
            assert all(str(field.args[each].type) == kind for each, kind in zip(PAGE, KINDS, strict=True))


PAGE = ["first", "after", "last", "before"]
KINDS = ["Int", "String", "Int", "String"]


def test_lists_are_never_null_and_hold_no_nulls() -> None:
    """But `nodes`, which has a null for an id that is not known."""
    loose = [
        place
        for place, field in fields()
        if "[" in str(field.type) and not re.fullmatch(r"\[\w+!\]!", str(field.type))
    ]
    assert loose == ["Query.nodes"]


def test_what_can_be_found_again_is_a_node() -> None:
    nodes = {kind.name for kind in SCHEMA.get_possible_types(TYPES["Node"])}
    assert nodes == {
        "Journey",
        "Handoff",
        "Incident",
        "Template",
        "Touchpoint",
        "Conversion",
        "Package",
        "Source",
        "Trigger",
        "Firing",
        "CampaignCost",
        "Export",
        "Webhook",
        "WebhookDelivery",
    }
    assert str(TYPES["Node"].fields["id"].type) == "ID!"


def test_custom_scalars_name_their_specification() -> None:
    scalars = [kind for kind in TYPES.values() if isinstance(kind, GraphQLScalarType)]
    assert {kind.name for kind in scalars} == {"Date", "DateTime", "Duration", "JSON", "Money"}
    assert all(kind.specified_by_url for kind in scalars)


def test_error_codes_are_those_of_the_domain() -> None:
    assert set(TYPES["ErrorCode"].values) == {code.value for code in ErrorCode}


def test_the_committed_schema_is_the_one_that_is_served() -> None:
    printed = subprocess.run(
        [str(Path(sys.executable).parent / "journeys"), "sdl"], capture_output=True, text=True, check=True
    ).stdout
    assert COMMITTED.read_text() == printed, "write it: journeys sdl > schema/schema.graphql"


def baseline() -> str:
    """The schema that clients rely on: that of the last release, or before the first one the last commit's."""

    def git(*arguments: str) -> str | None:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
        return done.stdout if done.returncode == 0 else None

    tag = (git("describe", "--tags", "--abbrev=0") or "HEAD").strip()
    return git("show", f"{tag}:schema/schema.graphql") or COMMITTED.read_text()


def breaking(before: str, after: GraphQLSchema) -> list[str]:
    changes = find_breaking_changes(build_schema(before), after)
    return sorted(f"{change.type.name}: {change.description}" for change in changes)


def test_nothing_that_clients_rely_on_was_taken_away() -> None:
    assert breaking(baseline(), SCHEMA) == []


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("  viewer: Viewer!\n", "", "FIELD_REMOVED: Field Query.viewer was removed."),
        ("  ACTIVE\n", "", "VALUE_REMOVED_FROM_ENUM"),
        ("templateId: String!", "templateId: ID!", "FIELD_CHANGED_KIND"),
        ("input TimeRangeInput {", "input TimeRangeInput {\n  zone: String!", "REQUIRED_INPUT_FIELD_ADDED"),
    ],
)
def test_the_check_names_what_was_taken_away(old: str, new: str, named: str) -> None:
    printed = re.sub(r'"""[^"]*"""', "", print_schema(SCHEMA))
    assert old in printed
    found = breaking(printed, build_schema(printed.replace(old, new)))
    assert any(each.startswith(named) for each in found), found


def test_lists_of_lists_stay_out_of_the_schema() -> None:
    for place, each in [*fields(), *inputs()]:
        kind = each.type
        depth = 0
        while isinstance(kind, GraphQLNonNull | GraphQLList):
            depth += isinstance(kind, GraphQLList)
            kind = kind.of_type
        assert depth <= 1, place

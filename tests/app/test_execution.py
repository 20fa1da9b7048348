"""The fast path answers exactly as graphql-core does: the same data, the same errors, for odd values too."""

import asyncio
import enum
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, cast

import orjson
import pytest
import strawberry
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from app.execution import Execution
from schema.scalars import SCALARS


@strawberry.enum
class Color(enum.Enum):
    RED = "r"
    BLUE = "b"


@strawberry.interface
class Named:
    name: str


@strawberry.type
class Child:
    x: int
    y: str | None = None


@strawberry.type
class Item(Named):
    id: strawberry.ID
    n: int
    f: float
    b: bool
    color: Color
    opt: int | None
    child: Child | None
    kids: list[Child]
    tags: list[str]
    when: datetime

    @strawberry.field
    def upper(self) -> str:
        return self.name.upper()

    @strawberry.field
    async def later(self, k: int = 1) -> int:
        return self.n * k


@strawberry.type
class Special(Item):
    extra: str = "e"


def item(**changes: Any) -> Item:
    values: dict[str, Any] = {
        "name": 'a"é',
        "id": "1",
        "n": 1,
        "f": 1.5,
        "b": True,
        "color": Color.RED,
        "opt": None,
        "child": Child(x=1),
        "kids": [Child(x=2), Child(x=3, y="q")],
        "tags": ["t"],
        "when": datetime(2026, 1, 1, tzinfo=UTC),
    }
    return Item(**(values | changes))


def special() -> Special:
    return Special(**vars(item()))


VALUES: dict[str, list[Any]] = {
    "ordinary": [item(), item(n=2)],
    "empty": [],
    "null for a number": [item(n=None)],
    "a number too large": [item(n=2**40)],
    "a text for a number": [item(n="5")],
    "true for a number": [item(n=True)],
    "not a number": [item(f=float("nan"))],
    "a whole float": [item(f=3)],
    "an enum by name": [item(color="RED")],
    "an enum by value": [item(color="r")],
    "no enum": [item(color=None)],
    "a number for a text": [item(name=5)],
    "a number for an id": [item(id=7)],
    "a text for a boolean": [item(b="x")],
    "no child": [item(child=None)],
    "no list": [item(kids=None)],
    "null in a list": [item(kids=[None])],
    "a tuple for a list": [item(kids=(Child(x=1),), tags=("t",))],
    "an error below": [item(kids=[Child(x=cast(int, None))])],
    "null for an object": [None],
    "another class": [object()],
    "a text for a time": [item(when="2026")],
    "numbers in a list of texts": [item(tags=[1])],
    "an exception as a value": [item(opt=ValueError("v"), child=ValueError("w"))],
    "a subclass": [special(), item()],
}
FIELDS = "id name n f b color opt child { x y } kids { x y } tags when"
QUERIES = [
    f"{{ items {{ {FIELDS} }} }}",
    f"{{ items {{ upper {FIELDS} later(k: 3) }} }}",
    "{ items { later(k: 3) id } }",
    "{ items { id a: n b: n __typename } }",
    "query($s: Boolean = true) { items { id n @skip(if: $s) name @include(if: $s) } }",
    "{ items { ...A ...B } } fragment A on Item { child { x } } fragment B on Item { child { y } }",
    "{ a: items { upper ...D } b: items { upper ...D child { y } } } fragment D on Item { child { x } }",
    "{ items { ... on Named { name } ... on Item { id } } }",
    "{ named { name ... on Item { id n } ... on Special { extra } } }",
    f"{{ item {{ {FIELDS} }} }}",
]


def schema(values: list[Any], execution: Any) -> strawberry.Schema:
    @strawberry.type
    class Query:
        @strawberry.field
        async def items(self) -> list[Item]:
            return values

        @strawberry.field
        def named(self) -> list[Named]:
            return cast(list[Named], values)

        @strawberry.field
        def item(self) -> Item | None:
            return values[0] if values else None

    class Quiet(strawberry.Schema):
        def process_errors(self, errors: Any, execution_context: Any = None) -> None:
            pass

    return Quiet(
        Query,
        types=[Item, Special],
        execution_context_class=execution,
        config=StrawberryConfig(scalar_map=SCALARS),
    )


@pytest.mark.parametrize("what", VALUES)
async def test_the_fast_path_answers_as_graphql_core_does(what: str) -> None:
    stock = schema(VALUES[what], StrawberryGraphQLCoreExecutionContext)
    ours = schema(VALUES[what], Execution)
    for query in QUERIES:
        expected, found = await asyncio.gather(
            *(each.execute(query, context_value={}) for each in (stock, ours))
        )
        assert orjson.dumps(found.data) == orjson.dumps(expected.data), query
        assert _told(found.errors) == _told(expected.errors), query


def _told(errors: Any) -> list[str]:
    return sorted(str(error.formatted) for error in errors or [])


async def test_a_long_subscription_keeps_nothing_of_its_events() -> None:
    executors: list[Any] = []

    class Watched(Execution):
        def build_per_event_executor(self, payload: Any) -> Any:
            executors.append(super().build_per_event_executor(payload))
            return executors[-1]

    @strawberry.type
    class Query:
        a: int = 1

    @strawberry.type
    class Subscription:
        @strawberry.subscription
        async def items(self) -> AsyncIterator[list[Item]]:
            for _ in range(50):
                yield [item()]

    watched = strawberry.Schema(
        Query,
        subscription=Subscription,
        execution_context_class=Watched,
        config=StrawberryConfig(scalar_map=SCALARS),
    )
    results = await watched.subscribe(f"subscription {{ items {{ {FIELDS} }} }}", context_value={})
    assert len([each async for each in cast(AsyncIterator[Any], results)]) == 50
    assert len(executors[-1]._plans) == len(executors[0]._plans)
    assert len(executors[-1]._relevant_sub_fields) == len(executors[0]._relevant_sub_fields)

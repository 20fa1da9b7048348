"""Connections as Relay describes them. `totalCount` is counted only where it is asked for."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Generic, TypeVar

import strawberry

from domain.paging import Rows, encode_cursor

T = TypeVar("T")
D = TypeVar("D")

First = Annotated[
    int | None,
    strawberry.argument(description="How many from the start, 1 to 100; 25 where neither is given."),
]
After = Annotated[
    str | None, strawberry.argument(description="Only what comes behind this `cursor` of an edge.")
]
Last = Annotated[
    int | None, strawberry.argument(description="How many from the end, 1 to 100, instead of `first`.")
]
Before = Annotated[
    str | None, strawberry.argument(description="Only what comes before this `cursor` of an edge.")
]


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether more comes behind this page.")
    has_previous_page: bool = strawberry.field(description="Whether something comes before this page.")
    start_cursor: str | None = strawberry.field(description="The cursor of the first edge.")
    end_cursor: str | None = strawberry.field(description="The cursor of the last edge.")


@strawberry.type(description="One row of a page.")
class Edge(Generic[T]):
    node: T = strawberry.field(description="What the row holds.")
    cursor: str = strawberry.field(description="The row's place in the list, for `after` and `before`.")


@strawberry.type(description="A page of a list.")
class Connection(Generic[T]):
    edges: list[Edge[T]] = strawberry.field(description="The rows with their cursors.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")
    count: strawberry.Private[Callable[[], Awaitable[int]] | None] = None

    @strawberry.field(description="How many rows the whole list has; null where that is not counted.")
    async def total_count(self) -> int | None:
        return None if self.count is None else await self.count()

    @strawberry.field(description="The rows without their cursors.")
    def nodes(self) -> list[T]:
        return [edge.node for edge in self.edges]


C = TypeVar("C", bound=Connection[Any])


def connect(
    kind: type[C], rows: Rows[D], of: Callable[[D], object], count: Callable[[], Awaitable[int]] | None = None
) -> C:
    """A page of domain values as a connection of GraphQL objects."""
    edges = [
        Edge(node=of(item), cursor=encode_cursor(key))
        for item, key in zip(rows.items, rows.keys, strict=True)
    ]
    info = PageInfo(
        has_next_page=rows.has_next,
        has_previous_page=rows.has_previous,
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=edges[-1].cursor if edges else None,
    )
    return kind(edges=edges, page_info=info, count=count)

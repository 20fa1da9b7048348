"""What a field is handed. Types only look up: the context is made in `resolvers`, which stands above."""

from typing import TYPE_CHECKING, TypeAlias

import strawberry

if TYPE_CHECKING:
    from resolvers.context import Context

    Info: TypeAlias = strawberry.Info[Context, None]
else:
    Info = strawberry.Info

"""Arguments that many fields take, each described once."""

from typing import Annotated, TypeVar

import strawberry

T = TypeVar("T")

Given = Annotated[T, strawberry.argument(description="What is to be done, and with what.")]
Filter = Annotated[
    T | None, strawberry.argument(description="Which are meant; every one where no filter is given.")
]
ObjectId = Annotated[strawberry.ID, strawberry.argument(description="The object's id.")]
ObjectIds = Annotated[list[strawberry.ID], strawberry.argument(description="The objects' ids, at most 100.")]
TemplateId = Annotated[
    str, strawberry.argument(description="The template's id, such as `customer_acquisition`.")
]

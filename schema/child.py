"""The journey that a workflow step starts, as GraphQL shows it and as authors write it."""

from typing import Self

import strawberry

from domain import template as domain
from schema.scalars import JSON, json_object


@strawberry.type(
    description="The journey that a WORKFLOW step starts, for the same customer and lead, and ends with."
)
class ChildJourney:
    template_id: str = strawberry.field(description="The template that it follows.")
    template_version: int | None = strawberry.field(
        description="The version of that template; null for the newest active one at that time."
    )
    context_mapping: JSON | None = strawberry.field(
        description="Keys of its context and the paths in the parent's that fill them; null for the whole context."
    )

    @classmethod
    def of(cls, child: domain.Child) -> Self:
        mapping = child.context_mapping
        return cls(
            template_id=child.template_id,
            template_version=child.template_version,
            context_mapping=None if mapping is None else JSON(mapping),
        )


@strawberry.input(
    description="The journey that a WORKFLOW step starts, for the same customer and lead, and ends with. Its context "
    "is the step's output, with its `customerId` and `leadId`."
)
class ChildJourneyInput:
    template_id: str = strawberry.field(
        description="The template that it follows. It need not be there yet; where it is not there when the step is "
        "entered, that is an incident."
    )
    template_version: int | None = strawberry.field(
        default=None, description="The version of that template; the newest active one where none is given."
    )
    context_mapping: JSON | None = strawberry.field(
        default=None,
        description="Keys of its context and the paths in the parent's that fill them, an object of texts up to "
        "16 KiB; without it, the whole context.",
    )

    def to_domain(self) -> domain.Child:
        given = self.context_mapping
        return domain.Child(
            template_id=self.template_id,
            template_version=self.template_version,
            context_mapping=None
            if given is None
            else {key: str(path) for key, path in json_object(given).items()},
        )

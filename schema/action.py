"""What triggers and automated steps do, as GraphQL shows it and as authors write it."""

from typing import Self

import strawberry

from domain import action as domain
from domain.action import ActionKind
from schema.scalars import JSON, json_object


@strawberry.type(
    description="What a trigger, or an AUTOMATED step, does. A journey is found by the id under `journeyId`, else as "
    "the newest live one of the template and the event's customer, or lead; a step that names neither means its own."
)
class TriggerAction:
    kind: ActionKind = strawberry.field(description="What is done.")
    template_id: str | None = strawberry.field(
        description="The template whose journey starts, or of which a live journey is looked for."
    )
    step: str | None = strawberry.field(description="The step at which the journey must be.")
    params: JSON = strawberry.field(description="Values that are always the same.")
    mapping: JSON = strawberry.field(
        description="Names of values and the paths that fill them: in the event, such as `data.score`; of a step, in "
        "its journey's context, which is there whole as `context`."
    )

    @classmethod
    def of(cls, action: domain.Action) -> Self:
        return cls(
            kind=action.kind,
            template_id=action.template_id,
            step=action.step,
            params=JSON(action.params),
            mapping=JSON(action.mapping),
        )


@strawberry.input(description="What a trigger, or an AUTOMATED step, does.")
class TriggerActionInput:
    kind: ActionKind = strawberry.field(description="What is done.")
    template_id: str | None = strawberry.field(
        default=None,
        description="The template whose journey starts, or of which a live journey is looked for.",
    )
    step: str | None = strawberry.field(default=None, description="The step at which the journey must be.")
    params: JSON | None = strawberry.field(
        default=None, description="Values that are always the same, an object up to 16 KiB."
    )
    mapping: JSON | None = strawberry.field(
        default=None,
        description="Names of values and the paths that fill them, an object of texts up to 16 KiB: in the event, "
        "`context.leadScore` by `data.score`; of a step, in its journey's context, which is there whole as `context`.",
    )

    def to_domain(self) -> domain.Action:
        return domain.Action(
            kind=self.kind,
            template_id=self.template_id,
            step=self.step,
            params=json_object(self.params),
            mapping={key: str(path) for key, path in json_object(self.mapping).items()},
        )

"""What administrators say about webhooks."""

from datetime import timedelta

import strawberry

KEY = "Given again, the mutation is not carried out again but answers as before."
REVISION = "Refuse with CONFLICT when this is not the webhook's revision any more."
WHICH = "The webhook."
SECRET = "`whsec_` and the base64 of 24 to 64 random bytes, as Standard Webhooks has it."  # noqa: S105  # its form
ADDRESS = (
    "Where events are posted to: http or https, at most 500 characters, without user or fragment. It may have a query; "
    "whoever may see the tenant's data sees that too."
)
TYPES = (
    "The types of event it hears of, 1 to 100: a type letter for letter, `area:*` for those of an area, or `*` for all "
    "but those of the area `webhook`."
)


@strawberry.input(
    description="A new webhook, switched on. A secret that is sent here is shown nowhere again."
)
class CreateWebhookInput:
    name: str = strawberry.field(description="The webhook's name for people.")
    address: str = strawberry.field(description=ADDRESS)
    types: list[str] = strawberry.field(description=TYPES)
    description: str = strawberry.field(default="", description="What it is for.")
    secret: str | None = strawberry.field(
        default=None, description=f"{SECRET} Without one, calls are not signed until `rotateWebhookSecret`."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)

    def __repr__(self) -> str:
        return f"CreateWebhookInput(name={self.name!r})"


@strawberry.input(description="What to change in a webhook. What is not given stays as it is.")
class ChangeWebhookInput:
    id: strawberry.ID = strawberry.field(description=WHICH)
    name: str | None = strawberry.field(default=None, description="The webhook's name for people.")
    description: str | None = strawberry.field(default=None, description="What it is for.")
    address: str | None = strawberry.field(default=None, description=ADDRESS)
    types: list[str] | None = strawberry.field(default=None, description=TYPES)
    expected_revision: int | None = strawberry.field(default=None, description=REVISION)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.input(description="A new secret for a webhook. What is sent here is shown nowhere again.")
class RotateWebhookSecretInput:
    id: strawberry.ID = strawberry.field(description=WHICH)
    secret: str = strawberry.field(description=SECRET)
    overlap: timedelta = strawberry.field(
        default=timedelta(days=1),
        description="How long the secrets there are sign beside it, at most 30 days.",
    )
    expected_revision: int | None = strawberry.field(default=None, description=REVISION)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)

    def __repr__(self) -> str:
        return f"RotateWebhookSecretInput(id={self.id!r})"


@strawberry.input(description="Which webhook to switch off.")
class DisableWebhookInput:
    id: strawberry.ID = strawberry.field(description=WHICH)
    reason: str | None = strawberry.field(default=None, description="Why; it goes into the history.")
    expected_revision: int | None = strawberry.field(default=None, description=REVISION)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.input(description="Which webhook to switch on or delete.")
class WebhookInput:
    id: strawberry.ID = strawberry.field(description=WHICH)
    expected_revision: int | None = strawberry.field(default=None, description=REVISION)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.input(description="Which webhook to call, to see whether its address is there.")
class TestWebhookInput:
    id: strawberry.ID = strawberry.field(description=WHICH)
    idempotency_key: str | None = strawberry.field(
        default=None,
        description="It makes no difference: a test changes nothing here, so it is made each time.",
    )

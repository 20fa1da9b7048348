"""Sources as GraphQL shows and takes them. Of a secret it shows the name, never the text."""

from datetime import datetime, timedelta
from typing import Self

import strawberry

from domain import source as domain
from schema.errors import UserError
from schema.identity import Actor
from schema.node import Node
from schema.secret import SigningSecret

KEY = "Given again, the mutation is not carried out again but answers as before."
REVISION = "Refuse with CONFLICT when this is not the source's revision any more."
WHICH = "The source."


@strawberry.type(
    description="A system that reports events over HTTP with a signature instead of a token: CloudEvents in structured "
    "or batch mode, signed as Standard Webhooks has it."
)
class Source(Node):
    name: str = strawberry.field(
        description="The CloudEvents `source` that its events bear, such as `/shop`."
    )
    description: str = strawberry.field(description="What it is.")
    path: str = strawberry.field(
        description="Where it posts its events on this server, such as `/events/src_…`."
    )
    enabled: bool = strawberry.field(description="Whether what it reports is taken.")
    secrets: list[SigningSecret] = strawberry.field(
        description="The secrets that it may sign with, the newest last; at most 3. Without any, nothing is taken."
    )
    revision: int = strawberry.field(description="Grows with each change.")
    created_at: datetime = strawberry.field(description="When it was created.")
    updated_at: datetime = strawberry.field(description="When it was changed last.")
    updated_by: Actor = strawberry.field(description="Who changed it last.")

    @classmethod
    def of(cls, source: domain.Source) -> Self:
        return cls(
            id=strawberry.ID(source.id),
            name=source.name,
            description=source.description,
            path=f"/events/{source.id}",
            enabled=source.enabled,
            secrets=[SigningSecret.of(each) for each in source.secrets],
            revision=source.revision,
            created_at=source.created_at,
            updated_at=source.updated_at,
            updated_by=Actor.of(source.updated_by),
        )


@strawberry.type(description="What a source mutation changed, or why it was refused.")
class SourcePayload:
    source: Source | None = strawberry.field(
        description="The source as it is now, or was when it was deleted; null when refused."
    )
    settled: bool = strawberry.field(description="Whether its events are in the log already.")
    user_errors: list[UserError] = strawberry.field(description="Why it was refused; empty when it was not.")


@strawberry.input(description="A new source, switched on. It reports once it has a secret.")
class CreateSourceInput:
    name: str = strawberry.field(
        description="The CloudEvents `source` that its events bear, such as `/shop`: 1 to 200 characters. It stays."
    )
    description: str = strawberry.field(default="", description="What it is.")
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.input(description="What to change in a source.")
class ChangeSourceInput:
    id: strawberry.ID = strawberry.field(description=WHICH)
    description: str = strawberry.field(description="What it is.")
    expected_revision: int | None = strawberry.field(default=None, description=REVISION)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.input(description="A new secret for a source. What is sent here is shown nowhere again.")
class RotateSourceSecretInput:
    id: strawberry.ID = strawberry.field(description=WHICH)
    secret: str = strawberry.field(
        description="`whsec_` and the base64 of 24 to 64 random bytes, as Standard Webhooks has it."
    )
    overlap: timedelta = strawberry.field(
        default=timedelta(days=1),
        description="How long the secrets there are may sign beside it, at most 30 days.",
    )
    expected_revision: int | None = strawberry.field(default=None, description=REVISION)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)

    def __repr__(self) -> str:
        return f"RotateSourceSecretInput(id={self.id!r})"


@strawberry.input(description="Which source to switch off.")
class DisableSourceInput:
    id: strawberry.ID = strawberry.field(description=WHICH)
    reason: str | None = strawberry.field(default=None, description="Why; it goes into the history.")
    expected_revision: int | None = strawberry.field(default=None, description=REVISION)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.input(description="Which source to switch on or delete.")
class SourceInput:
    id: strawberry.ID = strawberry.field(description=WHICH)
    expected_revision: int | None = strawberry.field(default=None, description=REVISION)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)

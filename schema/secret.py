"""Secrets as GraphQL shows them: the name, never the text."""

from datetime import datetime
from typing import Self

import strawberry

from domain import secret as domain


@strawberry.type(description="A secret that calls are signed with. Its text is never shown.")
class SigningSecret:
    id: str = strawberry.field(description="The secret's name.")
    created_at: datetime = strawberry.field(description="Since when it signs.")
    until: datetime | None = strawberry.field(
        description="Until when it signs, beside a newer one; null for the newest."
    )

    @classmethod
    def of(cls, secret: domain.Secret) -> Self:
        return cls(id=secret.id, created_at=secret.created_at, until=secret.until)

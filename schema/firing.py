"""Firings as GraphQL shows them, and what clients send about them."""

from datetime import datetime
from typing import Self

import strawberry

from domain import firing as domain
from domain.firing import FiringStatus
from schema.errors import UserError
from schema.node import Node


@strawberry.type(
    description="What came of a trigger and an event. The two make one firing, whoever sees them."
)
class Firing(Node):
    revision: int = strawberry.field(description="Grows by one with every change, from 1.")
    trigger_id: strawberry.ID = strawberry.field(description="The trigger that fired.")
    event_id: strawberry.ID = strawberry.field(description="The event that made it fire.")
    status: FiringStatus = strawberry.field(description="What came of it.")
    result: strawberry.ID | None = strawberry.field(
        description="The id of what was made or changed; null unless FIRED."
    )
    reason: str | None = strawberry.field(description="Why it failed or had nothing to do; null when FIRED.")
    tries: int = strawberry.field(description="How often it was done, reruns included.")
    created_at: datetime = strawberry.field(description="When it fired.")
    updated_at: datetime = strawberry.field(description="When it was done last.")

    @classmethod
    def of(cls, firing: domain.Firing) -> Self:
        return cls(
            id=strawberry.ID(firing.id),
            revision=firing.revision,
            trigger_id=strawberry.ID(firing.trigger_id),
            event_id=strawberry.ID(firing.event_id),
            status=firing.status,
            result=None if firing.result is None else strawberry.ID(firing.result),
            reason=firing.reason,
            tries=firing.tries,
            created_at=firing.created_at,
            updated_at=firing.updated_at,
        )


@strawberry.input(description="Which firings are meant. All given parts must hold.")
class FiringFilterInput:
    trigger_id: strawberry.ID | None = strawberry.field(default=None, description="Of this trigger.")
    event_id: strawberry.ID | None = strawberry.field(default=None, description="Made by this event.")
    status: FiringStatus | None = strawberry.field(default=None, description="Of which this came.")

    def to_domain(self) -> domain.FiringFilter:
        return domain.FiringFilter(trigger_id=self.trigger_id, event_id=self.event_id, status=self.status)


@strawberry.input(description="Which failed firing to do again.")
class RerunFiringInput:
    id: strawberry.ID = strawberry.field(description="The firing.")
    idempotency_key: str | None = strawberry.field(
        default=None, description="Given again, the mutation is not carried out again but answers as before."
    )


@strawberry.type(description="A firing after it was done again, or why it was not.")
class FiringPayload:
    firing: Firing | None = strawberry.field(
        description="The firing as it is now, also when it failed again; null when refused."
    )
    settled: bool = strawberry.field(description="Whether its events are in the log already.")
    user_errors: list[UserError] = strawberry.field(description="Why it was refused; empty when it was not.")

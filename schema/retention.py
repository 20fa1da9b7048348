"""How long things are kept, as GraphQL shows it, and what administrators say about it."""

from datetime import datetime
from typing import Self

import strawberry

from domain import retention as domain
from schema.errors import UserError
from schema.identity import Actor


@strawberry.type(
    description="For how many days this tenant's events, touchpoints and figures are kept. Older ones are deleted, "
    "checked about once an hour. Those of journeys that are neither completed nor abandoned stay, however old; "
    "journeys, handoffs, templates and all else that has a state are never deleted."
)
class Retention:
    revision: int = strawberry.field(description="Grows by one with every change; 0 while nothing was set.")
    events: int | None = strawberry.field(
        description="Days that events are kept in the log after they occurred; null: for ever."
    )
    touchpoints: int | None = strawberry.field(
        description="Days that touchpoints and conversions are kept after they took place; null: for ever. When each "
        "customer or lead converted first, by journey, is always kept: a customer of old is no new one in `cohorts`."
    )
    analytics: int | None = strawberry.field(
        description="Days that figures prepared for reports are kept; null: for ever."
    )
    events_since: datetime | None = strawberry.field(
        description="The horizon of the log: events that occurred before may be gone, and no report that reads events "
        "counts them; null while all are there. It never moves back, also when more days are set later."
    )
    touchpoints_since: datetime | None = strawberry.field(
        description="The same for touchpoints and conversions."
    )
    analytics_since: datetime | None = strawberry.field(
        description="The same for figures prepared for reports."
    )
    updated_at: datetime | None = strawberry.field(
        description="When it was set last; null while it never was."
    )
    updated_by: Actor | None = strawberry.field(description="Who set it last; null while nobody has.")

    @classmethod
    def of(cls, retention: domain.Retention, now: datetime) -> Self:
        return cls(
            revision=retention.revision,
            events=retention.events.days,
            touchpoints=retention.touchpoints.days,
            analytics=retention.analytics.days,
            events_since=retention.events.since(now),
            touchpoints_since=retention.touchpoints.since(now),
            analytics_since=retention.analytics.since(now),
            updated_at=retention.updated_at,
            updated_by=None if retention.updated_by is None else Actor.of(retention.updated_by),
        )


@strawberry.input(
    description="For how many days things are kept. All three are set at once: what is null or not given is kept for "
    "ever from now on."
)
class SetRetentionInput:
    events: int | None = strawberry.field(
        default=None,
        description="Days that events are kept in the log, 2 to 36,500. An event that a source reports again after "
        "its first copy is gone is taken as new.",
    )
    touchpoints: int | None = strawberry.field(
        default=None, description="Days that touchpoints and conversions are kept, 1 to 36,500."
    )
    analytics: int | None = strawberry.field(
        default=None, description="Days that figures prepared for reports are kept, 1 to 36,500."
    )
    expected_revision: int | None = strawberry.field(
        default=None, description="Refuse with CONFLICT when this is not the revision any more."
    )
    idempotency_key: str | None = strawberry.field(
        default=None, description="Given again, the mutation is not carried out again but answers as before."
    )


@strawberry.type(description="The retention after a mutation, or why it was refused.")
class RetentionPayload:
    retention: Retention | None = strawberry.field(description="What holds now; null when refused.")
    settled: bool = strawberry.field(description="Whether its events are in the log already.")
    user_errors: list[UserError] = strawberry.field(description="Why it was refused; empty when it was not.")

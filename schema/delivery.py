"""Deliveries to webhooks as GraphQL shows them, and what clients send about them."""

from datetime import datetime
from typing import Final, Self

import strawberry

from domain import delivery as domain
from domain.delivery import DeliveryStatus
from schema.enums import describe
from schema.errors import UserError
from schema.event import Event
from schema.info import Info
from schema.node import Node

KEY: Final = (
    "Given again, the mutation sends no delivery a second time. A delivery knows the last 20 times that it was sent "
    "again."
)

describe(
    DeliveryStatus,
    "WebhookDeliveryStatus",
    "What became of a delivery.",
    "It waits for its next attempt, or for its webhook to be switched on.",
    "The address took it, with a status of 2xx.",
    "A dead letter: a day of attempts is over, or its webhook was deleted. It can be sent again.",
)


@strawberry.type(
    description="One event for one webhook, tried until its address takes it or 24 hours are over. It may arrive more "
    "than once, each time under the same `webhook-id`, which is this id."
)
class WebhookDelivery(Node):
    webhook_id: strawberry.ID = strawberry.field(description="The webhook.")
    event_id: strawberry.ID = strawberry.field(description="The event.")
    event_type: str = strawberry.field(description="The event's type.")
    status: DeliveryStatus = strawberry.field(description="What became of it.")
    attempts: int = strawberry.field(description="How often it was tried, before it was sent again too.")
    last_attempt_at: datetime | None = strawberry.field(
        description="When it was tried last; null before the first time."
    )
    last_status: int | None = strawberry.field(
        description="The HTTP status of the last answer; null where there was none."
    )
    last_error: str | None = strawberry.field(description="Why it was not taken the last time.")
    next_attempt_at: datetime | None = strawberry.field(
        description="When it is tried next, and while it is, when it is given up for lost; null unless PENDING."
    )
    deadline: datetime = strawberry.field(description="When the last attempt is made.")
    created_at: datetime = strawberry.field(description="When it was made.")
    delivered_at: datetime | None = strawberry.field(description="When it was taken; null unless DELIVERED.")
    dead_since: datetime | None = strawberry.field(
        description="Since when it is tried no more; null unless DEAD."
    )
    kept_until: datetime | None = strawberry.field(
        description="When it is forgotten: 7 days after it was taken, 30 after it died; null while PENDING."
    )

    @strawberry.field(description="The event; null where it is kept no longer.")
    async def event(self, info: Info) -> Event | None:
        found = await info.context.loaders.event.load(self.event_id)
        return None if found is None else Event.of(found)

    @classmethod
    def of(cls, delivery: domain.Delivery) -> Self:
        ended = delivery.ended_at
        return cls(
            id=strawberry.ID(delivery.id),
            webhook_id=strawberry.ID(delivery.webhook_id),
            event_id=strawberry.ID(delivery.event_id),
            event_type=delivery.event_type,
            status=delivery.status,
            attempts=delivery.attempts,
            last_attempt_at=delivery.attempted_at,
            last_status=delivery.last_status,
            last_error=delivery.last_error,
            next_attempt_at=delivery.wake_at,
            deadline=delivery.deadline,
            created_at=delivery.created_at,
            delivered_at=ended if delivery.status is DeliveryStatus.DELIVERED else None,
            dead_since=ended if delivery.status is DeliveryStatus.DEAD else None,
            kept_until=delivery.expires_at,
        )


@strawberry.input(description="Which delivery to send again.")
class ResendDeliveryInput:
    id: strawberry.ID = strawberry.field(description="The delivery.")
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.input(
    description="Which deliveries to send again: either these, or the dead letters of one webhook."
)
class ResendDeliveriesInput:
    ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="1 to 1,000 deliveries; one that is given twice is sent once."
    )
    webhook_id: strawberry.ID | None = strawberry.field(
        default=None, description="The webhook whose dead letters are meant, the oldest 1,000 of them."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.type(description="A delivery that is sent again, or why it is not.")
class WebhookDeliveryPayload:
    delivery: WebhookDelivery | None = strawberry.field(
        description="The delivery as it is now; null when refused."
    )
    user_errors: list[UserError] = strawberry.field(description="Why it was refused; empty when it was not.")


@strawberry.type(description="What became of one delivery among many.")
class WebhookDeliveryOutcome:
    id: strawberry.ID = strawberry.field(description="The delivery's id.")
    delivery: WebhookDelivery | None = strawberry.field(
        description="The delivery as it is now; null when refused."
    )
    user_errors: list[UserError] = strawberry.field(
        description="Why this one was refused; empty when it was not."
    )


@strawberry.type(description="What became of each delivery.")
class WebhookDeliveriesPayload:
    results: list[WebhookDeliveryOutcome] = strawberry.field(
        description="One for each delivery: in the order given, or from the oldest on."
    )
    has_more: bool = strawberry.field(
        description="Whether the webhook had more dead letters than these; false where ids were given."
    )
    user_errors: list[UserError] = strawberry.field(
        description="Why the whole was refused; empty when it was not."
    )

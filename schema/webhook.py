"""Webhooks as GraphQL shows them. Of a secret it shows the name, never the text."""

from datetime import datetime
from typing import Annotated, Self

import strawberry

from domain import webhook as domain
from domain.delivery import DeliveryStatus
from schema.delivery import WebhookDelivery
from schema.errors import UserError
from schema.identity import Actor
from schema.info import Info
from schema.node import Node
from schema.paging import After, Before, Connection, First, Last, connect
from schema.secret import SigningSecret

OfStatus = Annotated[
    DeliveryStatus | None,
    strawberry.argument(description="Only those of this status; every one where none is given."),
]


@strawberry.type(
    description="An address outside that hears of events: each is posted to it as a CloudEvent, signed as Standard "
    "Webhooks has it, until it answers 2xx or 24 hours are over. Events may arrive in any order, and more than once."
)
class Webhook(Node):
    state: strawberry.Private[domain.Webhook]
    name: str = strawberry.field(description="The webhook's name for people.")
    description: str = strawberry.field(description="What it is for.")
    address: str = strawberry.field(description="Where events are posted to.")
    types: list[str] = strawberry.field(
        description="The types of event it hears of: a type letter for letter, `area:*` for those of an area, or `*` "
        "for all but those of the area `webhook`."
    )
    enabled: bool = strawberry.field(description="Whether events are delivered to it.")
    off_because: str | None = strawberry.field(
        description="Why it is switched off, where that was said: by a person, or because its address failed for "
        "three days or answered 410."
    )
    since: datetime = strawberry.field(description="Events that were recorded before are not for it.")
    failing_since: datetime | None = strawberry.field(
        description="The first failure after which nothing has been delivered; null while it works."
    )
    secrets: list[SigningSecret] = strawberry.field(
        description="The secrets that calls are signed with, the newest last; at most 3. Without any, calls are not "
        "signed."
    )
    revision: int = strawberry.field(description="Grows with each change.")
    created_at: datetime = strawberry.field(description="When it was created.")
    created_by: Actor = strawberry.field(description="Who created it.")
    updated_at: datetime = strawberry.field(description="When it was changed last.")

    @strawberry.field(description="Its deliveries, from new to old.")
    async def deliveries(
        self,
        info: Info,
        status: OfStatus = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[WebhookDelivery]:
        store, state = info.context.store.deliveries, self.state
        page = info.context.page(first, after, last, before)
        rows = await store.page(state.tenant_id, state.id, status, page)
        counted = lambda: store.count(state.tenant_id, state.id, status)  # noqa: E731
        return connect(Connection[WebhookDelivery], rows, WebhookDelivery.of, counted)

    @classmethod
    def of(cls, webhook: domain.Webhook) -> Self:
        return cls(
            state=webhook,
            id=strawberry.ID(webhook.id),
            name=webhook.name,
            description=webhook.description,
            address=webhook.address,
            types=list(webhook.types),
            enabled=webhook.enabled,
            off_because=webhook.off_because,
            since=webhook.since,
            failing_since=webhook.failing_since,
            secrets=[SigningSecret.of(each) for each in webhook.secrets],
            revision=webhook.revision,
            created_at=webhook.created_at,
            created_by=Actor.of(webhook.created_by),
            updated_at=webhook.updated_at,
        )


@strawberry.type(description="What a webhook mutation changed, or why it was refused.")
class WebhookPayload:
    webhook: Webhook | None = strawberry.field(
        description="The webhook as it is now, or was when it was deleted; null when refused."
    )
    settled: bool = strawberry.field(description="Whether its events are in the log already.")
    user_errors: list[UserError] = strawberry.field(description="Why it was refused; empty when it was not.")


@strawberry.type(description="What came of a test call, or why none was made.")
class WebhookTestPayload:
    webhook: Webhook | None = strawberry.field(description="The webhook; null when refused.")
    ok: bool = strawberry.field(description="Whether the address answered with success, 2xx.")
    status: int | None = strawberry.field(
        description="The HTTP status it answered with; null without answer."
    )
    error: str | None = strawberry.field(description="Why there was no answer that can be used.")
    milliseconds: float | None = strawberry.field(description="How long it took; null when refused.")
    user_errors: list[UserError] = strawberry.field(description="Why it was refused; empty when it was not.")

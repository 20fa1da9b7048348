"""Touchpoints and conversions as GraphQL shows them."""

from datetime import datetime, timedelta
from typing import Self

import strawberry

from domain import touchpoint as domain
from domain.events import Outcome
from domain.template import Stage
from domain.values import Money
from schema.errors import UserError
from schema.identity import Actor
from schema.node import Node
from schema.paging import Connection
from schema.scalars import JSON


@strawberry.type(description="One contact with a customer.")
class Touchpoint(Node):
    kind: str = strawberry.field(description="What kind of contact, such as `email`, `call` or `web_visit`.")
    channel: str = strawberry.field(description="The channel it came by, such as `email` or `paid_search`.")
    source: str = strawberry.field(description="The system or site that reports it.")
    title: str = strawberry.field(description="What it was about.")
    at: datetime = strawberry.field(description="When it took place.")
    journey_id: strawberry.ID | None = strawberry.field(description="The journey it belongs to.")
    customer_id: str | None = strawberry.field(description="The customer.")
    lead_id: str | None = strawberry.field(description="The lead.")
    campaign: str | None = strawberry.field(description="The campaign it belongs to.")
    description: str | None = strawberry.field(description="More about it.")
    outcome: Outcome | None = strawberry.field(description="How it went.")
    cost: Money | None = strawberry.field(description="What it cost.")
    duration: timedelta | None = strawberry.field(description="How long it took.")
    metadata: JSON = strawberry.field(description="Anything else.")
    added_by: Actor = strawberry.field(description="Who recorded it.")

    @classmethod
    def of(cls, record: domain.Touchpoint) -> Self:
        added = record.added
        seconds = added.duration_seconds
        return cls(
            id=strawberry.ID(record.id),
            kind=added.kind,
            channel=added.channel,
            source=added.source,
            title=added.title,
            at=added.at,
            journey_id=None if added.journey_id is None else strawberry.ID(added.journey_id),
            customer_id=added.customer_id,
            lead_id=added.lead_id,
            campaign=added.campaign,
            description=added.description,
            outcome=added.outcome,
            cost=added.cost,
            duration=None if seconds is None else timedelta(seconds=seconds),
            metadata=JSON(added.metadata),
            added_by=Actor.of(record.added_by),
        )


@strawberry.type(description="A stage change that matters, with its value.")
class Conversion(Node):
    kind: str = strawberry.field(
        description="What kind of conversion, such as `customer_converted` or `upsell`."
    )
    from_stage: Stage | None = strawberry.field(description="The stage before.")
    to_stage: Stage = strawberry.field(description="The stage after.")
    value: Money | None = strawberry.field(description="What it is worth.")
    at: datetime = strawberry.field(description="When the customer converted.")
    journey_id: strawberry.ID | None = strawberry.field(description="The journey it belongs to.")
    customer_id: str | None = strawberry.field(description="The customer.")
    lead_id: str | None = strawberry.field(description="The lead.")
    channel: str | None = strawberry.field(description="The channel it is put down to by whoever reports it.")
    source: str | None = strawberry.field(description="The system that reports it.")
    campaign: str | None = strawberry.field(
        description="The campaign it is put down to by whoever reports it."
    )
    metadata: JSON = strawberry.field(description="Anything else.")
    added_by: Actor = strawberry.field(description="Who recorded it.")

    @classmethod
    def of(cls, record: domain.Conversion) -> Self:
        added = record.added
        return cls(
            id=strawberry.ID(record.id),
            kind=added.kind,
            from_stage=added.from_stage,
            to_stage=added.to_stage,
            value=added.value,
            at=added.at,
            journey_id=None if added.journey_id is None else strawberry.ID(added.journey_id),
            customer_id=added.customer_id,
            lead_id=added.lead_id,
            channel=added.channel,
            source=added.source,
            campaign=added.campaign,
            metadata=JSON(added.metadata),
            added_by=Actor.of(record.added_by),
        )


TouchpointConnection = Connection[Touchpoint]
ConversionConnection = Connection[Conversion]


@strawberry.type(description="The contacts that were recorded, or why none was.")
class TouchpointsPayload:
    touchpoints: list[Touchpoint] = strawberry.field(description="The contacts in the order given.")
    settled: bool = strawberry.field(description="Whether their events are in the log already.")
    user_errors: list[UserError] = strawberry.field(
        description="Why nothing was recorded; empty when all was."
    )


@strawberry.type(description="The conversions that were recorded, or why none was.")
class ConversionsPayload:
    conversions: list[Conversion] = strawberry.field(description="The conversions in the order given.")
    settled: bool = strawberry.field(description="Whether their events are in the log already.")
    user_errors: list[UserError] = strawberry.field(
        description="Why nothing was recorded; empty when all was."
    )

"""What clients send about touchpoints and conversions."""

from datetime import datetime, timedelta

import strawberry

from domain import touchpoint as domain
from domain.events import Outcome
from domain.record_events import ConversionAdded, TouchpointAdded
from domain.template import Stage
from domain.values import Money
from schema.scalars import JSON, json_object


@strawberry.input(description="Which touchpoints or conversions are meant. All given parts must hold.")
class RecordFilterInput:
    journey_id: strawberry.ID | None = strawberry.field(default=None, description="Of this journey.")
    customer_id: str | None = strawberry.field(default=None, description="Of this customer.")
    lead_id: str | None = strawberry.field(default=None, description="Of this lead.")
    kind: str | None = strawberry.field(default=None, description="Of this kind.")
    channel: str | None = strawberry.field(default=None, description="By this channel.")
    source: str | None = strawberry.field(default=None, description="From this source.")
    campaign: str | None = strawberry.field(default=None, description="Of this campaign.")
    since: datetime | None = strawberry.field(default=None, description="Took place at this time or later.")
    until: datetime | None = strawberry.field(default=None, description="Took place before this time.")

    def to_domain(self) -> domain.RecordFilter:
        return domain.RecordFilter(
            journey_id=self.journey_id,
            customer_id=self.customer_id,
            lead_id=self.lead_id,
            kind=self.kind,
            channel=self.channel,
            source=self.source,
            campaign=self.campaign,
            since=self.since,
            until=self.until,
        )


@strawberry.input(description="A contact to record, on a journey, a customer or a lead.")
class TouchpointInput:
    kind: str = strawberry.field(description="What kind of contact, such as `email`, `call` or `web_visit`.")
    channel: str = strawberry.field(description="The channel it came by, such as `email` or `paid_search`.")
    source: str = strawberry.field(default="api", description="The system or site that reports it.")
    title: str = strawberry.field(default="", description="What it was about.")
    at: datetime | None = strawberry.field(
        default=None, description="When it took place; now where none is given."
    )
    journey_id: strawberry.ID | None = strawberry.field(
        default=None, description="The journey it belongs to."
    )
    customer_id: str | None = strawberry.field(
        default=None, description="The customer; the journey's by default."
    )
    lead_id: str | None = strawberry.field(default=None, description="The lead; the journey's by default.")
    campaign: str | None = strawberry.field(default=None, description="The campaign it belongs to.")
    description: str | None = strawberry.field(default=None, description="More about it.")
    outcome: Outcome | None = strawberry.field(default=None, description="How it went.")
    cost: Money | None = strawberry.field(default=None, description="What it cost.")
    duration: timedelta | None = strawberry.field(default=None, description="How long it took.")
    metadata: JSON | None = strawberry.field(
        default=None, description="Anything else, an object up to 16 KiB."
    )

    def to_domain(self, tenant_id: str, now: datetime) -> TouchpointAdded:
        return TouchpointAdded(
            at=self.at or now,
            tenant_id=tenant_id,
            kind=self.kind,
            channel=self.channel,
            source=self.source,
            title=self.title,
            journey_id=self.journey_id,
            customer_id=self.customer_id,
            lead_id=self.lead_id,
            campaign=self.campaign,
            description=self.description,
            outcome=self.outcome,
            cost=self.cost,
            duration_seconds=None if self.duration is None else self.duration.total_seconds(),
            metadata=json_object(self.metadata),
        )


@strawberry.input(description="A conversion to record, on a journey, a customer or a lead.")
class ConversionInput:
    kind: str = strawberry.field(
        description="What kind of conversion, such as `customer_converted` or `upsell`."
    )
    to_stage: Stage = strawberry.field(description="The stage after.")
    from_stage: Stage | None = strawberry.field(default=None, description="The stage before.")
    value: Money | None = strawberry.field(default=None, description="What it is worth.")
    at: datetime | None = strawberry.field(
        default=None, description="When it happened; now where none is given."
    )
    journey_id: strawberry.ID | None = strawberry.field(
        default=None, description="The journey it belongs to."
    )
    customer_id: str | None = strawberry.field(
        default=None, description="The customer; the journey's by default."
    )
    lead_id: str | None = strawberry.field(default=None, description="The lead; the journey's by default.")
    channel: str | None = strawberry.field(default=None, description="The channel it is put down to.")
    source: str | None = strawberry.field(default=None, description="The system that reports it.")
    campaign: str | None = strawberry.field(default=None, description="The campaign it is put down to.")
    metadata: JSON | None = strawberry.field(
        default=None, description="Anything else, an object up to 16 KiB."
    )

    def to_domain(self, tenant_id: str, now: datetime) -> ConversionAdded:
        return ConversionAdded(
            at=self.at or now,
            tenant_id=tenant_id,
            kind=self.kind,
            from_stage=self.from_stage,
            to_stage=self.to_stage,
            value=self.value,
            journey_id=self.journey_id,
            customer_id=self.customer_id,
            lead_id=self.lead_id,
            channel=self.channel,
            source=self.source,
            campaign=self.campaign,
            metadata=json_object(self.metadata),
        )


@strawberry.input(description="Contacts to record.")
class AddTouchpointsInput:
    touchpoints: list[TouchpointInput] = strawberry.field(
        description="1 to 100 contacts; when one is wrong, none is recorded."
    )
    idempotency_key: str | None = strawberry.field(
        default=None, description="Given again, the mutation is not carried out again but answers as before."
    )


@strawberry.input(description="Conversions to record.")
class AddConversionsInput:
    conversions: list[ConversionInput] = strawberry.field(
        description="1 to 100 conversions; when one is wrong, none is recorded."
    )
    idempotency_key: str | None = strawberry.field(
        default=None, description="Given again, the mutation is not carried out again but answers as before."
    )

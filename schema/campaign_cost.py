"""Costs of campaigns: as GraphQL shows them, and as administrators set them."""

from datetime import date, datetime
from typing import Final, Self

import strawberry

from domain.analytics import cost as value
from domain.campaign_cost import CostFilter, Spending
from domain.values import Money
from schema.errors import UserError
from schema.identity import Actor
from schema.node import Node
from schema.paging import Connection

KEY: Final = "Given again, the mutation is not carried out again but answers as before."
REVISION: Final = "Refuse with CONFLICT when this is not the cost's revision any more."


@strawberry.type(
    description="What a campaign, a channel or both cost in a period, evenly over its days. Costs of periods that "
    "overlap add up."
)
class CampaignCost(Node):
    campaign: str | None = strawberry.field(description="The campaign.")
    channel: str | None = strawberry.field(description="The channel.")
    since: date = strawberry.field(description="The first day.")
    until: date = strawberry.field(description="The day after the last.")
    amount: Money = strawberry.field(description="What the whole period costs.")
    revision: int = strawberry.field(description="Grows by one with every change, from 1.")
    created_at: datetime = strawberry.field(description="When it was set first.")
    updated_at: datetime = strawberry.field(description="When it was changed last.")
    updated_by: Actor = strawberry.field(description="Who changed it last.")

    @classmethod
    def of(cls, spending: Spending) -> Self:
        cost = spending.cost
        return cls(
            id=strawberry.ID(spending.id),
            campaign=cost.campaign,
            channel=cost.channel,
            since=cost.since,
            until=cost.until,
            amount=cost.amount,
            revision=spending.revision,
            created_at=spending.created_at,
            updated_at=spending.updated_at,
            updated_by=Actor.of(spending.updated_by),
        )


CampaignCostConnection = Connection[CampaignCost]


@strawberry.input(description="Which costs of campaigns are meant. All given parts must hold.")
class CampaignCostFilterInput:
    campaign: str | None = strawberry.field(default=None, description="Of this campaign.")
    channel: str | None = strawberry.field(default=None, description="Of this channel.")

    def to_domain(self) -> CostFilter:
        return CostFilter(campaign=self.campaign, channel=self.channel)


@strawberry.input(
    description="What a campaign, a channel or both cost in a period. What was set for the same campaign, channel and "
    "period before is replaced; costs of other periods stay and add up, also where the periods overlap."
)
class SetCampaignCostInput:
    campaign: str | None = strawberry.field(
        default=None,
        description="The campaign, as touchpoints and conversions name it; it or a channel is needed.",
    )
    channel: str | None = strawberry.field(
        default=None, description="The channel, as touchpoints and conversions name it."
    )
    since: date = strawberry.field(description="The first day.")
    until: date = strawberry.field(description="The day after the last.")
    amount: Money = strawberry.field(
        description="What the whole period costs, evenly over its days. 0 says that it costs nothing; what is not "
        "known is not set."
    )
    expected_revision: int | None = strawberry.field(default=None, description=REVISION)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)

    def to_domain(self) -> value.CampaignCost:
        """Raises InvalidInput, with every reason."""
        return value.CampaignCost(
            campaign=self.campaign or None,
            channel=self.channel or None,
            since=self.since,
            until=self.until,
            amount=self.amount,
        )


@strawberry.input(description="Which cost of a campaign to remove.")
class RemoveCampaignCostInput:
    id: strawberry.ID = strawberry.field(description="The cost.")
    expected_revision: int | None = strawberry.field(default=None, description=REVISION)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.type(description="The cost of a campaign that was set or removed, or why it was not.")
class CampaignCostPayload:
    campaign_cost: CampaignCost | None = strawberry.field(
        description="The cost as it is now, or was when it was removed; null when refused."
    )
    settled: bool = strawberry.field(description="Whether its events are in the log already.")
    user_errors: list[UserError] = strawberry.field(description="Why it was refused; empty when it was not.")

"""Queries and mutations on costs of campaigns."""

from collections.abc import Awaitable

import strawberry

from domain.campaign_cost import CostFilter, Spending
from domain.errors import DomainError
from schema import limits
from schema.arguments import Filter, Given
from schema.campaign_cost import (
    CampaignCost,
    CampaignCostFilterInput,
    CampaignCostPayload,
    RemoveCampaignCostInput,
    SetCampaignCostInput,
)
from schema.errors import user_errors
from schema.info import Info
from schema.paging import After, Before, Connection, First, Last, connect
from schema.permissions import CanAdminister, CanView
from storage.subject import Changed


@strawberry.type
class CampaignCostQueries:
    @strawberry.field(
        description="Costs of campaigns by when they were set first, from new to old.",
        permission_classes=[CanView],
    )
    async def campaign_costs(
        self,
        info: Info,
        filter: Filter[CampaignCostFilterInput] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[CampaignCost]:
        store, tenant = info.context.store.costs, info.context.identity.tenant_id
        wanted = CostFilter() if filter is None else filter.to_domain()
        rows = await store.page(tenant, wanted, info.context.page(first, after, last, before))
        return connect(Connection[CampaignCost], rows, CampaignCost.of, lambda: store.count(tenant, wanted))


@strawberry.type
class CampaignCostMutations:
    @strawberry.mutation(
        description="Say what a campaign, a channel or both cost in a period; `revenue` sets it against what they "
        "earned.",
        permission_classes=[CanAdminister],
    )
    async def set_campaign_cost(self, info: Info, input: Given[SetCampaignCostInput]) -> CampaignCostPayload:
        return await _payload(_set(info, input))

    @strawberry.mutation(
        description="Forget what a campaign costs in a period; it can be set again.",
        permission_classes=[CanAdminister],
    )
    async def remove_campaign_cost(
        self, info: Info, input: Given[RemoveCampaignCostInput]
    ) -> CampaignCostPayload:
        return await _payload(_remove(info, input))


async def _payload(work: Awaitable[Changed[Spending]]) -> CampaignCostPayload:
    try:
        changed = await work
    except DomainError as error:
        return CampaignCostPayload(campaign_cost=None, settled=True, user_errors=user_errors(error))
    cost = CampaignCost.of(changed.state)
    return CampaignCostPayload(campaign_cost=cost, settled=changed.settled, user_errors=[])


async def _set(info: Info, input: SetCampaignCostInput) -> Changed[Spending]:
    limits.require(input)
    context = info.context
    cause = context.cause("setCampaignCost", input, input.idempotency_key)
    tenant, cost = context.identity.tenant_id, input.to_domain()
    expected = input.expected_revision
    return await context.store.costs.set(tenant, cost, context.now(), cause, expected=expected)


async def _remove(info: Info, input: RemoveCampaignCostInput) -> Changed[Spending]:
    limits.require(input)
    context = info.context
    cause = context.cause("removeCampaignCost", input, input.idempotency_key)
    tenant, expected = context.identity.tenant_id, input.expected_revision
    return await context.store.costs.remove(input.id, tenant, cause, expected=expected)

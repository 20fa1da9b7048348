"""What a campaign, or a channel, costs in a period: one amount for each, which can be set anew or removed.

Periods may overlap; then their amounts add up. An amount of 0 says that nothing is spent, which no amount does not.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import ClassVar, assert_never

from domain.analytics.cost import CampaignCost
from domain.errors import IllegalTransition, InvalidInput, Problem
from domain.events import Event
from domain.identity import Actor
from domain.values import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignCostSet(Event):
    """An administrator said what a campaign, a channel or both cost from one day until before another."""

    type: ClassVar[str] = "campaign_cost:set"
    tenant_id: str
    campaign: str | None = None
    channel: str | None = None
    since: date
    until: date
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignCostRemoved(Event):
    """A campaign's cost was a mistake: nothing is known of it any more."""

    type: ClassVar[str] = "campaign_cost:removed"


CostEvent = CampaignCostSet | CampaignCostRemoved


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """A cost as it is known now."""

    id: str
    tenant_id: str
    revision: int = 0
    cost: CampaignCost
    removed: bool = False
    created_at: datetime
    updated_at: datetime
    updated_by: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class CostFilter:
    """All given parts must hold."""

    campaign: str | None = None
    channel: str | None = None


def begin(id: str, event: CostEvent, by: Actor) -> Spending:
    if not isinstance(event, CampaignCostSet):
        raise TypeError("a cost begins with being set")
    return Spending(
        id=id,
        tenant_id=event.tenant_id,
        cost=_cost(event),
        created_at=event.at,
        updated_at=event.at,
        updated_by=event.by or by,
    )


def evolve(spending: Spending, event: CostEvent) -> Spending:
    by = event.by or spending.updated_by
    match event:
        case CampaignCostSet():
            return replace(spending, cost=_cost(event), removed=False, updated_at=event.at, updated_by=by)
        case CampaignCostRemoved():
            return replace(spending, removed=True, updated_at=event.at, updated_by=by)
        case _:
            assert_never(event)


def set_cost(tenant_id: str, cost: CampaignCost, *, at: datetime, by: Actor) -> CampaignCostSet:
    """Raises InvalidInput for a name of blanks."""
    names = (("campaign", cost.campaign), ("channel", cost.channel))
    found = [Problem("A name is not blank.", (name,)) for name, given in names if given and not given.strip()]
    if found:
        raise InvalidInput(found[0].message, problems=found)
    return CampaignCostSet(
        at=at,
        by=by,
        tenant_id=tenant_id,
        campaign=cost.campaign or None,
        channel=cost.channel or None,
        since=cost.since,
        until=cost.until,
        amount=cost.amount,
    )


def set_again(spending: Spending, event: CampaignCostSet) -> list[CostEvent]:
    """The same again is nothing."""
    same = not spending.removed and spending.cost == _cost(event)
    return [] if same else [event]


def remove(spending: Spending, *, at: datetime, by: Actor) -> list[CostEvent]:
    """Raises IllegalTransition for one that is removed."""
    if spending.removed:
        raise IllegalTransition("The cost was removed.", "id")
    return [CampaignCostRemoved(at=at, by=by)]


def _cost(event: CampaignCostSet) -> CampaignCost:
    return CampaignCost(
        campaign=event.campaign,
        channel=event.channel,
        since=event.since,
        until=event.until,
        amount=event.amount,
    )

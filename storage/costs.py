"""Costs of campaigns: one document for each campaign, channel and period; listed from new to old."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from domain import campaign_cost as fold
from domain.analytics.cost import CampaignCost
from domain.campaign_cost import CostEvent, CostFilter, Spending
from domain.errors import Conflict, LimitExceeded, NotFound
from domain.paging import Page, Rows
from domain.values import timestamp
from storage.change import Changes
from storage.codec import Document
from storage.indexes import COST_FILTERS
from storage.listing import Listing
from storage.mongo import DuplicateKeyError, Mongo, translated
from storage.subject import Cause, Changed, Kind, digest

MOST: Final = 10_000  # reports read them all


def _keys(spending: Spending) -> Document:
    listed = f"{timestamp(spending.created_at)}|{spending.id}"
    return {
        "createdKey": None if spending.removed else listed,
        "campaign": spending.cost.campaign,
        "channel": spending.cost.channel,
    }


COST: Final = Kind("costs", Spending, fold.begin, fold.evolve, _keys)


def cost_id(tenant_id: str, cost: CampaignCost) -> str:
    """The id of what is spent on this campaign and channel in this period."""
    period = (cost.since.isoformat(), cost.until.isoformat())
    named = [tenant_id, cost.campaign or None, cost.channel or None, *period]
    return f"cst_{digest('cost', json.dumps(named))}"


class Costs:
    def __init__(self, mongo: Mongo, changes: Changes) -> None:
        self._changes = changes
        self._costs = mongo[COST.collection]
        self._listing: Listing[Spending] = Listing(mongo, COST, COST_FILTERS)

    async def set(
        self, tenant_id: str, cost: CampaignCost, at: datetime, cause: Cause, *, expected: int | None = None
    ) -> Changed[Spending]:
        """Say what is spent; what was said of the same campaign, channel and period holds no more. Raises InvalidInput,
        LimitExceeded for one too many, Conflict."""
        id, event = cost_id(tenant_id, cost), fold.set_cost(tenant_id, cost, at=at, by=cause.actor)
        if not await self._known(id):
            if expected:
                raise Conflict(0)
            await self._require_room(tenant_id)
            try:
                return await self._changes.create(COST, id, [event], cause)
            except DuplicateKeyError:
                pass  # somebody else set it a moment ago

        async def run(spending: Spending, now: datetime) -> Sequence[CostEvent]:
            return fold.set_again(spending, fold.set_cost(tenant_id, cost, at=now, by=cause.actor))

        return await self._changes.change(COST, id, tenant_id, run, cause, expected=expected)

    async def remove(
        self, id: str, tenant_id: str, cause: Cause, *, expected: int | None = None
    ) -> Changed[Spending]:
        """Raises NotFound, Conflict, IllegalTransition for one that is removed."""

        async def run(spending: Spending, now: datetime) -> Sequence[CostEvent]:
            return fold.remove(spending, at=now, by=cause.actor)

        return await self._changes.change(COST, id, tenant_id, run, cause, expected=expected)

    async def get(self, id: str, tenant_id: str) -> Spending:
        """Raises NotFound, also for one that is removed."""
        found = await self._changes.load(COST, id, tenant_id)
        if found.removed:
            raise NotFound(id, "id")
        return found

    async def page(self, tenant_id: str, filter: CostFilter, page: Page) -> Rows[Spending]:
        return await self._listing.page(tenant_id, _one_of(filter), page)

    async def count(self, tenant_id: str, filter: CostFilter) -> int:
        return await self._listing.count(tenant_id, _one_of(filter))

    async def _known(self, id: str) -> bool:
        with translated():
            return await self._costs.find_one({"_id": id}, {"_id": 1}) is not None

    async def _require_room(self, tenant_id: str) -> None:
        with translated():
            listed = await self._costs.count_documents(_listed(tenant_id), limit=MOST)
        if listed >= MOST:
            raise LimitExceeded(f"A tenant has at most {MOST:,} costs of campaigns.", "campaign")


async def every_cost(mongo: Mongo, tenant_id: str) -> list[CampaignCost]:
    """All that a report counts."""
    found = mongo.aggregate(
        mongo[COST.collection], [{"$match": _listed(tenant_id)}, {"$project": {"outbox": 0}}]
    )
    return [COST.read(each).cost async for each in found]


def _listed(tenant_id: str) -> Document:
    return {"tenantId": tenant_id, "createdKey": {"$gte": ""}}


def _one_of(filter: CostFilter) -> dict[str, tuple[str, ...]]:
    parts = {"campaign": filter.campaign, "channel": filter.channel}
    return {name: (value,) for name, value in parts.items() if value is not None}

"""Queries on journeys."""

import asyncio
from typing import Annotated

import strawberry

from domain.journey import Status
from domain.journey_filter import JourneyFilter, JourneyOrder
from domain.template import Stage
from resolvers.context import selects
from resolvers.funnels import Behind
from schema.arguments import Filter, ObjectId
from schema.funnel_inputs import FunnelFigureInput
from schema.info import Info
from schema.journey import Journey, JourneyConnection
from schema.journey_inputs import JourneyFilterInput, StageCount, StatusCount
from schema.paging import After, Before, First, Last, connect
from schema.permissions import CanView

Tally = dict[tuple[Status, Stage], int]


@strawberry.type(description="How many journeys there are, by status and by stage.")
class JourneyCounts:
    filter: strawberry.Private[JourneyFilter]
    parted: strawberry.Private[bool]  # whether the parts are asked for too, which add up to the total
    counting: strawberry.Private[asyncio.Task[Tally] | None] = None

    @strawberry.field(description="How many in all.")
    async def total(self, info: Info) -> int:
        if not self.parted:
            return await info.context.store.journeys.count(info.context.identity.tenant_id, self.filter)
        return sum((await self._tally(info)).values())

    @strawberry.field(description="How many in each state; states without any are left out.")
    async def by_status(self, info: Info) -> list[StatusCount]:
        tally = await self._tally(info)
        counts = [(each, sum(n for (status, _), n in tally.items() if status is each)) for each in Status]
        return [StatusCount(status=status, count=count) for status, count in counts if count]

    @strawberry.field(description="How many in each stage; stages without any are left out.")
    async def by_stage(self, info: Info) -> list[StageCount]:
        tally = await self._tally(info)
        counts = [(each, sum(n for (_, stage), n in tally.items() if stage is each)) for each in Stage]
        return [StageCount(stage=stage, count=count) for stage, count in counts if count]

    async def _tally(self, info: Info) -> Tally:
        """Counted once, however many of the fields are asked for."""
        if self.counting is None:
            tally = info.context.store.journeys.tally(info.context.identity.tenant_id, self.filter)
            self.counting = asyncio.ensure_future(tally)
        return await self.counting


def _filter(filter: JourneyFilterInput | None) -> JourneyFilter:
    return JourneyFilter() if filter is None else filter.to_domain()


@strawberry.type
class JourneyQueries:
    @strawberry.field(
        description="The journey with this id; null where none is known.", permission_classes=[CanView]
    )
    async def journey(self, info: Info, id: ObjectId) -> Journey | None:
        context = info.context
        cursor = await context.live_cursor(info)
        [found] = await context.store.journeys.many([id], context.identity.tenant_id)
        return None if found is None else Journey.of(found, cursor)

    @strawberry.field(
        description="Journeys from new to old; with `funnelStep`, those behind a figure of a funnel.",
        permission_classes=[CanView],
    )
    async def journeys(
        self,
        info: Info,
        filter: Filter[JourneyFilterInput] = None,
        order_by: Annotated[
            JourneyOrder, strawberry.argument(description="What they are ordered by, from new to old.")
        ] = JourneyOrder.CREATED_AT,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        funnel_step: Annotated[
            FunnelFigureInput | None,
            strawberry.argument(
                description="Only the journeys behind this figure of a funnel; of customers, those of their journeys "
                "in which something happened that the funnel looked at."
            ),
        ] = None,
    ) -> JourneyConnection:
        context, wanted = info.context, _filter(filter)
        tenant = context.identity.tenant_id
        page = context.page(first, after, last, before)
        behind = None if funnel_step is None else Behind(info, funnel_step, wanted)
        cursor = await context.live_cursor(info)
        if behind is None:
            rows = await context.store.journeys.page(tenant, wanted, order_by, page)
        else:
            rows = await behind.page(order_by, page)
        count = behind.count if behind else lambda: context.store.journeys.count(tenant, wanted)
        found = connect(JourneyConnection, rows, Journey.of, count)
        found.live_cursor = cursor
        return found

    @strawberry.field(description="How many journeys there are.", permission_classes=[CanView])
    async def journey_counts(self, info: Info, filter: Filter[JourneyFilterInput] = None) -> JourneyCounts:
        parted = selects(info, "byStatus") or selects(info, "byStage")
        return JourneyCounts(filter=_filter(filter), parted=parted)

"""Queries and mutations on touchpoints and conversions."""

from dataclasses import replace
from typing import TypeVar

import strawberry

from domain.errors import DomainError, InvalidInput, NotFound, Problem
from domain.record_events import ConversionAdded, TouchpointAdded
from domain.touchpoint import RecordFilter, check
from resolvers.context import Context
from schema import limits
from schema.arguments import Filter, Given
from schema.errors import user_errors
from schema.info import Info
from schema.paging import After, Before, Connection, First, Last, connect
from schema.permissions import CanOperate, CanView
from schema.touchpoint import Conversion, ConversionsPayload, Touchpoint, TouchpointsPayload
from schema.touchpoint_inputs import AddConversionsInput, AddTouchpointsInput, RecordFilterInput

MAX_RECORDS = 100

E = TypeVar("E", TouchpointAdded, ConversionAdded)


def _filter(filter: RecordFilterInput | None) -> RecordFilter:
    return RecordFilter() if filter is None else filter.to_domain()


@strawberry.type
class TouchpointQueries:
    @strawberry.field(
        description="Touchpoints by when they took place, from new to old.", permission_classes=[CanView]
    )
    async def touchpoints(
        self,
        info: Info,
        filter: Filter[RecordFilterInput] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Touchpoint]:
        store, tenant, wanted = (
            info.context.store.touchpoints,
            info.context.identity.tenant_id,
            _filter(filter),
        )
        rows = await store.page(tenant, wanted, info.context.page(first, after, last, before))
        return connect(Connection[Touchpoint], rows, Touchpoint.of, lambda: store.count(tenant, wanted))

    @strawberry.field(
        description="Conversions by when they happened, from new to old.", permission_classes=[CanView]
    )
    async def conversions(
        self,
        info: Info,
        filter: Filter[RecordFilterInput] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Conversion]:
        store, tenant, wanted = (
            info.context.store.conversions,
            info.context.identity.tenant_id,
            _filter(filter),
        )
        rows = await store.page(tenant, wanted, info.context.page(first, after, last, before))
        return connect(Connection[Conversion], rows, Conversion.of, lambda: store.count(tenant, wanted))


def _placed(problems: list[Problem], name: str, n: int) -> list[Problem]:
    return [replace(problem, path=(name, str(n), *problem.path)) for problem in problems]


async def _checked(context: Context, name: str, given: list[E]) -> list[E]:
    """The records with customer and lead of their journey filled in. Raises InvalidInput with every error."""
    if not 1 <= len(given) <= MAX_RECORDS:
        raise InvalidInput(f"1 to {MAX_RECORDS} at a time.", name)
    now = context.now()
    ids = list(dict.fromkeys(each.journey_id for each in given if each.journey_id is not None))
    journeys = dict(zip(ids, await context.store.journeys.many(ids, context.identity.tenant_id), strict=True))
    problems: list[Problem] = []
    filled: list[E] = []
    for n, each in enumerate(given):
        problems += _placed(check(each, now=now), name, n)
        journey = journeys.get(each.journey_id or "")
        if each.journey_id is not None and journey is None:
            raise NotFound(each.journey_id, name, str(n), "journeyId")
        if journey is not None:
            each = replace(  # noqa: PLW2901  # the same record, completed
                each,
                customer_id=each.customer_id or journey.customer_id,
                lead_id=each.lead_id or journey.lead_id,
            )
        filled.append(each)
    if problems:
        raise InvalidInput(problems[0].message, problems=problems)
    return filled


@strawberry.type
class TouchpointMutations:
    @strawberry.mutation(
        description="Record contacts, each on a journey, a customer or a lead.",
        permission_classes=[CanOperate],
    )
    async def add_touchpoints(self, info: Info, input: Given[AddTouchpointsInput]) -> TouchpointsPayload:
        context = info.context
        now, tenant = context.now(), context.identity.tenant_id
        try:
            limits.require(input)
            given = [each.to_domain(tenant, now) for each in input.touchpoints]
            checked = await _checked(context, "touchpoints", given)
            added = []
            for n, each in enumerate(checked):
                cause = context.cause("addTouchpoints", input, input.idempotency_key, part=str(n))
                added.append(await context.store.touchpoints.add(f"tch_{cause.command_id}", each, cause))
        except DomainError as error:
            return TouchpointsPayload(touchpoints=[], settled=True, user_errors=user_errors(error))
        records = [Touchpoint.of(each.state) for each in added]
        return TouchpointsPayload(
            touchpoints=records, settled=all(each.settled for each in added), user_errors=[]
        )

    @strawberry.mutation(
        description="Record conversions, each on a journey, a customer or a lead.",
        permission_classes=[CanOperate],
    )
    async def add_conversions(self, info: Info, input: Given[AddConversionsInput]) -> ConversionsPayload:
        context = info.context
        now, tenant = context.now(), context.identity.tenant_id
        try:
            limits.require(input)
            given = [each.to_domain(tenant, now) for each in input.conversions]
            checked = await _checked(context, "conversions", given)
            added = []
            for n, each in enumerate(checked):
                cause = context.cause("addConversions", input, input.idempotency_key, part=str(n))
                added.append(await context.store.conversions.add(f"cnv_{cause.command_id}", each, cause))
        except DomainError as error:
            return ConversionsPayload(conversions=[], settled=True, user_errors=user_errors(error))
        records = [Conversion.of(each.state) for each in added]
        return ConversionsPayload(
            conversions=records, settled=all(each.settled for each in added), user_errors=[]
        )

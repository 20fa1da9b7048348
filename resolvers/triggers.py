"""Queries and mutations on triggers."""

from collections.abc import Awaitable, Sequence
from dataclasses import replace
from datetime import datetime

import strawberry

from domain import external
from domain import trigger as domain
from domain.errors import DomainError, InvalidInput, NotFound, Unavailable
from domain.events import Envelope
from domain.rule import Rule, require_valid
from domain.trigger import Trigger as State
from domain.trigger import TriggerEvent
from resolvers.subjects import change
from schema import limits
from schema.arguments import Given, ObjectId
from schema.errors import user_errors
from schema.info import Info
from schema.journey import Journey
from schema.paging import After, Before, Connection, First, Last, connect
from schema.permissions import CanAdminister, CanView
from schema.scalars import json_object
from schema.trigger import Trigger, TriggerPayload, TriggerTestPayload
from schema.trigger_inputs import (
    ChangeTriggerInput,
    CreateTriggerInput,
    TestEventInput,
    TestTriggerInput,
    TriggerInput,
    TriggerRuleInput,
)
from storage.subject import Changed


@strawberry.type
class TriggerQueries:
    @strawberry.field(
        description="Every trigger from new to old: the tenant's own, and those that came with the service and its "
        "active templates. Deleted ones are left out.",
        permission_classes=[CanView],
    )
    async def triggers(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Trigger]:
        store, tenant = info.context.store.triggers, info.context.identity.tenant_id
        rows = await store.page(tenant, info.context.page(first, after, last, before))

        async def count() -> int:
            return len(await store.all(tenant))

        return connect(Connection[Trigger], rows, Trigger.of, count)

    @strawberry.field(
        description="The trigger with this id; null where none is known, or it was deleted.",
        permission_classes=[CanView],
    )
    async def trigger(self, info: Info, id: ObjectId) -> Trigger | None:
        try:
            found = await info.context.store.triggers.get(id, info.context.identity.tenant_id)
        except NotFound:
            return None
        return None if found.deleted else Trigger.of(found)


async def _payload(work: Awaitable[Changed[State]]) -> TriggerPayload:
    try:
        changed = await work
    except DomainError as error:
        return TriggerPayload(trigger=None, settled=True, user_errors=user_errors(error))
    return TriggerPayload(trigger=Trigger.of(changed.state), settled=changed.settled, user_errors=[])


@strawberry.type
class TriggerMutations:
    @strawberry.mutation(
        description="Create a trigger, switched on. A tenant has at most 1,000 of its own.",
        permission_classes=[CanAdminister],
    )
    async def create_trigger(self, info: Info, input: Given[CreateTriggerInput]) -> TriggerPayload:
        return await _payload(_create(info, input))

    @strawberry.mutation(
        description="Give a trigger another rule. A built-in one is the tenant's own from then on: it no longer "
        "follows its template.",
        permission_classes=[CanAdminister],
    )
    async def change_trigger(self, info: Info, input: Given[ChangeTriggerInput]) -> TriggerPayload:
        def command(trigger: State, at: datetime) -> Sequence[TriggerEvent]:
            return domain.change(trigger, _rule(input.rule), at=at)

        return await _payload(change(info, "changeTrigger", info.context.store.triggers, input, command))

    @strawberry.mutation(
        description="Switch a trigger on. What happened meanwhile does not make it fire.",
        permission_classes=[CanAdminister],
    )
    async def enable_trigger(self, info: Info, input: Given[TriggerInput]) -> TriggerPayload:
        def command(trigger: State, at: datetime) -> Sequence[TriggerEvent]:
            return domain.enable(trigger, at=at)

        return await _payload(change(info, "enableTrigger", info.context.store.triggers, input, command))

    @strawberry.mutation(description="Switch a trigger off.", permission_classes=[CanAdminister])
    async def disable_trigger(self, info: Info, input: Given[TriggerInput]) -> TriggerPayload:
        def command(trigger: State, at: datetime) -> Sequence[TriggerEvent]:
            return domain.disable(trigger, at=at)

        return await _payload(change(info, "disableTrigger", info.context.store.triggers, input, command))

    @strawberry.mutation(
        description="Delete a trigger, also a built-in one, for good. Its firings stay.",
        permission_classes=[CanAdminister],
    )
    async def delete_trigger(self, info: Info, input: Given[TriggerInput]) -> TriggerPayload:
        def command(trigger: State, at: datetime) -> Sequence[TriggerEvent]:
            return domain.delete(trigger, at=at)

        return await _payload(change(info, "deleteTrigger", info.context.store.triggers, input, command))

    @strawberry.mutation(
        description="Try a trigger with an event: whether it would fire, and what it would do. Nothing is changed.",
        permission_classes=[CanAdminister],
    )
    async def test_trigger(self, info: Info, input: Given[TestTriggerInput]) -> TriggerTestPayload:
        try:
            return await _test(info, input)
        except DomainError as error:
            return TriggerTestPayload.refused(user_errors(error))


async def _create(info: Info, input: CreateTriggerInput) -> Changed[State]:
    limits.require(input)
    context = info.context
    cause = context.cause("createTrigger", input, input.idempotency_key)
    id, tenant = f"trg_{cause.command_id}", context.identity.tenant_id
    return await context.store.triggers.create(id, tenant, _rule(input.rule), cause)


async def _test(info: Info, input: TestTriggerInput) -> TriggerTestPayload:
    limits.require(input)
    context, tenant = info.context, info.context.identity.tenant_id
    if (input.id is None) == (input.rule is None):
        raise InvalidInput("Either the id of a trigger or a rule is needed.", "id")
    if context.rehearse is None:
        raise Unavailable("Nothing can be tried from here.")
    if input.id is not None:
        trigger = await context.store.triggers.get(input.id, tenant)
    else:
        trigger = _draft(info, input)
    rehearsal = await context.rehearse(trigger, _event(info, input.event))
    found = None
    if rehearsal.journey_id is not None:
        found = Journey.of(await context.store.journeys.get(rehearsal.journey_id, tenant))
    return TriggerTestPayload.of(rehearsal, found)


def _draft(info: Info, input: TestTriggerInput) -> State:
    """The trigger that the rule would make. Raises InvalidInput for a rule that could not work."""
    assert input.rule is not None  # noqa: S101  # the caller has seen to it
    context, id = info.context, f"trg_{info.context.new_id()}"
    tenant = context.identity.tenant_id
    created = domain.create(_rule(input.rule), tenant_id=tenant, at=context.now())
    return domain.begin(id, created[0], context.identity.actor)


def _rule(input: TriggerRuleInput) -> Rule:
    """Raises InvalidInput for a rule that could not work, with the paths in the input."""
    rule = input.to_domain()
    try:
        require_valid(rule)
    except InvalidInput as error:
        problems = [replace(each, path=("rule", *each.path)) for each in error.problems]
        raise InvalidInput(error.message, problems=problems) from None
    return rule


def _event(info: Info, input: TestEventInput) -> Envelope:
    context, name = info.context, info.context.new_id()
    report = external.Report(
        type=input.type,
        source=input.source,
        id=name,
        data=json_object(input.data),
        customer_id=input.customer_id,
        lead_id=input.lead_id,
    )
    return external.envelope(
        report,
        tenant_id=context.identity.tenant_id,
        by=context.identity.actor,
        now=context.now(),
        command_id=name,
        correlation_id=context.request_id,
    )

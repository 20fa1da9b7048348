"""Mutations on one handoff. Each names its command; `change` does what is the same for all."""

from collections.abc import Awaitable, Sequence
from datetime import datetime
from typing import cast

import orjson
import strawberry

from domain import handing
from domain.errors import DomainError, InvalidInput, NotFound, TooLarge
from domain.events import HandoffStatus
from domain.handoff import Handoff as State
from domain.handoff_events import HandoffCreated, HandoffEvent, HandoffType
from domain.handoff_fold import evolve
from domain.journey import MAX_CONTEXT_BYTES
from domain.limits import Limits
from domain.values import Json, JsonObject
from resolvers.context import Context
from resolvers.journey_changes import check_texts
from schema import limits
from schema.arguments import Given
from schema.errors import user_errors
from schema.handoff import Handoff
from schema.handoff_inputs import (
    CancelHandoffInput,
    ChangeHandoffDataInput,
    CompleteHandoffInput,
    CreateHandoffInput,
    FailHandoffInput,
    HandoffInput,
    HandoffPayload,
    HandoffResultPayload,
    ReassignHandoffInput,
    RetryHandoffInput,
)
from schema.info import Info
from schema.permissions import CanOperate
from schema.scalars import json_object
from storage.handoffs import Command
from storage.subject import Changed

MAX_REQUIRED = 50


async def change(info: Info, mutation: str, input: HandoffInput, command: Command) -> HandoffPayload:
    """Carry a command out on one handoff and tell its outcome."""
    return await payload(_change(info.context, mutation, input, command))


async def report(
    info: Info, mutation: str, input: HandoffInput, command: Command, meant: HandoffStatus
) -> HandoffResultPayload:
    """The same for a result, which is late where the handoff has another end."""
    told = await change(info, mutation, input, command)
    late = told.handoff is not None and told.handoff.status is not meant
    return HandoffResultPayload(
        handoff=told.handoff, settled=told.settled, user_errors=told.user_errors, late=late
    )


async def payload(work: Awaitable[Changed[State]]) -> HandoffPayload:
    try:
        changed = await work
    except DomainError as error:
        return HandoffPayload(handoff=None, settled=True, user_errors=user_errors(error))
    return HandoffPayload(handoff=Handoff.of(changed.state), settled=changed.settled, user_errors=[])


async def _change(context: Context, mutation: str, input: HandoffInput, command: Command) -> Changed[State]:
    limits.require(input)
    return await context.store.handoffs.change(
        input.id,
        context.identity.tenant_id,
        command,
        context.cause(mutation, input, input.idempotency_key),
        expected=input.expected_revision,
    )


def fitting(handoff: State, events: Sequence[HandoffEvent]) -> Sequence[HandoffEvent]:
    """The events. Raises TooLarge where they would make the data larger than a journey's context may be."""
    for event in events:
        handoff = evolve(handoff, event)
    size = len(orjson.dumps(handoff.data))
    if size > MAX_CONTEXT_BYTES:
        raise TooLarge(f"The data would have {size} bytes, over {MAX_CONTEXT_BYTES}.", "changes")
    return events


async def retrying(context: Context, id: str, changes: JsonObject | None, reason: str | None) -> Command:
    """The command of a retry, which looks at the package as it is now. Raises NotFound."""
    tenant, actor = context.identity.tenant_id, context.identity.actor
    target = (await context.store.handoffs.get(id, tenant)).to_package
    package = await context.store.packages.find(tenant, target)
    return lambda handoff, at: fitting(
        handoff, handing.retry(handoff, package, changes=changes, reason=reason, at=at, by=actor)
    )


async def _retry(context: Context, input: RetryHandoffInput) -> Changed[State]:
    limits.require(input)
    changes = None if input.changes is None else json_object(input.changes)
    command = await retrying(context, input.id, changes, input.reason)
    return await _change(context, "retryHandoff", input, command)


async def _create(context: Context, input: CreateHandoffInput) -> Changed[State]:
    limits.require(input)
    _check(input)
    identity, store = context.identity, context.store
    cause = context.cause("createHandoff", input, input.idempotency_key)
    id = f"hof_{cause.command_id}"
    if done := await store.handoffs.outcome(id, cause):
        return done
    now = context.now()
    if input.due_at is not None and input.due_at <= now:
        raise InvalidInput("A due time lies ahead.", "dueAt")
    journey = None
    if input.journey_id is not None:
        [journey] = await store.journeys.many([input.journey_id], identity.tenant_id)
        if journey is None:
            raise NotFound(input.journey_id, "journeyId")
    package = await store.packages.find(identity.tenant_id, input.to_package)
    created = HandoffCreated(
        at=now,
        tenant_id=identity.tenant_id,
        kind=input.type,
        name=input.name,
        from_package=input.from_package,
        to_package=input.to_package,
        action=input.action,
        journey_id=input.journey_id,
        customer_id=input.customer_id or (journey.customer_id if journey else None),
        lead_id=input.lead_id or (journey.lead_id if journey else None),
        priority=input.priority,
        data=json_object(input.data),
        required_data=tuple(dict.fromkeys(input.required_data)),
        limits=package.limits if package is not None else Limits(),
        policy=None if input.approval is None else input.approval.to_domain(),
        assigned_to=input.assigned_to,
        due_at=input.due_at,
        requester=identity.actor,
        correlation_id=cause.correlation_id,
    )
    events = handing.create(id, created, package, by=identity.actor, strict=True)
    return await store.handoffs.create(id, events, cause)


def _check(input: CreateHandoffInput) -> None:
    check_texts(name=input.name, toPackage=input.to_package, fromPackage=input.from_package)
    check_texts(action=input.action, assignedTo=input.assigned_to)
    check_texts(customerId=input.customer_id, leadId=input.lead_id)
    if len(input.required_data) > MAX_REQUIRED or not all(each.strip() for each in input.required_data):
        raise InvalidInput(f"At most {MAX_REQUIRED} paths, none of them empty.", "requiredData")
    if input.due_at is not None and input.type is not HandoffType.MANUAL:
        raise InvalidInput("Only what people do has a due time here.", "dueAt")


@strawberry.type
class HandoffMutations:
    @strawberry.mutation(
        description="Hand work over to a package or to people. Where data is missing it is refused.",
        permission_classes=[CanOperate],
    )
    async def create_handoff(self, info: Info, input: Given[CreateHandoffInput]) -> HandoffPayload:
        return await payload(_create(info.context, input))

    @strawberry.mutation(
        description="Take up what waits for a person, or try at once what waits for its next attempt.",
        permission_classes=[CanOperate],
    )
    async def process_handoff(self, info: Info, input: Given[HandoffInput]) -> HandoffPayload:
        by = info.context.identity.actor
        return await change(info, "processHandoff", input, lambda h, at: handing.process(h, by=by, at=at))

    @strawberry.mutation(
        description="Report that the work is done, with its result.", permission_classes=[CanOperate]
    )
    async def complete_handoff(self, info: Info, input: Given[CompleteHandoffInput]) -> HandoffResultPayload:
        def complete(handoff: State, at: datetime) -> list[HandoffEvent]:
            return handing.complete(handoff, output=cast(Json, input.output), at=at)

        return await report(info, "completeHandoff", input, complete, HandoffStatus.COMPLETED)

    @strawberry.mutation(
        description="Report that the work cannot be done: an incident until somebody retries it.",
        permission_classes=[CanOperate],
    )
    async def fail_handoff(self, info: Info, input: Given[FailHandoffInput]) -> HandoffResultPayload:
        def fail(handoff: State, at: datetime) -> list[HandoffEvent]:
            return handing.fail(handoff, reason=input.reason, at=at)

        return await report(info, "failHandoff", input, fail, HandoffStatus.FAILED)

    @strawberry.mutation(
        description="Nobody needs it any more. A result that comes later is kept in its history.",
        permission_classes=[CanOperate],
    )
    async def cancel_handoff(self, info: Info, input: Given[CancelHandoffInput]) -> HandoffPayload:
        return await change(
            info, "cancelHandoff", input, lambda h, at: handing.cancel(h, at=at, reason=input.reason)
        )

    @strawberry.mutation(description="Say who is to do it.", permission_classes=[CanOperate])
    async def reassign_handoff(self, info: Info, input: Given[ReassignHandoffInput]) -> HandoffPayload:
        def reassign(handoff: State, at: datetime) -> list[HandoffEvent]:
            check_texts(user=input.user)
            return handing.reassign(handoff, user=input.user, at=at)

        return await change(info, "reassignHandoff", input, reassign)

    @strawberry.mutation(
        description="Change the data of a handoff that has not begun. Decisions given before do not count any more.",
        permission_classes=[CanOperate],
    )
    async def change_handoff_data(self, info: Info, input: Given[ChangeHandoffDataInput]) -> HandoffPayload:
        identity, store = info.context.identity, info.context.store
        actor = identity.actor
        [found] = await store.handoffs.many([input.id], identity.tenant_id)
        package = None if found is None else await store.packages.find(identity.tenant_id, found.to_package)

        def change_data(handoff: State, at: datetime) -> Sequence[HandoffEvent]:
            changes = json_object(input.changes)
            return fitting(
                handoff, handing.change_data(handoff, changes=changes, package=package, at=at, by=actor)
            )

        return await change(info, "changeHandoffData", input, change_data)

    @strawberry.mutation(
        description="Begin a failed handoff anew, with changed data or a reason. Its incident is resolved.",
        permission_classes=[CanOperate],
    )
    async def retry_handoff(self, info: Info, input: Given[RetryHandoffInput]) -> HandoffPayload:
        return await payload(_retry(info.context, input))

"""Mutations on many handoffs: each id is a command of its own, with its own outcome, so all is safe to give again."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

import strawberry

from domain import deciding, handing
from domain.errors import DomainError, InvalidInput
from domain.handoff import Handoff as State
from domain.values import JsonObject
from resolvers.context import Context
from resolvers.handoff_changes import retrying
from schema import limits
from schema.arguments import Given
from schema.errors import every_error, user_errors
from schema.handoff import Handoff
from schema.handoff_inputs import (
    DecideHandoffsInput,
    HandoffOutcome,
    HandoffsInput,
    HandoffsPayload,
    RetryHandoffsInput,
)
from schema.info import Info
from schema.permissions import CanDecide, CanOperate
from storage.handoffs import Command
from storage.subject import Changed

MAX_BULK = 1_000
AT_ONCE = 8

Commanding = Callable[[str], Awaitable[Command]]


async def _each(
    context: Context, mutation: str, input: HandoffsInput, given: Mapping[str, Any], command: Commanding
) -> HandoffsPayload:
    """Carry the command out on each handoff, eight at once. An id that is given twice is changed once."""
    try:
        limits.require(input)
        if not 1 <= len(input.ids) <= MAX_BULK:
            raise InvalidInput(f"1 to {MAX_BULK} ids.", "ids")
    except DomainError as error:
        return HandoffsPayload(results=[], user_errors=user_errors(error))
    room, tenant = asyncio.Semaphore(AT_ONCE), context.identity.tenant_id

    async def change(id: strawberry.ID) -> Changed[State]:
        # Named by this id alone: whoever gives a part of the ids again finds what was done.
        cause = context.cause(mutation, {"id": id, **given}, input.idempotency_key, part=id)
        return await context.store.handoffs.change(id, tenant, await command(id), cause)

    async def outcome(id: strawberry.ID) -> HandoffOutcome:
        async with room:
            try:
                changed = await change(id)
            except DomainError as error:
                return HandoffOutcome(id=id, handoff=None, settled=True, user_errors=every_error(error))
        return HandoffOutcome(
            id=id, handoff=Handoff.of(changed.state), settled=changed.settled, user_errors=[]
        )

    ids = list(dict.fromkeys(input.ids))
    outcomes = dict(zip(ids, await asyncio.gather(*map(outcome, ids)), strict=True))
    return HandoffsPayload(results=[outcomes[id] for id in input.ids], user_errors=[])


def _always(command: Command) -> Commanding:
    async def same(_: str) -> Command:
        return command

    return same


@strawberry.type
class HandoffBulkMutations:
    @strawberry.mutation(
        description="Approve handoffs, as `approveHandoff` does with one.", permission_classes=[CanDecide]
    )
    async def approve_handoffs(self, info: Info, input: Given[DecideHandoffsInput]) -> HandoffsPayload:
        who, comment = info.context.identity, input.comment
        approve = _always(lambda h, at: deciding.approve(h, who, at=at, comment=comment))
        return await _each(info.context, "approveHandoffs", input, {"comment": comment}, approve)

    @strawberry.mutation(
        description="Reject handoffs, as `rejectHandoff` does with one.", permission_classes=[CanDecide]
    )
    async def reject_handoffs(self, info: Info, input: Given[DecideHandoffsInput]) -> HandoffsPayload:
        who, comment = info.context.identity, input.comment
        reject = _always(lambda h, at: deciding.reject(h, who, at=at, comment=comment))
        return await _each(info.context, "rejectHandoffs", input, {"comment": comment}, reject)

    @strawberry.mutation(
        description="Take handoffs up, or try them at once, as `processHandoff` does with one.",
        permission_classes=[CanOperate],
    )
    async def process_handoffs(self, info: Info, input: Given[HandoffsInput]) -> HandoffsPayload:
        by = info.context.identity.actor
        process = _always(lambda h, at: handing.process(h, by=by, at=at))
        return await _each(info.context, "processHandoffs", input, {}, process)

    @strawberry.mutation(
        description="Begin failed handoffs anew, as `retryHandoff` does with one.",
        permission_classes=[CanOperate],
    )
    async def retry_handoffs(self, info: Info, input: Given[RetryHandoffsInput]) -> HandoffsPayload:
        changes = cast("JsonObject | None", input.changes)  # which is looked at before the first handoff is
        given = {"changes": changes, "reason": input.reason}

        async def retry(id: str) -> Command:
            return await retrying(info.context, id, changes, input.reason)

        return await _each(info.context, "retryHandoffs", input, given, retry)

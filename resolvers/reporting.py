"""Mutations that report events of other systems: what is good is kept, and the rest says why not."""

from collections.abc import Sequence
from dataclasses import replace

import strawberry

from domain.errors import DomainError, IdempotencyKeyReused, InvalidInput
from domain.events import Envelope
from resolvers import intake
from resolvers.context import Context
from resolvers.intake import MAX_EVENTS, Kept
from schema import limits
from schema.arguments import Given
from schema.errors import UserError, every_error, user_errors
from schema.event import Event
from schema.info import Info
from schema.permissions import CanOperate
from schema.reported import (
    EmitEventInput,
    EmitEventsInput,
    EventOutcome,
    EventPayload,
    EventsPayload,
    ReportedEventInput,
)
from storage.subject import Cause


@strawberry.type
class ReportingMutations:
    @strawberry.mutation(
        description="Report an event of another system. It is kept when this answers; triggers fire soon after.",
        permission_classes=[CanOperate],
    )
    async def emit_event(self, info: Info, input: Given[EmitEventInput]) -> EventPayload:
        context = info.context
        try:
            cause = await _cause(context, "emitEvent", input, input.idempotency_key)
            envelope = _checked(context, input, cause, 0)
            [kept] = await _keep(context, [envelope], cause)
        except DomainError as error:
            return EventPayload(event=None, duplicate=False, user_errors=user_errors(error))
        return EventPayload(event=Event.of(kept.event), duplicate=kept.duplicate, user_errors=[])

    @strawberry.mutation(
        description="Report events of other systems, as `emitEvent` does with one. Each has its own result.",
        permission_classes=[CanOperate],
    )
    async def emit_events(self, info: Info, input: Given[EmitEventsInput]) -> EventsPayload:
        context = info.context
        try:
            limits.require(replace(input, events=[]))
            if not 1 <= len(input.events) <= MAX_EVENTS:
                raise InvalidInput(f"1 to {MAX_EVENTS:,} at a time.", "events")
            cause = await _cause(context, "emitEvents", input, input.idempotency_key)
            good: dict[int, Envelope] = {}
            refused: dict[int, list[UserError]] = {}
            for n, each in enumerate(input.events):
                try:
                    good[n] = _checked(context, each, cause, n)
                except DomainError as error:
                    refused[n] = [_placed(one, n) for one in every_error(error)]
            kept = dict(zip(good, await _keep(context, [*good.values()], cause), strict=True))
        except DomainError as error:
            return EventsPayload(results=[], user_errors=user_errors(error))
        results = [
            EventOutcome(event=Event.of(kept[n].event), duplicate=kept[n].duplicate, user_errors=[])
            if n in kept
            else EventOutcome(event=None, duplicate=False, user_errors=refused[n])
            for n in range(len(input.events))
        ]
        return EventsPayload(results=results, user_errors=[])


async def _cause(
    context: Context, mutation: str, input: EmitEventInput | EmitEventsInput, key: str | None
) -> Cause:
    """All events of a mutation bear its command. Raises IdempotencyKeyReused for another input."""
    if key == "":
        raise InvalidInput("A key is not empty.", "idempotencyKey")
    cause = context.cause(mutation, input, key)
    if cause.keyed:
        found = await context.store.events.of_command(cause.command_id)
        if found is not None and found.input_hash != cause.input_hash:
            raise IdempotencyKeyReused
    return cause


def _checked(context: Context, input: ReportedEventInput, cause: Cause, n: int) -> Envelope:
    """The event as it is to be kept. Raises InvalidInput with every reason, TooLarge."""
    limits.require(input)
    report, now = input.to_domain(f"{cause.command_id}:{n}"), context.now()
    intake.require_good(report, now=now)
    return intake.envelope(report, context.identity.tenant_id, cause, now=now)


async def _keep(context: Context, envelopes: Sequence[Envelope], cause: Cause) -> list[Kept]:
    return await intake.keep(context.store, context.identity.tenant_id, envelopes, cause)


def _placed(error: UserError, n: int) -> UserError:
    return replace(error, path=["events", str(n), *error.path])

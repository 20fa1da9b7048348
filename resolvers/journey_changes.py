"""Mutations on journeys. Each names its command; `change` does what is the same for all."""

from collections.abc import Awaitable
from datetime import datetime
from functools import partial

import orjson
import strawberry

from domain import steer, walk
from domain.errors import DomainError, InvalidInput
from domain.journey import Journey as State
from domain.journey_events import JourneyEvent, JourneyStarted
from domain.journey_fold import evolve
from domain.template import Definition
from resolvers.context import Context
from schema import limits
from schema.arguments import Given
from schema.errors import user_errors
from schema.info import Info
from schema.journey import Journey
from schema.journey_inputs import (
    AdvanceJourneyInput,
    AssignJourneyInput,
    FailStepInput,
    JourneyInput,
    JourneyMigration,
    JourneyPayload,
    JourneyReasonInput,
    MigrateJourneysInput,
    MigrateJourneysPayload,
    SetJourneyPriorityInput,
    SkipStepInput,
    StartJourneyInput,
    UpdateJourneyContextInput,
)
from schema.permissions import CanAdminister, CanOperate
from schema.scalars import json_object
from storage.journeys import Command
from storage.subject import Changed

MAX_BULK = 1_000
MAX_TAGS = 20
MAX_TEXT = 200


async def change(info: Info, mutation: str, input: JourneyInput, command: Command) -> JourneyPayload:
    """Carry a command out on one journey and tell its outcome."""
    return await payload(_change(info.context, mutation, input, command))


async def _change(context: Context, mutation: str, input: JourneyInput, command: Command) -> Changed[State]:
    limits.require(input)
    return await context.store.journeys.change(
        input.id,
        context.identity.tenant_id,
        command,
        context.cause(mutation, input, input.idempotency_key),
        expected=input.expected_revision,
    )


async def payload(work: Awaitable[Changed[State]]) -> JourneyPayload:
    try:
        changed = await work
    except DomainError as error:
        return JourneyPayload(journey=None, settled=True, user_errors=user_errors(error))
    return JourneyPayload(journey=Journey.of(changed.state), settled=changed.settled, user_errors=[])


def check_context(context: object) -> None:
    walk.check_size(len(orjson.dumps(context)))


def check_texts(**texts: str | None) -> None:
    """Raises InvalidInput for names and ids that are empty or over 200 characters."""
    for name, text in texts.items():
        if text is not None and not 1 <= len(text.strip()) <= MAX_TEXT:
            raise InvalidInput(f"It has 1 to {MAX_TEXT} characters.", name)


async def _start(context: Context, input: StartJourneyInput) -> Changed[State]:
    limits.require(input)
    request = input.to_domain()
    check_texts(name=input.name, customerId=input.customer_id, leadId=input.lead_id)
    check_texts(assignedTo=input.assigned_to, assignedTeam=input.assigned_team)
    if len(request.tags) > MAX_TAGS or any(not 1 <= len(tag) <= MAX_TEXT for tag in request.tags):
        raise InvalidInput(f"At most {MAX_TAGS} tags of 1 to {MAX_TEXT} characters.", "tags")
    check_context(request.context)
    identity, store = context.identity, context.store
    cause = context.cause("startJourney", input, input.idempotency_key)
    id = f"jrn_{cause.command_id}"
    if done := await store.journeys.outcome(id, cause):
        return done
    template = await store.templates.startable(identity.tenant_id, input.template_id, input.template_version)
    await store.journeys.require_room(identity.tenant_id, context.max_concurrent_journeys)
    started = walk.start(
        id,
        template.definition,
        template.version,
        request,
        tenant_id=identity.tenant_id,
        by=identity.actor,
        at=context.now(),
    )
    check_context(started[0].context if isinstance(started[0], JourneyStarted) else None)
    return await store.journeys.start(id, started, cause)


def _update(input: UpdateJourneyContextInput) -> Command:
    def run(journey: State, definition: Definition, at: datetime) -> list[JourneyEvent]:
        check_texts(customerId=input.customer_id)
        changes = json_object(input.changes)
        events = steer.update_context(
            journey, definition, changes=changes, customer_id=input.customer_id, at=at
        )
        after = journey
        for event in events:
            after = evolve(after, event)
        check_context(after.context)
        return events

    return run


@strawberry.type
class JourneyMutations:
    @strawberry.mutation(description="Start a journey at its first step.", permission_classes=[CanOperate])
    async def start_journey(self, info: Info, input: Given[StartJourneyInput]) -> JourneyPayload:
        return await payload(_start(info.context, input))

    @strawberry.mutation(
        description="Complete the current step and enter the next, or the named one. After the last step the "
        "journey is completed.",
        permission_classes=[CanOperate],
    )
    async def advance_journey(self, info: Info, input: Given[AdvanceJourneyInput]) -> JourneyPayload:
        return await change(
            info, "advanceJourney", input, lambda j, d, at: walk.advance(j, d, to=input.step, at=at)
        )

    @strawberry.mutation(
        description="Leave out a step that is not done, where the template allows it.",
        permission_classes=[CanOperate],
    )
    async def skip_step(self, info: Info, input: Given[SkipStepInput]) -> JourneyPayload:
        return await change(
            info,
            "skipStep",
            input,
            lambda j, d, at: walk.skip(j, d, step=input.step or j.current_step, reason=input.reason, at=at),
        )

    @strawberry.mutation(
        description="Enter the failed step of a failed journey anew, or the step of an active one whose action or "
        "child journey failed.",
        permission_classes=[CanOperate],
    )
    async def retry_step(self, info: Info, input: Given[JourneyReasonInput]) -> JourneyPayload:
        return await change(
            info, "retryStep", input, lambda j, d, at: walk.retry(j, d, reason=input.reason, at=at)
        )

    @strawberry.mutation(
        description="Report that the current step went wrong: the journey fails until it is retried.",
        permission_classes=[CanOperate],
    )
    async def fail_step(self, info: Info, input: Given[FailStepInput]) -> JourneyPayload:
        return await change(
            info, "failStep", input, lambda j, _, at: walk.fail(j, reason=input.reason, at=at)
        )

    @strawberry.mutation(
        description="Stop an active journey's clock until it is resumed.", permission_classes=[CanOperate]
    )
    async def pause_journey(self, info: Info, input: Given[JourneyReasonInput]) -> JourneyPayload:
        return await change(
            info, "pauseJourney", input, lambda j, _, at: steer.pause(j, reason=input.reason, at=at)
        )

    @strawberry.mutation(
        description="Let a paused journey's clock run again.", permission_classes=[CanOperate]
    )
    async def resume_journey(self, info: Info, input: Given[JourneyInput]) -> JourneyPayload:
        return await change(info, "resumeJourney", input, lambda j, d, at: steer.resume(j, d, at=at))

    @strawberry.mutation(
        description="End an active journey as a success where it stands.", permission_classes=[CanOperate]
    )
    async def complete_journey(self, info: Info, input: Given[JourneyReasonInput]) -> JourneyPayload:
        return await change(
            info, "completeJourney", input, lambda j, d, at: steer.complete(j, d, reason=input.reason, at=at)
        )

    @strawberry.mutation(description="Give a live journey up.", permission_classes=[CanOperate])
    async def abandon_journey(self, info: Info, input: Given[JourneyReasonInput]) -> JourneyPayload:
        return await change(
            info, "abandonJourney", input, lambda j, _, at: steer.abandon(j, reason=input.reason, at=at)
        )

    @strawberry.mutation(description="Say who looks after a journey.", permission_classes=[CanOperate])
    async def assign_journey(self, info: Info, input: Given[AssignJourneyInput]) -> JourneyPayload:
        def assign(journey: State, _: Definition, at: datetime) -> list[JourneyEvent]:
            check_texts(user=input.user, team=input.team)
            return steer.assign(journey, user=input.user, team=input.team, at=at)

        return await change(info, "assignJourney", input, assign)

    @strawberry.mutation(description="Say how urgent a journey is.", permission_classes=[CanOperate])
    async def set_journey_priority(self, info: Info, input: Given[SetJourneyPriorityInput]) -> JourneyPayload:
        return await change(
            info,
            "setJourneyPriority",
            input,
            lambda j, d, at: steer.set_priority(j, d, priority=input.priority, at=at),
        )

    @strawberry.mutation(
        description="Change a journey's data. A journey that waits goes on when its conditions hold now.",
        permission_classes=[CanOperate],
    )
    async def update_journey_context(
        self, info: Info, input: Given[UpdateJourneyContextInput]
    ) -> JourneyPayload:
        return await change(info, "updateJourneyContext", input, _update(input))

    @strawberry.mutation(
        description="Move journeys to another version of their template, or say what that would do.",
        permission_classes=[CanAdminister],
    )
    async def migrate_journeys(
        self, info: Info, input: Given[MigrateJourneysInput]
    ) -> MigrateJourneysPayload:
        try:
            limits.require(input)
            step_map = {old: str(new) for old, new in json_object(input.step_map).items()}
            if not 1 <= len(input.ids) <= MAX_BULK:
                raise InvalidInput(f"1 to {MAX_BULK} ids.", "ids")
        except DomainError as error:
            return MigrateJourneysPayload(results=[], user_errors=user_errors(error))
        results = [await _migrate(info.context, input, id, step_map) for id in dict.fromkeys(input.ids)]
        return MigrateJourneysPayload(results=results, user_errors=[])


async def _migrate(
    context: Context, input: MigrateJourneysInput, id: strawberry.ID, step_map: dict[str, str]
) -> JourneyMigration:
    store, tenant = context.store, context.identity.tenant_id
    try:
        journey = await store.journeys.get(id, tenant)
        target = (await store.templates.version(tenant, journey.template_id, input.to_version)).definition
        command = partial(_migration, target=target, version=input.to_version, step_map=step_map)
        if input.dry_run:
            for event in command(journey, target, max(context.now(), journey.last_activity)):
                journey = evolve(journey, event)
        else:
            cause = context.cause("migrateJourneys", input, input.idempotency_key, part=id)
            journey = (await store.journeys.change(id, tenant, command, cause)).state
    except DomainError as error:
        return JourneyMigration(id=id, journey=None, user_errors=user_errors(error))
    return JourneyMigration(id=id, journey=Journey.of(journey), user_errors=[])


def _migration(
    journey: State, _: Definition, at: datetime, *, target: Definition, version: int, step_map: dict[str, str]
) -> list[JourneyEvent]:
    return steer.migrate(journey, target, version, step_map=step_map, at=at)

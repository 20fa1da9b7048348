"""Queries and mutations on sources."""

from collections.abc import Awaitable
from datetime import datetime

import strawberry

from domain import source as domain
from domain.errors import DomainError, NotFound
from domain.source import Source as State
from domain.source import SourceEvent
from resolvers.subjects import change, delete, rotate_secret
from schema import limits
from schema.arguments import Given, ObjectId
from schema.errors import user_errors
from schema.info import Info
from schema.permissions import CanAdminister, CanView
from schema.source import (
    ChangeSourceInput,
    CreateSourceInput,
    DisableSourceInput,
    RotateSourceSecretInput,
    Source,
    SourceInput,
    SourcePayload,
)
from storage.subject import Changed


@strawberry.type
class SourceQueries:
    @strawberry.field(
        description="Every system that reports with a signature, by name; at most 200. Deleted ones are left out.",
        permission_classes=[CanView],
    )
    async def sources(self, info: Info) -> list[Source]:
        found = await info.context.store.sources.all(info.context.identity.tenant_id)
        return [Source.of(each) for each in found]

    @strawberry.field(
        description="The source with this id; null where none is known, or it was deleted.",
        permission_classes=[CanView],
    )
    async def source(self, info: Info, id: ObjectId) -> Source | None:
        try:
            return Source.of(await info.context.store.sources.get(id, info.context.identity.tenant_id))
        except NotFound:
            return None


async def _payload(work: Awaitable[Changed[State]]) -> SourcePayload:
    try:
        changed = await work
    except DomainError as error:
        return SourcePayload(source=None, settled=True, user_errors=user_errors(error))
    return SourcePayload(source=Source.of(changed.state), settled=changed.settled, user_errors=[])


@strawberry.type
class SourceMutations:
    @strawberry.mutation(
        description="Let a system report with a signature, under a name that no other has. Give it a secret with "
        "`rotateSourceSecret`. A tenant has at most 200.",
        permission_classes=[CanAdminister],
    )
    async def create_source(self, info: Info, input: Given[CreateSourceInput]) -> SourcePayload:
        return await _payload(_create(info, input))

    @strawberry.mutation(description="Describe a source otherwise.", permission_classes=[CanAdminister])
    async def change_source(self, info: Info, input: Given[ChangeSourceInput]) -> SourcePayload:
        def command(source: State, at: datetime) -> list[SourceEvent]:
            return domain.change(source, at=at, description=input.description)

        return await _payload(change(info, "changeSource", info.context.store.sources, input, command))

    @strawberry.mutation(
        description="Take what a source signs with a new secret, and for a while with the older ones too.",
        permission_classes=[CanAdminister],
    )
    async def rotate_source_secret(self, info: Info, input: Given[RotateSourceSecretInput]) -> SourcePayload:
        def command(source: State, secret: str, at: datetime) -> list[SourceEvent]:
            return domain.rotate_secret(source, secret_id=secret, overlap=input.overlap, at=at)

        return await _payload(
            rotate_secret(info, "rotateSourceSecret", info.context.store.sources, input, command)
        )

    @strawberry.mutation(description="Take what a source reports again.", permission_classes=[CanAdminister])
    async def enable_source(self, info: Info, input: Given[SourceInput]) -> SourcePayload:
        def command(source: State, at: datetime) -> list[SourceEvent]:
            return domain.enable(source, at=at)

        return await _payload(change(info, "enableSource", info.context.store.sources, input, command))

    @strawberry.mutation(
        description="Take nothing from a source until it is switched on again. Its events are answered as if nobody "
        "had signed them.",
        permission_classes=[CanAdminister],
    )
    async def disable_source(self, info: Info, input: Given[DisableSourceInput]) -> SourcePayload:
        def command(source: State, at: datetime) -> list[SourceEvent]:
            return domain.disable(source, at=at, reason=input.reason)

        return await _payload(change(info, "disableSource", info.context.store.sources, input, command))

    @strawberry.mutation(
        description="Delete a source and its secrets for good. What it reported stays; its name is free again.",
        permission_classes=[CanAdminister],
    )
    async def delete_source(self, info: Info, input: Given[SourceInput]) -> SourcePayload:
        def command(source: State, at: datetime) -> list[SourceEvent]:
            return domain.delete(source, at=at)

        return await _payload(delete(info, "deleteSource", info.context.store.sources, input, command))


async def _create(info: Info, input: CreateSourceInput) -> Changed[State]:
    limits.require(input)
    context = info.context
    cause = context.cause("createSource", input, input.idempotency_key)
    id, tenant = f"src_{cause.command_id}", context.identity.tenant_id
    return await context.store.sources.create(id, tenant, input.name, input.description, cause)

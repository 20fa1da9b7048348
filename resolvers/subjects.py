"""Mutations of a subject that its id names: what sources, triggers and webhooks have in common."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

import strawberry

from domain.secret import Secret
from resolvers.secrets import rotate
from schema import limits
from schema.info import Info
from storage.subject import Cause, Changed, State

S = TypeVar("S", bound=State)
E_contra = TypeVar("E_contra", contravariant=True)  # its events


class Named(Protocol):
    """An input that names a subject."""

    id: strawberry.ID
    expected_revision: int | None
    idempotency_key: str | None


class WithSecret(Named, Protocol):
    """One that also brings a new secret for it."""

    secret: str


class Secretive(State, Protocol):
    """A subject that has secrets."""

    @property
    def secrets(self) -> Sequence[Secret]: ...


K = TypeVar("K", bound=Secretive)


class Changing(Protocol[S, E_contra]):
    """What stores such subjects."""

    async def change(
        self,
        id: str,
        tenant_id: str,
        command: Callable[[S, datetime], Sequence[E_contra]],
        cause: Cause,
        *,
        expected: int | None = None,
    ) -> Changed[S]: ...


class Rotating(Changing[S, E_contra], Protocol[S, E_contra]):
    """What stores subjects with secrets."""

    async def get(self, id: str, tenant_id: str) -> S: ...

    async def outcome(self, id: str, cause: Cause) -> Changed[S] | None: ...


async def change(
    info: Info,
    mutation: str,
    stored: Changing[S, E_contra],
    input: Named,
    command: Callable[[S, datetime], Sequence[E_contra]],
) -> Changed[S]:
    """Carry the command out on the subject. Raises what the command refuses, NotFound, Conflict."""
    limits.require(input)
    context = info.context
    cause = context.cause(mutation, input, input.idempotency_key)
    tenant, expected = context.identity.tenant_id, input.expected_revision
    return await stored.change(input.id, tenant, command, cause, expected=expected)


async def rotate_secret(
    info: Info,
    mutation: str,
    stored: Rotating[K, E_contra],
    input: WithSecret,
    command: Callable[[K, str, datetime], Sequence[E_contra]],
) -> Changed[K]:
    """Give the subject the secret, whose id the command is told. Raises as `change`, and as `rotate`."""
    limits.require(input)
    context, tenant = info.context, info.context.identity.tenant_id
    cause = context.cause(mutation, input, input.idempotency_key)
    if done := await stored.outcome(input.id, cause):
        return done
    before = await stored.get(input.id, tenant)
    return await rotate(
        context,
        cause,
        input.secret,
        before.secrets,
        check=lambda secret: command(before, secret, context.now()),
        change=lambda secret: stored.change(
            input.id,
            tenant,
            lambda subject, at: command(subject, secret, at),
            cause,
            expected=input.expected_revision,
        ),
        after=lambda subject: subject.secrets,
    )


async def delete(
    info: Info,
    mutation: str,
    stored: Changing[K, E_contra],
    input: Named,
    command: Callable[[K, datetime], Sequence[E_contra]],
) -> Changed[K]:
    """Delete the subject, and its secrets for good. Raises as `change`."""

    def noted(subject: K, at: datetime) -> Sequence[E_contra]:
        secrets.extend(each.id for each in subject.secrets)
        return command(subject, at)

    secrets: list[str] = []
    changed = await change(info, mutation, stored, input, noted)
    if info.context.vault is not None and secrets:
        await info.context.vault.remove(secrets)
    return changed

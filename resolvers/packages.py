"""Queries and mutations on packages."""

from collections.abc import Awaitable
from datetime import datetime
from typing import Annotated

import strawberry

from domain import package as domain
from domain.address import Probed
from domain.errors import DomainError, InvalidInput, NotFound, Unavailable
from domain.package import Package as State
from domain.package import PackageEvent
from resolvers.secrets import rotate
from schema import limits
from schema.arguments import Given
from schema.errors import user_errors
from schema.info import Info
from schema.package import Package, PackagePayload, PackageTestPayload
from schema.package_inputs import (
    ConfigurePackageInput,
    DisablePackageInput,
    EnablePackageInput,
    RotatePackageSecretInput,
    TestPackageInput,
)
from schema.permissions import CanAdminister, CanView
from storage.packages import Command
from storage.subject import Changed

SUCCESS = range(200, 300)


@strawberry.type
class PackageQueries:
    @strawberry.field(
        description="Every package by name: the built-in ones and the tenant's own, at most 200 of them.",
        permission_classes=[CanView],
    )
    async def packages(self, info: Info) -> list[Package]:
        found = await info.context.store.packages.all(info.context.identity.tenant_id)
        return [Package.of(each) for each in found]

    @strawberry.field(
        description="The package of this name; null where none is known.", permission_classes=[CanView]
    )
    async def package(
        self,
        info: Info,
        name: Annotated[str, strawberry.argument(description="The package's name, such as `crm`.")],
    ) -> Package | None:
        found = await info.context.store.packages.find(info.context.identity.tenant_id, name)
        return None if found is None else Package.of(found)


async def _payload(work: Awaitable[Changed[State]]) -> PackagePayload:
    try:
        changed = await work
    except DomainError as error:
        return PackagePayload(package=None, settled=True, user_errors=user_errors(error))
    return PackagePayload(package=Package.of(changed.state), settled=changed.settled, user_errors=[])


@strawberry.type
class PackageMutations:
    @strawberry.mutation(
        description="Say where a package is reached and what it can be asked to do; a new name adds a package.",
        permission_classes=[CanAdminister],
    )
    async def configure_package(self, info: Info, input: Given[ConfigurePackageInput]) -> PackagePayload:
        return await _payload(_configure(info, input))

    @strawberry.mutation(
        description="Sign calls to a package with a new secret, and for a while with the older ones too.",
        permission_classes=[CanAdminister],
    )
    async def rotate_package_secret(
        self, info: Info, input: Given[RotatePackageSecretInput]
    ) -> PackagePayload:
        return await _payload(_rotate(info, input))

    @strawberry.mutation(
        description="Let handoffs to a package be executed again.", permission_classes=[CanAdminister]
    )
    async def enable_package(self, info: Info, input: Given[EnablePackageInput]) -> PackagePayload:
        return await _payload(
            _switch(info, "enablePackage", input, lambda package, at: domain.enable(package, at=at))
        )

    @strawberry.mutation(
        description="Call a package no more. Handoffs to it wait until it is switched on again; none fails for that.",
        permission_classes=[CanAdminister],
    )
    async def disable_package(self, info: Info, input: Given[DisablePackageInput]) -> PackagePayload:
        def command(package: State, at: datetime) -> list[PackageEvent]:
            return domain.disable(package, at=at, reason=input.reason)

        return await _payload(_switch(info, "disablePackage", input, command))

    @strawberry.mutation(
        description="Make a signed call that asks a package for nothing, and tell what it answers.",
        permission_classes=[CanAdminister],
    )
    async def test_package(self, info: Info, input: Given[TestPackageInput]) -> PackageTestPayload:
        try:
            package, probed = await _probe(info, input)
        except DomainError as error:
            return PackageTestPayload(
                package=None,
                ok=False,
                status=None,
                error=None,
                milliseconds=None,
                user_errors=user_errors(error),
            )
        return PackageTestPayload(
            package=Package.of(package),
            ok=probed.error is None and probed.status in SUCCESS,
            status=probed.status,
            error=probed.error,
            milliseconds=probed.milliseconds,
            user_errors=[],
        )


def _configure(info: Info, input: ConfigurePackageInput) -> Awaitable[Changed[State]]:
    def command(package: State, at: datetime) -> list[PackageEvent]:
        return domain.configure(
            package,
            at=at,
            description=input.description,
            address=input.address,
            actions=tuple(each.to_domain() for each in input.actions),
            limits=None if input.limits is None else input.limits.to_domain(),
        )

    return _change(info, "configurePackage", input, command)


async def _switch(
    info: Info, mutation: str, input: EnablePackageInput | DisablePackageInput, command: Command
) -> Changed[State]:
    await _known(info, input.name)
    return await _change(info, mutation, input, command)


async def _change(
    info: Info,
    mutation: str,
    input: ConfigurePackageInput | EnablePackageInput | DisablePackageInput,
    command: Command,
) -> Changed[State]:
    limits.require(input)
    context = info.context
    cause = context.cause(mutation, input, input.idempotency_key)
    tenant, expected = context.identity.tenant_id, input.expected_revision
    return await context.store.packages.change(tenant, input.name, command, cause, expected=expected)


async def _rotate(info: Info, input: RotatePackageSecretInput) -> Changed[State]:
    limits.require(input)
    context, tenant = info.context, info.context.identity.tenant_id
    packages = context.store.packages
    cause = context.cause("rotatePackageSecret", input, input.idempotency_key)
    if done := await packages.outcome(tenant, input.name, cause):
        return done
    before = await _known(info, input.name)

    def command(secret: str, at: datetime) -> list[PackageEvent]:
        return domain.rotate_secret(secret_id=secret, overlap=input.overlap, at=at)

    return await rotate(
        context,
        cause,
        input.secret,
        before.secrets,
        check=lambda secret: command(secret, context.now()),
        change=lambda secret: packages.change(
            tenant,
            input.name,
            lambda _, at: command(secret, at),
            cause,
            expected=input.expected_revision,
        ),
        after=lambda package: package.secrets,
    )


async def _probe(info: Info, input: TestPackageInput) -> tuple[State, Probed]:
    limits.require(input)
    package = await _known(info, input.name)
    if package.address is None:
        raise InvalidInput(f"The package {package.name!r} has no address yet.", "name")
    if input.action is not None and package.action(input.action) is None:
        raise InvalidInput(f"The package {package.name!r} has no action {input.action!r}.", "action")
    if info.context.probe is None:
        raise Unavailable("Nothing can be called from here.")
    return package, await info.context.probe(package, input.action)


async def _known(info: Info, name: str) -> State:
    """The package of this name. Raises NotFound."""
    found = await info.context.store.packages.find(info.context.identity.tenant_id, name)
    if found is None:
        raise NotFound(name, "name")
    return found

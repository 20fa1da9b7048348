"""Packages as GraphQL shows them. Of a secret it shows the name, never the text."""

from datetime import datetime, timedelta
from typing import Self

import strawberry

from domain import package as domain
from domain.limits import Limits
from schema.errors import UserError
from schema.identity import Actor
from schema.node import Node
from schema.secret import SigningSecret


@strawberry.type(description="Something a package can be asked to do.")
class PackageAction:
    name: str = strawberry.field(description="The action's name, such as `convert_lead`.")
    description: str = strawberry.field(description="What is done.")
    path: str = strawberry.field(
        description="Where it is asked for, behind the package's address; `{leadId}` is filled from the data."
    )
    required_data: list[str] = strawberry.field(description="Paths that a handoff's data must have.")
    optional_data: list[str] = strawberry.field(description="Paths that it may have.")

    @classmethod
    def of(cls, action: domain.Action) -> Self:
        return cls(
            name=action.name,
            description=action.description,
            path=action.path,
            required_data=list(action.required_data),
            optional_data=list(action.optional_data),
        )


@strawberry.type(description="How often and how long a package is tried.")
class PackageLimits:
    attempts: int = strawberry.field(description="How many attempts a round has; the first counts.")
    attempt_time: timedelta = strawberry.field(description="How long one attempt may take.")
    total_time: timedelta = strawberry.field(description="How long all attempts of a round may take.")
    answer_time: timedelta | None = strawberry.field(
        description="How long the package may take to answer what it accepted with 202; without it, for ever."
    )

    @classmethod
    def of(cls, limits: Limits) -> Self:
        return cls(
            attempts=limits.attempts,
            attempt_time=limits.attempt_time,
            total_time=limits.total_time,
            answer_time=limits.answer_time,
        )


@strawberry.type(description="A system that handoffs go to. The built-in ones are there from the start.")
class Package(Node):
    name: str = strawberry.field(description="The package's name, such as `crm`.")
    description: str = strawberry.field(description="What it is.")
    address: str | None = strawberry.field(
        description="Where it is reached; without an address no handoff to it can be executed."
    )
    enabled: bool = strawberry.field(description="Whether it is called; while it is not, its handoffs wait.")
    actions: list[PackageAction] = strawberry.field(description="What it can be asked to do.")
    limits: PackageLimits = strawberry.field(description="How often and how long it is tried.")
    secrets: list[SigningSecret] = strawberry.field(
        description="The secrets that calls are signed with, the newest last; at most 3."
    )
    revision: int = strawberry.field(
        description="Grows with each change; 0 for a built-in package that nobody has changed."
    )
    updated_at: datetime | None = strawberry.field(description="When it was changed last.")
    updated_by: Actor | None = strawberry.field(description="Who changed it last.")

    @classmethod
    def of(cls, package: domain.Package) -> Self:
        changed = package.revision > 0
        return cls(
            id=strawberry.ID(package.id),
            name=package.name,
            description=package.description,
            address=package.address,
            enabled=package.enabled,
            actions=[PackageAction.of(each) for each in package.actions],
            limits=PackageLimits.of(package.limits),
            secrets=[SigningSecret.of(each) for each in package.secrets],
            revision=package.revision,
            updated_at=package.updated_at if changed else None,
            updated_by=Actor.of(package.updated_by) if changed else None,
        )


@strawberry.type(description="What a package mutation changed, or why it was refused.")
class PackagePayload:
    package: Package | None = strawberry.field(description="The package as it is now; null when refused.")
    settled: bool = strawberry.field(description="Whether its events are in the log already.")
    user_errors: list[UserError] = strawberry.field(description="Why it was refused; empty when it was not.")


@strawberry.type(description="What came of a test call, or why none was made.")
class PackageTestPayload:
    package: Package | None = strawberry.field(description="The package; null when refused.")
    ok: bool = strawberry.field(description="Whether the package answered with success, 2xx.")
    status: int | None = strawberry.field(
        description="The HTTP status it answered with; null without answer."
    )
    error: str | None = strawberry.field(description="Why there was no answer that can be used.")
    milliseconds: float | None = strawberry.field(description="How long it took; null when refused.")
    user_errors: list[UserError] = strawberry.field(description="Why it was refused; empty when it was not.")

"""Packages: the systems that handoffs go to, what each can be asked, and where a tenant's own one is reached.

A tenant has the built-in packages (`isp/packages.py`) without an address, and may add its own. Secrets are not here:
only their names are, the texts lie encrypted elsewhere.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import ClassVar, Final, assert_never

from domain.address import DATA, filled, problem_with_address, problem_with_path
from domain.errors import IllegalTransition, InvalidInput, Problem
from domain.events import Event
from domain.identity import Actor
from domain.limits import Limits, limit_problems
from domain.secret import Secret, require_overlap, rotated, signing
from domain.values import Json

NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
MAX_ACTIONS: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Something a package can be asked to do. `path` is appended to the package's address; `{name}` in it is filled
    from the data."""

    name: str
    description: str = ""
    path: str
    required_data: tuple[str, ...] = ()
    optional_data: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A tenant's package."""

    id: str
    tenant_id: str
    revision: int = 0
    name: str
    description: str = ""
    address: str | None = None
    enabled: bool = True
    actions: tuple[Action, ...] = ()
    limits: Limits = field(default_factory=Limits)
    secrets: tuple[Secret, ...] = ()
    created_at: datetime
    updated_at: datetime
    updated_by: Actor

    def action(self, name: str | None) -> Action | None:
        return next((each for each in self.actions if each.name == name), None)

    def signing(self, at: datetime) -> list[str]:
        """The ids of the secrets that sign now, the newest first."""
        return signing(self.secrets, at)

    def url(self, action: Action, data: Mapping[str, Json]) -> str:
        """Where the action is asked for. What a path parameter holds cannot leave its place in the path."""
        return (self.address or "").rstrip("/") + filled(action.path, data)


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageAdded(Event):
    """A system that work can be handed to is known now."""

    type: ClassVar[str] = "package:added"
    tenant_id: str
    name: str
    description: str = ""
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageConfigured(Event):
    """A system's address or actions changed."""

    type: ClassVar[str] = "package:configured"
    description: str
    address: str | None = None
    actions: tuple[Action, ...]
    limits: Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageSecretRotated(Event):
    """A new secret signs from now on; the older ones do until then. The text is in no event."""

    type: ClassVar[str] = "package:secret_rotated"
    secret_id: str
    older_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageEnabled(Event):
    """Work is handed to the system again."""

    type: ClassVar[str] = "package:enabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageDisabled(Event):
    """No work is handed to the system any more."""

    type: ClassVar[str] = "package:disabled"
    reason: str | None = None


PackageEvent = PackageAdded | PackageConfigured | PackageSecretRotated | PackageEnabled | PackageDisabled


def begin(id: str, event: PackageEvent, by: Actor) -> Package:
    if not isinstance(event, PackageAdded):
        raise TypeError("a package begins with being added")
    return Package(
        id=id,
        tenant_id=event.tenant_id,
        name=event.name,
        description=event.description,
        actions=event.actions,
        created_at=event.at,
        updated_at=event.at,
        updated_by=by,
    )


def evolve(package: Package, event: PackageEvent) -> Package:
    package = replace(package, updated_at=event.at, updated_by=event.by or package.updated_by)
    match event:
        case PackageAdded():
            raise AssertionError("a package is added once: see begin")
        case PackageConfigured():
            return replace(
                package,
                description=event.description,
                address=event.address,
                actions=event.actions,
                limits=event.limits,
            )
        case PackageSecretRotated(secret_id=id, older_until=until, at=at):
            return replace(package, secrets=rotated(package.secrets, id, older_until=until, at=at))
        case PackageEnabled():
            return replace(package, enabled=True)
        case PackageDisabled():
            return replace(package, enabled=False)
        case _:
            assert_never(event)


def configure(
    package: Package,
    *,
    at: datetime,
    description: str | None = None,
    address: str | None = None,
    actions: tuple[Action, ...] = (),
    limits: Limits | None = None,
) -> list[PackageEvent]:
    """Change what is given; an action replaces the one of its name, or is added."""
    merged = {each.name: each for each in package.actions} | {each.name: each for each in actions}
    configured = PackageConfigured(
        at=at,
        description=package.description if description is None else description,
        address=package.address if address is None else address or None,
        actions=tuple(merged.values()),
        limits=limits or package.limits,
    )
    if found := _problems(configured):
        raise InvalidInput(found[0].message, problems=found)
    return [configured]


def rotate_secret(*, secret_id: str, overlap: timedelta, at: datetime) -> list[PackageEvent]:
    """Sign with a new secret; with the older ones too until the overlap is over."""
    require_overlap(overlap)
    return [PackageSecretRotated(at=at, secret_id=secret_id, older_until=at + overlap)]


def enable(package: Package, *, at: datetime) -> list[PackageEvent]:
    """Let its handoffs run again."""
    if package.enabled:
        raise IllegalTransition("The package is switched on already.", "name")
    return [PackageEnabled(at=at)]


def disable(package: Package, *, at: datetime, reason: str | None = None) -> list[PackageEvent]:
    """Its handoffs wait until it is switched on again; none fails for that."""
    if not package.enabled:
        raise IllegalTransition("The package is switched off already.", "name")
    return [PackageDisabled(at=at, reason=reason)]


def _problems(configured: PackageConfigured) -> list[Problem]:
    found: list[Problem] = []
    if configured.address is not None and (problem := problem_with_address(configured.address)):
        found.append(Problem(problem, ("address",)))
    if len(configured.actions) > MAX_ACTIONS:
        found.append(Problem(f"A package has at most {MAX_ACTIONS} actions.", ("actions",)))
    for action in configured.actions:
        found += _problems_of(action, ("actions", action.name))
    return found + limit_problems(configured.limits)


def _problems_of(action: Action, place: tuple[str, ...]) -> Iterator[Problem]:
    if not NAME.fullmatch(action.name):
        yield Problem("An action's name has 1 to 64 of a-z, 0-9, _ and -.", place)
    if problem := problem_with_path(action.path):
        yield Problem(problem, (*place, "path"))
    for name, paths in (("requiredData", action.required_data), ("optionalData", action.optional_data)):
        for n, data in enumerate(paths):
            if not DATA.fullmatch(data):
                yield Problem("A path is names with dots between them.", (*place, name, str(n)))

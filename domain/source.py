"""Sources: other systems that report over HTTP with a signature instead of a token.

A source reports under its name alone. Secrets are not here: only their names are, the texts lie encrypted elsewhere.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import ClassVar, Final, assert_never

from domain.errors import IllegalTransition, InvalidInput
from domain.events import Event
from domain.external import OWN_ORIGIN, OWN_SOURCE
from domain.identity import Actor, ActorKind
from domain.secret import Secret, require_overlap, rotated, signing

MAX_NAME: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A tenant's source. Its id is part of the address that it reports to; its name is never another's."""

    id: str
    tenant_id: str
    revision: int = 0
    name: str
    description: str = ""
    enabled: bool = True
    deleted: bool = False
    secrets: tuple[Secret, ...] = ()
    created_at: datetime
    updated_at: datetime
    updated_by: Actor

    @property
    def actor(self) -> Actor:
        """Who has caused what it reports."""
        return Actor(ActorKind.SERVICE, self.name)

    def signing(self, at: datetime) -> list[str]:
        """The ids of the secrets that it may sign with now, the newest first; none while it is switched off."""
        return signing(self.secrets, at) if self.enabled and not self.deleted else []


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceCreated(Event):
    """A system may report with a signature, once it has a secret."""

    type: ClassVar[str] = "source:created"
    tenant_id: str
    name: str
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceChanged(Event):
    """A source is described otherwise."""

    type: ClassVar[str] = "source:changed"
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSecretRotated(Event):
    """A source may sign with a new secret; with the older ones until then. The text is in no event."""

    type: ClassVar[str] = "source:secret_rotated"
    secret_id: str
    older_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceEnabled(Event):
    """What a source reports is taken again."""

    type: ClassVar[str] = "source:enabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDisabled(Event):
    """What a source reports is not taken any more."""

    type: ClassVar[str] = "source:disabled"
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDeleted(Event):
    """A source was deleted; what it reported stays."""

    type: ClassVar[str] = "source:deleted"


SourceEvent = (
    SourceCreated | SourceChanged | SourceSecretRotated | SourceEnabled | SourceDisabled | SourceDeleted
)


def begin(id: str, event: SourceEvent, by: Actor) -> Source:
    if not isinstance(event, SourceCreated):
        raise TypeError("a source begins with its creation")
    return Source(
        id=id,
        tenant_id=event.tenant_id,
        name=event.name,
        description=event.description,
        created_at=event.at,
        updated_at=event.at,
        updated_by=event.by or by,
    )


def evolve(source: Source, event: SourceEvent) -> Source:
    source = replace(source, updated_at=event.at, updated_by=event.by or source.updated_by)
    match event:
        case SourceCreated():
            raise AssertionError("a source is created once: see begin")
        case SourceChanged(description=description):
            return replace(source, description=description)
        case SourceSecretRotated(secret_id=id, older_until=until, at=at):
            return replace(source, secrets=rotated(source.secrets, id, older_until=until, at=at))
        case SourceEnabled():
            return replace(source, enabled=True)
        case SourceDisabled():
            return replace(source, enabled=False)
        case SourceDeleted():
            return replace(source, enabled=False, deleted=True, secrets=())
        case _:
            assert_never(event)


def create(name: str, *, tenant_id: str, at: datetime, description: str = "") -> list[SourceEvent]:
    """A new source, switched on, without a secret. Raises InvalidInput for a name that it cannot have."""
    if not 1 <= len(name) <= MAX_NAME or name != name.strip() or not name.isprintable():
        raise InvalidInput(f"A name has 1 to {MAX_NAME} characters, without spaces around it.", "name")
    if name.lower() in (OWN_SOURCE, OWN_ORIGIN):
        raise InvalidInput("This service alone reports under this name.", "name")
    return [SourceCreated(at=at, tenant_id=tenant_id, name=name, description=description)]


def change(source: Source, *, at: datetime, description: str) -> list[SourceEvent]:
    """Describe it otherwise."""
    _require_there(source)
    return [SourceChanged(at=at, description=description)]


def rotate_secret(source: Source, *, secret_id: str, overlap: timedelta, at: datetime) -> list[SourceEvent]:
    """Take a new secret's signatures; the older ones' too until the overlap is over."""
    _require_there(source)
    require_overlap(overlap)
    return [SourceSecretRotated(at=at, secret_id=secret_id, older_until=at + overlap)]


def enable(source: Source, *, at: datetime) -> list[SourceEvent]:
    """Take what it reports again."""
    _require_there(source)
    if source.enabled:
        raise IllegalTransition("The source is switched on already.", "id")
    return [SourceEnabled(at=at)]


def disable(source: Source, *, at: datetime, reason: str | None = None) -> list[SourceEvent]:
    """Take nothing from it until it is switched on again."""
    _require_there(source)
    if not source.enabled:
        raise IllegalTransition("The source is switched off already.", "id")
    return [SourceDisabled(at=at, reason=reason)]


def delete(source: Source, *, at: datetime) -> list[SourceEvent]:
    """Take nothing from it for good; its name is free again."""
    _require_there(source)
    return [SourceDeleted(at=at)]


def _require_there(source: Source) -> None:
    if source.deleted:
        raise IllegalTransition("The source was deleted.", "id")

"""What happens to a webhook. The texts of its secrets are in no event."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from domain.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookCreated(Event):
    """An address hears of the tenant's events from now on."""

    type: ClassVar[str] = "webhook:created"
    tenant_id: str
    name: str
    description: str = ""
    address: str
    types: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookChanged(Event):
    """A webhook has another name, address or types of event."""

    type: ClassVar[str] = "webhook:changed"
    name: str
    description: str
    address: str
    types: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSecretRotated(Event):
    """A new secret signs from now on; the older ones do until then. The text is in no event."""

    type: ClassVar[str] = "webhook:secret_rotated"
    secret_id: str
    older_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEnabled(Event):
    """Events are delivered to a webhook again: what waits, and what happens from now on."""

    type: ClassVar[str] = "webhook:enabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDisabled(Event):
    """Nothing is delivered to a webhook any more: a person switched it off, or its address failed for days."""

    type: ClassVar[str] = "webhook:disabled"
    reason: str | None = None
    failing_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDeleted(Event):
    """A webhook was deleted; what waited for it is not delivered any more."""

    type: ClassVar[str] = "webhook:deleted"


WebhookEvent = (
    WebhookCreated | WebhookChanged | WebhookSecretRotated | WebhookEnabled | WebhookDisabled | WebhookDeleted
)

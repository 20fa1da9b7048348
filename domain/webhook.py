"""Webhooks: addresses outside that hear of a tenant's events, each of the types that it is subscribed to.

A delivery is no event, and events about webhooks go only to those that name their area: so none can lead to another
without end. Secrets are not here: only their names are, the texts lie encrypted elsewhere.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, assert_never

from domain.address import problem_with_address
from domain.errors import IllegalTransition, InvalidInput, Problem
from domain.external import OWN_AREAS, TYPE
from domain.identity import Actor
from domain.secret import Secret, require_overlap, rotated, signing
from domain.webhook_events import (
    WebhookChanged,
    WebhookCreated,
    WebhookDeleted,
    WebhookDisabled,
    WebhookEnabled,
    WebhookEvent,
    WebhookSecretRotated,
)

EVERYTHING: Final = "*"
AREA: Final = "webhook"  # whose events are delivered to nobody who does not name it
MAX_TYPES: Final = 100
MAX_NAME: Final = 200
PATIENCE: Final = timedelta(days=3)  # with an address that fails


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A tenant's webhook. `since`: events recorded before are not for it. `failing_since` is the first failure after
    which nothing has been delivered."""

    id: str
    tenant_id: str
    revision: int = 0
    name: str
    description: str = ""
    address: str
    types: tuple[str, ...]
    enabled: bool = True
    deleted: bool = False
    off_because: str | None = None
    since: datetime
    failing_since: datetime | None = None
    secrets: tuple[Secret, ...] = ()
    created_at: datetime
    created_by: Actor
    updated_at: datetime

    def signing(self, at: datetime) -> list[str]:
        """The ids of the secrets that sign now, the newest first."""
        return signing(self.secrets, at)

    def wants(self, type: str) -> bool:
        """Whether it is subscribed to events of this type."""
        return not patterns(type).isdisjoint(self.types)


def patterns(type: str) -> frozenset[str]:
    """What webhooks that want events of this type are subscribed to: the type, its area, or everything."""
    area, colon, _ = type.partition(":")
    found = {type, f"{area}:*"} if colon else {type}
    return frozenset(found if area == AREA else found | {EVERYTHING})


def queue_of(tenant_id: str, webhook_id: str) -> str:
    """Where its deliveries wait for their turn. No package bears such a name."""
    return f"{tenant_id}|{AREA}:{webhook_id}"


def is_queue(name: str) -> bool:
    """Whether deliveries wait there, and no handoffs."""
    return f"|{AREA}:" in name


def begin(id: str, event: WebhookEvent, by: Actor) -> Webhook:
    if not isinstance(event, WebhookCreated):
        raise TypeError("a webhook begins with its creation")
    return Webhook(
        id=id,
        tenant_id=event.tenant_id,
        name=event.name,
        description=event.description,
        address=event.address,
        types=event.types,
        since=event.at,
        created_at=event.at,
        created_by=event.by or by,
        updated_at=event.at,
    )


def evolve(webhook: Webhook, event: WebhookEvent) -> Webhook:
    webhook = replace(webhook, updated_at=event.at)
    match event:
        case WebhookCreated():
            raise AssertionError("a webhook is created once: see begin")
        case WebhookChanged(name=name, description=description, address=address, types=types):
            failing = webhook.failing_since if address == webhook.address else None
            webhook = replace(webhook, address=address, types=types, failing_since=failing)
            return replace(webhook, name=name, description=description)
        case WebhookSecretRotated(secret_id=id, older_until=until, at=at):
            return replace(webhook, secrets=rotated(webhook.secrets, id, older_until=until, at=at))
        case WebhookEnabled(at=at):
            return replace(webhook, enabled=True, off_because=None, failing_since=None, since=at)
        case WebhookDisabled(reason=reason):
            return replace(webhook, enabled=False, off_because=reason)
        case WebhookDeleted():
            return replace(webhook, enabled=False, deleted=True, secrets=())
        case _:
            assert_never(event)


def create(
    *,
    tenant_id: str,
    name: str,
    address: str,
    types: Sequence[str],
    known: Collection[str],
    at: datetime,
    description: str = "",
    secret_id: str | None = None,
) -> list[WebhookEvent]:
    """A new webhook, switched on. `known` are the types of event that this service makes itself. Raises InvalidInput
    with every reason."""
    created = WebhookCreated(
        at=at,
        tenant_id=tenant_id,
        name=name.strip(),
        description=description,
        address=address,
        types=tuple(dict.fromkeys(types)),
    )
    _require_valid(created, types, known)
    if secret_id is None:
        return [created]
    return [created, WebhookSecretRotated(at=at, secret_id=secret_id, older_until=at)]


def change(
    webhook: Webhook,
    *,
    known: Collection[str],
    at: datetime,
    name: str | None = None,
    description: str | None = None,
    address: str | None = None,
    types: Sequence[str] | None = None,
) -> list[WebhookEvent]:
    """Change what is given."""
    _require_there(webhook)
    changed = WebhookChanged(
        at=at,
        name=webhook.name if name is None else name.strip(),
        description=webhook.description if description is None else description,
        address=webhook.address if address is None else address,
        types=webhook.types if types is None else tuple(dict.fromkeys(types)),
    )
    _require_valid(changed, changed.types if types is None else types, known)
    return [changed]


def rotate_secret(
    webhook: Webhook, *, secret_id: str, overlap: timedelta, at: datetime
) -> list[WebhookEvent]:
    """Sign with a new secret; with the older ones too until the overlap is over."""
    _require_there(webhook)
    require_overlap(overlap)
    return [WebhookSecretRotated(at=at, secret_id=secret_id, older_until=at + overlap)]


def enable(webhook: Webhook, *, at: datetime) -> list[WebhookEvent]:
    """What waits is delivered, and what happens from now on; what happened meanwhile is not."""
    _require_there(webhook)
    if webhook.enabled:
        raise IllegalTransition("The webhook is switched on already.", "id")
    return [WebhookEnabled(at=at)]


def disable(webhook: Webhook, *, at: datetime, reason: str | None = None) -> list[WebhookEvent]:
    """What waits for it goes on waiting until its time is over."""
    _require_there(webhook)
    if not webhook.enabled:
        raise IllegalTransition("The webhook is switched off already.", "id")
    return [WebhookDisabled(at=at, reason=reason)]


def give_up(webhook: Webhook, *, at: datetime) -> list[WebhookEvent]:
    """An attempt failed: switch off what has failed for more than three days."""
    failing = webhook.failing_since
    if not webhook.enabled or failing is None or at - failing <= PATIENCE:
        return []
    reason = f"Nothing could be delivered for more than {PATIENCE.days} days."
    return [WebhookDisabled(at=at, reason=reason, failing_since=failing)]


def gone(webhook: Webhook, *, at: datetime) -> list[WebhookEvent]:
    """The address says that it wants nothing any more (410)."""
    if not webhook.enabled:
        return []
    return [
        WebhookDisabled(at=at, reason="The address answered 410 Gone.", failing_since=webhook.failing_since)
    ]


def delete(webhook: Webhook, *, at: datetime) -> list[WebhookEvent]:
    """What waits for it is not delivered any more."""
    _require_there(webhook)
    return [WebhookDeleted(at=at)]


def _require_valid(
    said: WebhookCreated | WebhookChanged, types: Sequence[str], known: Collection[str]
) -> None:
    found: list[Problem] = []
    if not 1 <= len(said.name) <= MAX_NAME:
        found.append(Problem(f"A name has 1 to {MAX_NAME} characters.", ("name",)))
    if problem := problem_with_address(said.address, query=True):
        found.append(Problem(problem, ("address",)))
    if not 1 <= len(types) <= MAX_TYPES:
        found.append(Problem(f"1 to {MAX_TYPES} types of event.", ("types",)))
    for n, each in enumerate(types):
        if problem := _problem_with_type(each, known):
            found.append(Problem(problem, ("types", str(n))))
    if found:
        raise InvalidInput(found[0].message, problems=found)


def _problem_with_type(pattern: str, known: Collection[str]) -> str | None:
    area, colon, name = pattern.partition(":")
    if pattern == EVERYTHING or (colon and name == "*" and TYPE.fullmatch(area)):
        return None
    if not TYPE.fullmatch(pattern):
        return "A type is one as events bear it, area:* for those of an area, or * for all."
    if area.lower() in OWN_AREAS and pattern not in known:
        return "This service makes no event of this type."
    return None


def _require_there(webhook: Webhook) -> None:
    if webhook.deleted:
        raise IllegalTransition("The webhook was deleted.", "id")

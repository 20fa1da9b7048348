"""Touchpoints are contacts with a customer; conversions are stage changes that matter, with a value.

Each stands on a journey, a customer or a lead, is recorded once and never changes. Neither moves a journey.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.errors import InvalidInput, Problem
from domain.events import Envelope
from domain.identity import Actor
from domain.journey_events import NotificationRequested
from domain.record_events import ConversionAdded, TouchpointAdded

MAX_AHEAD = timedelta(minutes=5)
MAX_METADATA_BYTES = 16 * 1024


def check(event: TouchpointAdded | ConversionAdded, *, now: datetime) -> list[Problem]:
    """Every reason why this contact or conversion cannot be recorded."""
    found = []
    if not (event.journey_id or event.customer_id or event.lead_id):
        found.append(Problem("A journey, a customer or a lead is needed.", ("journeyId",)))
    if event.at > now + MAX_AHEAD:
        found.append(Problem("It lies more than five minutes ahead.", ("at",)))
    if not event.kind.strip():
        found.append(Problem("A kind is needed.", ("kind",)))
    if isinstance(event, TouchpointAdded):
        if not event.channel.strip():
            found.append(Problem("A channel is needed.", ("channel",)))
        if event.duration_seconds is not None and event.duration_seconds < 0:
            found.append(Problem("A duration is not negative.", ("duration",)))
        if event.cost is not None and event.cost.units < 0:
            found.append(Problem("A cost is not negative.", ("cost",)))
    return found


def require_valid(event: TouchpointAdded | ConversionAdded, *, now: datetime) -> None:
    """Raises InvalidInput with every reason."""
    found = check(event, now=now)
    if found:
        raise InvalidInput(found[0].message, problems=found)


def from_notification(envelope: Envelope, notification: NotificationRequested) -> TouchpointAdded:
    """The contact that a notification step makes."""
    return TouchpointAdded(
        at=envelope.occurred_at,
        tenant_id=envelope.tenant_id,
        kind=notification.channel,
        channel=notification.channel,
        source="journeys",
        title=notification.title,
        journey_id=envelope.subject,
        customer_id=notification.customer_id,
        lead_id=notification.lead_id,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Touchpoint:
    """A recorded contact: the event that recorded it is all there is to it."""

    id: str
    tenant_id: str
    revision: int = 0
    added: TouchpointAdded
    added_by: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """A recorded conversion: the event that recorded it is all there is to it."""

    id: str
    tenant_id: str
    revision: int = 0
    added: ConversionAdded
    added_by: Actor


def touchpoint(id: str, event: TouchpointAdded, by: Actor) -> Touchpoint:
    return Touchpoint(id=id, tenant_id=event.tenant_id, added=event, added_by=event.by or by)


def conversion(id: str, event: ConversionAdded, by: Actor) -> Conversion:
    return Conversion(id=id, tenant_id=event.tenant_id, added=event, added_by=event.by or by)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFilter:
    """All given parts must hold."""

    journey_id: str | None = None
    customer_id: str | None = None
    lead_id: str | None = None
    kind: str | None = None
    channel: str | None = None
    source: str | None = None
    campaign: str | None = None
    since: datetime | None = None  # inclusive
    until: datetime | None = None  # exclusive

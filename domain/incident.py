"""An incident is something that stopped and needs a person: a handoff out of attempts, a step whose action or child
journey failed, or an event that fails to be followed up. It is resolved by what mends it."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, assert_never

from domain.errors import IllegalTransition
from domain.events import Event
from domain.identity import Actor
from domain.values import JsonObject, timestamp


class IncidentKind(StrEnum):
    HANDOFF = "handoff"
    RELAY = "relay"
    LOOP = "loop"
    STEP = "step"


class IncidentStatus(StrEnum):
    OPEN = "open"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentRaised(Event):
    """Something stopped and needs a person."""

    type: ClassVar[str] = "incident:opened"
    tenant_id: str
    kind: IncidentKind
    reason: str
    journey_id: str | None = None
    handoff_id: str | None = None
    event_id: str | None = None  # what could not be followed up
    step: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentSettled(Event):
    """An incident is over."""

    type: ClassVar[str] = "incident:resolved"
    resolution: str


IncidentEvent = IncidentRaised | IncidentSettled


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    id: str
    tenant_id: str
    revision: int = 0
    kind: IncidentKind
    status: IncidentStatus = IncidentStatus.OPEN
    reason: str
    journey_id: str | None = None
    handoff_id: str | None = None
    event_id: str | None = None
    step: str | None = None
    created_at: datetime
    ended_at: datetime | None = None
    resolution: str | None = None

    @property
    def facets(self) -> JsonObject:
        return {
            "incident": True,
            "status": self.status.value,
            "kind": self.kind.value,
            "journeyId": self.journey_id,
            "createdAt": timestamp(self.created_at),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentFilter:
    """All given parts must hold."""

    status: IncidentStatus | None = None
    kind: IncidentKind | None = None
    journey_id: str | None = None


def begin(id: str, event: IncidentEvent, by: Actor) -> Incident:  # noqa: ARG001  # every kind begins like this
    if not isinstance(event, IncidentRaised):
        raise TypeError("an incident begins with being opened")
    return Incident(
        id=id,
        tenant_id=event.tenant_id,
        kind=event.kind,
        reason=event.reason,
        journey_id=event.journey_id,
        handoff_id=event.handoff_id,
        event_id=event.event_id,
        step=event.step,
        created_at=event.at,
    )


def evolve(incident: Incident, event: IncidentEvent) -> Incident:
    match event:
        case IncidentRaised():
            raise AssertionError("an incident is opened once: see begin")
        case IncidentSettled(resolution=resolution, at=at):
            return replace(incident, status=IncidentStatus.RESOLVED, resolution=resolution, ended_at=at)
        case _:
            assert_never(event)


def resolve(incident: Incident, *, resolution: str, at: datetime) -> list[IncidentEvent]:
    """What was wrong is mended, or nobody needs it any more. Resolved already: nothing."""
    if incident.status is IncidentStatus.RESOLVED:
        return []
    return [IncidentSettled(at=at, resolution=resolution)]


def require_open(incident: Incident) -> None:
    if incident.status is not IncidentStatus.OPEN:
        raise IllegalTransition("The incident is resolved already.", "id")

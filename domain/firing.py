"""Firings: what came of a trigger and an event. One that failed is visible with its error and can be done again."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, assert_never

from domain.errors import IllegalTransition
from domain.events import Event
from domain.identity import Actor
from domain.values import JsonObject, timestamp


class FiringStatus(StrEnum):
    FIRED = "fired"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerFired(Event):
    """A trigger fired, and what came of it: the id of what was made or changed, or why nothing was."""

    type: ClassVar[str] = "trigger:fired"
    tenant_id: str
    trigger_id: str
    event_id: str
    status: FiringStatus
    result: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerFiredAgain(Event):
    """What came of doing a firing anew that had failed."""

    type: ClassVar[str] = "trigger:fired_again"
    status: FiringStatus
    result: str | None = None
    reason: str | None = None


FiringEvent = TriggerFired | TriggerFiredAgain


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    id: str
    tenant_id: str
    revision: int = 0
    trigger_id: str
    event_id: str
    status: FiringStatus
    result: str | None = None
    reason: str | None = None
    tries: int = 1
    created_at: datetime
    updated_at: datetime

    @property
    def facets(self) -> JsonObject:
        return {
            "firing": True,
            "status": self.status.value,
            "triggerId": self.trigger_id,
            "createdAt": timestamp(self.created_at),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class FiringFilter:
    """All given parts must hold."""

    trigger_id: str | None = None
    event_id: str | None = None
    status: FiringStatus | None = None


def begin(id: str, event: FiringEvent, by: Actor) -> Firing:  # noqa: ARG001  # every kind begins like this
    if not isinstance(event, TriggerFired):
        raise TypeError("a firing begins with being fired")
    return Firing(
        id=id,
        tenant_id=event.tenant_id,
        trigger_id=event.trigger_id,
        event_id=event.event_id,
        status=event.status,
        result=event.result,
        reason=event.reason,
        created_at=event.at,
        updated_at=event.at,
    )


def evolve(firing: Firing, event: FiringEvent) -> Firing:
    match event:
        case TriggerFired():
            raise AssertionError("a firing begins once: see begin")
        case TriggerFiredAgain(status=status, result=result, reason=reason, at=at):
            return replace(
                firing, status=status, result=result, reason=reason, tries=firing.tries + 1, updated_at=at
            )
        case _:
            assert_never(event)


def require_failed(firing: Firing) -> None:
    """Raises IllegalTransition: what has been done, or had nothing to do, is not done again."""
    if firing.status is not FiringStatus.FAILED:
        raise IllegalTransition(f"A firing that is {firing.status.value} is not done again.", "id")

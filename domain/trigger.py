"""Triggers: what happens by itself when something is reported, turns true, or its time comes.

A trigger fires at most once per event. What it does is one action, and another one for where the first finds no
journey to act on.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar, Final, assert_never

from domain.errors import IllegalTransition
from domain.events import Event
from domain.identity import Actor, ActorKind
from domain.rule import CatchUp, Rule, require_valid
from domain.schedule import next_time
from domain.template import TriggerType

DEPTH: Final = 16  # of a chain of events that triggers make: there it ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """A tenant's trigger. A built-in one has revision 0 while it needs no document of its own.

    One that `follows` a template is as its newest active version has it, until a person changes it: from then on it is
    the tenant's own. Deleted, it may come back with another version.
    """

    id: str
    tenant_id: str
    revision: int = 0
    rule: Rule
    active: bool = True
    deleted: bool = False
    follows: str | None = None  # a template's id
    next_at: datetime | None = None
    created_at: datetime
    created_by: Actor
    updated_at: datetime

    @property
    def built_in(self) -> bool:
        """Whether it came with the service or with a template."""
        return self.created_by.kind is ActorKind.SYSTEM

    @property
    def wake_at(self) -> datetime | None:
        return self.next_at if self.active and not self.deleted else None


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerCreated(Event):
    """A trigger was made; it is switched on."""

    type: ClassVar[str] = "trigger:created"
    tenant_id: str
    rule: Rule
    follows: str | None = None
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerChanged(Event):
    """A trigger has another rule from now on."""

    type: ClassVar[str] = "trigger:changed"
    rule: Rule
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerEnabled(Event):
    """A trigger was switched on."""

    type: ClassVar[str] = "trigger:enabled"
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerDisabled(Event):
    """A trigger was switched off."""

    type: ClassVar[str] = "trigger:disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerDeleted(Event):
    """A trigger was deleted; its firings stay in the history."""

    type: ClassVar[str] = "trigger:deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerDue(Event):
    """A trigger's time has come, or had come while nobody watched; `skipped` firings are not made up."""

    type: ClassVar[str] = "trigger:due"
    scheduled_for: datetime
    skipped: bool = False
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerFollowed(Event):
    """A trigger is as the newest active version of its template has it, and switched on."""

    type: ClassVar[str] = "trigger:followed"
    rule: Rule
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerWithdrawn(Event):
    """A trigger's template has it no more, or is switched off: so is the trigger, until that changes."""

    type: ClassVar[str] = "trigger:withdrawn"


TriggerEvent = (
    TriggerCreated
    | TriggerChanged
    | TriggerEnabled
    | TriggerDisabled
    | TriggerDeleted
    | TriggerDue
    | TriggerFollowed
    | TriggerWithdrawn
)


def begin(id: str, event: TriggerEvent, by: Actor) -> Trigger:
    if not isinstance(event, TriggerCreated):
        raise TypeError("a trigger begins with its creation")
    return Trigger(
        id=id,
        tenant_id=event.tenant_id,
        rule=event.rule,
        follows=event.follows,
        next_at=event.next_at,
        created_at=event.at,
        created_by=event.by or by,
        updated_at=event.at,
    )


def evolve(trigger: Trigger, event: TriggerEvent) -> Trigger:
    match event:
        case TriggerCreated():
            raise AssertionError("a trigger is created once: see begin")
        case TriggerChanged(rule=rule, next_at=next_at, at=at):
            return replace(trigger, rule=rule, follows=None, next_at=next_at, updated_at=at)
        case TriggerEnabled(next_at=next_at, at=at):
            return replace(trigger, active=True, follows=None, next_at=next_at, updated_at=at)
        case TriggerDisabled(at=at):
            return replace(trigger, active=False, follows=None, next_at=None, updated_at=at)
        case TriggerDeleted(at=at):
            return replace(trigger, active=False, deleted=True, follows=None, next_at=None, updated_at=at)
        case TriggerDue(next_at=next_at):
            return replace(trigger, next_at=next_at)
        case TriggerFollowed(rule=rule, next_at=next_at, at=at):
            return replace(trigger, rule=rule, active=True, deleted=False, next_at=next_at, updated_at=at)
        case TriggerWithdrawn(at=at):
            return replace(trigger, active=False, deleted=True, next_at=None, updated_at=at)
        case _:
            assert_never(event)


def create(rule: Rule, *, tenant_id: str, at: datetime) -> list[TriggerEvent]:
    """A new trigger, switched on. Raises InvalidInput with every reason."""
    require_valid(rule)
    return [TriggerCreated(at=at, tenant_id=tenant_id, rule=rule, next_at=_next(rule, at))]


def change(trigger: Trigger, rule: Rule, *, at: datetime) -> list[TriggerEvent]:
    """Another rule from now on."""
    _require_there(trigger)
    require_valid(rule)
    return [TriggerChanged(at=at, rule=rule, next_at=_next(rule, at) if trigger.active else None)]


def enable(trigger: Trigger, *, at: datetime) -> list[TriggerEvent]:
    _require_there(trigger)
    if trigger.active:
        raise IllegalTransition("The trigger is switched on already.", "id")
    return [TriggerEnabled(at=at, next_at=_next(trigger.rule, at))]


def disable(trigger: Trigger, *, at: datetime) -> list[TriggerEvent]:
    _require_there(trigger)
    if not trigger.active:
        raise IllegalTransition("The trigger is switched off already.", "id")
    return [TriggerDisabled(at=at)]


def delete(trigger: Trigger, *, at: datetime) -> list[TriggerEvent]:
    """Its firings stay in the history."""
    _require_there(trigger)
    return [TriggerDeleted(at=at)]


def follow(trigger: Trigger, rule: Rule | None, *, at: datetime) -> list[TriggerEvent]:
    """Be as the template says: this rule, or not there at all. Nothing where it is so already, or a person has
    changed it. A time that is near stays so while the schedule does."""
    if trigger.follows is None:
        return []
    if rule is None:
        return [] if trigger.deleted else [TriggerWithdrawn(at=at)]
    ticking = trigger.active and trigger.revision > 0
    if ticking and trigger.rule == rule:
        return []
    kept = ticking and _timing(trigger.rule) == _timing(rule)
    return [TriggerFollowed(at=at, rule=rule, next_at=trigger.next_at if kept else _next(rule, at))]


def come_due(trigger: Trigger, *, late: float, at: datetime) -> list[TriggerEvent]:
    """Its time has come. What was missed by more than `late` seconds is made up once, or skipped, as its rule says.
    Nothing where it has not come (another worker was first)."""
    if trigger.wake_at is None or trigger.wake_at > at:
        return []
    missed = (at - trigger.wake_at).total_seconds() > late
    skipped = missed and trigger.rule.catch_up is CatchUp.SKIP
    return [
        TriggerDue(at=at, scheduled_for=trigger.wake_at, skipped=skipped, next_at=_next(trigger.rule, at))
    ]


def _next(rule: Rule, at: datetime) -> datetime | None:
    if rule.type is not TriggerType.SCHEDULED or not rule.schedule:
        return None
    return next_time(rule.schedule, rule.time_zone, at)


def _timing(rule: Rule) -> tuple[TriggerType, str | None, str]:
    return rule.type, rule.schedule, rule.time_zone


def _require_there(trigger: Trigger) -> None:
    if trigger.deleted:
        raise IllegalTransition("The trigger was deleted.", "id")

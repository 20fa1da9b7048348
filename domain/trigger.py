"""Triggers: what happens by itself when something is reported, turns true, or its time comes.

A trigger fires at most once per event. What it does is one action, and another one for where the first finds no
journey to act on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Final, assert_never

from domain.condition import Condition, Unmet, look_up, unmet
from domain.errors import IllegalTransition, InvalidInput, Problem
from domain.events import Envelope, Event
from domain.identity import Actor
from domain.schedule import next_time, problem_with
from domain.template import TriggerType
from domain.values import Json, JsonObject

DEPTH: Final = 16  # of a chain of events that triggers make: there it ends
MAX_CONDITIONS: Final = 50


class ActionKind(StrEnum):
    START_JOURNEY = "start_journey"
    ADVANCE_JOURNEY = "advance_journey"
    SKIP_STEP = "skip_step"
    COMPLETE_JOURNEY = "complete_journey"
    ABANDON_JOURNEY = "abandon_journey"
    UPDATE_CONTEXT = "update_context"
    UPDATE_FACTS = "update_facts"
    ADD_TOUCHPOINT = "add_touchpoint"
    CREATE_HANDOFF = "create_handoff"
    EMIT_EVENT = "emit_event"

    @property
    def finds_a_journey(self) -> bool:
        return self in (
            ActionKind.ADVANCE_JOURNEY,
            ActionKind.SKIP_STEP,
            ActionKind.COMPLETE_JOURNEY,
            ActionKind.ABANDON_JOURNEY,
            ActionKind.UPDATE_CONTEXT,
        )


class CatchUp(StrEnum):
    ONCE = "once"
    SKIP = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What a trigger does. `params` are constants, `mapping` fills more from paths in the event (`data.score`).

    A journey is found by the id under `journeyId`, else as the newest live one of `template_id` of the event's
    customer or lead, standing at `step` where one is named.
    """

    kind: ActionKind
    template_id: str | None = None
    step: str | None = None
    params: JsonObject = field(default_factory=dict)
    mapping: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What an author writes."""

    name: str
    description: str = ""
    type: TriggerType = TriggerType.EVENT
    event: str | None = None  # for EVENT and CONDITIONAL
    schedule: str | None = None  # cron of five fields, for SCHEDULED
    time_zone: str = "UTC"
    catch_up: CatchUp = CatchUp.ONCE  # what becomes of firings that were missed
    conditions: tuple[Condition, ...] = ()
    action: Action
    otherwise: Action | None = None
    priority: int = 1  # lower fires first


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """A tenant's trigger. A built-in one has revision 0 until the tenant changes it."""

    id: str
    tenant_id: str
    revision: int = 0
    rule: Rule
    active: bool = True
    deleted: bool = False
    next_at: datetime | None = None
    created_at: datetime
    created_by: Actor
    updated_at: datetime

    @property
    def wake_at(self) -> datetime | None:
        return self.next_at if self.active and not self.deleted else None


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerCreated(Event):
    type: ClassVar[str] = "trigger:created"
    tenant_id: str
    rule: Rule
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerChanged(Event):
    type: ClassVar[str] = "trigger:changed"
    rule: Rule
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerEnabled(Event):
    type: ClassVar[str] = "trigger:enabled"
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerDisabled(Event):
    type: ClassVar[str] = "trigger:disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerDeleted(Event):
    type: ClassVar[str] = "trigger:deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerDue(Event):
    """Its time has come, or had come while nobody watched; `skipped` firings are not made up."""

    type: ClassVar[str] = "trigger:due"
    scheduled_for: datetime
    skipped: bool = False
    next_at: datetime | None = None


TriggerEvent = (
    TriggerCreated | TriggerChanged | TriggerEnabled | TriggerDisabled | TriggerDeleted | TriggerDue
)


def begin(id: str, event: TriggerEvent, by: Actor) -> Trigger:
    if not isinstance(event, TriggerCreated):
        raise TypeError("a trigger begins with its creation")
    return Trigger(
        id=id,
        tenant_id=event.tenant_id,
        rule=event.rule,
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
            return replace(trigger, rule=rule, next_at=next_at, updated_at=at)
        case TriggerEnabled(next_at=next_at, at=at):
            return replace(trigger, active=True, next_at=next_at, updated_at=at)
        case TriggerDisabled(at=at):
            return replace(trigger, active=False, next_at=None, updated_at=at)
        case TriggerDeleted(at=at):
            return replace(trigger, active=False, deleted=True, next_at=None, updated_at=at)
        case TriggerDue(next_at=next_at):
            return replace(trigger, next_at=next_at)
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


def scope(envelope: Envelope) -> dict[str, Json]:
    """What a trigger's conditions and mappings see of an event."""
    return {
        "id": envelope.external_id or envelope.id,
        "type": envelope.type,
        "source": envelope.source,
        "subject": envelope.subject,
        "customerId": envelope.customer_id,
        "leadId": envelope.lead_id,
        "data": envelope.data,
    }


def awaited(rule: Rule) -> str | None:
    """The event type that concerns the rule; None where none does."""
    if rule.type is TriggerType.EVENT:
        return rule.event
    return (rule.event or FACTS_UPDATED) if rule.type is TriggerType.CONDITIONAL else None


def waits_for(rule: Rule, type: str) -> bool:
    """Whether events of this type concern the rule."""
    return awaited(rule) == type


FACTS_UPDATED: Final = "customer:facts_updated"


def why_not(rule: Rule, seen: Mapping[str, Json]) -> tuple[Unmet, ...]:
    """The conditions that do not hold."""
    return unmet(rule.conditions, seen)


def values(action: Action, seen: Mapping[str, Json]) -> JsonObject:
    """The action's constants, and what its mapping finds in the event."""
    found = {key: look_up(path, seen)[1] for key, path in action.mapping.items()}
    return action.params | {key: value for key, value in found.items() if value is not None}


def require_valid(rule: Rule) -> None:
    """Raises InvalidInput with every reason why the rule could not work."""
    found = [*_rule_problems(rule), *_action_problems(rule.action, "action")]
    if rule.otherwise is not None:
        found += _action_problems(rule.otherwise, "otherwise")
        if not rule.action.kind.finds_a_journey:
            found.append(Problem("Only an action that looks for a journey has another way.", ("otherwise",)))
    if found:
        raise InvalidInput(found[0].message, problems=found)


def _rule_problems(rule: Rule) -> list[Problem]:
    found = []
    if not rule.name.strip():
        found.append(Problem("A name is needed.", ("name",)))
    if rule.type is TriggerType.EVENT and not (rule.event or "").strip():
        found.append(Problem("Say which event type it waits for.", ("event",)))
    if rule.type is TriggerType.CONDITIONAL and not rule.conditions:
        found.append(Problem("Say which conditions turn true.", ("conditions",)))
    if len(rule.conditions) > MAX_CONDITIONS:
        found.append(Problem(f"At most {MAX_CONDITIONS} conditions.", ("conditions",)))
    if rule.type is TriggerType.SCHEDULED:
        problem = problem_with(rule.schedule or "", rule.time_zone)
        found += [problem] if problem else []
    return found


def _action_problems(action: Action, where: str) -> list[Problem]:
    found = []
    if action.kind is ActionKind.START_JOURNEY and not action.template_id:
        found.append(Problem("Say which template starts.", (where, "templateId")))
    given = action.params.keys() | action.mapping.keys()
    needed = {
        ActionKind.ADD_TOUCHPOINT: ("kind", "channel"),
        ActionKind.CREATE_HANDOFF: ("toPackage",),
        ActionKind.EMIT_EVENT: ("type",),
    }.get(action.kind, ())
    found += [Problem(f"{name} is needed.", (where, "params", name)) for name in needed if name not in given]
    return found


def _next(rule: Rule, at: datetime) -> datetime | None:
    if rule.type is not TriggerType.SCHEDULED or not rule.schedule:
        return None
    return next_time(rule.schedule, rule.time_zone, at)


def _require_there(trigger: Trigger) -> None:
    if trigger.deleted:
        raise IllegalTransition("The trigger was deleted.", "id")

"""A trigger's rule: what an author writes about when it fires and what it does then.

A rule waits for an event, for conditions on a customer to turn true, or for a time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from domain.action import Action, problems
from domain.condition import Condition, Unmet, unmet
from domain.errors import InvalidInput, Problem
from domain.events import Envelope
from domain.external import ODD_TYPE, TYPE
from domain.schedule import problems_with
from domain.template import TriggerType
from domain.values import Json, JsonObject

MAX_CONDITIONS: Final = 50
FACTS_UPDATED: Final = "customer:facts_updated"


class CatchUp(StrEnum):
    ONCE = "once"
    SKIP = "skip"


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


def scope(envelope: Envelope, facts: JsonObject | None = None) -> dict[str, Json]:
    """What a trigger's conditions and mappings see of an event; with `facts`, what a conditional one sees: the
    customer's facts by their names, or under `facts`, and of the event what no fact may hide."""
    seen: dict[str, Json] = {
        "id": envelope.external_id or envelope.id,
        "type": envelope.type,
        "source": envelope.source,
        "subject": envelope.subject,
        "customerId": envelope.customer_id,
        "leadId": envelope.lead_id,
        "data": envelope.data,
        "attributes": envelope.attributes,
    }
    if facts is None:
        return seen
    kept = {name: seen[name] for name in ("customerId", "leadId", "data", "attributes")}
    return {**seen, **facts, **kept, "facts": facts}


def awaited(rule: Rule) -> str | None:
    """The event type that concerns the rule; None where none does."""
    if rule.type is TriggerType.EVENT:
        return rule.event
    return (rule.event or FACTS_UPDATED) if rule.type is TriggerType.CONDITIONAL else None


def why_not(rule: Rule, seen: Mapping[str, Json]) -> tuple[Unmet, ...]:
    """The conditions that do not hold."""
    return unmet(rule.conditions, seen)


def require_valid(rule: Rule) -> None:
    """Raises InvalidInput with every reason why the rule could not work."""
    found = [*_rule_problems(rule), *problems(rule.action, "action")]
    if rule.otherwise is not None:
        found += problems(rule.otherwise, "otherwise")
        if not rule.action.kind.finds_a_journey:
            found.append(Problem("Only an action that looks for a journey has another way.", ("otherwise",)))
    if found:
        raise InvalidInput(found[0].message, problems=found)


def _rule_problems(rule: Rule) -> list[Problem]:
    found = []
    if not rule.name.strip():
        found.append(Problem("A name is needed.", ("name",)))
    if rule.type in (TriggerType.MANUAL, TriggerType.AUTOMATED):
        found.append(Problem("A trigger is SCHEDULED, CONDITIONAL or waits for an EVENT.", ("type",)))
    if rule.type is TriggerType.EVENT and not (rule.event or "").strip():
        found.append(Problem("Say which event type it waits for.", ("event",)))
    elif rule.event and not TYPE.fullmatch(rule.event):
        found.append(Problem(ODD_TYPE, ("event",)))
    elif rule.event and rule.event.startswith("trigger:"):
        found.append(Problem("What triggers do fires no triggers.", ("event",)))
    if rule.type is TriggerType.CONDITIONAL and not rule.conditions:
        found.append(Problem("Say which conditions turn true.", ("conditions",)))
    if len(rule.conditions) > MAX_CONDITIONS:
        found.append(Problem(f"At most {MAX_CONDITIONS} conditions.", ("conditions",)))
    if rule.type is TriggerType.SCHEDULED:
        found += problems_with(rule.schedule or "", rule.time_zone)
    return found

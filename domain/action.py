"""Actions: what a trigger, or an automated step, does."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from domain.condition import look_up
from domain.errors import Problem
from domain.values import Json, JsonObject


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What is done. `params` are constants, `mapping` fills more from paths in what is seen: an event (`data.score`),
    or a step's journey (`leadScore`).

    A journey is found by the id under `journeyId`, else as the newest live one of `template_id` of the customer or
    lead that is seen, standing at `step` where one is named.
    """

    kind: ActionKind
    template_id: str | None = None
    step: str | None = None
    params: JsonObject = field(default_factory=dict)
    mapping: dict[str, str] = field(default_factory=dict)

    @property
    def given(self) -> set[str]:
        """The values it is done with, by their names; of `context.score` the first part."""
        return {name.partition(".")[0] for name in (*self.params, *self.mapping)}

    def of_journey(self, id: str) -> "Action":
        """The same as a step of this journey does it: where it names no other one, its own is meant."""
        elsewhere = self.kind.finds_a_journey and self.template_id is not None
        if elsewhere or "journeyId" in self.given:
            return self
        return replace(self, params={**self.params, "journeyId": id})


_FOUND: Final = frozenset(("journeyId", "customerId", "leadId"))
_ABOUT: Final = frozenset(("customerId", "leadId"))
KNOWN: Final[Mapping[ActionKind, frozenset[str]]] = {
    ActionKind.START_JOURNEY: _ABOUT | {"name", "priority", "context"},
    ActionKind.ADVANCE_JOURNEY: _FOUND | {"to"},
    ActionKind.SKIP_STEP: _FOUND | {"reason"},
    ActionKind.COMPLETE_JOURNEY: _FOUND | {"reason"},
    ActionKind.ABANDON_JOURNEY: _FOUND | {"reason"},
    ActionKind.UPDATE_CONTEXT: _FOUND | {"context"},
    ActionKind.UPDATE_FACTS: _ABOUT | {"facts"},
    ActionKind.ADD_TOUCHPOINT: _FOUND
    | {"kind", "channel", "source", "title", "campaign", "description", "outcome"},
    ActionKind.CREATE_HANDOFF: _FOUND | {"toPackage", "fromPackage", "action", "type", "name", "data"},
    ActionKind.EMIT_EVENT: _ABOUT | {"type", "data"},
}
_NEEDED: Final[Mapping[ActionKind, tuple[str, ...]]] = {
    ActionKind.ADD_TOUCHPOINT: ("kind", "channel"),
    ActionKind.CREATE_HANDOFF: ("toPackage",),
    ActionKind.EMIT_EVENT: ("type",),
}


def values(action: Action, seen: Mapping[str, Json]) -> JsonObject:
    """The action's constants, and what its mapping finds in what is seen."""
    found = {key: look_up(path, seen)[1] for key, path in action.mapping.items()}
    return action.params | {key: value for key, value in found.items() if value is not None}


def problems(action: Action, *where: str) -> list[Problem]:
    """What it lacks to be done."""
    found = []
    if action.kind is ActionKind.START_JOURNEY and not action.template_id:
        found.append(Problem("Say which template starts.", (*where, "templateId")))
    given = action.params.keys() | action.mapping.keys()
    needed = _NEEDED.get(action.kind, ())
    found += [Problem(f"{name} is needed.", (*where, "params", name)) for name in needed if name not in given]
    return found


def unknown(action: Action, *where: str) -> list[Problem]:
    """The values that an action of its kind has no use for."""
    found = []
    for part, names in (("params", action.params), ("mapping", action.mapping)):
        for name in names:
            if name.partition(".")[0] not in KNOWN[action.kind]:
                known = ", ".join(sorted(KNOWN[action.kind]))
                found.append(Problem(f"{action.kind.value} knows {known}.", (*where, part, name)))
    return found

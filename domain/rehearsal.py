"""A rehearsal: what a trigger would do with an event. Nothing is done."""

from dataclasses import dataclass, field

from domain.action import ActionKind
from domain.condition import Unmet
from domain.values import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """Whether it would fire and do something, and if not why not. `kind` is what it would do with these values: on the
    journey found, or with the template that starts."""

    fires: bool
    reason: str | None = None
    unmet: tuple[Unmet, ...] = ()
    kind: ActionKind | None = None
    values: JsonObject = field(default_factory=dict)
    journey_id: str | None = None
    template_id: str | None = None
    template_version: int | None = None

"""What somebody may do with a journey now, and why not the rest. Found by trying: a command is pure."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain import steer, walk
from domain.errors import DomainError
from domain.identity import Identity, Role
from domain.journey import Journey
from domain.template import Definition


class JourneyAction(StrEnum):
    ADVANCE = "advance"
    SKIP = "skip"
    RETRY = "retry"
    FAIL = "fail"
    PAUSE = "pause"
    RESUME = "resume"
    COMPLETE = "complete"
    ABANDON = "abandon"
    ASSIGN = "assign"
    SET_PRIORITY = "set_priority"
    UPDATE_CONTEXT = "update_context"
    MIGRATE = "migrate"


@dataclass(frozen=True, slots=True)
class Allowed:
    action: JourneyAction
    allowed: bool
    reason: str | None = None


def allowed_actions(
    journey: Journey, definition: Definition, identity: Identity, *, at: datetime
) -> list[Allowed]:
    """Every action with its verdict, in a fixed order. `at` is the moment asked about."""
    tries: dict[JourneyAction, Callable[[], object]] = {
        JourneyAction.ADVANCE: lambda: walk.advance(journey, definition, at=at),
        JourneyAction.SKIP: lambda: walk.skip(
            journey, definition, step=journey.current_step, reason="?", at=at
        ),
        JourneyAction.RETRY: lambda: walk.retry(journey, definition, at=at),
        JourneyAction.FAIL: lambda: walk.fail(journey, reason="?", at=at),
        JourneyAction.PAUSE: lambda: steer.pause(journey, at=at),
        JourneyAction.RESUME: lambda: steer.resume(journey, definition, at=at),
        JourneyAction.COMPLETE: lambda: steer.complete(journey, definition, at=at),
        JourneyAction.ABANDON: lambda: steer.abandon(journey, at=at),
        JourneyAction.ASSIGN: lambda: steer.assign(journey, user=None, team=None, at=at),
        JourneyAction.SET_PRIORITY: lambda: steer.set_priority(
            journey, definition, priority=journey.priority, at=at
        ),
        JourneyAction.UPDATE_CONTEXT: lambda: steer.update_context(
            journey, definition, changes={"?": None}, at=at
        ),
        JourneyAction.MIGRATE: lambda: steer.migrate(
            journey, definition, journey.template_version + 1, step_map={}, at=at
        ),
    }
    return [_verdict(action, attempt, identity) for action, attempt in tries.items()]


def _verdict(action: JourneyAction, attempt: Callable[[], object], identity: Identity) -> Allowed:
    needed = (Role.ADMIN,) if action is JourneyAction.MIGRATE else (Role.OPERATOR, Role.SERVICE)
    if not identity.has(*needed):
        return Allowed(action, False, f"Your roles do not include {needed[0].value}.")
    try:
        attempt()
    except DomainError as error:
        reasons = "; ".join(problem.message for problem in error.problems)
        return Allowed(action, False, reasons)
    return Allowed(action, True)

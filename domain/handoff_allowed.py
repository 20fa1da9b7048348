"""What somebody may do with a handoff now, and why not the rest. Found by trying: a command is pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain import deciding, handing
from domain.errors import DomainError, IllegalTransition
from domain.events import HandoffStatus
from domain.handoff import Handoff, require
from domain.handoff_events import LateResult
from domain.identity import Identity, Role


class HandoffAction(StrEnum):
    PROCESS = "process"
    COMPLETE = "complete"
    FAIL = "fail"
    CANCEL = "cancel"
    REASSIGN = "reassign"
    CHANGE_DATA = "change_data"
    RETRY = "retry"
    APPROVE = "approve"
    REJECT = "reject"
    DELEGATE = "delegate"


DECISIONS = (HandoffAction.APPROVE, HandoffAction.REJECT, HandoffAction.DELEGATE)


@dataclass(frozen=True, slots=True)
class HandoffVerdict:
    action: HandoffAction
    allowed: bool
    reason: str | None = None


def handoff_actions(handoff: Handoff, identity: Identity, *, at: datetime) -> list[HandoffVerdict]:
    """Every action with its verdict, in a fixed order. A retry may still be refused for data that is missing."""
    tries: dict[HandoffAction, Callable[[], object]] = {
        HandoffAction.PROCESS: lambda: handing.process(handoff, by=identity.actor, at=at),
        HandoffAction.COMPLETE: lambda: _open(handoff, lambda: handing.complete(handoff, output=None, at=at)),
        HandoffAction.FAIL: lambda: _open(handoff, lambda: handing.fail(handoff, reason="?", at=at)),
        HandoffAction.CANCEL: lambda: handing.cancel(handoff, at=at),
        HandoffAction.REASSIGN: lambda: handing.reassign(handoff, user="?", at=at),
        HandoffAction.CHANGE_DATA: lambda: handing.change_data(handoff, changes={"?": None}, at=at),
        HandoffAction.RETRY: lambda: require(handoff, HandoffStatus.FAILED, verb="retried"),
        HandoffAction.APPROVE: lambda: _news(deciding.approve(handoff, identity, at=at)),
        HandoffAction.REJECT: lambda: _news(deciding.reject(handoff, identity, at=at)),
        HandoffAction.DELEGATE: lambda: deciding.delegate(handoff, identity, to="\x00", at=at),
    }
    return [_verdict(action, attempt, identity) for action, attempt in tries.items()]


def _open(handoff: Handoff, attempt: Callable[[], Sequence[object]]) -> None:
    """A late result is only kept: that is nothing to offer."""
    require(handoff, HandoffStatus.PENDING, HandoffStatus.IN_PROGRESS, verb="ended")
    if any(isinstance(event, LateResult) for event in attempt()):
        raise IllegalTransition("It was not handed over again yet.")


def _news(events: Sequence[object]) -> None:
    if not events:
        raise IllegalTransition("You have decided already.")


def _verdict(action: HandoffAction, attempt: Callable[[], object], identity: Identity) -> HandoffVerdict:
    needed = (Role.APPROVER,) if action in DECISIONS else (Role.OPERATOR, Role.SERVICE)
    if not identity.has(*needed):
        return HandoffVerdict(action, False, f"Your roles do not include {needed[0].value}.")
    try:
        attempt()
    except DomainError as error:
        return HandoffVerdict(action, False, "; ".join(problem.message for problem in error.problems))
    return HandoffVerdict(action, True)

"""Handing over: what people and partners do with a handoff, except deciding.

Creation by a person is refused where data is missing; made by a journey, the handoff is there and has failed, so
that a person can mend it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from domain.address import PARAMETER
from domain.approval import require_policy
from domain.condition import look_up
from domain.errors import IllegalTransition, InvalidInput, Problem
from domain.events import HandoffStatus
from domain.handoff import Handoff, require
from domain.handoff_events import (
    ApprovalRequested,
    FailureCode,
    Flaw,
    HandoffCancelled,
    HandoffCompleted,
    HandoffCreated,
    HandoffDataChanged,
    HandoffEvent,
    HandoffFailed,
    HandoffReassigned,
    HandoffRetried,
    HandoffStarted,
    HandoffType,
    LateResult,
)
from domain.handoff_fold import begin, evolve
from domain.identity import Actor
from domain.package import Package
from domain.values import Json, JsonObject

_OPEN: Final = (HandoffStatus.PENDING, HandoffStatus.IN_PROGRESS)


def create(
    id: str, created: HandoffCreated, package: Package | None, *, by: Actor, strict: bool
) -> list[HandoffEvent]:
    """A new handoff. With `strict` missing data is refused (InvalidInput); without, it makes the handoff fail."""
    if (created.kind is HandoffType.APPROVAL_REQUIRED) is not (created.policy is not None):
        raise InvalidInput("An approval, and nothing else, needs a policy.", "approval")
    if created.policy is not None:
        require_policy(created.policy, "approval")
    handoff = begin(id, created, by)
    problems = problems_of(handoff, package)
    if strict and problems:
        raise InvalidInput(problems[0].message, problems=problems)
    return [created, *([_invalid(problems, created.at)] if problems else requested(handoff, created.at))]


def problems_of(handoff: Handoff, package: Package | None) -> list[Problem]:
    """Why the work cannot be done as it is asked for. What people do needs no package that is known."""
    if not called(handoff):
        return _absent(handoff.data, handoff.required_data)
    if package is None:
        return [Problem(f"There is no package {handoff.to_package!r}.", ("toPackage",))]
    found = _missing_data(package, handoff.action, handoff.data, handoff.required_data)
    if package.address is None and not handoff.awaits_decision:  # people may decide before it is set
        found.insert(0, Problem(f"The package {package.name!r} has no address yet.", ("toPackage",)))
    return found


def _missing_data(
    package: Package, action: str | None, data: JsonObject, required: tuple[str, ...]
) -> list[Problem]:
    """Why a handoff with this data cannot be executed."""
    found = package.action(action)
    if found is None:
        return [Problem(f"The package {package.name!r} has no action {action!r}.", ("action",))]
    placed = PARAMETER.findall(found.path)
    odd = [path for path in placed if look_up(path, data)[1] in ("", ".", "..")]
    problems = [Problem(f"{path} cannot be part of an address.", ("data", path)) for path in odd]
    return problems + _absent(data, (*found.required_data, *placed, *required))


def _absent(data: Mapping[str, Json], needed: tuple[str, ...]) -> list[Problem]:
    """A problem for each path that leads to nothing."""
    gone = [path for path in dict.fromkeys(needed) if look_up(path, data)[1] is None]
    return [Problem(f"{path} is needed.", ("data", path)) for path in gone]


def called(handoff: Handoff) -> bool:
    """Whether a partner is called for it, at once or when it is approved."""
    if handoff.type is HandoffType.APPROVAL_REQUIRED:
        return handoff.action is not None
    return handoff.type is HandoffType.AUTOMATIC


def requested(handoff: Handoff, at: datetime) -> list[HandoffEvent]:
    """Where people are to decide, ask them."""
    if handoff.approval is None:
        return []
    due = handoff.approval.policy.due
    policy = handoff.approval.policy
    return [ApprovalRequested(at=at, policy=policy, due_at=None if due is None else at + due)]


def process(handoff: Handoff, *, by: Actor, at: datetime) -> list[HandoffEvent]:
    """Take up what waits for a person, or try at once what waits for its next attempt."""
    require(handoff, *_OPEN, verb="processed")
    if handoff.awaits_decision:
        raise IllegalTransition("It waits for a decision.", "id")
    if handoff.type is HandoffType.MANUAL:
        require(handoff, HandoffStatus.PENDING, verb="taken up")
        return [HandoffStarted(at=at, assigned_to=by.id)]
    if handoff.lease_until is not None:
        raise IllegalTransition("An attempt is under way.", "id")
    if handoff.next_attempt_at is None:
        raise IllegalTransition("The partner has accepted it and will answer.", "id")
    return [HandoffStarted(at=at)] if handoff.next_attempt_at > at else []


def complete(handoff: Handoff, *, output: Json, at: datetime) -> list[HandoffEvent]:
    """The work is done. After a failure, an expiry or a cancellation the result is kept, and changes nothing; nor does
    that of an earlier round before the partner is asked again."""
    if handoff.status in (HandoffStatus.FAILED, HandoffStatus.EXPIRED, HandoffStatus.CANCELLED):
        return [LateResult(at=at, round=handoff.round, output=output)]
    require(handoff, *_OPEN, verb="completed")
    if handoff.type is not HandoffType.MANUAL and handoff.tried == 0:
        if handoff.attempts:
            return [LateResult(at=at, round=handoff.attempts[-1].round, output=output)]
        waits = "It waits for a decision." if handoff.awaits_decision else "It was not handed over yet."
        raise IllegalTransition(waits, "id")
    return [HandoffCompleted(at=at, output=output)]


def fail(handoff: Handoff, *, reason: str, at: datetime) -> list[HandoffEvent]:
    """The work cannot be done: an incident, until somebody retries it."""
    if not reason.strip():
        raise InvalidInput("A reason is needed.", "reason")
    if handoff.awaits_decision and handoff.attempts:
        return [LateResult(at=at, round=handoff.attempts[-1].round, error=reason)]
    if handoff.awaits_decision:
        raise IllegalTransition("It waits for a decision.", "id")
    if handoff.status in (HandoffStatus.EXPIRED, HandoffStatus.CANCELLED):
        return [LateResult(at=at, round=handoff.round, error=reason)]
    require(handoff, *_OPEN, verb="failed")
    return [HandoffFailed(at=at, code=FailureCode.REPORTED, reason=reason)]


def cancel(handoff: Handoff, *, at: datetime, reason: str | None = None) -> list[HandoffEvent]:
    """Nobody needs it any more. What a partner says later is kept, and changes nothing."""
    require(handoff, *_OPEN, verb="cancelled")
    return [HandoffCancelled(at=at, reason=reason)]


def reassign(handoff: Handoff, *, user: str | None, at: datetime) -> list[HandoffEvent]:
    """Say who is to do it; null takes a person off it."""
    require(handoff, *_OPEN, HandoffStatus.FAILED, verb="reassigned")
    return [] if handoff.assigned_to == user else [HandoffReassigned(at=at, user=user)]


def change_data(
    handoff: Handoff,
    *,
    changes: JsonObject,
    at: datetime,
    package: Package | None = None,
    by: Actor | None = None,
) -> list[HandoffEvent]:
    """Merge at the top level (null removes a key) before the work has begun. Decisions given are void, and whoever
    changes the data has asked for what it is now. What is needed cannot be taken away: give the package, which says
    what its action needs."""
    require(handoff, HandoffStatus.PENDING, verb="given other data")
    if not changes:
        raise InvalidInput("Nothing to change.", "changes")
    changed = HandoffDataChanged(at=at, by=by, changes=changes)
    after = evolve(handoff, changed)
    known = called(handoff) and package is not None
    problems = problems_of(after, package) if known else _absent(after.data, after.required_data)
    if problems:
        raise InvalidInput(problems[0].message, problems=problems)
    if not handoff.awaits_decision or handoff.approval is None:
        return [changed]
    return [changed, ApprovalRequested(at=at, policy=handoff.approval.policy, due_at=handoff.due_at)]


def retry(
    handoff: Handoff,
    package: Package | None,
    *,
    changes: JsonObject | None,
    reason: str | None,
    at: datetime,
    by: Actor | None = None,
) -> list[HandoffEvent]:
    """A new round of a failed handoff: with mended data, or with a reason. What is still missing is refused."""
    require(handoff, HandoffStatus.FAILED, verb="retried")
    if not changes and not (reason or "").strip():
        raise InvalidInput("Give changed data or a reason.", "reason")
    events: list[HandoffEvent] = [HandoffDataChanged(at=at, by=by, changes=changes)] if changes else []
    events.append(HandoffRetried(at=at, round=handoff.round + 1, reason=reason))
    after = handoff
    for event in events:
        after = evolve(after, event)
    if problems := problems_of(after, package):
        raise InvalidInput(problems[0].message, problems=problems)
    return events + (requested(after, at) if after.awaits_decision else [])


def _invalid(problems: list[Problem], at: datetime) -> HandoffFailed:
    reason = "; ".join(problem.message for problem in problems)
    flaws = tuple(Flaw(problem.message, problem.path) for problem in problems)
    return HandoffFailed(at=at, code=FailureCode.VALIDATION, reason=reason, validation_errors=flaws)

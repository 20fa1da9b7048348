"""What each event does to a handoff: the one fold, in which no decision is made."""

from dataclasses import replace
from datetime import datetime
from typing import Final, assert_never

from domain.approval import Approval, Decision, Delegation
from domain.events import HandoffStatus
from domain.handoff import Attempt, Handoff
from domain.handoff_events import (
    ApprovalDelegated,
    ApprovalEscalated,
    ApprovalGiven,
    ApprovalRequested,
    AttemptEnded,
    AttemptStarted,
    HandoffCancelled,
    HandoffCompleted,
    HandoffCreated,
    HandoffDataChanged,
    HandoffEvent,
    HandoffExpired,
    HandoffFailed,
    HandoffReassigned,
    HandoffRejected,
    HandoffRetried,
    HandoffStarted,
    HandoffType,
    LateResult,
)
from domain.identity import Actor
from domain.values import JsonObject

KEPT_ATTEMPTS: Final = 30  # the latest; all are in the history
KEPT_VOID: Final = 100


def begin(id: str, event: HandoffEvent, by: Actor) -> Handoff:
    """The handoff that its creation makes."""
    if not isinstance(event, HandoffCreated):
        raise TypeError("a handoff begins with its creation")
    return Handoff(
        id=id,
        tenant_id=event.tenant_id,
        type=event.kind,
        name=event.name,
        from_package=event.from_package,
        to_package=event.to_package,
        action=event.action,
        journey_id=event.journey_id,
        step=event.step,
        visit=event.visit,
        customer_id=event.customer_id,
        lead_id=event.lead_id,
        priority=event.priority,
        data=event.data,
        required_data=event.required_data,
        limits=event.limits,
        approval=None if event.policy is None else Approval(policy=event.policy),
        assigned_to=event.assigned_to,
        due_at=event.due_at,
        requester=event.requester,
        correlation_id=event.correlation_id,
        depth=event.depth,
        next_attempt_at=event.at if event.kind is HandoffType.AUTOMATIC else None,
        created_at=event.at,
        created_by=event.by or by,
        last_activity=event.at,
    )


def evolve(handoff: Handoff, event: HandoffEvent) -> Handoff:  # noqa: PLR0912  # a branch for each event
    """The handoff after the event."""
    handoff = replace(handoff, last_activity=max(handoff.last_activity, event.at))
    match event:
        case HandoffCreated():
            raise AssertionError("a handoff is created once: see begin")
        case ApprovalRequested(due_at=due):
            return replace(handoff, due_at=due)
        case ApprovalGiven(decision=decision):
            return _decided(handoff, decision)
        case ApprovalDelegated(from_user=by, to_user=to, at=at):
            return _delegated(handoff, Delegation(by=by, to=to, at=at))
        case ApprovalEscalated(due_at=due):
            escalated = replace(handoff.approval, escalated=True) if handoff.approval else None
            return replace(handoff, approval=escalated, due_at=due)
        case HandoffStarted(assigned_to=user, at=at):
            return _started(handoff, user, at)
        case AttemptStarted():
            return _attempted(handoff, event)
        case AttemptEnded():
            return _answered(handoff, event)
        case HandoffCompleted(output=output, at=at):
            return replace(_ended(handoff, HandoffStatus.COMPLETED, at, None), output=output)
        case HandoffFailed(reason=reason, at=at):
            failed = _ended(handoff, HandoffStatus.FAILED, at, reason)
            return replace(failed, failure=event.code, validation_errors=event.validation_errors)
        case HandoffRejected(decision=decision, at=at):
            return _ended(_decided(handoff, decision), HandoffStatus.REJECTED, at, decision.comment)
        case HandoffExpired(at=at):
            return _ended(handoff, HandoffStatus.EXPIRED, at, "nobody decided in time")
        case HandoffCancelled(reason=reason, at=at):
            return _ended(handoff, HandoffStatus.CANCELLED, at, reason)
        case HandoffReassigned(user=user):
            return replace(handoff, assigned_to=user)
        case HandoffDataChanged(changes=changes, by=by):
            return _with_data(handoff, changes, by)
        case HandoffRetried(round=number, at=at):
            return _again(handoff, number, at)
        case LateResult():
            return handoff
        case _:
            assert_never(event)


def _decided(handoff: Handoff, decision: Decision) -> Handoff:
    approval = handoff.approval
    if approval is None:
        return handoff
    return replace(handoff, approval=replace(approval, decisions=(*approval.decisions, decision)))


def _delegated(handoff: Handoff, delegation: Delegation) -> Handoff:
    approval = handoff.approval
    if approval is None:
        return handoff
    return replace(handoff, approval=replace(approval, delegations=(*approval.delegations, delegation)))


def _started(handoff: Handoff, user: str | None, at: datetime) -> Handoff:
    """To be executed now where there is an action to execute; else a person is at it, and keeps its due time."""
    if handoff.type is HandoffType.MANUAL:
        return replace(handoff, status=HandoffStatus.IN_PROGRESS, assigned_to=user or handoff.assigned_to)
    return replace(handoff, status=HandoffStatus.IN_PROGRESS, next_attempt_at=at, due_at=None)


def _attempted(handoff: Handoff, event: AttemptStarted) -> Handoff:
    attempt = Attempt(round=event.round, number=event.attempt, started_at=event.at, claim=event.claim)
    return replace(
        handoff,
        status=HandoffStatus.IN_PROGRESS,
        attempts=(*handoff.attempts[1 - KEPT_ATTEMPTS :], attempt),
        next_attempt_at=None,
        due_at=None,
        deadline=event.deadline,
        claim=event.claim,
        lease_until=event.lease_until,
    )


def _answered(handoff: Handoff, event: AttemptEnded) -> Handoff:
    def ended(attempt: Attempt) -> Attempt:
        if (attempt.round, attempt.number) != (event.round, event.attempt):
            return attempt
        return replace(
            attempt, ended_at=event.at, outcome=event.outcome, status=event.status, error=event.error
        )

    return replace(
        handoff,
        attempts=tuple(map(ended, handoff.attempts)),
        next_attempt_at=event.next_attempt_at,
        due_at=event.due_at,
        claim=None,
        lease_until=None,
    )


def _ended(handoff: Handoff, status: HandoffStatus, at: datetime, reason: str | None) -> Handoff:
    """Nothing is due or awaited any more."""
    stopped = tuple(each if each.ended_at else replace(each, ended_at=at) for each in handoff.attempts)
    return replace(
        handoff,
        attempts=stopped,
        status=status,
        reason=reason,
        ended_at=at,
        next_attempt_at=None,
        due_at=None,
        claim=None,
        lease_until=None,
    )


def _with_data(handoff: Handoff, changes: JsonObject, by: Actor | None) -> Handoff:
    data: JsonObject = {key: value for key, value in (handoff.data | changes).items() if value is not None}
    approval = handoff.approval
    if approval is not None:
        void = tuple(replace(each, voided=True) for each in approval.decisions[-KEPT_VOID:])
        editors = (*approval.editors, by.id) if by is not None else approval.editors
        approval = replace(approval, decisions=void, editors=tuple(dict.fromkeys(editors)))
    return replace(handoff, data=data, approval=approval)


def _again(handoff: Handoff, number: int, at: datetime) -> Handoff:
    """A new round. What needs an approval that it does not have waits for one; what is executed is due at once."""
    waits = handoff.type is HandoffType.MANUAL or (
        handoff.approval is not None and handoff.approval.missing > 0
    )
    approval = None if handoff.approval is None else replace(handoff.approval, escalated=False)
    return replace(
        handoff,
        approval=approval,
        status=HandoffStatus.PENDING if waits or handoff.approval is None else HandoffStatus.IN_PROGRESS,
        round=number,
        failure=None,
        reason=None,
        validation_errors=(),
        ended_at=None,
        deadline=None,
        next_attempt_at=None if waits else at,
    )

"""Deciding: approve, reject, delegate, and what happens when nobody decided in time.

Of many decisions at the same moment exactly the quorum counts; everybody else is told who decided.
"""

from datetime import datetime
from typing import Final

from domain.approval import Approval, Decision, Verdict, WhenDue
from domain.errors import AlreadyDecided, CannotDecide, IllegalTransition, InvalidInput
from domain.events import HandoffStatus
from domain.handoff import Handoff
from domain.handoff_events import (
    ApprovalDelegated,
    ApprovalEscalated,
    ApprovalGiven,
    HandoffCompleted,
    HandoffEvent,
    HandoffExpired,
    HandoffRejected,
    HandoffStarted,
)
from domain.identity import Identity

MAX_DELEGATIONS: Final = 100


def approve(
    handoff: Handoff, identity: Identity, *, at: datetime, comment: str | None = None
) -> list[HandoffEvent]:
    """One approval. The one that makes the quorum completes it, or lets its action be executed.

    Given again by the same person it does nothing.
    """
    if (decided := _may_decide(handoff, identity, Verdict.APPROVE)) is None:
        return []
    approval, decision = _open(handoff), _decision(decided, identity, Verdict.APPROVE, at, comment)
    events: list[HandoffEvent] = [ApprovalGiven(at=at, decision=decision)]
    if approval.missing > 1:
        return events
    if handoff.action is not None:
        return [*events, HandoffStarted(at=at)]
    by = [each.by.id for each in approval.valid if each.verdict is Verdict.APPROVE]
    return [*events, HandoffCompleted(at=at, output={"approvedBy": [*by, identity.user_id]})]


def reject(
    handoff: Handoff, identity: Identity, *, at: datetime, comment: str | None = None
) -> list[HandoffEvent]:
    """One rejection ends it at once."""
    if (decided := _may_decide(handoff, identity, Verdict.REJECT)) is None:
        return []
    decision = _decision(decided, identity, Verdict.REJECT, at, comment)
    return [HandoffRejected(at=at, decision=decision)]


def delegate(handoff: Handoff, identity: Identity, *, to: str, at: datetime) -> list[HandoffEvent]:
    """Let somebody else decide instead; to oneself takes it back."""
    approval = _open(handoff)
    if len(approval.delegations) >= MAX_DELEGATIONS:
        raise IllegalTransition("This was delegated too often.", "id")
    if to == identity.user_id and identity.user_id in approval.delegates:
        if approval.decision_of(holder := approval.holder(to)) is not None:
            raise IllegalTransition(f"{holder!r} has decided instead of you already.", "to")
        return [ApprovalDelegated(at=at, from_user=identity.user_id, to_user=to)]
    if refusal := approval.refusal(identity, handoff.requester):
        raise CannotDecide(refusal, "id")
    if approval.decision_of(identity.user_id) is not None:
        raise IllegalTransition("You have decided already.", "id")
    if to == identity.user_id or not to.strip():
        raise InvalidInput("Name somebody else.", "to")
    if to in approval.barred(handoff.requester):
        raise InvalidInput("Whoever asked for an approval does not decide on it.", "to")
    if to in approval.delegates or approval.decision_of(to) is not None:
        raise InvalidInput(f"{to!r} has decided or delegated it already.", "to")
    return [ApprovalDelegated(at=at, from_user=identity.user_id, to_user=to)]


def come_due(handoff: Handoff, *, at: datetime) -> list[HandoffEvent]:
    """Nobody decided in time: once it may escalate, then it expires. Nothing where it is not due."""
    approval = handoff.approval
    if not handoff.awaits_decision or handoff.due_at is None or handoff.due_at > at or approval is None:
        return []
    policy = approval.policy
    if policy.when_due is WhenDue.ESCALATE and policy.escalate_to and not approval.escalated:
        due = None if policy.due is None else at + policy.due
        return [ApprovalEscalated(at=at, role=policy.escalate_to, due_at=due)]
    return [HandoffExpired(at=at, due_at=handoff.due_at)]


def may_decide(handoff: Handoff, identity: Identity) -> bool:
    """Whether it belongs in this person's list of pending approvals."""
    if not handoff.awaits_decision or handoff.approval is None:
        return False
    decided = handoff.approval.decision_of(identity.user_id) is not None
    return not decided and handoff.approval.refusal(identity, handoff.requester) is None


def _may_decide(handoff: Handoff, identity: Identity, verdict: Verdict) -> Approval | None:
    """The approval to decide; None where this person has decided the same already. Raises otherwise."""
    if handoff.approval is None:
        raise IllegalTransition("This handoff needs no approval.", "id")
    own = handoff.approval.decision_of(identity.user_id)
    if own is not None and own.verdict is verdict:
        return None
    if refusal := handoff.approval.refusal(identity, handoff.requester):
        raise CannotDecide(refusal, "id")
    approval = _open(handoff)
    if own is not None:
        raise AlreadyDecided([identity.user_id])
    return approval


def _open(handoff: Handoff) -> Approval:
    if handoff.approval is None:
        raise IllegalTransition("This handoff needs no approval.", "id")
    if handoff.awaits_decision:
        return handoff.approval
    decided = handoff.status not in (HandoffStatus.EXPIRED, HandoffStatus.CANCELLED)
    if not decided or not handoff.approval.valid:
        raise IllegalTransition(f"It is {handoff.status.value}.", "id")
    raise AlreadyDecided([each.by.id for each in handoff.approval.valid])


def _decision(
    approval: Approval, identity: Identity, verdict: Verdict, at: datetime, comment: str | None
) -> Decision:
    return Decision(verdict=verdict, by=identity.actor, at=at, comment=comment, policy=approval.policy)

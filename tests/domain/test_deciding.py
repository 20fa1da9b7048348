"""Approvals: who may decide, what counts, and what happens when nobody does."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import deciding, handing
from domain.approval import ApprovalPolicy, Verdict, WhenDue, require_policy
from domain.errors import AlreadyDecided, CannotDecide, IllegalTransition, InvalidInput
from domain.events import HandoffStatus
from domain.handoff import Handoff
from domain.handoff_events import ApprovalEscalated, HandoffCompleted, HandoffExpired
from domain.identity import Identity, Role
from tests.domain.handed import approved, awaiting, created, moved, names, only, person
from tests.domain.samples import ANNA, NOON, later

S = HandoffStatus
HOUR = timedelta(hours=1)
BEN, CEM = person("ben"), person("cem")
MANAGER = person("max", "manager")


def approve(handoff: Handoff, who: Identity = BEN, comment: str | None = None) -> Handoff:
    return moved(handoff, deciding.approve(handoff, who, at=NOON, comment=comment))


def missing(handoff: Handoff) -> int:
    assert handoff.approval is not None
    return handoff.approval.missing


# What counts


def test_the_quorum_completes_an_approval_and_says_who_approved() -> None:
    handoff = approve(awaiting(quorum=2))
    assert (handoff.status, missing(handoff)) == (S.PENDING, 1)
    handoff = approve(handoff, CEM)
    assert (handoff.status, handoff.output) == (S.COMPLETED, {"approvedBy": ["ben", "cem"]})


def test_the_quorum_lets_an_action_be_executed_at_once() -> None:
    handoff = approve(awaiting(action="convert", due=HOUR))
    assert (handoff.status, handoff.next_attempt_at, handoff.due_at) == (S.IN_PROGRESS, NOON, None)


def test_the_same_person_counts_once() -> None:
    handoff = approve(awaiting(quorum=2))
    assert deciding.approve(handoff, BEN, at=NOON) == []
    assert missing(handoff) == 1


def test_who_has_decided_does_not_change_sides() -> None:
    with pytest.raises(AlreadyDecided):
        deciding.reject(approve(awaiting(quorum=2)), BEN, at=NOON)


def test_one_rejection_ends_it_at_once_whoever_approved_before() -> None:
    handoff = approve(awaiting(quorum=2))
    handoff = moved(handoff, deciding.reject(handoff, CEM, at=later(minutes=1), comment="too dear"))
    assert (handoff.status, handoff.reason, handoff.ended_at) == (
        S.REJECTED,
        "too dear",
        later(minutes=1),
    )
    assert deciding.reject(handoff, CEM, at=NOON) == []


@given(st.integers(1, 20), st.booleans())
def test_of_fifty_decisions_exactly_the_quorum_counts_and_the_rest_hear_who_decided(
    quorum: int, acts: bool
) -> None:
    handoff = awaiting(quorum=quorum, action="convert" if acts else None)
    for n in range(quorum):
        handoff = approve(handoff, person(f"p{n}"))
    for n in range(quorum, 50):
        with pytest.raises(AlreadyDecided) as told:
            deciding.approve(handoff, person(f"p{n}"), at=NOON)
        assert told.value.extra["decidedBy"] == [f"p{n}" for n in range(quorum)]


def test_a_decision_keeps_who_when_why_and_the_policy_of_that_time() -> None:
    handoff = approve(awaiting(quorum=2, due=HOUR), comment="looks right")
    assert handoff.approval is not None
    [decision] = handoff.approval.decisions
    assert (decision.by, decision.at, decision.verdict) == (BEN.actor, NOON, Verdict.APPROVE)
    assert (decision.comment, decision.policy) == ("looks right", ApprovalPolicy(quorum=2, due=HOUR))


def test_other_data_voids_the_decisions_and_the_same_people_decide_anew() -> None:
    handoff = approve(awaiting(quorum=2))
    handoff = moved(handoff, handing.change_data(handoff, changes={"price": 99}, at=NOON))
    assert missing(handoff) == 2
    assert handoff.approval is not None
    assert [each.voided for each in handoff.approval.decisions] == [True]
    assert approve(approve(handoff), CEM).status is S.COMPLETED


# Who may


def test_it_is_for_the_roles_and_groups_of_the_policy_and_for_admins() -> None:
    handoff = awaiting(roles=("manager", Role.OPERATOR.value))
    for who in (MANAGER, person("o", Role.OPERATOR), person("a", Role.ADMIN)):
        assert approve(handoff, who).status is S.COMPLETED
    for who in (BEN, person("v", Role.VIEWER), person("x", "managers")):
        with pytest.raises(CannotDecide, match="manager or operator"):
            deciding.approve(handoff, who, at=NOON)


def test_whoever_asked_does_not_decide_unless_the_policy_says_so() -> None:
    anna = person("anna", Role.ADMIN)
    for verb in (deciding.approve, deciding.reject):
        with pytest.raises(CannotDecide, match="asked"):
            verb(awaiting(requester=ANNA), anna, at=NOON)
    assert approve(awaiting(requester=ANNA, requester_may_decide=True), anna).status is S.COMPLETED


def test_a_system_that_asked_does_not_decide_either() -> None:
    robot = person("robot", Role.SERVICE)
    handoff = awaiting(requester=robot.actor, roles=(Role.SERVICE.value,))
    with pytest.raises(CannotDecide, match="asked"):
        deciding.approve(handoff, robot, at=NOON)


# Due times


def test_what_nobody_decides_in_time_expires_and_not_before() -> None:
    handoff = awaiting(due=HOUR)
    assert handoff.due_at == handoff.wake_at == later(hours=1)
    assert deciding.come_due(handoff, at=later(minutes=59)) == []
    [expired] = deciding.come_due(handoff, at=later(hours=1))
    assert isinstance(expired, HandoffExpired)
    ended = moved(handoff, [expired])
    assert (ended.status, ended.wake_at) == (S.EXPIRED, None)
    assert deciding.come_due(ended, at=later(hours=2)) == []


def test_an_escalation_comes_once_lets_others_decide_too_and_then_it_expires() -> None:
    handoff = awaiting(due=HOUR, when_due=WhenDue.ESCALATE, escalate_to="manager")
    with pytest.raises(CannotDecide):
        deciding.approve(handoff, MANAGER, at=NOON)
    escalated = only(deciding.come_due(handoff, at=later(hours=1)), ApprovalEscalated)
    assert (escalated.role, escalated.due_at) == ("manager", later(hours=2))
    handoff = moved(handoff, [escalated])
    assert approve(handoff).status is approve(handoff, MANAGER).status is S.COMPLETED
    assert names(deciding.come_due(handoff, at=later(hours=2))) == ["expired"]


def test_an_approval_without_a_due_time_waits_for_ever() -> None:
    assert awaiting().wake_at is None
    assert deciding.come_due(awaiting(), at=later(days=1000)) == []


@pytest.mark.parametrize("status", [S.EXPIRED, S.CANCELLED, S.FAILED])
def test_who_comes_too_late_is_told_that_it_ended_not_that_nobody_decided(status: S) -> None:
    handoff = awaiting(due=HOUR)
    over = {
        S.EXPIRED: lambda: moved(handoff, deciding.come_due(handoff, at=later(hours=1))),
        S.CANCELLED: lambda: moved(handoff, handing.cancel(handoff, at=NOON)),
        S.FAILED: lambda: awaiting(strict=False, action="dance"),
    }[status]()
    assert over.status is status
    with pytest.raises(IllegalTransition, match=status.value):
        deciding.approve(over, BEN, at=NOON)


def test_what_needs_no_approval_is_not_decided() -> None:
    with pytest.raises(IllegalTransition):
        deciding.approve(created(), BEN, at=NOON)


@pytest.mark.parametrize(
    "wrong",
    [
        {"quorum": 0},
        {"quorum": 21},
        {"roles": ()},
        {"roles": ("",)},
        {"due": timedelta(0)},
        {"when_due": WhenDue.ESCALATE, "due": HOUR},
        {"when_due": WhenDue.ESCALATE, "escalate_to": "manager"},
    ],
)
def test_a_policy_by_which_nothing_could_come_of_it_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        require_policy(ApprovalPolicy(**wrong))  # type: ignore[arg-type]


def test_the_last_approval_of_a_quorum_completes_it_in_the_same_change() -> None:
    events = deciding.approve(approved(awaiting(quorum=2), "ben"), CEM, at=NOON)
    assert names(events) == ["given", "completed"]
    assert only(events, HandoffCompleted)


def test_whoever_changes_what_is_asked_for_does_not_decide_on_it() -> None:
    asked = awaiting(quorum=2)
    handoff = moved(asked, handing.change_data(asked, changes={"price": 99}, at=NOON, by=BEN.actor))
    with pytest.raises(CannotDecide):
        approve(handoff, BEN)
    assert (deciding.may_decide(handoff, BEN), deciding.may_decide(handoff, CEM)) == (False, True)


def test_an_approval_is_not_passed_around_for_ever() -> None:
    handoff = awaiting()
    for _ in range(deciding.MAX_DELEGATIONS // 2):
        handoff = moved(handoff, deciding.delegate(handoff, BEN, to="cem", at=NOON))
        handoff = moved(handoff, deciding.delegate(handoff, BEN, to="ben", at=NOON))
    with pytest.raises(IllegalTransition):
        deciding.delegate(handoff, BEN, to="cem", at=NOON)

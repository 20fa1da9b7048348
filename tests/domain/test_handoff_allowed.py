"""What somebody may do with a handoff now: exactly what would be carried out, and why not the rest."""

from datetime import timedelta

import pytest

from domain import deciding, handing
from domain.events import HandoffStatus
from domain.handoff import Handoff
from domain.handoff_allowed import HandoffAction as A
from domain.handoff_allowed import handoff_actions
from domain.handoff_events import HandoffType
from domain.identity import Identity, Role
from tests.domain.handed import (
    CRM,
    answering,
    approved,
    awaiting,
    claimed,
    created,
    failing,
    in_state,
    moved,
    person,
)
from tests.domain.samples import ANNA, NOON

S = HandoffStatus
ADMIN = person("ada", Role.ADMIN)
WORK = {A.PROCESS, A.COMPLETE, A.FAIL, A.CANCEL, A.REASSIGN}


def allowed(handoff: Handoff, identity: Identity = ADMIN) -> set[A]:
    return {each.action for each in handoff_actions(handoff, identity, at=NOON) if each.allowed}


@pytest.mark.parametrize(
    ("handoff", "actions"),
    [
        (created(HandoffType.MANUAL), {*WORK, A.CHANGE_DATA}),
        (in_state(S.IN_PROGRESS), WORK - {A.PROCESS}),
        (created(), {*WORK, A.CHANGE_DATA} - {A.COMPLETE}),
        (claimed(), WORK - {A.PROCESS}),
        (answering(claimed(), 500), WORK),
        (answering(claimed(), 202), WORK - {A.PROCESS}),
        (awaiting(), {A.CANCEL, A.REASSIGN, A.CHANGE_DATA, A.APPROVE, A.REJECT, A.DELEGATE}),
        (failing(), {A.RETRY, A.REASSIGN}),
        *((in_state(status), set()) for status in (S.COMPLETED, S.REJECTED, S.EXPIRED, S.CANCELLED)),
    ],
)
def test_an_admin_is_offered_what_the_state_allows(handoff: Handoff, actions: set[A]) -> None:
    assert allowed(handoff) == actions


def test_a_late_result_is_taken_but_not_offered() -> None:
    failed = answering(claimed(approved(awaiting(action="convert"), "ben")), 400)
    events = handing.retry(failed, CRM, changes={"leadId": "l-2"}, reason=None, at=NOON)
    assert allowed(moved(failed, events)).isdisjoint({A.COMPLETE, A.FAIL})
    assert allowed(failed).isdisjoint({A.COMPLETE, A.FAIL})


def test_who_only_looks_is_offered_nothing_and_told_which_role_is_needed() -> None:
    for handoff in (in_state(S.PENDING), awaiting()):
        verdicts = handoff_actions(handoff, person("vic", Role.VIEWER), at=NOON)
        assert not any(each.allowed for each in verdicts)
        assert all(each.reason and "role" in each.reason for each in verdicts)


def test_operators_work_and_approvers_decide() -> None:
    decisions = {A.APPROVE, A.REJECT, A.DELEGATE}
    assert allowed(awaiting(), person("o", Role.OPERATOR)).isdisjoint(decisions)
    assert allowed(awaiting(), person("b")) == decisions


@pytest.mark.parametrize(
    ("handoff", "reason"),
    [
        (awaiting(requester=person("ben").actor), "asked"),
        (awaiting(roles=("managers",)), "managers"),
        (moved(awaiting(), deciding.delegate(awaiting(), person("ben"), to="eve", at=NOON)), "eve"),
        (approved(awaiting(quorum=2), "ben"), "already"),
        (approved(awaiting(), "cem"), "cem"),
    ],
)
def test_who_may_not_decide_is_told_why(handoff: Handoff, reason: str) -> None:
    verdicts = {each.action: each for each in handoff_actions(handoff, person("ben"), at=NOON)}
    assert not verdicts[A.APPROVE].allowed
    assert reason in (verdicts[A.APPROVE].reason or "")


def test_every_action_has_one_verdict_in_a_fixed_order() -> None:
    for handoff in (created(), awaiting(due=timedelta(hours=1)), failing(assigned_to=ANNA.id)):
        assert [each.action for each in handoff_actions(handoff, ADMIN, at=NOON)] == list(A)

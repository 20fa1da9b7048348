"""Delegation, and the lists of what somebody may decide: no vote is doubled, and no list holds what is not for one."""

from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import deciding, handing
from domain.approval import WhenDue
from domain.errors import CannotDecide, DomainError, IllegalTransition, InvalidInput
from domain.events import HandoffStatus
from domain.handoff import Handoff
from domain.handoff_events import ApprovalGiven
from domain.handoff_filter import awaits
from domain.identity import Actor, ActorKind, Identity, Role
from tests.domain.handed import awaiting, moved, only, person
from tests.domain.samples import ANNA, NOON

S = HandoffStatus
HOUR = timedelta(hours=1)
BEN, CEM, DOT = person("ben"), person("cem"), person("dot")


def approve(handoff: Handoff, who: Identity = BEN, comment: str | None = None) -> Handoff:
    return moved(handoff, deciding.approve(handoff, who, at=NOON, comment=comment))


def delegate(handoff: Handoff, who: Identity, to: str) -> Handoff:
    return moved(handoff, deciding.delegate(handoff, who, to=to, at=NOON))


def missing(handoff: Handoff) -> int:
    assert handoff.approval is not None
    return handoff.approval.missing


# Delegation


def test_a_delegate_decides_instead_of_the_person_who_delegated() -> None:
    eve = person("eve", Role.VIEWER)
    handoff = delegate(awaiting(), BEN, "eve")
    with pytest.raises(CannotDecide, match="eve"):
        deciding.approve(handoff, BEN, at=NOON)
    assert approve(handoff, eve).status is S.COMPLETED


def test_what_was_delegated_can_be_taken_back_until_it_was_used() -> None:
    handoff = delegate(awaiting(quorum=2), BEN, "eve")
    back = delegate(handoff, BEN, "ben")
    assert missing(approve(back)) == 1
    with pytest.raises(CannotDecide):
        deciding.approve(back, person("eve", Role.VIEWER), at=NOON)
    used = approve(handoff, person("eve", Role.VIEWER))
    with pytest.raises(IllegalTransition, match="eve"):
        deciding.delegate(used, BEN, to="ben", at=NOON)


def test_taking_back_a_vote_takes_it_from_whoever_had_it_in_the_end() -> None:
    eve = person("eve", Role.VIEWER)
    handoff = delegate(delegate(awaiting(quorum=2), BEN, "eve"), eve, "fay")
    handoff = approve(delegate(handoff, BEN, "ben"))
    for gone in (eve, person("fay", Role.VIEWER)):
        with pytest.raises(CannotDecide):
            deciding.approve(handoff, gone, at=NOON)


@pytest.mark.parametrize("to", ["ben", " ", "anna", "cem", "dot"])
def test_it_is_not_delegated_to_oneself_nobody_the_requester_or_who_is_done_with_it(to: str) -> None:
    handoff = delegate(approve(awaiting(quorum=3, requester=ANNA), CEM), DOT, "eve")
    with pytest.raises(InvalidInput):
        deciding.delegate(handoff, BEN, to=to, at=NOON)


def test_only_who_may_decide_and_has_not_delegates() -> None:
    with pytest.raises(CannotDecide):
        deciding.delegate(awaiting(), person("v", Role.VIEWER), to="eve", at=NOON)
    with pytest.raises(IllegalTransition):
        deciding.delegate(approve(awaiting(quorum=2)), BEN, to="eve", at=NOON)


@settings(max_examples=200)
@given(st.lists(st.tuples(st.sampled_from("abcx"), st.sampled_from("abcxy") | st.none()), max_size=12))
def test_however_votes_are_delegated_there_are_never_more_than_there_are_approvers(
    moves: list[tuple[str, str | None]],
) -> None:
    handoff = awaiting(quorum=20)
    for who, to in moves:
        identity = person(who) if who in "abc" else person(who, Role.VIEWER)
        try:
            handoff = approve(handoff, identity) if to is None else delegate(handoff, identity, to)
        except DomainError:
            continue
    assert 20 - missing(handoff) <= 3


# Lists of what somebody may decide

ROLES = ("approver", "operator", "manager", "lead")
identities = st.builds(
    lambda name, held: person(name, *(Role(each) if each in set(Role) else each for each in held)),
    st.sampled_from("abcd"),
    st.lists(st.sampled_from((*ROLES, "admin", "viewer", "service")), min_size=1, max_size=3, unique=True),
)
policies = st.fixed_dictionaries(
    {
        "quorum": st.integers(1, 3),
        "roles": st.lists(st.sampled_from(ROLES), min_size=1, max_size=2, unique=True).map(tuple),
        "requester_may_decide": st.booleans(),
        "requester": st.none() | st.builds(Actor, st.sampled_from(ActorKind), st.sampled_from("abcd")),
        "due": st.just(HOUR),
        "when_due": st.just(WhenDue.ESCALATE),
        "escalate_to": st.just("lead"),
    }
)
moves = st.tuples(
    st.sampled_from(("approve", "reject", "delegate", "delegate", "change", "due")),
    identities,
    st.sampled_from("abcd"),
)


@settings(max_examples=300, deadline=None)
@given(policies, st.lists(moves, max_size=8), identities)
def test_an_approval_is_in_exactly_the_lists_of_those_who_may_decide_it(
    policy: dict[str, object], tried: list[tuple[str, Identity, str]], viewer: Identity
) -> None:
    handoff, at = awaiting(**policy), NOON  # type: ignore[arg-type]
    for what, who, to in tried:
        at += timedelta(minutes=20)
        try:
            match what:
                case "approve":
                    events = deciding.approve(handoff, who, at=at)
                case "reject":
                    events = deciding.reject(handoff, who, at=at)
                case "delegate":
                    events = deciding.delegate(handoff, who, to=to, at=at)
                case "change":
                    events = handing.change_data(handoff, changes={"x": 1}, at=at)
                case _:
                    events = deciding.come_due(handoff, at=at)
        except DomainError:
            continue
        handoff = moved(handoff, events)
    assert awaits(handoff.facets, viewer) is deciding.may_decide(handoff, viewer)
    if deciding.may_decide(handoff, viewer):
        assert only(deciding.approve(handoff, viewer, at=at), ApprovalGiven)
    else:
        with suppress(DomainError):
            assert deciding.approve(handoff, viewer, at=at) == []

"""Handing over: creation, people's work, ends, other data, and new rounds."""

from collections.abc import Callable
from typing import Any

import pytest

from domain import handing
from domain.errors import IllegalTransition, InvalidInput
from domain.events import HandoffStatus
from domain.handoff import Handoff
from domain.handoff_events import (
    ApprovalRequested,
    FailureCode,
    HandoffCreated,
    HandoffEvent,
    HandoffFailed,
    HandoffRetried,
    HandoffType,
    LateResult,
)
from domain.handoff_fold import begin, evolve
from domain.package import Package
from domain.values import JsonObject
from tests.domain.handed import (
    CRM,
    DATA,
    answering,
    approved,
    asked,
    awaiting,
    claimed,
    created,
    failing,
    in_state,
    moved,
    names,
    only,
)
from tests.domain.samples import ANNA, NOON, later

S = HandoffStatus
MANUAL = HandoffType.MANUAL
OPEN = {S.PENDING, S.IN_PROGRESS}


def retry(handoff: Handoff, package: Package | None = CRM, **rest: Any) -> list[HandoffEvent]:
    given: dict[str, Any] = {"changes": None, "reason": None} | rest
    return handing.retry(handoff, package, at=NOON, **given)


COMMANDS: dict[str, tuple[Callable[[Handoff], list[HandoffEvent]], set[S]]] = {
    "process": (lambda h: handing.process(h, by=ANNA, at=NOON), {S.PENDING}),
    "complete": (lambda h: handing.complete(h, output=None, at=NOON), OPEN),
    "fail": (lambda h: handing.fail(h, reason="no line", at=NOON), OPEN),
    "cancel": (lambda h: handing.cancel(h, at=NOON), OPEN),
    "reassign": (lambda h: handing.reassign(h, user="ben", at=NOON), {*OPEN, S.FAILED}),
    "change data": (lambda h: handing.change_data(h, changes={"x": 1}, at=NOON), {S.PENDING}),
    "retry": (lambda h: retry(h, reason="mended"), {S.FAILED}),
}
KEPT = {
    "complete": {S.FAILED, S.EXPIRED, S.CANCELLED},
    "fail": {S.EXPIRED, S.CANCELLED},
}


@pytest.mark.parametrize("status", list(S))
@pytest.mark.parametrize("name", list(COMMANDS))
def test_each_command_is_legal_in_its_states_and_what_comes_late_is_kept(name: str, status: S) -> None:
    command, legal = COMMANDS[name]
    handoff = in_state(status)
    assert handoff.status is status
    if status in KEPT.get(name, set()):
        [late] = command(handoff)
        assert isinstance(late, LateResult)
        assert evolve(handoff, late) == handoff
    elif status in legal:
        assert command(handoff)
    else:
        with pytest.raises(IllegalTransition):
            command(handoff)


# Creation


def test_an_automatic_handoff_is_due_at_once_and_a_manual_one_waits_for_a_person() -> None:
    assert (created().status, created().next_attempt_at) == (S.PENDING, NOON)
    assert (created(MANUAL).status, created(MANUAL).wake_at) == (S.PENDING, None)


@pytest.mark.parametrize(
    ("rest", "package", "path"),
    [
        ({"data": {}}, CRM, ("data", "leadId")),
        ({"required_data": ("plan.speed",)}, CRM, ("data", "plan.speed")),
        ({"action": "dance"}, CRM, ("action",)),
        ({}, None, ("toPackage",)),
    ],
)
def test_what_cannot_be_done_is_refused_from_a_user_and_fails_for_a_journey(
    rest: dict[str, Any], package: Package | None, path: tuple[str, ...]
) -> None:
    wanted = asked(**rest)
    with pytest.raises(InvalidInput) as refused:
        handing.create("hof_1", wanted, package, by=ANNA, strict=True)
    assert [problem.path for problem in refused.value.problems] == [path]
    events = handing.create("hof_1", wanted, package, by=ANNA, strict=False)
    failed = only(events, HandoffFailed)
    assert failed.code is FailureCode.VALIDATION
    assert [problem.path for problem in failed.validation_errors] == [path]


def test_a_handoff_that_failed_its_validation_has_nothing_due_and_keeps_its_problems() -> None:
    handoff = created(strict=False, data={})
    assert (handoff.status, handoff.failure, handoff.wake_at) == (S.FAILED, FailureCode.VALIDATION, None)
    assert [problem.path for problem in handoff.validation_errors] == [("data", "leadId")]


def test_people_need_no_known_package_but_the_data_that_is_asked_for() -> None:
    wanted = asked(MANUAL, required_data=("address",), data={"address": "Rue 1"})
    assert len(handing.create("hof_1", wanted, None, by=ANNA, strict=True)) == 1
    with pytest.raises(InvalidInput):
        handing.create("hof_1", asked(MANUAL, required_data=("address",)), None, by=ANNA, strict=True)


def test_an_approval_and_nothing_else_has_a_policy() -> None:
    policy = awaiting().approval
    assert policy is not None
    for wanted in (asked(HandoffType.APPROVAL_REQUIRED, policy=None), asked(policy=policy.policy)):
        with pytest.raises(InvalidInput):
            handing.create("hof_1", wanted, CRM, by=ANNA, strict=False)


def test_approvers_are_notified_when_an_approval_is_made_and_not_when_its_data_is_missing() -> None:
    wanted = asked(HandoffType.APPROVAL_REQUIRED, action="convert", data=DATA)
    assert names(handing.create("hof_1", wanted, CRM, by=ANNA, strict=False)) == ["created", "requested"]
    wanted = asked(HandoffType.APPROVAL_REQUIRED, action="convert")
    assert names(handing.create("hof_1", wanted, CRM, by=ANNA, strict=False)) == ["created", "failed"]


# People's work


def test_whoever_takes_up_manual_work_is_the_one_it_is_assigned_to() -> None:
    handoff = in_state(S.IN_PROGRESS)
    assert (handoff.status, handoff.assigned_to) == (S.IN_PROGRESS, "anna")


def test_manual_work_is_completed_with_its_output_also_without_being_taken_up() -> None:
    for handoff in (in_state(S.PENDING), in_state(S.IN_PROGRESS)):
        done = moved(handoff, handing.complete(handoff, output={"ok": True}, at=later(hours=1)))
        assert (done.status, done.output, done.ended_at) == (S.COMPLETED, {"ok": True}, later(hours=1))


def test_processing_brings_the_next_attempt_forward_and_does_nothing_where_it_is_due() -> None:
    assert handing.process(created(), by=ANNA, at=NOON) == []
    waiting = answering(claimed(), 500)
    assert waiting.next_attempt_at == later(seconds=1)
    sooner = moved(waiting, handing.process(waiting, by=ANNA, at=NOON))
    assert sooner.next_attempt_at == NOON


@pytest.mark.parametrize("handoff", [claimed(), answering(claimed(), 202), awaiting()])
def test_what_is_under_way_accepted_or_undecided_is_not_processed(handoff: Handoff) -> None:
    with pytest.raises(IllegalTransition):
        handing.process(handoff, by=ANNA, at=NOON)


def test_a_failure_needs_a_reason_and_keeps_it() -> None:
    handoff = in_state(S.IN_PROGRESS)
    with pytest.raises(InvalidInput):
        handing.fail(handoff, reason=" ", at=NOON)
    assert in_state(S.FAILED).reason == "no line"


@pytest.mark.parametrize("command", ["complete", "fail"])
def test_nobody_ends_what_waits_for_a_decision_but_by_deciding(command: str) -> None:
    with pytest.raises(IllegalTransition, match="decision"):
        COMMANDS[command][0](awaiting())


@pytest.mark.parametrize("handoff", [created(), approved(awaiting(action="convert"), "ben")])
def test_what_was_not_handed_over_yet_is_not_completed(handoff: Handoff) -> None:
    with pytest.raises(IllegalTransition, match="handed over"):
        handing.complete(handoff, output=None, at=NOON)


def test_assigning_to_the_same_person_again_is_nothing() -> None:
    handoff = in_state(S.IN_PROGRESS)
    assert handing.reassign(handoff, user="anna", at=NOON) == []
    assert moved(handoff, handing.reassign(handoff, user=None, at=NOON)).assigned_to is None


# Other data


def test_other_data_is_a_merge_in_which_null_removes_a_key() -> None:
    handoff = created(MANUAL, data={"a": 1, "b": {"x": 1}})
    changes: JsonObject = {"a": None, "b": {"y": 2}}
    assert moved(handoff, handing.change_data(handoff, changes=changes, at=NOON)).data == {"b": {"y": 2}}


def test_what_the_work_needs_cannot_be_taken_away() -> None:
    with pytest.raises(InvalidInput, match="leadId"):
        handing.change_data(created(), changes={"leadId": None}, at=NOON, package=CRM)
    needing = created(MANUAL, required_data=("address",), data={"address": "Rue 1"})
    with pytest.raises(InvalidInput, match="address"):
        handing.change_data(needing, changes={"address": None}, at=NOON)


def test_changing_nothing_is_refused() -> None:
    with pytest.raises(InvalidInput):
        handing.change_data(created(), changes={}, at=NOON)


# Retries by people


@pytest.mark.parametrize("nothing", [{}, {"reason": " "}, {"changes": {}}])
def test_a_retry_needs_data_or_a_reason(nothing: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        retry(failing(), **nothing)


@pytest.mark.parametrize("given", [{"reason": "the line is mended"}, {"changes": {"note": "x"}}])
def test_a_retry_is_a_new_round_with_a_new_idempotency_key(given: dict[str, Any]) -> None:
    handoff = failing()
    again = moved(handoff, retry(handoff, **given))
    assert (again.status, again.round, again.next_attempt_at) == (S.PENDING, 2, NOON)
    assert again.message_id != handoff.message_id
    assert (again.failure, again.reason, again.ended_at, again.deadline) == (None, None, None, None)
    assert [each.round for each in again.attempts] == [1], "what was tried is not forgotten"
    assert claimed(again).attempts[-1].number == 1


def test_a_retry_is_refused_while_data_is_still_missing() -> None:
    handoff = created(strict=False, data={})
    with pytest.raises(InvalidInput, match="leadId"):
        retry(handoff, reason="it must work")
    mended = moved(handoff, retry(handoff, changes=DATA))
    assert (mended.status, mended.data, mended.validation_errors) == (S.PENDING, DATA, ())


def test_an_approved_handoff_is_retried_without_asking_again_unless_its_data_changed() -> None:
    failed = answering(claimed(approved(awaiting(action="convert"), "ben")), 400)
    again = moved(failed, retry(failed, reason="the line is mended"))
    assert (again.status, again.next_attempt_at) == (S.IN_PROGRESS, NOON)
    events = retry(failed, changes={"leadId": "l-2"})
    assert only(events, ApprovalRequested)
    asked_again = moved(failed, events)
    assert (asked_again.awaits_decision, asked_again.next_attempt_at) == (True, None)
    assert asked_again.approval is not None
    assert asked_again.approval.missing == 1


def test_manual_work_that_is_retried_waits_for_a_person_again() -> None:
    failed = in_state(S.FAILED)
    again = moved(failed, retry(failed, reason="try harder"))
    assert (again.status, again.next_attempt_at) == (S.PENDING, None)


def test_a_late_answer_of_the_round_before_is_kept_while_the_new_one_waits() -> None:
    for failed in (failing(), answering(claimed(approved(awaiting(action="convert"), "ben")), 400)):
        again = moved(failed, retry(failed, changes={"leadId": "l-2"}))
        [late] = handing.complete(again, output={"ok": True}, at=NOON)
        assert isinstance(late, LateResult)
        assert (late.round, late.output) == (1, {"ok": True})


def test_the_first_event_is_the_creation_and_it_comes_once() -> None:
    handoff = created()
    with pytest.raises(AssertionError):
        evolve(handoff, asked())
    retried = HandoffRetried(at=NOON, round=2)
    with pytest.raises(TypeError):
        moved(begin("hof_1", retried, ANNA), [])
    assert isinstance(asked(), HandoffCreated)

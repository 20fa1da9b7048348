"""Attempts: what each answer means, when the next one comes, and what is left of a worker that died."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import attempting, handing
from domain.attempting import Answer, backoff
from domain.events import HandoffStatus
from domain.handoff import Handoff
from domain.handoff_events import AttemptOutcome, FailureCode, HandoffType, LateResult
from domain.limits import Limits
from tests.domain.handed import (
    CRM,
    LEASE,
    answering,
    approved,
    awaiting,
    claimed,
    created,
    in_state,
    moved,
    names,
    only,
)
from tests.domain.samples import NOON, later

S = HandoffStatus
MANY = Limits(attempts=10, total_time=timedelta(hours=24))


def outcomes(handoff: Handoff) -> list[AttemptOutcome | None]:
    return [each.outcome for each in handoff.attempts]


def tried(limits: Limits, times: int, answer: Answer | int = 500) -> Handoff:
    """A handoff after so many attempts, each as soon as it was due."""
    handoff = created(limits=limits)
    for _ in range(times):
        assert handoff.next_attempt_at is not None
        handoff = claimed(handoff, at=handoff.next_attempt_at)
        handoff = answering(handoff, answer, at=handoff.last_activity)
    return handoff


# Answers


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_a_success_completes_it_with_the_answer_as_output(status: int) -> None:
    done = answering(claimed(), Answer(status=status, body={"customerId": "c-1"}), at=later(seconds=2))
    assert (done.status, done.output) == (S.COMPLETED, {"customerId": "c-1"})
    [attempt] = done.attempts
    assert (attempt.outcome, attempt.status) == (AttemptOutcome.SUCCEEDED, status)
    assert (attempt.started_at, attempt.ended_at) == (NOON, later(seconds=2))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 422, 451, 499])
def test_a_refusal_fails_it_at_once(status: int) -> None:
    failed = answering(claimed(), Answer(status=status, body={"message": "unknown lead"}))
    assert (failed.status, failed.failure, failed.wake_at) == (S.FAILED, FailureCode.REFUSED, None)
    assert "unknown lead" in (failed.reason or "")


@pytest.mark.parametrize("status", [408, 425, 429, 301, 302, 304, 307, 100, 500, 501, 502, 503, 504, 599])
def test_everything_else_is_tried_again(status: int) -> None:
    waiting = answering(claimed(), status)
    assert (waiting.status, outcomes(waiting)) == (S.IN_PROGRESS, [AttemptOutcome.FAILED])
    assert waiting.next_attempt_at == later(seconds=1)


def test_a_timeout_and_a_partner_that_is_not_there_are_tried_again() -> None:
    for answer, outcome in (
        (Answer(error="no answer in 30 s", timed_out=True), AttemptOutcome.TIMED_OUT),
        (Answer(error="connection refused"), AttemptOutcome.FAILED),
    ):
        waiting = answering(claimed(), answer)
        assert waiting.executes
        assert (outcomes(waiting), waiting.attempts[0].error) == ([outcome], answer.error)


# Retries


def test_three_attempts_are_made_by_default_and_each_is_kept() -> None:
    handoff = tried(Limits(), 3, Answer(status=503, body="busy"))
    assert (handoff.status, handoff.failure) == (S.FAILED, FailureCode.ATTEMPTS)
    assert [each.number for each in handoff.attempts] == [1, 2, 3]
    assert all(each.error and "busy" in each.error for each in handoff.attempts)


def test_all_attempts_of_a_round_share_one_idempotency_key() -> None:
    handoff = created()
    keys = {handoff.message_id}
    for _ in range(2):
        handoff = answering(claimed(handoff, at=handoff.next_attempt_at), 500, at=handoff.next_attempt_at)
        keys.add(handoff.message_id)
    assert len(keys) == 1


def test_the_longest_delay_doubles_from_a_second_to_a_hundred() -> None:
    assert [backoff(n) for n in range(1, 10)] == [1, 2, 4, 8, 16, 32, 64, 100, 100]


@given(st.integers(1, 9), st.floats(0, 1))
def test_the_jitter_is_full_from_nothing_to_the_longest_delay(times: int, jitter: float) -> None:
    handoff = claimed(tried(MANY, times - 1), at=later(hours=1))
    waiting = answering(handoff, 500, at=later(hours=1), jitter=jitter)
    assert waiting.next_attempt_at is not None
    waited = (waiting.next_attempt_at - later(hours=1)).total_seconds()
    assert waited == pytest.approx(min(100, 2 ** (times - 1)) * jitter, abs=0.001)


def test_a_partner_that_says_when_to_come_back_is_obeyed() -> None:
    waiting = answering(claimed(), Answer(status=429, retry_after=90.0), jitter=0.5)
    assert waiting.next_attempt_at == later(seconds=90)
    sooner = answering(claimed(), Answer(status=429, retry_after=0.1))
    assert sooner.next_attempt_at == later(seconds=1), "it is a lower bound"


@pytest.mark.parametrize("patience", [300.0, 1e9, 1e300])
def test_a_partner_that_asks_for_more_time_than_there_is_fails_it(patience: float) -> None:
    failed = answering(claimed(), Answer(status=503, retry_after=patience))
    assert (failed.status, failed.failure) == (S.FAILED, FailureCode.TIME)


# Time limits


def test_one_attempt_and_all_together_have_their_own_limits() -> None:
    limits = Limits(attempts=10, attempt_time=timedelta(seconds=30), total_time=timedelta(seconds=40))
    first = claimed(created(limits=limits))
    assert attempting.time_left(first, NOON) == 30
    waiting = answering(first, 500, at=later(seconds=30))
    second = claimed(waiting, at=later(seconds=31))
    assert attempting.time_left(second, later(seconds=31)) == 9
    failed = answering(second, 500, at=later(seconds=40))
    assert (failed.status, failed.failure) == (S.FAILED, FailureCode.TIME)


def test_the_total_time_runs_from_the_first_attempt_of_a_round_on() -> None:
    first = claimed(created(), at=later(hours=5))
    assert first.deadline == later(hours=5, minutes=5)
    failed = answering(first, 400, at=later(hours=5))
    retry = handing.retry(failed, CRM, changes=None, reason="mended", at=later(hours=6))
    again = claimed(moved(failed, retry), at=later(hours=7))
    assert again.deadline == later(hours=7, minutes=5)


def test_the_total_time_does_not_run_while_a_decision_is_awaited() -> None:
    handoff = approved(awaiting(action="convert"), "ben", at=later(days=3))
    assert handoff.next_attempt_at == later(days=3)
    assert claimed(handoff, at=later(days=3)).deadline == later(days=3, minutes=5)


def test_the_total_time_does_not_run_while_a_partner_that_accepted_it_works() -> None:
    waiting = answering(claimed(), 202)
    assert (waiting.wake_at, attempting.come_due(waiting, at=later(days=9))) == (None, [])
    done = moved(waiting, handing.complete(waiting, output={"ok": True}, at=later(days=9)))
    assert (done.status, done.output) == (S.COMPLETED, {"ok": True})


# 202


def test_what_a_partner_accepted_waits_for_its_word() -> None:
    waiting = answering(claimed(), 202)
    assert (waiting.status, waiting.executes) == (S.IN_PROGRESS, False)
    assert outcomes(waiting) == [AttemptOutcome.ACCEPTED]
    failed = moved(waiting, handing.fail(waiting, reason="no such lead", at=later(hours=1)))
    assert (failed.status, failed.failure) == (S.FAILED, FailureCode.REPORTED)


def test_a_partner_that_accepted_it_and_never_answers_fails_it_when_it_is_due() -> None:
    waiting = answering(claimed(created(limits=Limits(answer_time=timedelta(hours=2)))), 202)
    assert waiting.due_at == waiting.wake_at == later(hours=2)
    assert attempting.come_due(waiting, at=later(hours=1)) == []
    failed = moved(waiting, attempting.come_due(waiting, at=later(hours=2)))
    assert (failed.status, failed.failure, failed.wake_at) == (S.FAILED, FailureCode.NO_ANSWER, None)


def test_a_callback_that_comes_before_the_202_is_what_counts() -> None:
    running = claimed()
    done = moved(running, handing.complete(running, output={"ok": True}, at=NOON))
    assert attempting.answered(done, Answer(status=202), name="w1", jitter=1, at=NOON) == []


def test_manual_work_that_nobody_did_in_time_fails() -> None:
    handoff = created(HandoffType.MANUAL, due_at=later(hours=1))
    begun = moved(handoff, handing.process(handoff, by=handoff.created_by, at=NOON))
    for each in (handoff, begun):
        failed = moved(each, attempting.come_due(each, at=later(hours=1)))
        assert (failed.status, failed.failure) == (S.FAILED, FailureCode.NO_ANSWER)


def test_an_approval_that_is_due_is_for_its_policy_to_say() -> None:
    assert attempting.come_due(awaiting(due=timedelta(hours=1)), at=later(hours=2)) == []


# Leases


def test_an_attempt_is_one_workers_until_its_lease_runs_out() -> None:
    running = claimed()
    assert (running.claim, running.lease_until, running.wake_at) == ("w1", NOON + LEASE, NOON + LEASE)
    assert attempting.claim(running, name="w2", lease=LEASE, at=NOON) == []


def test_a_lost_lease_counts_as_an_attempt_and_the_next_worker_goes_on_at_once() -> None:
    taken = claimed(claimed(), at=NOON + LEASE, name="w2")
    assert outcomes(taken) == [AttemptOutcome.LOST, None]
    assert (taken.claim, taken.attempts[-1].number) == ("w2", 2)


def test_a_worker_that_is_lost_with_the_last_attempt_or_the_time_fails_it() -> None:
    last = claimed(created(limits=Limits(attempts=1)))
    failed = claimed(last, at=NOON + LEASE, name="w2")
    assert (failed.status, failed.failure, failed.claim) == (S.FAILED, FailureCode.ATTEMPTS, None)
    failed = claimed(claimed(created(limits=Limits(total_time=LEASE))), at=NOON + LEASE, name="w2")
    assert (failed.status, failed.failure) == (S.FAILED, FailureCode.TIME)


def test_the_time_does_not_run_while_no_worker_comes() -> None:
    taken = claimed(claimed(), at=later(days=1), name="w2")
    assert (taken.status, taken.tried) == (S.IN_PROGRESS, 2)
    assert taken.deadline == later(days=1) + timedelta(minutes=5) - LEASE


def test_nothing_is_claimed_before_it_is_due_or_after_it_has_ended() -> None:
    waiting = answering(claimed(), 500)
    ended = answering(claimed(), 400)
    for handoff in (waiting, ended, awaiting(), in_state(S.PENDING)):
        assert attempting.claim(handoff, name="w2", lease=LEASE, at=NOON) == []


def test_what_comes_back_to_a_worker_that_lost_it_is_kept_and_changes_nothing() -> None:
    taken = claimed(claimed(), at=NOON + LEASE, name="w2")
    events = attempting.answered(
        taken, Answer(status=200, body="done"), name="w1", jitter=1, at=later(hours=1)
    )
    late = only(events, LateResult)
    assert (late.round, late.attempt, late.status, late.output) == (1, 1, 200, "done")
    assert replace(moved(taken, events), last_activity=taken.last_activity) == taken


def test_a_late_answer_is_told_of_its_own_round() -> None:
    failed = claimed(claimed(created(limits=Limits(attempts=1))), at=NOON + LEASE, name="w2")
    retry = handing.retry(failed, CRM, changes=None, reason="mended", at=later(hours=1))
    again = claimed(moved(failed, retry), at=later(hours=1), name="w3")
    [late] = attempting.answered(again, Answer(status=200), name="w1", jitter=1, at=later(hours=1))
    assert isinstance(late, LateResult)
    assert (late.round, late.attempt) == (1, 1)


def test_an_answer_is_still_kept_after_the_end() -> None:
    running = claimed()
    for over in (
        handing.cancel(running, at=NOON),
        handing.fail(running, reason="gave up", at=NOON),
        handing.complete(running, output=1, at=NOON),
    ):
        ended = moved(running, over)
        [late] = attempting.answered(ended, Answer(status=200), name="w1", jitter=1, at=NOON)
        assert isinstance(late, LateResult)


def test_an_attempt_names_its_events_in_order() -> None:
    handoff = created()
    assert names(attempting.claim(handoff, name="w1", lease=LEASE, at=NOON)) == ["attempt_started"]
    events = attempting.answered(claimed(), Answer(status=200), name="w1", jitter=1, at=NOON)
    assert names(events) == ["attempt_ended", "completed"]

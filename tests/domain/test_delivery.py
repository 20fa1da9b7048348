"""Deliveries: when each attempt is made, when there is no other, and how one is sent again."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import delivery as domain
from domain.delivery import (
    DEAD_KEPT,
    DELIVERED_KEPT,
    LIFETIME,
    LONGEST_DELAY,
    LONGEST_ERROR,
    REMEMBERED,
    Delivery,
    DeliveryStatus,
    Response,
    answered,
    claim,
    delay,
    park,
    resend,
)
from domain.errors import IllegalTransition
from tests.domain.samples import NOON, later
from tests.domain.test_webhook import made

S = DeliveryStatus
LEASE = timedelta(seconds=15)
FAILED, TAKEN = Response(status=500), Response(status=204)
WEBHOOK = made()


def new(at: datetime = NOON) -> Delivery:
    return domain.begin("dlv_1", WEBHOOK, "evt_1:1:0", "crm:x", at=at)


def tried(delivery: Delivery, response: Response = FAILED, jitter: float = 0.5) -> Delivery:
    """One attempt at the time that it is due."""
    assert delivery.wake_at is not None
    claimed = claim(delivery, name="me", lease=LEASE, at=delivery.wake_at)
    return answered(claimed, response, jitter=jitter, at=delivery.wake_at)


def test_it_is_due_at_once_and_tried_for_a_day() -> None:
    delivery = new()
    assert (delivery.wake_at, delivery.deadline, delivery.attempts) == (NOON, later(hours=24), 0)


def test_what_was_taken_is_delivered_and_kept_for_a_week() -> None:
    for status in (200, 202, 204, 299):
        taken = tried(new(), Response(status=status))
        assert (taken.status, taken.attempts, taken.last_status) == (S.DELIVERED, 1, status)
        assert (taken.wake_at, taken.claim, taken.last_error) == (None, None, None)
        assert (taken.ended_at, taken.expires_at) == (NOON, NOON + DELIVERED_KEPT)


def test_everything_else_is_tried_again_first_after_five_seconds_then_twice_as_late_up_to_an_hour() -> None:
    for response in (
        *(Response(status=each) for each in (100, 301, 400, 404, 410, 503)),
        Response(error="x"),
    ):
        delivery, waits = new(), list[float]()
        while delivery.status is S.PENDING:
            before = delivery.wake_at
            delivery = tried(delivery, response)
            if delivery.wake_at is not None and before is not None:
                waits.append((delivery.wake_at - before).total_seconds())
        assert waits[:10] == [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560]
        assert set(waits[10:-1]) == {3600}
        assert sum(waits) == LIFETIME.total_seconds()
        assert (delivery.status, delivery.attempts) == (S.DEAD, len(waits) + 1)
        assert (delivery.ended_at, delivery.expires_at) == (later(hours=24), later(hours=24) + DEAD_KEPT)


@given(st.integers(1, 10_000), st.none() | st.floats(-1e9, 1e9), st.floats(0, 1))
def test_a_delay_is_never_longer_than_an_hour_nor_shorter_than_four_seconds(
    attempts: int, asked: float | None, jitter: float
) -> None:
    assert timedelta(seconds=4) <= delay(attempts, asked, jitter) <= LONGEST_DELAY


@given(st.integers(1, 9), st.floats(0, 1))
def test_chance_moves_a_delay_by_a_fifth(attempts: int, jitter: float) -> None:
    exact = delay(attempts, None, 0.5)
    assert abs(delay(attempts, None, jitter) - exact) <= exact / 5 + timedelta(microseconds=1)


def test_what_the_address_asks_for_counts_where_it_is_longer_and_not_over_an_hour() -> None:
    assert delay(1, 120, 0.5) == timedelta(minutes=2)
    assert delay(9, 120, 0.5) == timedelta(seconds=1280)
    assert delay(1, 86_400, 0.5) == timedelta(hours=1)


def test_a_lost_attempt_counts_and_after_the_deadline_there_is_no_other() -> None:
    first = claim(new(), name="me", lease=LEASE, at=NOON)
    assert (first.claim, first.attempts, first.wake_at) == ("me", 1, NOON + LEASE)
    again = claim(first, name="you", lease=LEASE, at=later(minutes=1))
    assert (again.claim, again.attempts) == ("you", 2)
    assert again.last_error is not None
    assert "worker died" in again.last_error
    late = claim(first, name="you", lease=LEASE, at=later(hours=24))
    assert (late.status, late.attempts, late.claim) == (S.DEAD, 1, None)


def test_one_that_nobody_could_try_in_a_day_is_tried_once() -> None:
    late = claim(new(), name="me", lease=LEASE, at=later(days=2))
    assert late.attempts == 1
    assert answered(late, TAKEN, jitter=0.5, at=later(days=2)).status is S.DELIVERED
    assert answered(late, FAILED, jitter=0.5, at=later(days=2)).status is S.DEAD


def test_while_its_webhook_is_switched_off_it_waits_for_its_deadline() -> None:
    parked = park(new(), at=later(hours=1))
    assert (parked.status, parked.wake_at, parked.attempts) == (S.PENDING, later(hours=24), 0)
    dead = park(parked, at=later(hours=24))
    assert (dead.status, dead.last_error) == (S.DEAD, "The webhook is switched off.")
    failed = park(tried(new()), at=later(hours=24))
    assert failed.last_error == "It answered 500."


def test_a_long_error_is_cut() -> None:
    error = tried(new(), Response(error="x" * 2_000)).last_error
    assert error is not None
    assert len(error) == LONGEST_ERROR


def test_a_dead_one_that_is_sent_again_has_another_day_and_begins_with_short_waits() -> None:
    dead = new()
    while dead.status is S.PENDING:
        dead = tried(dead)
    at = later(days=5)
    again = resend(dead, WEBHOOK, command="c1", at=at)
    assert (again.status, again.wake_at, again.deadline) == (S.PENDING, at, at + LIFETIME)
    assert (again.id, again.attempts, again.expires_at, again.ended_at) == (
        dead.id,
        dead.attempts,
        None,
        None,
    )
    failed = tried(again)
    assert (failed.attempts, failed.wake_at) == (dead.attempts + 1, at + timedelta(seconds=5))


def test_the_same_command_sends_it_again_once() -> None:
    taken = tried(new(), TAKEN)
    again = resend(taken, WEBHOOK, command="c1", at=NOON)
    assert resend(again, WEBHOOK, command="c1", at=later(hours=1)) is again
    taken = tried(again, TAKEN)
    assert resend(taken, WEBHOOK, command="c1", at=later(hours=1)) is taken
    for n in range(2 * REMEMBERED):
        again = resend(taken, WEBHOOK, command=f"d{n}", at=NOON)
        taken = tried(again, TAKEN)
        assert len(taken.resends) <= REMEMBERED


def test_one_that_waits_is_tried_at_once_but_not_while_it_is_tried() -> None:
    waiting = tried(new())
    assert resend(waiting, WEBHOOK, command="c", at=later(seconds=1)).wake_at == later(seconds=1)
    assert resend(waiting, WEBHOOK, command="c", at=later(seconds=1)).deadline == waiting.deadline
    claimed = claim(waiting, name="me", lease=LEASE, at=later(seconds=5))
    assert resend(claimed, WEBHOOK, command="c", at=later(seconds=6)).wake_at == claimed.wake_at


def test_to_a_webhook_that_is_switched_off_nothing_is_sent_again() -> None:
    for off in (replace(WEBHOOK, enabled=False), replace(WEBHOOK, deleted=True)):
        with pytest.raises(IllegalTransition):
            resend(tried(new(), TAKEN), off, command="c", at=NOON)

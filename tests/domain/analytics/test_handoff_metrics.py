"""Figures of handoffs by package and action."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.analytics.figure import Figure
from domain.analytics.handoff_metrics import (
    NONE_COMPLETED,
    NOT_ATTEMPTED,
    handoff_metrics,
    handoff_row,
)
from domain.analytics.metrics import NO_HANDOFF_ENDED
from domain.analytics.quantile import no_spread, spread
from domain.events import HandoffStatus
from domain.handoff import Attempt, Handoff
from tests.domain.handed import answering, claimed, created
from tests.domain.samples import NOON, later

PLAIN = created()
COMPLETED = HandoffStatus.COMPLETED


def handoff(
    status: HandoffStatus,
    seconds: int = 0,
    *,
    tried: int = 1,
    package: str = "crm",
    action: str | None = "convert",
) -> Handoff:
    return replace(
        PLAIN,
        to_package=package,
        action=action,
        status=status,
        attempts=tuple(Attempt(round=1, number=n, started_at=NOON) for n in range(1, tried + 1)),
        ended_at=None if status.open else NOON + timedelta(seconds=seconds),
    )


handoffs = st.lists(
    st.builds(
        handoff,
        st.sampled_from(HandoffStatus),
        st.integers(0, 10**6),
        tried=st.integers(0, 4),
        package=st.sampled_from(("crm", "billing")),
        action=st.sampled_from(("convert", "bill", None)),
    )
)


def test_a_handoff_that_the_partner_answered_has_one_attempt_and_its_time() -> None:
    done = answering(claimed(), 200, at=later(seconds=5))
    found = handoff_metrics([done, PLAIN])
    [row] = found.rows
    assert (row.package, row.action, row.total) == ("crm", "convert", 2)
    assert (row.success, row.attempts, row.attempted, row.attempts_each) == (Figure(1), 1, 1, Figure(1))
    assert (row.time.median, row.time.count) == (Figure(5), 1)


def test_rows_are_by_package_and_action() -> None:
    made = [
        handoff(COMPLETED, 10, tried=1),
        handoff(COMPLETED, 40, tried=3),
        handoff(HandoffStatus.FAILED, 99, tried=3),
        handoff(HandoffStatus.PENDING, tried=0),
        handoff(HandoffStatus.REJECTED, tried=0, action=None),
        handoff(HandoffStatus.CANCELLED, tried=0, package="billing"),
    ]
    found = handoff_metrics(made)
    assert [(row.package, row.action) for row in found.rows] == [
        ("billing", "convert"),
        ("crm", None),
        ("crm", "convert"),
    ]
    billing, decided, convert = found.rows
    assert (convert.success, convert.attempts_each) == (Figure(2 / 3), Figure(7 / 3))
    assert (convert.time.mean, convert.time.median) == (Figure(25), Figure(25))
    assert (decided.success, decided.attempts_each) == (Figure(0), Figure(reason=NOT_ATTEMPTED))
    assert (billing.success, billing.time) == (Figure(reason=NO_HANDOFF_ENDED), no_spread(NONE_COMPLETED))
    assert (found.total.package, found.total.total, found.total.success) == (None, 6, Figure(0.5))


def test_a_tenant_without_handoffs_has_no_figures_and_says_why() -> None:
    found = handoff_metrics([])
    assert found.rows == ()
    assert found.total == handoff_row(None, None, {}, attempts=0, attempted=0, time=no_spread(NONE_COMPLETED))
    assert found.total.success == Figure(reason=NO_HANDOFF_ENDED)
    assert found.total.attempts_each == Figure(reason=NOT_ATTEMPTED)


@pytest.mark.parametrize(("attempts", "attempted", "times"), [(1, 2, [1.0]), (3, 3, [1.0]), (1, 1, [])])
def test_counts_that_cannot_be_are_refused(attempts: int, attempted: int, times: list[float]) -> None:
    counts = {COMPLETED: 1, HandoffStatus.FAILED: 1}
    with pytest.raises(ValueError, match="have a"):
        handoff_row(
            "crm", None, counts, attempts=attempts, attempted=attempted, time=spread(times, reason="none")
        )


@given(handoffs)
def test_rows_add_up_to_the_total_and_the_database_may_count(made: list[Handoff]) -> None:
    found = handoff_metrics(made)
    assert found.total.total == len(made) == sum(row.total for row in found.rows)
    assert found.total.attempts == sum(row.attempts for row in found.rows)
    for status in HandoffStatus:
        assert found.total.counts[status] == sum(row.counts[status] for row in found.rows)
    for row in found.rows:
        own = [each for each in made if (each.to_package, each.action) == (row.package, row.action)]
        times = [
            (each.ended_at - NOON).total_seconds()
            for each in own
            if each.status is COMPLETED and each.ended_at
        ]
        assert row == handoff_row(
            row.package,
            row.action,
            Counter(each.status for each in own),
            attempts=sum(len(each.attempts) for each in own),
            attempted=sum(1 for each in own if each.attempts),
            time=spread(times, reason=NONE_COMPLETED),
        )

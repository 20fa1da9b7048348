"""Key figures of journeys: counts, rates and durations."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.analytics.figure import Figure
from domain.analytics.metrics import (
    NO_HANDOFF_ENDED,
    NO_JOURNEY,
    NO_JOURNEY_ENDED,
    NO_STEP_COMPLETED,
    automation,
    automation_rate,
    handoff_success,
    journey_metrics,
    metrics_of,
)
from domain.analytics.quantile import no_spread, spread
from domain.events import HandoffStatus
from domain.journey import Journey, Status
from domain.journey_events import StepCompleted
from tests.domain.samples import NOON, automated, definition, events_of_start, started

PLAIN = started(definition("a"))
ENDED = (Status.COMPLETED, Status.ABANDONED)


def journey(status: Status, seconds: int = 0, id: str = "jrn_1") -> Journey:
    ended = NOON + timedelta(seconds=seconds) if status in ENDED else None
    return replace(PLAIN, id=id, status=status, ended_at=ended)


journeys = st.lists(
    st.builds(journey, st.sampled_from(Status), st.integers(0, 10**7), st.sampled_from(("j1", "j2", "j3")))
)


def test_journeys_are_counted_by_status_and_timed_once_they_have_ended() -> None:
    made = [
        journey(Status.COMPLETED, 10, "sold"),
        journey(Status.COMPLETED, 20),
        journey(Status.ABANDONED, 90),
        journey(Status.FAILED),
        journey(Status.ACTIVE),
    ]
    found = metrics_of(made, {"sold", "of another report"})
    expected = {"active": 1, "paused": 0, "completed": 2, "failed": 1, "abandoned": 1}
    assert {status.value: count for status, count in found.counts.items()} == expected
    assert (found.total, found.converted) == (5, 1)
    assert (found.conversion_rate, found.completion_rate) == (Figure(1 / 5), Figure(2 / 3))
    assert (found.duration.count, found.duration.mean, found.duration.median) == (3, Figure(40), Figure(20))
    assert found.duration.p90.value == pytest.approx(76)


def test_a_tenant_without_journeys_has_no_figures_and_says_why() -> None:
    found = metrics_of([], set())
    assert (found.total, set(found.counts.values())) == (0, {0})
    assert found.conversion_rate == Figure(reason=NO_JOURNEY)
    assert found.completion_rate == Figure(reason=NO_JOURNEY_ENDED)
    assert found.duration == no_spread(NO_JOURNEY_ENDED)


@given(journeys)
def test_statuses_add_up_and_what_the_database_counts_gives_the_same(made: list[Journey]) -> None:
    found = metrics_of(made, {"j1"})
    assert sum(found.counts.values()) == found.total == len(made)
    seconds = [(each.ended_at - NOON).total_seconds() for each in made if each.ended_at is not None]
    counts = Counter(each.status for each in made)
    converted = sum(each.id == "j1" for each in made)
    assert found == journey_metrics(counts, converted, spread(seconds, reason=NO_JOURNEY_ENDED))


def test_counts_that_cannot_be_are_refused() -> None:
    none = no_spread(NO_JOURNEY_ENDED)
    for counts, converted in (({Status.ACTIVE: 1}, 2), ({Status.ACTIVE: 1}, -1), ({Status.COMPLETED: 1}, 0)):
        with pytest.raises(ValueError, match="once"):
            journey_metrics(counts, converted, none)


def test_what_completes_by_itself_is_automatic() -> None:
    assert automation(events_of_start(automated(3))) == Figure(1)
    by_hand = StepCompleted(at=NOON, step="a", visit=1)
    assert automation([*events_of_start(automated(3)), by_hand]) == Figure(0.75)
    assert automation(events_of_start(definition("a"))) == Figure(reason=NO_STEP_COMPLETED)
    assert automation_rate(0, 4) == Figure(0)


def test_open_and_cancelled_handoffs_are_no_failures() -> None:
    assert handoff_success(dict.fromkeys(HandoffStatus, 1)) == Figure(1 / 4)
    assert handoff_success({HandoffStatus.COMPLETED: 3, HandoffStatus.EXPIRED: 1}) == Figure(0.75)
    for counts in ({}, {HandoffStatus.CANCELLED: 5, HandoffStatus.PENDING: 1, HandoffStatus.IN_PROGRESS: 1}):
        assert handoff_success(counts) == Figure(reason=NO_HANDOFF_ENDED)

"""Who dropped off where, why, how soon, and who came back."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.analytics.dropoff import (
    NOBODY_DROPPED,
    NOBODY_ENTERED,
    DropoffCount,
    Ending,
    StageDropoff,
    StageVisit,
)
from domain.analytics.figure import Figure
from tests.domain.analytics.walks import hour

STAGES = ("lead", "customer", "churn")


def went(stage: str, entered: float, left: float) -> StageVisit:
    return StageVisit(stage, hour(entered), hour(left), Ending.WENT_ON)


def dropped(stage: str, entered: float, left: float, reason: str | None = None) -> StageVisit:
    return StageVisit(stage, hour(entered), hour(left), Ending.DROPPED, reason)


def still(stage: str, entered: float) -> StageVisit:
    return StageVisit(stage, hour(entered))


def lead(*units: list[StageVisit], resumed: float | None = None) -> StageDropoff:
    """What became of these units in the first stage."""
    count = DropoffCount(STAGES)
    for visits in units:
        count.add(visits, () if resumed is None else [hour(resumed)])
    return count.report()[0]


def test_the_rate_is_of_the_units_that_entered() -> None:
    found = lead([dropped("lead", 0, 1)], [went("lead", 0, 1), still("customer", 1)], [still("lead", 0)], [])
    assert (found.entered, found.open, found.dropped) == (3, 1, 1)
    assert found.rate == Figure(1 / 3)


def test_reasons_add_up_to_the_dropped_the_most_frequent_first() -> None:
    reasons = ["price", None, "moved", "moved", "late"]
    found = lead(*([dropped("lead", 0, 1, reason)] for reason in reasons))
    assert found.reasons == (("moved", 2), ("late", 1), ("price", 1), (None, 1))


def test_the_time_to_drop_off_is_that_of_the_visit() -> None:
    found = lead([dropped("lead", 0, 1)], [dropped("lead", 5, 8)], [went("lead", 0, 50)])
    assert found.time_to_drop_off.mean == Figure(7200.0)
    assert found.time_to_drop_off.median == Figure(7200.0)


@pytest.mark.parametrize(
    ("after", "came_back"),
    [
        ([], 0),
        ([still("lead", 1)], 1),  # at the very time
        ([still("customer", 9)], 1),
        ([still("win_back", 9)], 1),  # a stage that the report leaves out
        ([still("customer", 0.5)], 0),  # a journey beside it
    ],
)
def test_who_enters_a_stage_later_has_recovered(after: list[StageVisit], came_back: int) -> None:
    found = lead([dropped("lead", 0, 1), *after])
    assert (found.dropped, found.recovered) == (1, came_back)
    assert found.recovery == Figure(float(came_back))


@pytest.mark.parametrize(("resumed", "came_back"), [(0.5, 0), (1, 1), (9, 1)])
def test_who_is_resumed_later_has_recovered(resumed: float, came_back: int) -> None:
    assert lead([dropped("lead", 0, 1)], resumed=resumed).recovered == came_back


def test_the_last_drop_off_in_a_stage_is_the_one_that_counts() -> None:
    found = lead([dropped("lead", 0, 1, "failed"), dropped("lead", 2, 5, "abandoned")])
    assert (found.entered, found.dropped, found.recovered) == (1, 1, 0)
    assert found.reasons == (("abandoned", 1),)
    assert found.time_to_drop_off.mean == Figure(3 * 3600.0)


def test_a_visit_does_not_count_as_the_return_from_itself() -> None:
    assert lead([dropped("lead", 1, 1)]).recovered == 0


def test_stages_where_nobody_was_are_null_with_the_reason() -> None:
    for found in DropoffCount(STAGES).report():
        assert (found.entered, found.dropped, found.reasons) == (0, 0, ())
        assert found.rate == Figure(reason=NOBODY_ENTERED)
        assert found.recovery == found.time_to_drop_off.mean == Figure(reason=NOBODY_DROPPED)


def test_a_visit_says_how_it_ended_or_is_open() -> None:
    for left, ending, reason in (
        (None, Ending.DROPPED, None),
        (1, Ending.OPEN, None),
        (-1, Ending.DROPPED, None),
        (1, Ending.WENT_ON, "price"),
    ):
        with pytest.raises(ValueError, match=r"visit|left|dropped"):
            StageVisit("lead", hour(0), None if left is None else hour(left), ending, reason)


def test_only_counts_of_the_same_stages_add_up() -> None:
    with pytest.raises(ValueError, match="same stages"):
        DropoffCount(STAGES).merge(DropoffCount(STAGES[:1]))


@st.composite
def visits(draw: st.DrawFn) -> StageVisit:
    stage, entered = draw(st.sampled_from((*STAGES, "win_back"))), hour(draw(st.integers(0, 9)))
    ending = draw(st.sampled_from(Ending))
    left = None if ending is Ending.OPEN else entered + timedelta(hours=draw(st.integers(0, 4)))
    reason = draw(st.sampled_from((None, "price"))) if ending is Ending.DROPPED else None
    return StageVisit(stage, entered, left, ending, reason)


came = st.lists(st.lists(visits(), max_size=4), max_size=6)


@given(came)
def test_parts_are_never_more_than_the_whole(units: list[list[StageVisit]]) -> None:
    count = DropoffCount(STAGES)
    for unit in units:
        count.add(unit)
    for found in count.report():
        assert 0 <= found.recovered <= found.dropped <= found.entered <= len(units)
        assert sum(number for _, number in found.reasons) == found.time_to_drop_off.count == found.dropped


@given(came, st.integers(0, 6))
def test_merged_counts_are_one_count(units: list[list[StageVisit]], cut: int) -> None:
    one, other, whole = (DropoffCount(STAGES) for _ in range(3))
    for number, unit in enumerate(units):
        (one if number < cut else other).add(unit)
        whole.add(unit)
    one.merge(other)
    assert one.report() == whole.report()

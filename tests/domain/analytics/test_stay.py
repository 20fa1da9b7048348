"""A journey's stays in stages: how each ends."""

from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from domain.analytics.dropoff import DropoffCount, Ending, StageVisit
from domain.analytics.stay import Told, Turn, stays
from domain.template import Stage
from tests.domain.samples import NOON, later

LEAD, CUSTOMER = Stage.LEAD, Stage.CUSTOMER


def told(*turns: tuple[Turn, Stage | str | None]) -> list[Told]:
    """One thing an hour: what happened, and the stage or the reason."""
    return [
        Told(
            later(hours=n),
            turn,
            stage=what if isinstance(what, Stage) else None,
            reason=None if isinstance(what, Stage) else what,
        )
        for n, (turn, what) in enumerate(turns)
    ]


def at(hours: int) -> datetime:
    return later(hours=hours)


def test_a_stay_ends_well_with_the_next_stage_and_the_last_one_with_the_journey() -> None:
    way = told((Turn.ENTERED, LEAD), (Turn.ENTERED, CUSTOMER), (Turn.COMPLETED, None))
    assert stays(way) == [
        StageVisit(LEAD, at(0), at(1), Ending.WENT_ON),
        StageVisit(CUSTOMER, at(1), at(2), Ending.WENT_ON),
    ]


def test_a_stay_is_open_until_something_ends_it() -> None:
    assert stays(told((Turn.ENTERED, LEAD))) == [StageVisit(LEAD, at(0))]


def test_an_abandoned_journey_drops_off_for_its_reason() -> None:
    way = told((Turn.ENTERED, LEAD), (Turn.ABANDONED, "price"))
    assert stays(way) == [StageVisit(LEAD, at(0), at(1), Ending.DROPPED, "price")]


def test_a_failed_journey_drops_off_and_comes_back_when_it_is_retried() -> None:
    way = told((Turn.ENTERED, LEAD), (Turn.FAILED, "broken"), (Turn.RETRIED, None), (Turn.ENTERED, CUSTOMER))
    assert stays(way) == [
        StageVisit(LEAD, at(0), at(1), Ending.DROPPED, "broken"),
        StageVisit(LEAD, at(2), at(3), Ending.WENT_ON),
        StageVisit(CUSTOMER, at(3)),
    ]
    count = DropoffCount([LEAD])
    count.add(stays(way))
    [found] = count.report()
    assert (found.entered, found.dropped, found.recovered) == (1, 1, 1)


def test_what_fails_and_is_then_abandoned_has_dropped_off_once_for_the_first_reason() -> None:
    way = told((Turn.ENTERED, LEAD), (Turn.FAILED, "broken"), (Turn.ABANDONED, "price"))
    assert stays(way) == [StageVisit(LEAD, at(0), at(1), Ending.DROPPED, "broken")]


def test_what_is_not_told_from_the_beginning_begins_with_its_first_stage() -> None:
    way = told((Turn.RETRIED, None), (Turn.FAILED, "x"), (Turn.ENTERED, LEAD), (Turn.RETRIED, None))
    assert stays(way) == [StageVisit(LEAD, at(2))]


def test_a_stage_behind_the_end_was_left_at_once() -> None:
    way = told((Turn.ENTERED, LEAD), (Turn.COMPLETED, None), (Turn.ENTERED, CUSTOMER))
    assert stays(way)[-1] == StageVisit(CUSTOMER, at(2), at(2), Ending.WENT_ON)


turns = st.builds(
    lambda turn, stage: (turn, stage if turn is Turn.ENTERED else None),
    st.sampled_from(Turn),
    st.sampled_from((LEAD, CUSTOMER)),
)


@given(st.lists(turns, max_size=8))
def test_stays_follow_each_other_and_only_the_last_is_open(given: list[tuple[Turn, Stage | None]]) -> None:
    found = stays(told(*given))
    for before, after in pairwise(found):
        assert before.left_at is not None
        assert NOON <= before.entered_at <= before.left_at <= after.entered_at
    assert len(found) <= len(given)
    assert all(each.entered_at - NOON <= timedelta(hours=8) for each in found)

"""Figures of stages: who comes, stays, leaves and goes on."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.analytics.figure import Figure
from domain.analytics.quantile import no_spread, spread
from domain.analytics.stage_metrics import (
    LAST_STAGE,
    NOBODY_ENTERED,
    NOBODY_LEFT,
    StageRow,
    StageTally,
    StageVisit,
    stage_row,
    stage_visits,
)
from domain.template import Stage
from tests.domain.samples import later

LEAD, QUALIFIED, CUSTOMER, SUPPORT = Stage.LEAD, Stage.QUALIFIED, Stage.CUSTOMER, Stage.SUPPORT
ORDER = (LEAD, QUALIFIED, CUSTOMER)


def visits(*stages: Stage, ended: int | None = None, hours: float = 1) -> list[StageVisit]:
    """An hour in each stage; ended after so many hours, or still in the last one."""
    entries = [(later(hours=n * hours), stage) for n, stage in enumerate(stages)]
    return stage_visits(entries, None if ended is None else later(hours=ended))


def tallied(*journeys: Sequence[StageVisit], order: Sequence[Stage] = ORDER) -> dict[Stage, StageRow]:
    tally = StageTally(order)
    for each in journeys:
        tally.add(each)
    return {row.stage: row for row in tally.report()}


def test_a_stay_lasts_until_the_next_stage_or_the_end() -> None:
    assert visits(LEAD, CUSTOMER, ended=5) == [
        StageVisit(LEAD, later(), later(hours=1)),
        StageVisit(CUSTOMER, later(hours=1), later(hours=5)),
    ]
    assert visits(LEAD) == [StageVisit(LEAD, later(), None)]
    assert visits(LEAD, LEAD, ended=3) == [StageVisit(LEAD, later(), later(hours=3))]
    assert stage_visits([], later()) == []


def test_what_an_import_tells_after_the_end_was_left_at_once() -> None:
    assert visits(LEAD, CUSTOMER, ended=0)[-1] == StageVisit(CUSTOMER, later(hours=1), later(hours=1))


def test_to_skip_a_stage_is_to_go_on_from_the_one_before() -> None:
    rows = tallied(visits(LEAD, QUALIFIED), visits(LEAD, CUSTOMER), visits(LEAD, ended=9), visits(LEAD))
    assert (rows[LEAD].entries, rows[LEAD].exits, rows[LEAD].went_on) == (4, 3, 2)
    assert rows[LEAD].conversion == Figure(0.5)
    assert rows[LEAD].time == spread([3600, 3600, 9 * 3600], reason=NOBODY_LEFT)
    assert rows[QUALIFIED].conversion == Figure(0)
    assert rows[QUALIFIED].time == no_spread(NOBODY_LEFT)
    assert rows[CUSTOMER].conversion == Figure(reason=LAST_STAGE)


def test_a_journey_that_comes_again_is_two_entries_and_goes_on_once() -> None:
    rows = tallied(visits(LEAD, QUALIFIED, LEAD, QUALIFIED))
    assert (rows[LEAD].entries, rows[LEAD].journeys, rows[LEAD].went_on) == (2, 1, 1)
    back = tallied(visits(QUALIFIED, LEAD))
    assert (back[QUALIFIED].went_on, back[QUALIFIED].conversion) == (0, Figure(0))


def test_stages_that_are_not_asked_for_are_not_reported() -> None:
    assert list(tallied(visits(LEAD, SUPPORT))) == list(ORDER)
    assert tallied(visits(LEAD, SUPPORT))[LEAD].exits == 1


def test_a_tenant_without_journeys_has_every_stage_and_no_figures() -> None:
    *rows, last = StageTally().report()
    assert [row.stage for row in (*rows, last)] == list(Stage)
    assert {row.conversion for row in rows} == {Figure(reason=NOBODY_ENTERED)}
    assert last.conversion == Figure(reason=LAST_STAGE)
    assert {row.time for row in rows} == {no_spread(NOBODY_LEFT)}


def test_counts_that_cannot_be_are_refused() -> None:
    for entries, journeys, went_on, left in ((1, 2, 0, 0), (2, 1, 2, 0), (1, 1, 1, 2)):
        time = spread([1.0] * left, reason=NOBODY_LEFT)
        with pytest.raises(ValueError, match="has entered"):
            stage_row(LEAD, entries=entries, journeys=journeys, went_on=went_on, time=time)


walks = st.lists(st.lists(st.sampled_from(Stage), max_size=8), max_size=8)


@given(walks, st.booleans())
def test_who_entered_has_left_or_is_there(walks: list[list[Stage]], ended: bool) -> None:
    journeys = [visits(*each, ended=len(each) if ended else None) for each in walks]
    rows = tallied(*journeys, order=tuple(Stage))
    stays = [visit for each in journeys for visit in each]
    for stage, row in rows.items():
        inside = sum(each[-1].stage is stage for each in journeys if each) if not ended else 0
        assert row.entries - row.exits == inside
        assert row.entries == sum(visit.stage is stage for visit in stays)
        assert row.went_on <= row.journeys <= row.entries


@given(walks)
def test_going_on_is_coming_to_a_later_stage_afterwards(walks: list[list[Stage]]) -> None:
    rows = tallied(*(visits(*each) for each in walks), order=tuple(Stage))
    order = list(Stage)
    for stage, row in rows.items():
        later_stages = order[order.index(stage) + 1 :]
        found = [each for each in walks if stage in each]
        assert row.journeys == len(found)
        assert row.went_on == sum(any(s in later_stages for s in each[each.index(stage) :]) for each in found)

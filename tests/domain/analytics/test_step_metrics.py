"""Visits of steps: how each ends, how long it took, and what they add up to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.analytics.figure import Figure
from domain.analytics.step_metrics import NOTHING_MEASURED, Deed, Done, StepTally, step_visits
from tests.domain.samples import later

ENTERED, COMPLETED = Deed.ENTERED, Deed.COMPLETED


def way(*deeds: tuple[Deed, str]) -> list[Done]:
    """One thing an hour."""
    return [Done(later(hours=n), f"e{n}", deed, step) for n, (deed, step) in enumerate(deeds)]


def test_a_visit_ends_with_what_is_said_of_its_step() -> None:
    for deed in (COMPLETED, Deed.SKIPPED, Deed.FAILED, Deed.ENDED):
        step = "" if deed is Deed.ENDED else "one"
        [visit] = step_visits(way((ENTERED, "one"), (deed, step)))
        assert (visit.left_at, visit.ending) == (later(hours=1), deed)


def test_what_concerns_another_step_ends_no_visit() -> None:
    [visit] = step_visits(way((ENTERED, "one"), (Deed.SKIPPED, "two"), (COMPLETED, "three")))
    assert not visit.over


def test_a_retry_is_another_visit() -> None:
    found = step_visits(way((ENTERED, "one"), (Deed.FAILED, "one"), (ENTERED, "one"), (COMPLETED, "one")))
    assert [each.ending for each in found] == [Deed.FAILED, COMPLETED]


def test_entering_a_step_again_ends_the_visit_whose_action_failed() -> None:
    found = step_visits(way((ENTERED, "one"), (ENTERED, "one"), (COMPLETED, "one")))
    assert [each.ending for each in found] == [Deed.FAILED, COMPLETED]
    assert [each.left_at for each in found] == [later(hours=1), later(hours=2)]


@pytest.mark.parametrize(("to", "steps"), [("one", ["one"]), ("new", ["one", "new"])])
def test_a_migrated_journey_stays_at_its_step_or_goes_to_the_one_it_was_given(
    to: str, steps: list[str]
) -> None:
    found = step_visits(way((ENTERED, "one"), (Deed.MIGRATED, to)))
    assert [each.step for each in found] == steps
    assert [each.over for each in found] == [False] if to == "one" else [True, False]
    assert all(each.left_at is None for each in found)


def test_how_long_an_imported_activity_took_is_not_known() -> None:
    tally = StepTally()
    tally.add(step_visits([Done(later(), "e", ENTERED, "one"), Done(later(), "e", COMPLETED, "one")]))
    [row] = tally.report()
    assert (row.entries, row.exits, row.completed) == (1, 1, 1)
    assert row.time.mean == Figure(reason=NOTHING_MEASURED)


def test_a_row_counts_visits_and_journeys() -> None:
    tally = StepTally()
    tally.add(step_visits(way((ENTERED, "one"), (Deed.FAILED, "one"), (ENTERED, "one"))))
    again = [
        Done(later(), "a", ENTERED, "one"),
        Done(later(hours=3), "b", COMPLETED, "one", automatic=True),
    ]
    tally.add(step_visits(again))
    [row] = tally.report()
    assert (row.entries, row.exits, row.journeys, row.repeated) == (3, 2, 2, 1)
    assert (row.completed, row.automatic, row.failed, row.skipped) == (1, 1, 1, 0)
    assert row.automation == Figure(1.0)
    assert row.time.median == Figure(2 * 3600.0)


def test_known_steps_come_in_their_order_and_others_behind_them() -> None:
    tally = StepTally()
    tally.add(step_visits(way((ENTERED, "z"), (ENTERED, "b"), (ENTERED, "a"))))
    assert [row.step for row in tally.report(["b", "nobody"])] == ["b", "nobody", "a", "z"]
    assert [row.entries for row in tally.report(["b", "nobody"])] == [1, 0, 1, 1]


def test_what_begins_behind_the_range_is_left_out() -> None:
    tally = StepTally(until=later(hours=1))
    tally.add(step_visits(way((ENTERED, "one"), (ENTERED, "two"), (COMPLETED, "one"))))
    [row] = tally.report()
    assert (row.step, row.entries, row.exits) == ("one", 1, 1)


deeds = st.tuples(st.sampled_from(Deed), st.sampled_from(("one", "two")))


@given(st.lists(st.lists(deeds, max_size=8), max_size=5))
def test_parts_are_never_more_than_the_whole(journeys: list[list[tuple[Deed, str]]]) -> None:
    tally = StepTally()
    for journey in journeys:
        tally.add(step_visits(way(*journey)))
    for row in tally.report():
        assert 0 <= row.repeated <= row.journeys <= row.entries
        assert row.completed + row.skipped + row.failed <= row.exits <= row.entries
        assert row.automatic <= row.completed
        assert row.time.count <= row.exits
        assert row.journeys <= len(journeys)

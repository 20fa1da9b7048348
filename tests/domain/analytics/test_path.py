"""Paths: which contacts belong to which conversion, and which to none."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.analytics.path import Conversion, Path, PathCount, Touch, counted, paths
from domain.errors import InvalidInput
from tests.domain.analytics.paths import contacts, conversions, day, moments, touches

MONTH = timedelta(days=30)


def told(found: list[Path]) -> list[tuple[str, datetime | None]]:
    return [(">".join(map(str, each.keys)), each.conversion and each.conversion.at) for each in found]


def test_a_lookback_leaves_its_beginning_out_and_holds_the_conversion_itself() -> None:
    found = paths(touches(0, 0.1, 30, 30.1), [Conversion(day(30))])
    assert told(found) == [("0", None), ("0.1>30", day(30)), ("30.1", None)]


def test_a_contact_counts_for_every_conversion_in_whose_lookback_it_lies() -> None:
    found = paths(touches(1, 12), [Conversion(day(20)), Conversion(day(10))])
    assert told(found) == [("1", day(10)), ("1>12", day(20))]


def test_who_never_converted_has_one_path_of_everything() -> None:
    assert told(paths(touches(100, 0, 3), [])) == [("0>3>100", None)]


def test_a_conversion_cuts_what_did_not_convert() -> None:
    found = paths(touches(0, 1, 100, 101), [Conversion(day(60))])
    assert told(found) == [("0>1", None), ("", day(60)), ("100>101", None)]


def test_contacts_at_the_same_time_keep_the_order_given() -> None:
    both = [Touch(day(1), "b"), Touch(day(1), "a"), Touch(day(0), "c")]
    assert paths(both, [])[0].keys == ("c", "b", "a")


def test_a_range_asks_for_its_conversions_and_its_own_contacts_that_led_nowhere() -> None:
    found = paths(
        touches(0, 40, 45, 69, 85, 120),
        [Conversion(day(39)), Conversion(day(50)), Conversion(day(70)), Conversion(day(110))],
        lookback=timedelta(days=10),
        since=day(44),
        until=day(105),
    )
    assert told(found) == [("45", day(50)), ("69", day(70)), ("85", None)]


def test_a_contact_whose_conversion_comes_after_the_range_is_not_lost() -> None:
    assert paths(touches(1), [Conversion(day(5))], until=day(4)) == []
    assert told(paths(touches(1), [], until=day(4))) == [("1", None)]


def test_nobody_has_no_path() -> None:
    assert paths([], []) == []


@pytest.mark.parametrize("days", [0, -1])
def test_a_lookback_must_be_longer_than_nothing(days: int) -> None:
    with pytest.raises(InvalidInput):
        paths([], [], lookback=timedelta(days=days))


def test_the_longest_lookback_there_is_reaches_back_to_everything() -> None:
    assert told(paths(touches(0), [Conversion(day(9000))], lookback=timedelta.max)) == [("0", day(9000))]


def test_a_path_counts_once() -> None:
    touch = Touch(day(0), "a")
    assert counted(Path((touch,))) == PathCount(("a",), nulls=1)
    assert counted(Path((touch,), Conversion(day(1), 3.5))) == PathCount(("a",), conversions=1, value=3.5)
    with pytest.raises(ValueError, match="from 0"):
        PathCount(("a",), nulls=-1)


@given(
    st.lists(contacts, max_size=12),
    st.lists(conversions, max_size=5),
    st.integers(1, 400).map(lambda tenths: timedelta(days=tenths / 10)),
)
def test_each_path_is_what_the_definition_says(
    given_touches: list[Touch], converted: list[Conversion], lookback: timedelta
) -> None:
    found = paths(given_touches, converted, lookback=lookback)
    in_order = sorted(given_touches, key=lambda touch: touch.at)
    expected = [
        (each, tuple(touch for touch in in_order if each.at - lookback < touch.at <= each.at))
        for each in sorted(converted, key=lambda each: each.at)
    ]
    assert [(each.conversion, each.touches) for each in found if each.conversion] == expected
    lost = [touch for each in found if not each.conversion for touch in each.touches]
    assert lost == [
        touch for touch in in_order if not any(each.at - lookback < touch.at <= each.at for each in converted)
    ]
    assert all(each.touches for each in found if each.conversion is None)


@given(st.lists(contacts, max_size=12), st.lists(conversions, max_size=5), moments)
def test_two_ranges_side_by_side_have_the_conversions_of_both_together(
    given_touches: list[Touch], converted: list[Conversion], edge: datetime
) -> None:
    def converting(found: list[Path]) -> list[Path]:
        return [each for each in found if each.conversion]

    before = paths(given_touches, converted, until=edge)
    after = paths(given_touches, converted, since=edge)
    assert converting(before) + converting(after) == converting(paths(given_touches, converted))

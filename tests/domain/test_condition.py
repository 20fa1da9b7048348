"""Conditions: what holds, what does not and why, and that nothing makes them raise."""

import sys

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.condition import Condition, Operator, Unmet, ValueType, look_up, unmet
from domain.values import Json
from tests.domain.strategies import json, numbers

conditions = st.builds(
    Condition, st.text(max_size=8), st.sampled_from(Operator), json, st.none() | st.sampled_from(ValueType)
)

STRING, NUMBER, BOOLEAN = ValueType.STRING, ValueType.NUMBER, ValueType.BOOLEAN
DATE, ARRAY = ValueType.DATE, ValueType.ARRAY
EQUALS, CONTAINS, IN = Operator.EQUALS, Operator.CONTAINS, Operator.IN
GREATER, LESS = Operator.GREATER_THAN, Operator.LESS_THAN
OPPOSITES = (
    (Operator.EQUALS, Operator.NOT_EQUALS),
    (Operator.CONTAINS, Operator.NOT_CONTAINS),
    (Operator.IN, Operator.NOT_IN),
    (Operator.EXISTS, Operator.NOT_EXISTS),
)


def holds(seen: Json, operator: Operator, expected: Json = None, kind: ValueType | None = None) -> bool:
    return not unmet([Condition("x", operator, expected, kind)], {"x": seen})


def reason(seen: Json, operator: Operator, expected: Json = None, kind: ValueType | None = None) -> str:
    [failed] = unmet([Condition("x", operator, expected, kind)], {"x": seen})
    return failed.reason


@pytest.mark.parametrize(
    ("seen", "operator", "expected", "kind", "verdict"),
    [
        # As they are: JSON's own equality and order.
        ("fiber", EQUALS, "fiber", None, True),
        ("fiber", EQUALS, "Fiber", None, False),
        (1, EQUALS, 1.0, None, True),
        (1, EQUALS, "1", None, False),
        (1, EQUALS, True, None, False),
        ([1], EQUALS, [True], None, False),
        ({"a": [0]}, EQUALS, {"a": [False]}, None, False),
        ({"a": 1, "b": 2}, EQUALS, {"b": 2, "a": 1.0}, None, True),
        (51, GREATER, 50, None, True),
        (50, GREATER, 50, None, False),
        (49.5, LESS, 50, None, True),
        ("b", GREATER, "a", None, True),
        ("51", GREATER, 50, None, False),
        (True, GREATER, False, None, False),
        ([2], GREATER, [1], None, False),
        ("fiber and voip", CONTAINS, "voip", None, True),
        (["fiber", "voip"], CONTAINS, "voip", None, True),
        (["fiber"], CONTAINS, "fib", None, False),
        ([1], CONTAINS, True, None, False),
        (12, CONTAINS, 1, None, False),
        ({"voip": 1}, CONTAINS, "voip", None, False),
        ("fiber", IN, ["fiber", "dsl"], None, True),
        ("cable", IN, ["fiber", "dsl"], None, False),
        ("fib", IN, "fiber", None, False),
        # As numbers.
        ("51", GREATER, 50, NUMBER, True),
        (" 51.5 ", GREATER, "50", NUMBER, True),
        ("5e1", EQUALS, 50, NUMBER, True),
        ("9007199254740993", EQUALS, 9007199254740993, NUMBER, True),
        ("9007199254740993", EQUALS, 9007199254740992, NUMBER, False),
        ("1_000", EQUALS, 1000, NUMBER, False),
        ("NaN", EQUALS, "NaN", NUMBER, False),
        ("Infinity", GREATER, 1, NUMBER, False),
        (True, EQUALS, 1, NUMBER, False),
        ("many", LESS, 50, NUMBER, False),
        (["1", 2], CONTAINS, "2", NUMBER, True),
        ("12", CONTAINS, "2", NUMBER, False),
        ("2", IN, [1, 2], NUMBER, True),
        # As texts.
        (5, EQUALS, "5", STRING, True),
        (5.0, EQUALS, "5", STRING, True),
        (5.5, EQUALS, "5.5", STRING, True),
        (True, EQUALS, "true", STRING, True),
        (12345, CONTAINS, 34, STRING, True),
        ([1, 2], CONTAINS, "2", STRING, True),
        ({"a": 1}, EQUALS, "a", STRING, False),
        # As booleans.
        ("True", EQUALS, True, BOOLEAN, True),
        (0, EQUALS, False, BOOLEAN, True),
        ("no", EQUALS, False, BOOLEAN, False),
        (2, EQUALS, True, BOOLEAN, False),
        (True, GREATER, False, BOOLEAN, False),
        # As dates.
        ("2026-01-31", GREATER, "2026-01-30T23:59:59Z", DATE, True),
        ("2026-01-31T12:00:00Z", EQUALS, "2026-01-31T13:00:00+01:00", DATE, True),
        ("2026-01-31T12:00:00", EQUALS, "2026-01-31T12:00:00Z", DATE, True),
        ("0001-01-01T00:00:00+14:00", LESS, "9999-12-31T23:59:59-14:00", DATE, True),
        ("31.1.2026", LESS, "2027-01-01", DATE, False),
        (20260131, EQUALS, "2026-01-31", DATE, False),
        # As lists.
        ("fiber", EQUALS, ["fiber"], ARRAY, True),
        ("fiber", CONTAINS, "fiber", ARRAY, True),
        ("fiber", CONTAINS, "fib", ARRAY, False),
    ],
)  # fmt: skip
def test_operators_compare_as_the_table_says(
    seen: Json, operator: Operator, expected: Json, kind: ValueType | None, verdict: bool
) -> None:
    assert holds(seen, operator, expected, kind) is verdict


@given(st.lists(conditions, max_size=4), st.dictionaries(st.text(max_size=4), json, max_size=4))
def test_conditions_never_raise(asked: list[Condition], scope: dict[str, Json]) -> None:
    failed = unmet(asked, scope)
    assert all(each.reason for each in failed)
    assert len(failed) <= len(asked)


@given(json, st.sampled_from(Operator), json, st.none() | st.sampled_from(ValueType))
def test_comparing_anything_with_anything_never_raises(
    seen: Json, operator: Operator, expected: Json, kind: ValueType | None
) -> None:
    holds(seen, operator, expected, kind)


@given(json, st.sampled_from(OPPOSITES), json, st.none() | st.sampled_from(ValueType))
def test_a_condition_and_its_opposite_never_both_hold(
    seen: Json, pair: tuple[Operator, Operator], expected: Json, kind: ValueType | None
) -> None:
    assert not all(holds(seen, operator, expected, kind) for operator in pair)


@given(json)
def test_every_value_equals_itself_and_is_in_a_list_with_itself(value: Json) -> None:
    assume(value is not None)
    assert holds(value, Operator.EQUALS, value)
    assert holds(value, Operator.IN, ["other", value])
    assert holds([1, value], Operator.CONTAINS, value)
    assert not holds(value, Operator.NOT_EQUALS, value)


@given(numbers, numbers)
def test_of_two_numbers_one_is_greater_or_they_are_equal(one: float, other: float) -> None:
    verdicts = [holds(one, operator, other) for operator in (GREATER, LESS, EQUALS)]
    assert verdicts.count(True) == 1


@given(st.integers())
def test_a_whole_number_is_the_same_as_its_text(value: int) -> None:
    assert holds(str(value), Operator.EQUALS, value, ValueType.NUMBER)
    assert holds(value, Operator.EQUALS, str(value), ValueType.STRING)


@pytest.mark.parametrize("scope", [{}, {"x": None}, {"x": {}}, {"x": {"y": None}}, {"x": "y"}, {"x": ["y"]}])
@pytest.mark.parametrize(
    ("operator", "verdict"),
    [
        (Operator.EXISTS, False),
        (Operator.NOT_EXISTS, True),
        (Operator.EQUALS, False),
        (Operator.NOT_EQUALS, True),
        (Operator.CONTAINS, False),
        (Operator.NOT_CONTAINS, True),
        (Operator.IN, False),
        (Operator.NOT_IN, True),
        (Operator.GREATER_THAN, False),
        (Operator.LESS_THAN, False),
    ],
)
def test_a_path_that_leads_nowhere_is_only_what_it_is_not(
    scope: dict[str, Json], operator: Operator, verdict: bool
) -> None:
    failed = unmet([Condition("x.y", operator, [None])], scope)
    assert (not failed) is verdict
    assert all(each.seen is None and each.reason == "x.y is missing" for each in failed)


@pytest.mark.parametrize("mixed", [["many", 5], [5, "many"]])
def test_what_a_list_contains_does_not_depend_on_its_order(mixed: list[Json]) -> None:
    assert holds(mixed, Operator.CONTAINS, 5, ValueType.NUMBER)
    assert reason(mixed, Operator.NOT_CONTAINS, 5, ValueType.NUMBER) == "x contains it"
    assert reason(mixed, Operator.CONTAINS, 7, ValueType.NUMBER) == "x: many is no number"
    assert reason(mixed, Operator.NOT_CONTAINS, 7, ValueType.NUMBER) == "x: many is no number"


def test_what_cannot_be_coerced_is_false_either_way_and_says_why() -> None:
    assert reason("many", Operator.EQUALS, 5, ValueType.NUMBER) == "x: many is no number"
    assert reason("many", Operator.NOT_EQUALS, 5, ValueType.NUMBER) == "x: many is no number"
    assert reason("soon", Operator.LESS_THAN, "2026-01-31", ValueType.DATE) == "x: soon is no date"
    assert reason([1], Operator.GREATER_THAN, 5) == "x: the two values have no common order"


def test_a_number_too_large_to_print_is_still_no_date() -> None:
    huge = 10 ** (sys.get_int_max_str_digits() + 1)
    assert reason(huge, Operator.EQUALS, "2026-01-31", ValueType.DATE) == "x: a very large number is no date"
    assert reason([huge], Operator.EQUALS, 1, ValueType.NUMBER) == "x: a very large number is no number"


def test_all_that_failed_is_listed_in_order_with_what_it_saw() -> None:
    asked = [
        Condition("score", Operator.GREATER_THAN, 50),
        Condition("plan.speed", Operator.EQUALS, 100),
        Condition("plan.name", Operator.EXISTS),
    ]
    assert unmet(asked, {"score": 40, "plan": {"speed": 100}}) == (
        Unmet("score", Operator.GREATER_THAN, 50, 40, "score is not greater"),
        Unmet("plan.name", Operator.EXISTS, None, None, "plan.name is missing"),
    )


def test_a_path_goes_through_objects_and_into_lists() -> None:
    scope: dict[str, Json] = {"customer": {"plans": [{"speed": 100}, {"speed": 500}]}, "7": "seven"}
    assert look_up("customer.plans.1.speed", scope) == (True, 500)
    assert look_up("7", scope) == (True, "seven")
    assert look_up("customer.plans.2.speed", scope) == (False, None)
    assert look_up("customer.plans.-1.speed", scope) == (False, None)
    assert look_up("customer.plans.speed", scope) == (False, None)
    assert look_up("customer..plans", scope) == (False, None)


def test_a_path_with_an_endless_number_leads_nowhere() -> None:
    assert look_up("x." + "9" * 10_000, {"x": [1]}) == (False, None)

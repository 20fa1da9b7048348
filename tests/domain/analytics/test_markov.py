"""Markov: known answers, the definition of the removal effect, and what holds for all paths."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.analytics.credit import NOTHING_TO_DIVIDE, Credit
from domain.analytics.markov import MOST_KEYS, TOO_MANY_KEYS, attribute
from domain.analytics.path import Key, PathCount
from tests.domain.analytics.paths import KEYS, counts, number, numbers

START, WON, LOST = object(), object(), object()


def conversion_rate(paths: Sequence[PathCount], *, without: object = START) -> float:
    """P(conversion) of the chain that these paths make, where whoever comes to the key `without` is lost."""
    steps: Counter[tuple[object, object]] = Counter()
    for path in paths:
        if path.keys:
            for here, there in pairwise((START, *path.keys)):
                steps[here, there] += path.conversions + path.nulls
            steps[path.keys[-1], WON] += path.conversions
            steps[path.keys[-1], LOST] += path.nulls
    states = list(dict.fromkeys(here for (here, _), n in steps.items() if n and here is not without))
    states = [START, *(state for state in states if state is not START)]
    matrix, won = np.eye(len(states)), np.zeros(len(states))
    for row, here in enumerate(states):
        total = sum(n for (origin, _), n in steps.items() if origin is here)
        for (origin, there), n in steps.items():
            if origin is here and n:
                if there in states:
                    matrix[row, states.index(there)] -= n / total
                elif there is WON:
                    won[row] += n / total
    return float(np.linalg.solve(matrix, won)[0])


def test_a_key_is_worth_what_is_lost_without_it() -> None:
    found = attribute(
        [
            PathCount(("C1", "C2", "C3"), conversions=1, value=100),
            PathCount(("C1",), nulls=1),
            PathCount(("C2", "C3"), nulls=1),
        ]
    )
    assert numbers(found, "share") == pytest.approx({"C1": 0.2, "C2": 0.4, "C3": 0.4})
    assert numbers(found, "removal_effect") == pytest.approx({"C1": 0.5, "C2": 1, "C3": 1})
    assert numbers(found, "value") == pytest.approx({"C1": 20, "C2": 40, "C3": 40})


def test_a_key_that_often_leads_nowhere_is_worth_less() -> None:
    won = [PathCount(("C1", "C2", "C3"), conversions=1)]
    assert numbers(attribute(won), "share") == pytest.approx({"C1": 1 / 3, "C2": 1 / 3, "C3": 1 / 3})
    assert number(attribute([*won, PathCount(("C1",), nulls=1)])["C1"]) == pytest.approx(1 / 3)
    assert number(attribute([*won, PathCount(("C2", "C3"), nulls=1)])["C1"]) == pytest.approx(0.2)


def test_credits_are_shares_of_all_conversions() -> None:
    found = attribute(
        [
            PathCount(("ga",), conversions=2, nulls=1),
            PathCount(("mail",), conversions=1),
            PathCount(("ga", "mail"), conversions=1),
        ]
    )
    assert numbers(found) == pytest.approx({"ga": 2.4, "mail": 1.6})
    assert numbers(found, "removal_effect") == pytest.approx({"ga": 0.75, "mail": 0.5})


@given(st.lists(counts(), max_size=8))
def test_a_removal_effect_is_what_its_definition_says(paths: list[PathCount]) -> None:
    found = attribute(paths)
    total = sum(path.conversions for path in paths if path.keys)
    if not total:
        reasons = {each.removal_effect.reason for each in found.values() if each.removal_effect}
        assert reasons <= {NOTHING_TO_DIVIDE}
        return
    rate = conversion_rate(paths)
    expected = {key: 1 - conversion_rate(paths, without=key) / rate for key in found}
    assert numbers(found, "removal_effect") == pytest.approx(expected, abs=1e-9)
    assert sum(numbers(found, "share").values()) == pytest.approx(1)
    assert sum(numbers(found).values()) == pytest.approx(total)


@given(st.lists(counts(), max_size=8), st.permutations(KEYS))
def test_other_names_give_the_same_shares(paths: list[PathCount], names: list[Key]) -> None:
    other = dict(zip(KEYS, names, strict=True))
    renamed = [
        PathCount(tuple(other[key] for key in path.keys), path.conversions, path.value, path.nulls)
        for path in paths
    ]
    assert attribute(renamed) == {other[key]: credit for key, credit in attribute(paths).items()}


@given(st.lists(counts(), max_size=8))
def test_equal_paths_may_come_one_by_one(paths: list[PathCount]) -> None:
    apart = [
        each
        for path in paths
        for each in (
            PathCount(path.keys, path.conversions, path.value),
            PathCount(path.keys, nulls=path.nulls),
        )
    ]
    together, one_by_one = attribute(paths), attribute(apart)
    assert together.keys() == one_by_one.keys()
    if any(path.conversions for path in paths if path.keys):
        assert numbers(one_by_one, "share") == pytest.approx(numbers(together, "share"))


@pytest.mark.parametrize(
    "paths", [[PathCount(("a", "b"), nulls=3)], [PathCount(("a",), nulls=1), PathCount((), conversions=2)]]
)
def test_without_a_conversion_to_divide_the_answer_is_null_and_says_why(paths: list[PathCount]) -> None:
    for found in attribute(paths).values():
        figures = (found.conversions, found.value, found.share, found.removal_effect)
        assert [each and each.reason for each in figures] == [NOTHING_TO_DIVIDE] * 4


def test_without_a_path_there_is_nobody_to_credit() -> None:
    assert attribute([]) == {}
    assert attribute([PathCount((), conversions=1, value=5)]) == {}
    assert attribute([PathCount(("a",))]) == {}


def test_hundreds_of_keys_and_long_loops_are_no_burden() -> None:
    keys = [f"campaign {n}" for n in range(400)]
    ways = [tuple(keys[(n * 7 + k * k) % 400] for k in range(6)) for n in range(400)]
    found = attribute([PathCount(way, conversions=1, value=10, nulls=20) for way in ways])
    assert sum(numbers(found, "value").values()) == pytest.approx(4000)
    looping = attribute(
        [PathCount(("a",) * 10_000 + ("b",), conversions=1), PathCount(("b",), conversions=1)]
    )
    assert numbers(looping, "removal_effect") == pytest.approx({"a": 0.5, "b": 1})


def test_too_many_keys_are_refused_with_a_reason() -> None:
    found = attribute([PathCount(tuple(map(str, range(MOST_KEYS + 1))), conversions=1)])
    assert isinstance(found["0"], Credit)
    assert found["0"].share.reason == TOO_MANY_KEYS

"""Shapley values: the short formula against the definition."""

from collections.abc import Sequence
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.analytics.credit import NOTHING_TO_DIVIDE
from domain.analytics.path import Key, PathCount
from domain.analytics.shapley import attribute, split
from tests.domain.analytics.paths import KEYS, counts, numbers


def worth(paths: Sequence[PathCount], coalition: set[Key], name: str) -> float:
    """What the conversions are worth whose paths need nobody outside the coalition."""
    return sum(getattr(path, name) for path in paths if path.keys and set(path.keys) <= coalition)


def by_definition(paths: Sequence[PathCount], name: str) -> dict[Key, float]:
    """The mean, over every order in which the keys may arrive, of what each adds to those before it."""
    players = list(dict.fromkeys(key for path in paths for key in path.keys))
    orders = list(permutations(players))
    added = dict.fromkeys(players, 0.0)
    for order in orders:
        for n, key in enumerate(order):
            added[key] += worth(paths, {*order[: n + 1]}, name) - worth(paths, {*order[:n]}, name)
    return {key: total / len(orders) for key, total in added.items()}


@given(st.lists(counts(), max_size=6))
def test_the_short_formula_is_the_shapley_value(paths: list[PathCount]) -> None:
    found = attribute(paths)
    if not any(path.conversions for path in paths if path.keys):
        assert {each.conversions.reason for each in found.values()} <= {NOTHING_TO_DIVIDE}
        return
    assert numbers(found) == pytest.approx(by_definition(paths, "conversions"))
    assert numbers(found, "value") == pytest.approx(by_definition(paths, "value"))


def test_a_key_that_converts_alone_and_with_another_has_more() -> None:
    lost = [PathCount(("a",), nulls=1), PathCount(("b",), nulls=2)]
    won = [PathCount(("a", "b"), conversions=2, value=50), PathCount(("a",), conversions=1, value=10)]
    found = attribute(lost + won)
    assert numbers(found) == {"a": 2, "b": 1}
    assert numbers(found, "value") == {"a": 35, "b": 25}
    assert numbers(found, "share") == pytest.approx({"a": 2 / 3, "b": 1 / 3})


def test_neither_order_nor_repetition_matters() -> None:
    assert split(["b", "a", "b", "b"]) == {"b": 0.5, "a": 0.5}
    assert split([]) == {}


def test_hundreds_of_keys_are_no_burden() -> None:
    many = tuple(f"campaign {n}" for n in range(500))
    assert sum(numbers(attribute([PathCount(many, conversions=7)])).values()) == pytest.approx(7)


@given(st.lists(counts(), max_size=6), st.permutations(KEYS))
def test_other_names_give_the_same_values(paths: list[PathCount], names: list[Key]) -> None:
    other = dict(zip(KEYS, names, strict=True))
    renamed = [
        PathCount(tuple(other[key] for key in path.keys), path.conversions, path.value, path.nulls)
        for path in paths
    ]
    assert attribute(renamed) == {other[key]: credit for key, credit in attribute(paths).items()}

"""How long things are kept: what may be set, and that the horizon never moves back."""

from datetime import timedelta
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidInput
from domain.retention import LONGEST, Part, Retention, begin, evolve, set_days
from tests.domain.samples import ANNA, NOON, later

NOTHING = Retention(id="ret_1", tenant_id="t")
days = st.none() | st.integers(2, LONGEST)


def after(*settings: dict[str, int | None], known: Retention = NOTHING) -> Retention:
    """The settings after each of these, a day apart."""
    for n, each in enumerate(settings):
        asked = {"events": None, "touchpoints": None, "analytics": None} | each
        known = reduce(evolve, set_days(known, at=later(days=n), **asked), known)
    return known


def test_all_is_kept_for_ever_until_something_is_set() -> None:
    assert [NOTHING.span(part).until(NOON) for part in Part] == [None] * 3
    assert [NOTHING.span(part).since(NOON) for part in Part] == [None] * 3
    assert NOTHING.wake_at is None


def test_what_is_not_named_is_kept_for_ever() -> None:
    found = after({"events": 30, "touchpoints": 7}, {"touchpoints": 7})
    assert [found.span(part).days for part in Part] == [None, 7, None]
    assert [found.span(part).until(NOON) for part in Part] == [None, later(days=-7), None]


def test_setting_days_makes_a_sweep_due_and_ends_the_one_under_way() -> None:
    [event] = set_days(NOTHING, events=30, touchpoints=None, analytics=None, at=NOON)
    known = begin("ret_1", event, ANNA)
    assert (known.wake_at, known.updated_by, known.updated_at) == (NOON, ANNA, NOON)
    swept = Retention(id="ret_1", tenant_id="t", claim="mine", place="events|x", wake_at=later(days=9))
    found = after({"events": 3}, known=swept)
    assert (found.claim, found.place, found.wake_at) == (None, None, NOON)
    assert after({"events": 3}, {}, known=swept).wake_at is None


def test_setting_what_is_set_changes_nothing() -> None:
    known = after({"events": 30})
    assert set_days(known, events=30, touchpoints=None, analytics=None, at=NOON) == []


@pytest.mark.parametrize(
    ("given", "refused"),
    [
        ({"events": 1}, ["events"]),
        ({"events": 0, "touchpoints": 0, "analytics": -1}, ["events", "touchpoints", "analytics"]),
        ({"events": LONGEST + 1, "touchpoints": LONGEST}, ["events"]),
        ({"touchpoints": LONGEST + 1, "analytics": 1}, ["touchpoints"]),
    ],
)
def test_days_out_of_bounds_are_each_named(given: dict[str, int | None], refused: list[str]) -> None:
    with pytest.raises(InvalidInput) as error:
        after(given)
    assert [each.path for each in error.value.problems] == [(name,) for name in refused]


def test_more_days_bring_nothing_back() -> None:
    found = after({"events": 2}, {"events": 365}).events
    assert found.until(later(days=1)) == later(days=-364)
    assert found.since(later(days=1)) == later(days=-1)
    assert after({"events": 2}, {}).events.since(later(days=50)) == later(days=-1)


@given(st.lists(days, max_size=6), st.integers(0, 40_000))
def test_the_horizon_never_moves_back(settings: list[int | None], wait: int) -> None:
    known, seen = NOTHING, None
    for n, each in enumerate(settings):
        known = _at(known, each, n)
        now = later(days=n)
        since = known.events.since(now)
        assert seen is None or (since is not None and since >= seen)
        assert known.events.until(now) is None or since is not None
        seen = since
    end = known.events.since(later(days=len(settings) + wait))
    assert seen is None or (end is not None and end >= seen)


def _at(known: Retention, given: int | None, n: int) -> Retention:
    at = NOON + timedelta(days=n)
    return reduce(evolve, set_days(known, events=given, touchpoints=None, analytics=None, at=at), known)

"""The filter: which journeys are meant, by what the feed carries of them."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.events import Priority
from domain.journey import Journey, Status
from domain.journey_filter import JourneyFilter, TimeRange
from domain.template import Category, Stage
from tests.domain.samples import NOON, definition, later, started

JOURNEY = started(
    definition("a", template_id="fiber_sale"),
    name="Fiber for Müller",
    customer_id="c-1",
    lead_id="l-1",
    assigned_to="anna",
    assigned_team="field",
    priority=Priority.HIGH,
)

# What is true of the journey, and what is not.
RIGHT_AND_WRONG: dict[str, tuple[Any, Any]] = {
    "status": ((Status.PAUSED, Status.ACTIVE), (Status.PAUSED,)),
    "stage": ((Stage.LEAD,), (Stage.CHURN, Stage.CUSTOMER)),
    "category": ((Category.CUSTOM,), (Category.SUPPORT,)),
    "priority": ((Priority.HIGH, Priority.URGENT), ()),
    "template_id": ("fiber_sale", "fiber"),
    "assigned_to": ("anna", "ann"),
    "assigned_team": ("field", "sales"),
    "customer_id": ("c-1", "l-1"),
    "lead_id": ("l-1", "c-1"),
    "search": ("mull fib", "mull dsl"),
    "created_at": (TimeRange(since=NOON, until=later(seconds=1)), TimeRange(until=NOON)),
    "last_activity": (TimeRange(since=NOON), TimeRange(since=later(seconds=1))),
}
parts = st.sets(st.sampled_from(sorted(RIGHT_AND_WRONG)))


def matches(journey: Journey, **asked: Any) -> bool:
    return JourneyFilter(**asked).matches(journey.facets)


def test_the_table_names_every_part_of_a_filter() -> None:
    assert set(RIGHT_AND_WRONG) == set(JourneyFilter.__dataclass_fields__)


@given(parts)
def test_a_filter_means_all_where_it_has_no_part(asked: set[str]) -> None:
    meant = JourneyFilter(**{name: RIGHT_AND_WRONG[name][0] for name in asked})
    assert meant.means_all == (not asked)
    assert replace(meant, created_at=TimeRange(), last_activity=TimeRange()).means_all == (
        asked <= {"created_at", "last_activity"}
    )


@given(parts)
def test_a_journey_is_meant_when_every_part_holds(asked: set[str]) -> None:
    assert matches(JOURNEY, **{name: RIGHT_AND_WRONG[name][0] for name in asked})


@given(parts, st.sampled_from(sorted(RIGHT_AND_WRONG)))
def test_one_part_that_does_not_hold_is_enough_to_leave_it_out(asked: set[str], wrong: str) -> None:
    right = {name: RIGHT_AND_WRONG[name][0] for name in asked}
    assert not matches(JOURNEY, **right | {wrong: RIGHT_AND_WRONG[wrong][1]})


@pytest.mark.parametrize("part", ["assigned_to", "assigned_team", "customer_id", "lead_id"])
def test_a_journey_without_what_is_asked_for_is_not_meant(part: str) -> None:
    bare = started(definition("a"))
    assert not matches(bare, **{part: RIGHT_AND_WRONG[part][0]})
    assert not matches(bare, **{part: "None"})


@given(st.datetimes(), st.datetimes(), st.datetimes())
def test_a_span_holds_its_beginning_and_not_its_end(at: datetime, since: datetime, until: datetime) -> None:
    at, since, until = (
        each.replace(microsecond=each.microsecond // 1000 * 1000, tzinfo=NOON.tzinfo)
        for each in (at, since, until)
    )
    journey = replace(JOURNEY, created_at=at)
    assert matches(journey, created_at=TimeRange(since=since, until=until)) is (since <= at < until)
    assert matches(journey, created_at=TimeRange(since=at))
    assert not matches(journey, created_at=TimeRange(until=at))
    assert matches(journey, created_at=TimeRange())


def test_a_search_without_a_word_finds_nothing() -> None:
    assert matches(JOURNEY)
    assert not matches(JOURNEY, search="")
    assert not matches(JOURNEY, search=" - ")


def test_a_list_without_a_value_finds_nothing() -> None:
    assert not matches(JOURNEY, status=())


def test_a_change_can_make_a_journey_enter_or_leave_what_is_meant() -> None:
    moved = replace(JOURNEY, status=Status.PAUSED, last_activity=NOON + timedelta(hours=1))
    assert not matches(JOURNEY, status=(Status.PAUSED,))
    assert matches(moved, status=(Status.PAUSED,), last_activity=TimeRange(since=later(minutes=59)))

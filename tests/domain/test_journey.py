"""What a journey knows of itself: its scope, its reservation, and what it is found by."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain import steer, walk
from domain.errors import IllegalTransition
from domain.events import (
    Origin,
    Priority,
    StepState,
    StepVisit,
)
from domain.journey import (
    Journey,
    Status,
    require,
    seconds_until,
)
from domain.journey_events import ContextUpdated, StepCompleted, StepEntered
from domain.journey_fold import evolve
from domain.search import query_tokens
from domain.template import Reentry, Settings, Stage
from domain.values import JsonObject
from tests.domain.samples import ANNA, NOON, after, definition, later, started, step


def reserving(reentry: Reentry, **start: object) -> Journey:
    return started(definition("a", settings=Settings(reentry=reentry)), **{"customer_id": "c-1"} | start)


def ended(journey: Journey) -> Journey:
    return after(journey, steer.abandon(journey, at=NOON))


def test_conditions_see_the_context_and_what_the_journey_knows_of_itself_which_counts_first() -> None:
    context: JsonObject = {"plan": "fiber", "priority": "high", "leadId": "l-1"}
    journey = started(definition("a"), customer_id="c-1", priority=Priority.LOW, context=context)
    assert journey.scope == {"customerId": "c-1", "leadId": "l-1", "priority": "low", "plan": "fiber"}


def test_a_live_journey_holds_the_place_of_its_customer_and_gives_it_back_at_its_end() -> None:
    journey = reserving(Reentry.ONCE_ACTIVE)
    paused = after(journey, steer.pause(journey, at=NOON))
    failed = after(journey, walk.fail(journey, reason="no line", at=NOON))
    assert journey.reservation == paused.reservation == failed.reservation == "t|sample|customer:c-1"
    assert ended(journey).reservation is None


def test_never_again_is_for_ever_and_any_time_reserves_nothing() -> None:
    assert ended(reserving(Reentry.NEVER_AGAIN)).reservation == "t|sample|customer:c-1"
    assert reserving(Reentry.ANY_TIME).reservation is None


def test_a_journey_of_nobody_or_from_an_import_reserves_nothing() -> None:
    assert reserving(Reentry.ONCE_ACTIVE, customer_id=None).reservation is None
    assert replace(reserving(Reentry.ONCE_ACTIVE), origin=Origin.IMPORT).reservation is None


def test_imported_steps_have_no_time_limit() -> None:
    template = definition("a", step("b", 2, max_duration=timedelta(minutes=1)))
    journey = replace(started(template), origin=Origin.IMPORT)
    assert after(journey, walk.advance(journey, template, at=NOON)).due_at is None


@pytest.mark.parametrize("query", ["c-77", "Müller", "muller", "vip", "fib", "rue lon", "cust 77"])
def test_a_journey_is_found_by_its_name_ids_tags_and_short_texts(query: str) -> None:
    journey = started(
        definition("a"),
        name="Fiber for Müller",
        customer_id="cust-c-77",
        tags=("vip",),
        context={"street": "Rue Longue 3", "note": "x" * 81, "size": 1000},
    )
    assert set(query_tokens(query)) <= set(journey.searchable)
    assert not {"x" * 64, "1000"} & set(journey.searchable), "long texts and numbers are not searched"


def test_the_facets_tell_what_a_journey_can_be_filtered_by() -> None:
    facets = started(definition("a"), lead_id="l-1", assigned_to="anna").facets
    search = facets.pop("search")
    assert "l" in search  # type: ignore[operator]
    assert facets == {
        "status": "active",
        "stage": "lead",
        "category": "custom",
        "priority": "medium",
        "templateId": "sample",
        "assignedTo": "anna",
        "assignedTeam": None,
        "customerId": None,
        "leadId": "l-1",
        "incident": False,
        "createdAt": "2026-01-31T12:00:00.000Z",
        "lastActivity": "2026-01-31T12:00:00.000Z",
    }


def test_the_last_activity_never_moves_back() -> None:
    journey = started(definition("a"))
    journey = evolve(journey, ContextUpdated(at=later(hours=1), changes={"x": 1}))
    journey = evolve(journey, ContextUpdated(at=later(minutes=1), changes={"x": 2}))
    assert journey.last_activity == later(hours=1)
    assert journey.context == {"x": 2}


def test_imported_history_may_complete_a_step_that_was_never_entered() -> None:
    journey = replace(started(definition("a", "b")), origin=Origin.IMPORT)
    journey = evolve(journey, StepCompleted(at=later(hours=1), step="b", visit=1, activity="Solved"))
    assert journey.visit("b") == StepVisit("b", StepState.COMPLETED, 1, later(hours=1), later(hours=1))
    assert journey.current_step == "b", "it stands where its history ends"
    journey = evolve(journey, StepEntered(at=later(hours=2), step="b", visit=2, stage=Stage.LEAD))
    assert journey.current == StepVisit("b", StepState.ACTIVE, 2, later(hours=2))


def test_an_event_changes_a_new_journey_and_not_the_old_one() -> None:
    old = started(definition("a", "b"), context={"x": 1})
    evolve(old, ContextUpdated(at=NOON, changes={"x": 2}))
    evolve(old, StepCompleted(at=NOON, step="a", visit=1))
    assert old == started(definition("a", "b"), context={"x": 1})


def test_a_journey_starts_once() -> None:
    template = definition("a")
    journey = started(template)
    [first, _] = walk.start("jrn_1", template, 1, walk.Start(), tenant_id="t", by=ANNA, at=NOON)
    with pytest.raises(AssertionError, match="starts once"):
        evolve(journey, first)


def test_a_step_the_journey_never_saw_is_pending() -> None:
    assert started(definition("a")).visit("z") == StepVisit("z")


def test_the_seconds_until_is_never_negative() -> None:
    journey = replace(started(definition("a")), due_at=later(seconds=90))
    assert seconds_until(journey.due_at, NOON) == 90
    assert seconds_until(journey.due_at, later(hours=1)) == 0
    assert seconds_until(started(definition("a")).due_at, NOON) is None


def test_what_a_state_does_not_allow_says_so() -> None:
    with pytest.raises(IllegalTransition, match="A journey that is active cannot be resumed"):
        require(started(definition("a")), Status.PAUSED, verb="resumed")

"""Starting a journey: its version, context, priority and entry key, and the wait before its first step."""

import pytest

from domain import steer, walk
from domain.condition import Condition, Operator, Unmet, ValueType
from domain.errors import TooLarge
from domain.events import Priority, StepState
from domain.journey import Status
from domain.template import Reentry, Settings
from tests.domain.samples import after, definition, events_of_start, later, started, step, types

SCORE = Condition("score", Operator.GREATER_THAN, 50, ValueType.NUMBER)


def test_a_start_pins_the_version_and_enters_the_first_step() -> None:
    template = definition("ask", "offer", default_context={"source": "web", "priority": "high"})
    events = events_of_start(template, customer_id="c-1", context={"source": "shop"})
    assert types(events) == ["started", "step_entered"]
    journey = started(template, customer_id="c-1", context={"source": "shop"})
    assert (journey.status, journey.current_step, journey.template_version) == (Status.ACTIVE, "ask", 1)
    assert journey.context == {"source": "shop", "priority": "high"}
    assert journey.name == "Sample"
    assert journey.priority is Priority.HIGH
    assert journey.current.visit == 1


def test_a_start_is_estimated_to_end_after_the_templates_minutes() -> None:
    template = definition(step("a", 1, estimated_minutes=30), step("b", 2, estimated_minutes=15))
    assert started(template).estimated_completion == later(minutes=45)


def test_a_null_in_the_context_of_a_start_takes_a_default_away() -> None:
    template = definition("a", default_context={"plan": "fiber", "gone": None})
    assert started(template, context={"plan": None, "x": 1}).context == {"x": 1}


@pytest.mark.parametrize(
    ("given", "priority"), [("urgent", Priority.URGENT), ("soon", Priority.MEDIUM), (7, Priority.MEDIUM)]
)
def test_the_priority_comes_from_the_context_where_nobody_names_one(
    given: object, priority: Priority
) -> None:
    template = definition("a", default_context={"priority": given})
    assert started(template).priority is priority
    assert started(template, priority=Priority.LOW).priority is Priority.LOW


def test_a_journey_waits_before_its_first_step_and_says_what_for() -> None:
    template = definition(step("qualify", 1, entry_conditions=(SCORE,), required_data=("source",)), "offer")
    journey = started(template, context={"score": 40})
    assert (journey.status, journey.current_step) == (Status.ACTIVE, "qualify")
    assert journey.current.state is StepState.BLOCKED
    assert journey.current.visit == 0
    assert journey.blocked_by == (
        Unmet("source", Operator.EXISTS, None, None, "source is missing"),
        Unmet("score", Operator.GREATER_THAN, 50, 40, "score is not greater"),
    )


def test_a_journey_that_waits_goes_on_when_its_context_opens_the_way() -> None:
    template = definition(step("qualify", 1, entry_conditions=(SCORE,)), "offer")
    journey = started(template, context={"score": 40})
    closer = steer.update_context(journey, template, changes={"score": 45}, at=later(minutes=1))
    assert types(closer) == ["context_updated", "step_blocked"], "what it sees is kept up to date"
    journey = after(journey, closer)
    assert [each.seen for each in journey.blocked_by] == [45]
    same = steer.update_context(journey, template, changes={"other": 1}, at=later(minutes=2))
    assert types(same) == ["context_updated"]
    there = steer.update_context(journey, template, changes={"score": 60}, at=later(minutes=3))
    assert types(there) == ["context_updated", "step_entered"]
    journey = after(journey, there)
    assert (journey.blocked_by, journey.current.state) == ((), StepState.ACTIVE)
    assert journey.current.entered_at == later(minutes=3)


@pytest.mark.parametrize(
    ("settings", "start", "key"),
    [
        (Settings(), {"customer_id": "c", "lead_id": "l"}, "customer:c"),
        (Settings(), {"lead_id": "l"}, "lead:l"),
        (Settings(), {}, None),
        (Settings(reentry=Reentry.ANY_TIME), {"customer_id": "c"}, None),
        (Settings(entry_key="ticket.id"), {"customer_id": "c", "context": {"ticket": {"id": 7}}}, "7"),
        (Settings(entry_key="ticket.id"), {"customer_id": "c"}, None),
    ],
)
def test_a_journey_is_once_for_its_customer_its_lead_or_what_the_template_names(
    settings: Settings, start: dict[str, object], key: str | None
) -> None:
    assert started(definition("a", settings=settings), **start).entry_key == key


def test_a_context_of_256_kib_is_kept_and_one_byte_more_is_not() -> None:
    walk.check_size(256 * 1024)
    with pytest.raises(TooLarge):
        walk.check_size(256 * 1024 + 1)

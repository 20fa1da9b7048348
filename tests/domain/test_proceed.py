"""What a journey does by itself: steps that need nobody, and waits that end when the way is open."""

from dataclasses import replace

from domain import steer, walk
from domain.condition import Condition, Operator, ValueType
from domain.events import Priority, StepState
from domain.journey import Status
from domain.journey_events import (
    JourneyStarted,
    NotificationRequested,
    StepBlocked,
    StepCompleted,
    StepEntered,
)
from domain.template import Settings, Stage, StepType
from tests.domain.samples import NOON, after, automated, definition, events_of_start, started, step, types

BY_ITSELF = Settings(auto_progress=True)
SCORE = Condition("score", Operator.GREATER_THAN, 50, ValueType.NUMBER)
SIGNED = Condition("signed", Operator.EQUALS, True)


def test_200_automated_steps_run_in_one_command() -> None:
    events = events_of_start(automated(200))
    assert len(events) == 1 + 200 * 2 + 1
    journey = started(automated(200))
    assert (journey.status, journey.progress) == (Status.COMPLETED, 100)
    assert all(event.automatic for event in events if isinstance(event, StepCompleted))


def test_without_auto_progress_a_journey_stands_at_a_done_step_until_it_is_advanced() -> None:
    template = automated(2, auto_progress=False)
    journey = started(template)
    assert (journey.current_step, journey.current.state) == ("s1", StepState.COMPLETED)
    assert walk.go_on(journey, template, at=NOON) == []
    events = walk.advance(journey, template, at=NOON)
    assert types(events) == ["step_entered", "step_completed"]
    journey = after(journey, events)
    assert types(walk.advance(journey, template, at=NOON)) == ["completed"]


def test_a_journey_goes_on_by_itself_up_to_the_next_step_that_needs_somebody() -> None:
    template = definition(
        "ask",
        step("check", 2, type=StepType.AUTOMATED),
        step("tell", 3, type=StepType.NOTIFICATION),
        step("install", 4, type=StepType.INTEGRATION),
        settings=BY_ITSELF,
    )
    journey = started(template)
    assert journey.current_step == "ask", "a manual step waits even with auto-progress"
    journey = after(journey, walk.advance(journey, template, at=NOON))
    assert (journey.current_step, journey.current.state) == ("install", StepState.ACTIVE)


def test_going_on_by_itself_a_journey_waits_where_a_person_would_be_refused() -> None:
    template = definition(
        step("check", 1, type=StepType.AUTOMATED),
        step("offer", 2, entry_conditions=(SCORE,), stage=Stage.CUSTOMER),
        settings=BY_ITSELF,
    )
    events = events_of_start(template)
    assert types(events) == ["started", "step_entered", "step_completed", "step_blocked"]
    journey = started(template)
    assert journey.stage is Stage.LEAD, "the stage is entered with the step"
    assert walk.go_on(journey, template, at=NOON) == []


def test_an_automated_step_is_completed_when_its_exit_conditions_hold() -> None:
    template = definition(
        step("check", 1, type=StepType.AUTOMATED, exit_conditions=(SIGNED,)), settings=BY_ITSELF
    )
    journey = started(template)
    assert journey.current.state is StepState.ACTIVE
    events = steer.update_context(journey, template, changes={"signed": True}, at=NOON)
    assert types(events) == ["context_updated", "step_completed", "completed"]


def test_a_notification_is_asked_for_in_its_channel_and_completes_its_step() -> None:
    template = definition(step("welcome", 1, type=StepType.NOTIFICATION, params={"channel": "sms"}))
    events = events_of_start(template, customer_id="c-1")
    assert types(events) == ["started", "step_entered", "notification:requested", "step_completed"]
    [told] = [event for event in events if isinstance(event, NotificationRequested)]
    assert (told.channel, told.title, told.customer_id) == ("sms", "Welcome", "c-1")


def test_a_template_may_have_notification_steps_tell_nobody() -> None:
    quiet = Settings(notifications_enabled=False)
    template = definition(step("welcome", 1, type=StepType.NOTIFICATION), settings=quiet)
    assert types(events_of_start(template)) == ["started", "step_entered", "step_completed"]


def test_200_steps_that_waited_for_the_context_run_in_the_command_that_opens_the_way() -> None:
    waiting = step("wait", 0, type=StepType.AUTOMATED, entry_conditions=(SCORE,))
    rest = [replace(each, dependencies=("wait",)) for each in automated(199).steps]
    template = definition(waiting, *rest, settings=BY_ITSELF)
    journey = started(template)
    assert journey.current.state is StepState.BLOCKED
    journey = after(journey, steer.update_context(journey, template, changes={"score": 60}, at=NOON))
    assert (journey.status, journey.progress) == (Status.COMPLETED, 100)


def test_a_done_step_that_a_new_version_gives_to_people_waits_for_them() -> None:
    old = automated(2, auto_progress=False)
    journey = started(old)
    new = definition("s1", "s2", settings=BY_ITSELF)
    assert types(steer.migrate(journey, new, 2, step_map={}, at=NOON)) == ["migrated"]
    assert types(steer.migrate(journey, automated(2), 2, step_map={}, at=NOON))[-1] == "completed"


def test_every_event_of_a_command_bears_its_time() -> None:
    events = events_of_start(automated(3))
    assert {event.at for event in events} == {NOON}
    assert isinstance(events[0], JourneyStarted)
    assert not any(isinstance(event, StepBlocked) for event in events)
    assert [event.visit for event in events if isinstance(event, StepEntered)] == [1, 1, 1]


def test_an_automated_step_whose_action_is_somebody_elses_waits_for_it() -> None:
    journey = started(definition(step("a", type=StepType.AUTOMATED, action="order_router")))
    assert journey.current.state is StepState.ACTIVE


def test_a_step_that_waits_for_a_priority_opens_with_it() -> None:
    urgent = Condition("priority", Operator.EQUALS, "urgent")
    template = definition(step("a", entry_conditions=(urgent,)))
    journey = started(template)
    assert journey.current.state is StepState.BLOCKED
    opened = after(journey, steer.set_priority(journey, template, priority=Priority.URGENT, at=NOON))
    assert opened.current.state is StepState.ACTIVE

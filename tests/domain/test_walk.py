"""The walk from step to step: start, advance, skip, retry, failure, time limits, what goes on by itself."""

from datetime import timedelta

import pytest

from domain import steer, walk
from domain.condition import Condition, Operator, Unmet, ValueType
from domain.errors import ConditionsNotMet, IllegalTransition, InvalidInput, NotFound, TooLarge
from domain.events import (
    JourneyStarted,
    NotificationRequested,
    Priority,
    StepBlocked,
    StepCompleted,
    StepEntered,
    StepFailed,
    StepState,
    StepTimedOut,
)
from domain.journey import Status
from domain.template import Reentry, Settings, Stage, StepType
from tests.domain.samples import (
    NOON,
    after,
    automated,
    definition,
    events_of_start,
    later,
    started,
    states,
    step,
    types,
)

BY_ITSELF = Settings(auto_progress=True)
SKIPPING = Settings(allow_skip_steps=True)
SCORE = Condition("score", Operator.GREATER_THAN, 50, ValueType.NUMBER)
SIGNED = Condition("signed", Operator.EQUALS, True)


# Start


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
        (Settings(), {"customer_id": "c", "lead_id": "l"}, "c"),
        (Settings(), {"lead_id": "l"}, "l"),
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


# Advance


def test_advancing_completes_the_step_and_enters_the_next_until_the_end() -> None:
    template = definition("a", "b")
    journey = started(template)
    first = walk.advance(journey, template, at=later(minutes=1))
    assert types(first) == ["step_completed", "step_entered"]
    journey = after(journey, first)
    assert (journey.current_step, journey.progress) == ("b", 50)
    last = walk.advance(journey, template, at=later(minutes=2))
    assert types(last) == ["step_completed", "completed"]
    journey = after(journey, last)
    assert (journey.status, journey.progress, journey.ended_at) == (Status.COMPLETED, 100, later(minutes=2))


def test_a_step_completed_by_a_person_is_not_automatic() -> None:
    template = definition("a", "b")
    [done, _] = walk.advance(started(template), template, at=NOON)
    assert isinstance(done, StepCompleted)
    assert not done.automatic


def test_a_step_of_another_stage_changes_the_stage() -> None:
    template = definition("a", step("b", 2, stage=Stage.CUSTOMER), step("c", 3, stage=Stage.CUSTOMER))
    journey = started(template)
    events = walk.advance(journey, template, at=NOON)
    assert types(events) == ["step_completed", "step_entered", "stage_changed"]
    journey = after(journey, events)
    assert journey.stage is Stage.CUSTOMER
    assert "stage_changed" not in types(walk.advance(journey, template, at=NOON))


def test_a_refusal_names_every_condition_that_failed_and_changes_nothing() -> None:
    template = definition(
        step("a", 1, exit_conditions=(SIGNED,)),
        "b",
        step("c", 3, entry_conditions=(SCORE,), required_data=("plan",), dependencies=("b",)),
    )
    journey = started(template, context={"score": 10, "signed": False})
    with pytest.raises(ConditionsNotMet) as refused:
        walk.advance(journey, template, at=NOON, to="c")
    seen = {each.condition.field: each.condition.seen for each in refused.value.problems}  # type: ignore[attr-defined]
    assert seen == {"signed": False, "steps.b": "pending", "plan": None, "score": 10}
    assert journey == started(template, context={"score": 10, "signed": False})


def test_conditions_stop_the_last_step_too() -> None:
    template = definition(step("a", 1, exit_conditions=(SIGNED,)))
    with pytest.raises(ConditionsNotMet):
        walk.advance(started(template), template, at=NOON)


def test_the_step_just_completed_counts_as_done_for_the_next() -> None:
    template = definition("a", step("b", 2, dependencies=("a",)))
    assert after(started(template), walk.advance(started(template), template, at=NOON)).current_step == "b"


def test_a_named_step_may_lie_ahead_or_behind_if_it_is_not_done() -> None:
    template = definition("a", "b", "c")
    journey = started(template)
    journey = after(journey, walk.advance(journey, template, at=NOON, to="c"))
    assert states(journey) == {"a": StepState.COMPLETED, "b": StepState.PENDING, "c": StepState.ACTIVE}
    journey = after(journey, walk.advance(journey, template, at=NOON, to="b"))
    assert journey.current_step == "b"
    journey = after(journey, walk.advance(journey, template, at=NOON))
    assert (journey.status, journey.progress) == (Status.COMPLETED, 100)


def test_a_completed_journey_that_left_steps_out_is_not_at_100() -> None:
    template = definition("a", "b", "c")
    journey = started(template)
    journey = after(journey, walk.advance(journey, template, at=NOON, to="c"))
    journey = after(journey, walk.advance(journey, template, at=NOON))
    assert (journey.status, journey.progress) == (Status.COMPLETED, 66)


def test_a_step_that_is_done_or_unknown_is_not_entered() -> None:
    template = definition("a", "b")
    journey = started(template)
    with pytest.raises(NotFound):
        walk.advance(journey, template, at=NOON, to="z")
    with pytest.raises(IllegalTransition, match="'a' is completed already"):
        walk.advance(journey, template, at=NOON, to="a")


def test_advancing_a_journey_that_waits_enters_its_step_or_says_why_not() -> None:
    template = definition(step("a", 1, entry_conditions=(SCORE,)), "b")
    journey = started(template)
    with pytest.raises(ConditionsNotMet):
        walk.advance(journey, template, at=NOON)


def test_a_step_the_journey_waited_before_is_pending_again_once_it_goes_elsewhere() -> None:
    template = definition(step("a", 1, entry_conditions=(SCORE,)), "b")
    journey = started(template)
    journey = after(journey, walk.advance(journey, template, at=NOON, to="b"))
    assert states(journey) == {"a": StepState.PENDING, "b": StepState.ACTIVE}
    assert journey.blocked_by == ()


# What goes on by itself


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


# Skip


def test_skipping_the_current_step_moves_on_and_keeps_the_reason() -> None:
    template = definition("a", "b", settings=SKIPPING)
    journey = started(template)
    journey = after(journey, walk.skip(journey, template, step="a", reason="known", at=NOON))
    assert (journey.current_step, journey.progress) == ("b", 50)
    assert (journey.visit("a").state, journey.visit("a").reason) == (StepState.SKIPPED, "known")
    assert types(walk.skip(journey, template, step="b", reason="known", at=NOON)) == [
        "step_skipped",
        "completed",
    ]


def test_a_later_step_can_be_skipped_ahead_and_is_passed_over() -> None:
    template = definition("a", "b", "c", settings=SKIPPING)
    journey = started(template)
    journey = after(journey, walk.skip(journey, template, step="b", reason="known", at=NOON))
    assert journey.current_step == "a"
    assert journey.visit("b").entered_at is None
    assert after(journey, walk.advance(journey, template, at=NOON)).current_step == "c"


def test_skipping_what_a_journey_waits_for_lets_it_go_on() -> None:
    template = definition(
        step("a", 1, entry_conditions=(SCORE,)),
        step("b", 2, type=StepType.AUTOMATED),
        step("c", 3, dependencies=("a",)),
        settings=Settings(auto_progress=True, allow_skip_steps=True),
    )
    journey = started(template)
    journey = after(journey, walk.advance(journey, template, at=NOON, to="b"))
    assert (journey.current_step, journey.current.state) == ("c", StepState.BLOCKED)
    events = walk.skip(journey, template, step="a", reason="no score", at=NOON)
    assert types(events) == ["step_skipped", "step_entered"]


def test_a_skip_needs_the_templates_leave_a_reason_and_a_step_not_done() -> None:
    template = definition("a", "b", settings=SKIPPING)
    journey = started(template)
    with pytest.raises(IllegalTransition, match="does not allow"):
        walk.skip(journey, definition("a", "b"), step="a", reason="known", at=NOON)
    with pytest.raises(InvalidInput):
        walk.skip(journey, template, step="a", reason=" ", at=NOON)
    with pytest.raises(NotFound):
        walk.skip(journey, template, step="z", reason="known", at=NOON)
    journey = after(journey, walk.advance(journey, template, at=NOON))
    with pytest.raises(IllegalTransition, match="completed already"):
        walk.skip(journey, template, step="a", reason="known", at=NOON)


# Failure, retry and time limits


def test_a_failed_step_fails_the_journey_and_a_retry_is_a_new_visit() -> None:
    template = definition("a", "b")
    journey = started(template)
    failure = walk.fail(journey, reason="no line", at=later(minutes=1))
    assert types(failure) == ["step_failed", "failed"]
    journey = after(journey, failure)
    assert (journey.status, journey.current.state, journey.current.reason) == (
        Status.FAILED,
        StepState.FAILED,
        "no line",
    )
    assert journey.ended_at is None
    retry = walk.retry(journey, template, at=later(minutes=2), reason="line mended")
    assert types(retry) == ["step_retried", "step_entered"]
    journey = after(journey, retry)
    assert (journey.status, journey.current.state, journey.current.visit) == (
        Status.ACTIVE,
        StepState.ACTIVE,
        2,
    )
    assert (journey.current.entered_at, journey.current.reason) == (later(minutes=2), None)


def test_a_failure_names_the_visit_that_failed() -> None:
    template = definition("a")
    journey = started(template)
    for visit in (1, 2, 3):
        failure = walk.fail(journey, reason="no line", at=NOON)
        assert isinstance(failure[0], StepFailed)
        assert failure[0].visit == visit
        journey = after(journey, failure)
        journey = after(journey, walk.retry(journey, template, at=NOON))


def test_only_a_step_under_way_fails_and_only_for_a_reason() -> None:
    with pytest.raises(InvalidInput):
        walk.fail(started(definition("a")), reason=" ", at=NOON)
    waiting = started(definition(step("a", 1, entry_conditions=(SCORE,))))
    with pytest.raises(IllegalTransition, match="blocked"):
        walk.fail(waiting, reason="no line", at=NOON)


def test_only_a_failed_journey_is_retried() -> None:
    template = definition("a")
    with pytest.raises(IllegalTransition):
        walk.retry(started(template), template, at=NOON)


def test_a_step_times_out_when_its_time_is_over_and_not_before() -> None:
    template = definition(step("a", 1, max_duration=timedelta(minutes=10)), "b")
    journey = started(template)
    assert journey.due_at == journey.wake_at == later(minutes=10)
    assert walk.time_out(journey, at=later(minutes=9, seconds=59)) == []
    events = walk.time_out(journey, at=later(minutes=10))
    assert types(events) == ["step_timed_out", "failed"]
    assert isinstance(events[0], StepTimedOut)
    assert events[0].due_at == later(minutes=10)
    journey = after(journey, events)
    assert (journey.status, journey.due_at) == (Status.FAILED, None)
    assert walk.time_out(journey, at=later(minutes=11)) == [], "a second worker's is a no-op"
    journey = after(journey, walk.retry(journey, template, at=later(minutes=20)))
    assert journey.due_at == later(minutes=30), "the retry has the whole time again"


def test_a_step_without_a_limit_leaves_no_time_from_the_one_before() -> None:
    template = definition(step("a", 1, max_duration=timedelta(minutes=10)), "b")
    journey = started(template)
    journey = after(journey, walk.advance(journey, template, at=NOON))
    assert journey.due_at is None
    assert walk.time_out(journey, at=later(days=1)) == []


def test_a_journey_that_waits_before_a_step_has_no_time_running() -> None:
    template = definition(step("a", 1, max_duration=timedelta(minutes=10), entry_conditions=(SCORE,)))
    journey = started(template)
    assert journey.due_at is None
    journey = after(
        journey, steer.update_context(journey, template, changes={"score": 60}, at=later(hours=1))
    )
    assert journey.due_at == later(hours=1, minutes=10)


@pytest.mark.parametrize("status", [Status.PAUSED, Status.FAILED, Status.COMPLETED, Status.ABANDONED])
def test_only_an_active_journey_walks(status: Status) -> None:
    template = definition("a", "b", settings=SKIPPING)
    journey = started(template)
    journey = {
        Status.PAUSED: lambda: after(journey, steer.pause(journey, at=NOON)),
        Status.FAILED: lambda: after(journey, walk.fail(journey, reason="no line", at=NOON)),
        Status.COMPLETED: lambda: after(journey, steer.complete(journey, template, at=NOON)),
        Status.ABANDONED: lambda: after(journey, steer.abandon(journey, at=NOON)),
    }[status]()
    assert journey.status is status
    for command in (
        lambda: walk.advance(journey, template, at=NOON),
        lambda: walk.skip(journey, template, step="b", reason="known", at=NOON),
        lambda: walk.fail(journey, reason="no line", at=NOON),
    ):
        with pytest.raises(IllegalTransition, match=status.value):
            command()


def test_a_context_of_256_kib_is_kept_and_one_byte_more_is_not() -> None:
    walk.check_size(256 * 1024)
    with pytest.raises(TooLarge):
        walk.check_size(256 * 1024 + 1)


def test_every_event_of_a_command_bears_its_time() -> None:
    events = events_of_start(automated(3))
    assert {event.at for event in events} == {NOON}
    assert isinstance(events[0], JourneyStarted)
    assert not any(isinstance(event, StepBlocked) for event in events)
    assert [event.visit for event in events if isinstance(event, StepEntered)] == [1, 1, 1]

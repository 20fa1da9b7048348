"""A case of a log becomes the journey that its events tell, in the file's order, and nothing follows from it."""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import authoring
from domain.errors import InvalidInput, TooLarge
from domain.events import Origin, StepState
from domain.identity import Actor, ActorKind
from domain.imports import Narrator, Past, definition
from domain.journey import Journey, Status
from domain.journey_events import JourneyEvent, JourneyStarted, StepCompleted
from domain.mapping import MappedStep, Mapping
from domain.template import Reentry, Stage, StepType
from tests.domain.samples import NOON, later, states, told, types

STAGES = (Stage.SUPPORT, Stage.SUPPORT, Stage.CHURN)
MAPPING = Mapping(
    context={"Plan": "plan", "City": "city"},
    steps=tuple(
        MappedStep(activity=name, id=name.lower(), name=name, stage=stage, order=n)
        for n, (name, stage) in enumerate(zip(("Open", "Work", "Close"), STAGES, strict=True), 1)
    ),
    closing=("Close",),
)


@dataclass(frozen=True)
class Seen:
    activity: str
    at: datetime = NOON
    actor: str | None = "ann"
    attributes: dict[str, Any] = field(default_factory=dict)


def past(*seen: Seen | str, mapping: Mapping = MAPPING, **attributes: Any) -> Past:
    occurrences = [Seen(each) if isinstance(each, str) else each for each in seen]
    return Narrator(mapping, "t").tell("7", occurrences, attributes, 3)


def journey(*seen: Seen | str, **rest: Any) -> Journey:
    return told(past(*seen, **rest).events)


def completions(events: tuple[JourneyEvent, ...]) -> list[StepCompleted]:
    return [each for each in events if isinstance(each, StepCompleted)]


def test_a_case_is_started_each_activity_completes_its_step_and_a_closing_one_completes_the_journey() -> None:
    events = past("Open", "Work", "Close").events
    assert types(events) == [
        "started",
        "step_completed",
        "step_completed",
        "stage_changed",
        "step_completed",
        "completed",
    ]
    assert journey("Open", "Work", "Close").status is Status.COMPLETED


def test_a_case_that_does_not_end_with_a_closing_activity_stays_active_without_timers() -> None:
    open = journey("Open", "Close", "Work")
    assert open.status is Status.ACTIVE
    assert open.wake_at is None
    assert open.ended_at is None
    assert open.estimated_completion is None
    assert (open.current_step, open.stage) == ("work", Stage.SUPPORT)


def test_an_activity_again_is_a_new_visit_also_after_the_end() -> None:
    events = past("Open", "Close", "Open", "Close", "Close").events
    visits = [(each.step, each.visit) for each in completions(events)]
    assert visits == [("open", 1), ("close", 1), ("open", 2), ("close", 2), ("close", 3)]
    assert types(events).count("completed") == 1
    again = told(events)
    assert again.status is Status.COMPLETED
    assert again.visit("close").visit == 3
    assert states(again) == {
        "open": StepState.COMPLETED,
        "work": StepState.PENDING,
        "close": StepState.COMPLETED,
    }


def test_each_event_keeps_its_time_actor_and_name_in_the_order_of_the_file() -> None:
    seen = [
        Seen("Open", later(hours=2), "ann"),
        Seen("Work", NOON, None),
        Seen("Close", later(hours=1), "bob"),
    ]
    events = past(*seen).events
    assert [(each.activity, each.at) for each in completions(events)] == [
        (each.activity, each.at) for each in seen
    ]
    assert [each.by for each in completions(events)] == [
        Actor(ActorKind.IMPORT, "ann"),
        None,
        Actor(ActorKind.IMPORT, "bob"),
    ]
    made = told(events)
    assert (made.created_at, made.last_activity, made.ended_at) == (
        later(hours=2),
        later(hours=2),
        later(hours=1),
    )
    assert made.created_by == Actor(ActorKind.IMPORT, "ann")


def test_columns_become_the_events_data_and_the_last_value_the_context() -> None:
    seen = (Seen("Open", attributes={"Plan": "S", "City": "Rome"}), Seen("Close", attributes={"Plan": "L"}))
    told_so = past(*seen, Plan="M", Secret="x")
    assert [each.data for each in completions(told_so.events)] == [
        {"plan": "S", "city": "Rome"},
        {"plan": "L"},
    ]
    assert told(told_so.events).context == {"plan": "L", "city": "Rome"}


def test_a_missing_value_takes_nothing_away() -> None:
    seen = (Seen("Open", attributes={"Plan": "S"}), Seen("Close", attributes={"Plan": None}))
    assert journey(*seen).context == {"plan": "S"}


def test_the_customer_and_the_lead_are_who_the_mapping_says() -> None:
    people = MAPPING.model_copy(update={"customer": "Customer", "lead": "Lead"})
    seen = (Seen("Open", attributes={"Customer": 12, "Lead": ""}), Seen("Work", attributes={"Lead": "l"}))
    made = journey(*seen, mapping=people)
    assert (made.customer_id, made.lead_id) == ("12", "l")
    assert journey(*seen).customer_id is None
    with pytest.raises(InvalidInput, match="Customer"):
        journey(Seen("Open", attributes={"Customer": "x" * 201}), mapping=people)


def test_nothing_is_held_or_awaited_for_an_import() -> None:
    made = journey("Open")
    assert made.origin is Origin.IMPORT
    assert made.reservation is None
    assert made.reentry is Reentry.ANY_TIME
    assert made.entry_key is None


def test_the_name_is_that_of_the_template_and_the_case_and_no_longer_than_a_name() -> None:
    assert journey("Open").name == "Imported history 7"
    whole = Narrator(MAPPING, "t").tell("x" * 999, [Seen("Open")], {}, 1)
    assert isinstance(whole.events[0], JourneyStarted)
    assert len(whole.events[0].name) == 200


def test_a_context_that_no_journey_may_have_is_refused() -> None:
    many = Mapping(context={f"c{n}": f"c{n}" for n in range(9)}, steps=MAPPING.steps, closing=MAPPING.closing)
    with pytest.raises(TooLarge):
        journey(Seen("Open", attributes={f"c{n}": "x" * 32_000 for n in range(9)}), mapping=many)


def test_only_activities_of_the_mapping_are_known() -> None:
    narrator = Narrator(MAPPING, "t")
    assert narrator.knows("Open")
    assert not narrator.knows("open")


def test_the_same_case_has_the_same_text_and_another_one_another() -> None:
    base = [Seen("Open", attributes={"Plan": "S"}), Seen("Close")]
    same = past(*base).text
    assert past(*base).text == same
    closing_nothing = MAPPING.model_copy(update={"closing": ()})
    elsewhere = MAPPING.model_copy(
        update={"steps": tuple(each.model_copy(update={"stage": Stage.LEAD}) for each in MAPPING.steps)}
    )
    others = [
        past(base[0]),
        past(*base, "Work"),
        past(replace(base[0], at=later(seconds=1)), base[1]),
        past(replace(base[0], actor="bob"), base[1]),
        past(replace(base[0], attributes={"Plan": "L"}), base[1]),
        past(*base, mapping=closing_nothing),
        past(*base, mapping=elsewhere),
    ]
    assert same not in {each.text for each in others}
    assert len({each.text for each in others}) == len(others)


def test_the_template_of_an_import_is_valid_manual_and_restricts_nothing() -> None:
    long = MAPPING.model_copy(
        update={
            "template_name": "n" * 300,
            "steps": (MAPPING.steps[0].model_copy(update={"name": "s" * 300}),),
        }
    )
    for mapping in (MAPPING, long):
        made = definition(mapping)
        assert authoring.problems(made) == []
        assert {step.type for step in made.steps} == {StepType.MANUAL}
        assert made.settings.reentry is Reentry.ANY_TIME
        assert not made.triggers
    shuffled = MAPPING.model_copy(update={"steps": MAPPING.steps[::-1]})
    assert definition(shuffled) == definition(MAPPING)


@given(
    st.lists(
        st.builds(
            Seen,
            st.sampled_from(("Open", "Work", "Close")),
            st.integers(-5, 5).map(lambda hours: later(hours=hours)),
            st.none() | st.sampled_from(("ann", "bob")),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_every_case_folds_to_the_journey_that_its_file_tells(seen: list[Seen]) -> None:
    made = journey(*seen)
    counts = Counter(each.activity.lower() for each in seen)
    assert {visit.id: visit.visit for visit in made.steps} == {
        each: counts[each] for each in ("open", "work", "close")
    }
    last = seen[-1]
    assert made.current_step == last.activity.lower()
    assert made.stage is STAGES[("Open", "Work", "Close").index(last.activity)]
    assert made.status is (Status.COMPLETED if last.activity == "Close" else Status.ACTIVE)
    assert made.last_activity == max(each.at for each in seen)
    assert made.progress == 100 * len(counts) // 3 or made.status is Status.ACTIVE

"""Mappings: those that people write, and those that are proposed from a log."""

import json
from contextlib import suppress
from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidInput
from domain.mapping import Mapping, parse_mapping
from domain.proposal import MAX_ACTIVITIES, MAX_COLUMNS, Summary, guess_columns, propose
from domain.template import Category, Stage

WRITTEN = """
case: Ticket
activity: Status
time: When
actor: Agent
timeFormat: "%d/%m/%Y %H:%M"
timeZone: Europe/Rome
context: {Product: product, Region: region}
templateId: old_tickets
templateName: Old tickets
category: support
steps:
  - {activity: Opened, id: open, name: Open, stage: support, order: 1}
  - {activity: Solved by agent}
closing: [Solved by agent]
lifecycle: [start, complete]
"""


def refusal(text: str) -> dict[str, str]:
    with pytest.raises(InvalidInput) as refused:
        parse_mapping(text)
    return {".".join(problem.path): problem.message for problem in refused.value.problems}


def summary(*cases: str, columns: tuple[str, ...] = ()) -> Summary:
    """Each case a text of one-letter activities."""
    found = Summary()
    for case in cases:
        found.add(list(case), columns)
    return found


def test_a_written_mapping_is_read_from_yaml() -> None:
    mapping = parse_mapping(WRITTEN)
    assert (mapping.case, mapping.activity, mapping.time, mapping.actor) == (
        "Ticket",
        "Status",
        "When",
        "Agent",
    )
    assert mapping.zone == ZoneInfo("Europe/Rome")
    assert mapping.context == {"Product": "product", "Region": "region"}
    assert (mapping.template_id, mapping.category) == ("old_tickets", Category.SUPPORT)
    assert mapping.lifecycle == ("start", "complete")
    assert mapping.complete


def test_a_step_needs_no_more_than_its_activity() -> None:
    step = parse_mapping(WRITTEN).step("Solved by agent")
    assert step is not None
    assert (step.id, step.name, step.stage, step.order) == (
        "solved_by_agent", "Solved by agent", Stage.SUPPORT, 2,
    )  # fmt: skip


def test_an_activity_without_latin_letters_still_gets_an_id() -> None:
    assert parse_mapping("{steps: [{activity: 受付}], closing: []}").steps[0].id == "step_1"


def test_json_is_read_too_also_with_tabs() -> None:
    assert parse_mapping('{\n\t"case": "Ticket"\n}') == parse_mapping("case: Ticket")


def test_a_mapping_survives_being_written_and_read_again() -> None:
    mapping = parse_mapping(WRITTEN)
    assert parse_mapping(json.dumps(mapping.model_dump(mode="json", by_alias=True))) == mapping


def test_the_defaults_are_those_of_xes() -> None:
    mapping = Mapping()
    assert (mapping.case, mapping.activity) == ("concept:name", "concept:name")
    assert (mapping.time, mapping.actor, mapping.zone) == ("time:timestamp", "org:resource", UTC)
    assert not mapping.complete


def test_every_problem_is_named_with_its_path() -> None:
    problems = refusal("""
case: 17
timeZone: Rome
timeFormat: "%H:%M"
category: tickets
tmeplateId: x
context: {Product: "1st", Region: place, Area: place}
steps:
  - {activity: Opened, id: Open!}
  - {activity: Opened, stage: closing}
  - {name: Nameless}
closing: [Shut]
""")
    assert set(problems) == {
        "case", "timeZone", "timeFormat", "category", "tmeplateId", "context.Product", "context.Area",
        "steps.0.id", "steps.1.activity", "steps.1.stage", "steps.2.activity", "steps.2.id", "steps.2.order",
        "closing.0",
    }  # fmt: skip
    assert problems["tmeplateId"] == "is no field of a mapping"
    assert problems["steps.1.stage"].startswith("has to be one of 'prospect', 'lead'")


def test_one_id_for_two_steps_is_refused() -> None:
    assert set(refusal("{steps: [{activity: a, id: x}, {activity: b, id: x}], closing: []}")) == {
        "steps.1.id"
    }


def test_steps_without_closing_are_refused_because_no_case_would_ever_end() -> None:
    assert set(refusal("{steps: [{activity: a}]}")) == {"closing"}
    assert parse_mapping("{steps: [{activity: a}], closing: []}").closing == ()


@pytest.mark.parametrize("form", ["epoch_seconds", "epoch_millis", "%Y-%m-%dT%H:%M:%S%z", "%d.%m.%y %H:%M"])
def test_a_time_format_that_gives_a_date_is_taken(form: str) -> None:
    assert parse_mapping(f'timeFormat: "{form}"').time_format == form


@pytest.mark.parametrize("form", ["", "%d/%m", "%Q", "%d%d%m%Y", "%", "yyyy-MM-dd"])
def test_a_time_format_that_gives_none_is_refused(form: str) -> None:
    assert set(refusal(f'timeFormat: "{form}"')) == {"timeFormat"}


@pytest.mark.parametrize("zone", ["Rome", "Europe", "../etc/passwd", "/etc/passwd", ""])
def test_what_is_no_time_zone_is_refused(zone: str) -> None:
    assert set(refusal(f'timeZone: "{zone}"')) == {"timeZone"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- a\n- b",
        "case: [",
        "a: b: c",
        "[" * 5000,
        "case: !!python/object:os.system x",
        "\x00",
        "x" * 2**21,
    ],
)
def test_what_is_no_mapping_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"^The mapping .*\.$"):
        parse_mapping(text)


NAMES = st.sampled_from(
    ["case", "context", "steps", "closing", "activity", "id", "name", "order", "timeZone", "x"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner),
)


@given(JSON)
def test_any_json_is_a_mapping_or_refused(value: object) -> None:
    with suppress(InvalidInput):
        assert isinstance(parse_mapping(json.dumps(value)), Mapping)


def test_steps_are_proposed_in_the_order_in_which_cases_meet_them() -> None:
    mapping = propose(summary("acd", "abcd", "acbcd"), Mapping())
    assert [(step.id, step.order) for step in mapping.steps] == [("a", 1), ("b", 2), ("c", 3), ("d", 4)]


def test_an_activity_with_which_most_of_its_cases_end_closes() -> None:
    assert propose(summary("ab", "abab", "aab"), Mapping()).closing == ("b",)


def test_an_activity_on_which_some_cases_stand_still_does_not_close() -> None:
    assert propose(summary("abc", "abc", "abc", "ab"), Mapping()).closing == ("c",)


def test_a_rare_last_activity_does_not_close() -> None:
    assert propose(summary(*["ab"] * 39, "ax"), Mapping()).closing == ("b",)
    assert propose(summary(*["ab"] * 19, "ax"), Mapping()).closing == ("b", "x")


def test_steps_get_distinct_ids() -> None:
    found = Summary()
    found.add(["RESOLVED", "Resolved", "resolved!", "受付", "完了"])
    ids = [step.id for step in propose(found, Mapping()).steps]
    assert ids == ["resolved", "resolved_2", "resolved_3", "step", "step_2"]


def test_further_columns_become_context_keys_in_camel_case() -> None:
    found = summary(
        "ab",
        columns=("responsible_section", "Service Level", "org:group", "2nd", "seriousness_2", "seriousness2"),
    )
    assert propose(found, Mapping()).context == {
        "responsible_section": "responsibleSection",
        "Service Level": "serviceLevel",
        "org:group": "orgGroup",
        "2nd": "_2nd",
        "seriousness_2": "seriousness2",
        "seriousness2": "seriousness22",
    }


@pytest.mark.parametrize(
    ("activity", "stage"),
    [
        ("Lead qualified", Stage.QUALIFIED),
        ("Win-back call", Stage.WIN_BACK),
        ("Service activated", Stage.ACTIVE_SERVICE),
        ("Renewal offered", Stage.RENEWAL),
        ("Misleading report", Stage.SUPPORT),
        ("Closed", Stage.SUPPORT),
    ],
)
def test_a_stage_is_proposed_from_the_words_of_the_activity(activity: str, stage: Stage) -> None:
    found = Summary()
    found.add([activity])
    assert propose(found, Mapping()).steps[0].stage is stage


def test_a_proposal_changes_nothing_that_was_said() -> None:
    said = parse_mapping("{context: {}, templateName: Mine, closing: [a]}")
    mapping = propose(summary("ab", columns=("x",)), said)
    assert (mapping.context, mapping.template_name, mapping.closing) == ({}, "Mine", ("a",))
    assert parse_mapping(WRITTEN) == propose(summary("ab"), parse_mapping(WRITTEN))


@given(
    st.lists(st.lists(st.text(min_size=1).filter(str.strip), min_size=1, max_size=8), min_size=1, max_size=8)
)
def test_whatever_is_proposed_could_have_been_written(cases: list[list[str]]) -> None:
    found = Summary()
    for case in cases:
        found.add(case, case)
    mapping = propose(found, Mapping())
    assert {step.activity for step in mapping.steps} == {activity for case in cases for activity in case}
    assert parse_mapping(mapping.model_dump_json(by_alias=True)) == mapping


def test_a_log_of_free_texts_is_no_process() -> None:
    found = Summary()
    with pytest.raises(InvalidInput, match="1,000 different activities"):
        found.add([str(n) for n in range(MAX_ACTIVITIES + 1)])
    with pytest.raises(InvalidInput, match="200 different columns"):
        Summary().add(["a"], [str(n) for n in range(MAX_COLUMNS + 1)])


def test_nothing_is_proposed_from_an_empty_log() -> None:
    with pytest.raises(InvalidInput, match="no case"):
        propose(summary(""), Mapping())


@pytest.mark.parametrize(
    ("columns", "roles"),
    [
        (["case:concept:name", "concept:name", "time:timestamp", "org:resource"], (0, 1, 2, 3)),
        (["Case ID", "Activity", "Complete Timestamp", "Resource", "Variant"], (0, 1, 2, 3)),
        (["user", "date", "status", "ticket_id"], (3, 2, 1, 0)),
        (["CaseID", "EventType", "timestamp", "assigned_to"], (0, 1, 2, 3)),
        (["timestamp", "start_time", "case", "event", "activity"], (2, 4, 0, None)),
    ],
)
def test_columns_are_known_by_their_usual_names(columns: list[str], roles: tuple[int | None, ...]) -> None:
    mapping = guess_columns(columns)
    expected = tuple(None if n is None else columns[n] for n in roles)
    assert (mapping.case, mapping.activity, mapping.time, mapping.actor) == expected


def test_columns_that_go_by_no_usual_name_are_listed() -> None:
    with pytest.raises(InvalidInput) as refused:
        guess_columns(["Vorgang", "Aktivität", "timestamp"])
    assert "the case or the activity" in refused.value.message
    assert "Vorgang, Aktivität, timestamp" in refused.value.message
    assert "mapping file" in refused.value.message


def test_a_guess_leaves_columns_that_were_said() -> None:
    said = parse_mapping("{case: Vorgang, activity: Was, actor: null}")
    mapping = guess_columns(["Vorgang", "Was", "date", "user", "case_id"], base=said)
    assert (mapping.case, mapping.activity, mapping.time, mapping.actor) == ("Vorgang", "Was", "date", None)

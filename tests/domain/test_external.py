"""Reports of other systems: which are taken, and what the log keeps of them."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.events import Envelope
from domain.external import OWN_AREAS, Report, envelope, event_subject, foreign_problems, problems
from tests.domain.samples import ANNA, NOON

GOOD = Report(type="crm:lead_qualified", source="crm", id="1", data={"score": 85})
texts = st.text(min_size=1, max_size=20)


def kept(report: Report, tenant: str = "acme", **rest: Any) -> Envelope:
    given = {"now": NOON, "command_id": "c", "correlation_id": "request"} | rest
    return envelope(report, tenant_id=tenant, by=ANNA, **given)


def paths(report: Report) -> list[tuple[str, ...]]:
    return [each.path for each in foreign_problems(report, now=NOON)]


def test_a_good_report_is_taken() -> None:
    assert paths(GOOD) == []


@pytest.mark.parametrize(
    "type",
    [
        "",
        " ",
        ":lead",
        "/lead",
        "_",
        "crm:lead qualified",
        "crm:lead?",
        "crm:überfällig",
        "crm:a\n",
        "a" * 201,
    ],
)
def test_a_type_has_letters_digits_and_few_signs(type: str) -> None:
    assert paths(replace(GOOD, type=type)) == [("type",)]


@pytest.mark.parametrize(
    "type",
    [
        "weather:storm_coming",
        "field-ops:van.parked",
        "a.b:c:d/e",
        "com.example.order.created",
        "Com.Example/Order-Created.v2",
        "CRM:Lead_Qualified",
        "crm",
        "2fa:done",
        "a" * 200,
    ],
)
def test_an_unknown_type_is_taken(type: str) -> None:
    assert paths(replace(GOOD, type=type, data={"anything": [1]})) == []


@pytest.mark.parametrize("area", sorted(OWN_AREAS))
def test_events_of_our_own_areas_are_made_here_only(area: str) -> None:
    for type in (f"{area}:anything", f"{area.upper()}:anything", f"{area.title()}:", area):
        assert paths(replace(GOOD, type=type)) == [("type",)]
    assert paths(replace(GOOD, type=f"{area}.anything")) == []


@pytest.mark.parametrize("source", ["journeys", "Journeys", " journeys ", "/journeys"])
def test_nobody_else_reports_under_our_name(source: str) -> None:
    assert paths(replace(GOOD, source=source)) == [("source",)]
    assert problems(replace(GOOD, source=source), now=NOON) == []  # a trigger does


@pytest.mark.parametrize("name", ["source", "id", "customer_id", "lead_id", "correlation_id"])
@pytest.mark.parametrize("text", ["", " ", "x" * 201])
def test_names_have_1_to_200_characters(name: str, text: str) -> None:
    [path] = paths(replace(GOOD, **{name: text}))
    assert path == (name.replace("_id", "Id"),)
    assert paths(replace(GOOD, **{name: "x" * 200})) == []


def test_it_lies_at_most_five_minutes_ahead() -> None:
    edge = NOON + timedelta(minutes=5)
    assert paths(replace(GOOD, occurred_at=edge)) == []
    assert paths(replace(GOOD, occurred_at=edge + timedelta(milliseconds=1))) == [("occurredAt",)]
    assert paths(replace(GOOD, occurred_at=NOON - timedelta(days=9_999))) == []


def test_every_reason_is_told_at_once() -> None:
    wrong = replace(GOOD, source="", occurred_at=NOON + timedelta(hours=1), data={"score": "85"})
    assert paths(wrong) == [("source",), ("occurredAt",), ("data", "score")]


@given(first=st.tuples(texts, texts, texts), second=st.tuples(texts, texts, texts))
def test_a_tenants_source_and_id_name_one_event(
    first: tuple[str, str, str], second: tuple[str, str, str]
) -> None:
    assert (event_subject(*first) == event_subject(*second)) == (first == second)


def test_no_character_makes_two_events_one() -> None:
    names = [event_subject("t", *each) for each in (("a\x1fb", "c"), ("a", "b\x1fc"), ("a", '", "c'))]
    assert len(set(names)) == 3


def test_the_log_keeps_it_as_a_subject_of_its_own() -> None:
    event = kept(replace(GOOD, occurred_at=NOON - timedelta(hours=1)), input_hash="h")
    assert (event.revision, event.n, event.external_id) == (1, 0, "1")
    assert event.id == f"{event.subject}:1:0"
    assert event.subject == event_subject("acme", "crm", "1")
    assert (event.occurred_at, event.recorded_at) == (NOON - timedelta(hours=1), NOON)
    assert (event.actor, event.data, event.depth, event.input_hash) == (ANNA, {"score": 85}, 0, "h")
    assert kept(GOOD).occurred_at == NOON
    assert kept(GOOD, tenant="other").id != kept(GOOD).id


def test_customer_and_lead_are_the_reports_own_before_those_in_its_data() -> None:
    data = replace(GOOD, data={"customerId": "c1", "leadId": "l1"})
    assert (kept(data).customer_id, kept(data).lead_id) == ("c1", "l1")
    named = replace(data, customer_id="c2", lead_id="l2")
    assert (kept(named).customer_id, kept(named).lead_id) == ("c2", "l2")
    odd = kept(replace(GOOD, data={"customerId": 7, "leadId": "x" * 201}))
    assert (odd.customer_id, odd.lead_id) == (None, None)


def test_it_belongs_to_what_its_source_says_or_to_the_request() -> None:
    assert kept(GOOD).correlation_id == "request"
    assert kept(replace(GOOD, correlation_id="order-7")).correlation_id == "order-7"

"""Touchpoints and conversions: what can be recorded, and the contact that a notification step makes."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain import touchpoint
from domain.errors import InvalidInput
from domain.events import Envelope, Outcome
from domain.identity import Actor, ActorKind
from domain.journey_events import NotificationRequested
from domain.record_events import ConversionAdded, TouchpointAdded
from domain.template import Stage
from domain.values import Money
from tests.domain.samples import ANNA, NOON, later

CALL = TouchpointAdded(
    at=NOON,
    tenant_id="t",
    kind="call",
    channel="phone",
    source="hotline",
    title="First call",
    customer_id="c-1",
    outcome=Outcome.POSITIVE,
    cost=Money(50_000, "EUR"),
    duration_seconds=60,
)
SALE = ConversionAdded(at=NOON, tenant_id="t", kind="sale", to_stage=Stage.CUSTOMER, lead_id="l-1")


def paths(event: TouchpointAdded | ConversionAdded) -> list[str]:
    return [".".join(problem.path) for problem in touchpoint.check(event, now=NOON)]


def test_a_contact_and_a_conversion_that_fit_are_recorded_as_they_are() -> None:
    touchpoint.require_valid(CALL, now=NOON)
    touchpoint.require_valid(SALE, now=NOON)
    assert touchpoint.touchpoint("tch_1", CALL, ANNA).added == CALL
    assert touchpoint.conversion("cnv_1", SALE, ANNA).added_by == ANNA


def test_who_an_event_names_recorded_it_rather_than_who_gave_the_command() -> None:
    agent = Actor(ActorKind.IMPORT, "agent-7")
    assert touchpoint.touchpoint("tch_1", replace(CALL, by=agent), ANNA).added_by == agent
    assert touchpoint.conversion("cnv_1", replace(SALE, by=agent), ANNA).added_by == agent


@pytest.mark.parametrize("who", [{"journey_id": "jrn_1"}, {"customer_id": "c-1"}, {"lead_id": "l-1"}])
def test_either_stands_on_a_journey_a_customer_or_a_lead(who: dict[str, Any]) -> None:
    nobody: dict[str, Any] = {"journey_id": None, "customer_id": None, "lead_id": None}
    for event in (CALL, SALE):
        assert paths(replace(event, **nobody)) == ["journeyId"]
        assert paths(replace(event, **nobody | who)) == []


def test_every_reason_is_listed() -> None:
    wrong = replace(
        CALL,
        at=later(minutes=5, milliseconds=1),
        kind=" ",
        channel="",
        customer_id=None,
        cost=Money(-1, "EUR"),
        duration_seconds=-1,
    )
    assert paths(wrong) == ["journeyId", "at", "kind", "channel", "duration", "cost"]
    with pytest.raises(InvalidInput) as refused:
        touchpoint.require_valid(wrong, now=NOON)
    assert len(refused.value.problems) == 6


def test_five_minutes_ahead_of_the_clock_is_still_taken() -> None:
    assert paths(replace(CALL, at=NOON + timedelta(minutes=5))) == []
    assert paths(replace(SALE, at=NOON + timedelta(minutes=5, milliseconds=1))) == ["at"]


def test_a_conversion_may_have_a_negative_value() -> None:
    assert paths(replace(SALE, value=Money(-100_000, "EUR"), to_stage=Stage.CHURN)) == []


def test_a_notification_makes_a_contact_on_its_journey() -> None:
    notification = NotificationRequested(
        at=NOON, step="welcome", channel="sms", title="Welcome", customer_id="c-1", lead_id=None, params={}
    )
    envelope = Envelope(
        id="jrn_1:1:2",
        type=notification.type,
        source="journeys",
        subject="jrn_1",
        revision=1,
        n=2,
        tenant_id="t",
        actor=ANNA,
        occurred_at=NOON,
        recorded_at=NOON,
        data={},
        correlation_id="x",
        command_id="x",
    )
    made = touchpoint.from_notification(envelope, notification)
    assert (made.at, made.tenant_id, made.journey_id, made.customer_id) == (NOON, "t", "jrn_1", "c-1")
    assert (made.channel, made.title) == ("sms", "Welcome")
    assert paths(made) == []
    assert envelope.position == 1_000_002

"""A template's scheduled trigger is as the newest active version says, until a person changes it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import reduce
from typing import Any

from domain import trigger as domain
from domain.action import Action, ActionKind
from domain.rule import Rule
from domain.template import TriggerType
from domain.trigger import Trigger, TriggerCreated, TriggerEvent
from tests.domain.samples import ANNA, NOON, later

START = Action(kind=ActionKind.START_JOURNEY, template_id="sample")
QUALIFIED = Rule(name="Qualified", event="crm:lead_qualified", action=START)
DAILY = Rule(name="Daily", type=TriggerType.SCHEDULED, schedule="0 9 * * *", action=START)


def after(trigger: Trigger, events: Sequence[TriggerEvent]) -> Trigger:
    return reduce(domain.evolve, events, trigger)


def following(rule: Rule, **rest: Any) -> Trigger:
    created = TriggerCreated(at=NOON, tenant_id="t", rule=rule, follows="sample", **rest)
    return replace(domain.begin("trg_1", created, ANNA), revision=1)


def test_one_that_follows_a_template_is_as_its_version_says_until_a_person_changes_it() -> None:
    trigger = following(QUALIFIED)
    daily = after(trigger, domain.follow(trigger, DAILY, at=NOON))
    assert (daily.rule, daily.wake_at) == (DAILY, datetime(2026, 2, 1, 9, tzinfo=UTC))
    assert domain.follow(daily, DAILY, at=later(days=3)) == []
    gone = after(daily, domain.follow(daily, None, at=NOON))
    assert (gone.active, gone.deleted, gone.wake_at) == (False, True, None)
    assert domain.follow(gone, None, at=NOON) == []
    back = after(gone, domain.follow(gone, DAILY, at=later(days=3)))
    assert (back.deleted, back.wake_at) == (False, datetime(2026, 2, 4, 9, tzinfo=UTC))
    for command in (domain.disable, domain.delete):
        own = after(back, command(back, at=NOON))
        for said in (QUALIFIED, None):
            assert domain.follow(own, said, at=NOON) == []


def test_a_time_that_is_near_stays_while_the_schedule_does() -> None:
    trigger = following(DAILY, next_at=NOON)
    renamed = after(trigger, domain.follow(trigger, replace(DAILY, name="Renamed"), at=later(hours=1)))
    assert (renamed.rule.name, renamed.wake_at) == ("Renamed", NOON)
    elsewhere = after(trigger, domain.follow(trigger, replace(DAILY, time_zone="Asia/Kolkata"), at=NOON))
    assert elsewhere.wake_at == datetime(2026, 2, 1, 3, 30, tzinfo=UTC)

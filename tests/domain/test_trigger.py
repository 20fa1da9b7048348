"""Triggers: their rules, their schedules, and what they see of an event."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Any

import pytest

from domain import rule as rules
from domain import trigger as domain
from domain.action import Action, ActionKind, values
from domain.condition import Condition, Operator
from domain.errors import IllegalTransition, InvalidInput
from domain.events import Envelope
from domain.isp.triggers import ISP_TRIGGERS
from domain.rule import CatchUp, Rule
from domain.template import TriggerType
from domain.trigger import Trigger, TriggerDue, TriggerEvent
from tests.domain.samples import ANNA, NOON, later

START = Action(kind=ActionKind.START_JOURNEY, template_id="sample")
QUALIFIED = Rule(name="Qualified", event="crm:lead_qualified", action=START)
DAILY = Rule(name="Daily", type=TriggerType.SCHEDULED, schedule="0 9 * * *", action=START)
RISKY = Rule(
    name="Risky",
    type=TriggerType.CONDITIONAL,
    conditions=(Condition("churnRisk", Operator.GREATER_THAN, 80),),
    action=START,
)


def made(rule: Rule = QUALIFIED) -> Trigger:
    [created] = domain.create(rule, tenant_id="t", at=NOON)
    return domain.begin("trg_1", created, ANNA)


def told(trigger: Trigger, *events: TriggerEvent) -> Trigger:
    return reduce(domain.evolve, events, trigger)


def envelope(type: str = "crm:lead_qualified", **rest: Any) -> Envelope:
    values: dict[str, Any] = {
        "id": "evt_1:1:0",
        "external_id": "crm-77",
        "type": type,
        "source": "crm",
        "subject": "evt_1",
        "revision": 1,
        "n": 0,
        "tenant_id": "t",
        "actor": ANNA,
        "occurred_at": NOON,
        "recorded_at": NOON,
        "data": {"score": 82, "plan": {"speed": 100}},
        "correlation_id": "c",
        "command_id": "k",
        "lead_id": "l-1",
    }
    return Envelope(**(values | rest))


def refusals(rule: Rule) -> set[tuple[str, ...]]:
    with pytest.raises(InvalidInput) as refused:
        rules.require_valid(rule)
    return {each.path for each in refused.value.problems}


# Rules


@pytest.mark.parametrize("type", [TriggerType.MANUAL, TriggerType.AUTOMATED])
def test_a_rule_that_nothing_would_ever_fire_is_refused(type: TriggerType) -> None:
    assert refusals(replace(QUALIFIED, type=type)) == {("type",)}


@pytest.mark.parametrize("event", [None, "", "  ", ":qualified", "crm:lead qualified", "a:" + "b" * 199])
def test_an_event_trigger_names_an_event_type(event: str | None) -> None:
    assert refusals(replace(QUALIFIED, event=event)) == {("event",)}


def test_what_triggers_do_fires_no_triggers() -> None:
    assert refusals(replace(QUALIFIED, event="trigger:fired")) == {("event",)}


def test_events_of_journeys_and_handoffs_may_be_waited_for() -> None:
    for event in ("journey:step_completed", "handoff:failed", "customer:facts_updated"):
        rules.require_valid(replace(QUALIFIED, event=event))


def test_a_rule_tells_everything_that_is_wrong_with_it_at_once() -> None:
    touch = Action(kind=ActionKind.ADD_TOUCHPOINT, params={"kind": "call"})
    rule = Rule(name=" ", type=TriggerType.SCHEDULED, schedule="never", action=START, otherwise=touch)
    found = refusals(rule)
    assert found == {("name",), ("schedule",), ("otherwise", "params", "channel"), ("otherwise",)}


def test_a_conditional_trigger_needs_conditions_and_no_event() -> None:
    rules.require_valid(RISKY)
    assert refusals(replace(RISKY, conditions=())) == {("conditions",)}
    many = (Condition("a", Operator.EXISTS),) * 51
    assert refusals(replace(RISKY, conditions=many)) == {("conditions",)}


def test_a_value_that_an_action_needs_may_come_from_the_event() -> None:
    action = Action(kind=ActionKind.EMIT_EVENT, mapping={"type": "data.type"})
    rules.require_valid(replace(QUALIFIED, action=action))
    assert refusals(replace(QUALIFIED, action=replace(action, mapping={}))) == {("action", "params", "type")}


def test_only_what_looks_for_a_journey_has_another_way() -> None:
    advance = Action(kind=ActionKind.ADVANCE_JOURNEY, template_id="sample")
    rules.require_valid(replace(QUALIFIED, action=advance, otherwise=START))
    assert refusals(replace(QUALIFIED, otherwise=START)) == {("otherwise",)}


@pytest.mark.parametrize("name", ISP_TRIGGERS)
def test_the_built_in_rules_are_valid(name: str) -> None:
    rules.require_valid(ISP_TRIGGERS[name])


def test_no_built_in_rule_is_scheduled() -> None:
    """It would have no document that its time could come by; those of templates get one."""
    assert [rule for rule in ISP_TRIGGERS.values() if rule.type is TriggerType.SCHEDULED] == []


def test_what_a_rule_waits_for() -> None:
    assert rules.awaited(QUALIFIED) == "crm:lead_qualified"
    assert rules.awaited(RISKY) == "customer:facts_updated"
    assert rules.awaited(replace(RISKY, event="billing:usage")) == "billing:usage"
    assert rules.awaited(DAILY) is None


# What it sees


def test_conditions_and_mappings_see_the_event() -> None:
    seen = rules.scope(envelope())
    assert (seen["id"], seen["leadId"], seen["customerId"]) == ("crm-77", "l-1", None)
    action = replace(START, params={"name": "New"}, mapping={"context.score": "data.score", "no": "data.no"})
    assert values(action, seen) == {"name": "New", "context.score": 82}
    [unmet] = rules.why_not(
        replace(QUALIFIED, conditions=(Condition("data.score", Operator.LESS_THAN, 50),)), seen
    )
    assert (unmet.field, unmet.seen) == ("data.score", 82)


def test_a_mapped_value_comes_before_a_constant_which_stands_in_for_it() -> None:
    action = replace(START, params={"priority": "low"}, mapping={"priority": "data.priority"})
    assert values(action, rules.scope(envelope(data={"priority": "high"})))["priority"] == "high"
    assert values(action, rules.scope(envelope()))["priority"] == "low"


def test_facts_are_seen_by_their_names_and_hide_neither_the_data_nor_the_customer() -> None:
    facts: Any = {"type": "business", "data": "x", "customerId": "another", "churnRisk": 90}
    seen = rules.scope(envelope(customer_id="c-1"), facts)
    assert (seen["type"], seen["churnRisk"], seen["customerId"]) == ("business", 90, "c-1")
    assert (seen["data"], seen["facts"]) == ({"score": 82, "plan": {"speed": 100}}, facts)


# Life


def test_a_trigger_is_switched_off_on_and_deleted() -> None:
    trigger = made()
    off = told(trigger, *domain.disable(trigger, at=later(hours=1)))
    assert (off.active, off.updated_at) == (False, later(hours=1))
    with pytest.raises(IllegalTransition):
        domain.disable(off, at=NOON)
    on = told(off, *domain.enable(off, at=later(hours=2)))
    assert on.active
    with pytest.raises(IllegalTransition):
        domain.enable(on, at=NOON)
    gone = told(on, *domain.delete(on, at=later(hours=3)))
    assert (gone.active, gone.deleted, gone.wake_at) == (False, True, None)
    for command in (domain.enable, domain.disable, domain.delete):
        with pytest.raises(IllegalTransition):
            command(gone, at=NOON)
    with pytest.raises(IllegalTransition):
        domain.change(gone, QUALIFIED, at=NOON)


def test_another_rule_for_a_trigger_that_is_off_leaves_it_off() -> None:
    off = told(made(), *domain.disable(made(), at=NOON))
    changed = told(off, *domain.change(off, DAILY, at=NOON))
    assert (changed.active, changed.rule, changed.wake_at) == (False, DAILY, None)
    on = told(changed, *domain.enable(changed, at=NOON))
    assert on.wake_at == datetime(2026, 2, 1, 9, tzinfo=UTC)


# Schedules


def test_a_scheduled_trigger_wakes_at_its_next_time() -> None:
    trigger = made(DAILY)
    due = datetime(2026, 2, 1, 9, tzinfo=UTC)
    assert trigger.wake_at == due
    assert domain.come_due(trigger, late=60, at=due - timedelta(milliseconds=1)) == []
    [event] = domain.come_due(trigger, late=60, at=due)
    assert isinstance(event, TriggerDue)
    assert (event.scheduled_for, event.skipped, event.next_at) == (due, False, due + timedelta(days=1))
    assert domain.come_due(told(trigger, event), late=60, at=due) == []


@pytest.mark.parametrize(("catch_up", "skipped"), [(CatchUp.ONCE, False), (CatchUp.SKIP, True)])
def test_what_was_missed_for_days_is_made_up_once_or_left_out(catch_up: CatchUp, *, skipped: bool) -> None:
    trigger = made(replace(DAILY, catch_up=catch_up))
    now = datetime(2026, 2, 5, 12, tzinfo=UTC)
    [event] = domain.come_due(trigger, late=60, at=now)
    assert isinstance(event, TriggerDue)
    assert event.skipped is skipped
    after = told(trigger, event)
    assert after.wake_at == datetime(2026, 2, 6, 9, tzinfo=UTC)
    assert domain.come_due(after, late=60, at=now) == []


def test_a_little_late_is_not_missed() -> None:
    trigger = made(replace(DAILY, catch_up=CatchUp.SKIP))
    [event] = domain.come_due(trigger, late=60, at=datetime(2026, 2, 1, 9, 0, 59, tzinfo=UTC))
    assert isinstance(event, TriggerDue)
    assert not event.skipped


def test_one_that_is_off_or_deleted_never_comes_due() -> None:
    trigger = made(DAILY)
    for command in (domain.disable, domain.delete):
        over = told(trigger, *command(trigger, at=NOON))
        assert domain.come_due(over, late=60, at=later(days=9)) == []

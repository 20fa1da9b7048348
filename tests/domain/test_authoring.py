"""Writing templates: every error is found, with its path; versions are switched on and off."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import authoring
from domain.approval import ApprovalPolicy, WhenDue
from domain.condition import Condition, Operator
from domain.errors import IllegalTransition, InvalidInput
from domain.external import ODD_TYPE
from domain.template import (
    Category,
    Definition,
    Settings,
    Stage,
    Step,
    StepType,
    Template,
    Trigger,
    TriggerType,
)
from domain.template_events import TemplateCreated
from tests.domain.samples import ANNA, NOON, automated, definition, step
from tests.domain.strategies import json

BAD_PATH = "A path is names with dots between them."
BAD_ID = "An id is 1 to 64 lower-case letters, digits, _ and -."

MANY_ERRORS = Definition(
    template_id="Not An Id",
    name=" ",
    category=Category.CUSTOM,
    steps=(
        step("a", 1, estimated_minutes=-1, max_duration=timedelta()),
        step(
            "a",
            1,
            dependencies=("a", "z", "last"),
            required_data=("plan", "plan..name", ""),
            output_data=("a b",),
            entry_conditions=(
                Condition("", Operator.EXISTS),
                Condition("plan", Operator.IN, "fiber"),
                Condition("score", Operator.GREATER_THAN),
            ),
            exit_conditions=(Condition("plan .name", Operator.NOT_IN),),
        ),
        replace(step("last", 3), id="Last Step", name="n" * 201),
        step("last", 4, max_duration=timedelta(days=100_000), estimated_minutes=2**31 - 1),
    ),
    triggers=(
        Trigger(id="t", name="T", type=TriggerType.EVENT, event="no colon"),
        Trigger(id="t", name="", type=TriggerType.SCHEDULED, schedule="* * *", time_zone="Mars/Base"),
        Trigger(id="T", name="T", type=TriggerType.CONDITIONAL),
        Trigger(
            id="u",
            name="U",
            type=TriggerType.EVENT,
            event="crm:lead_qualified",
            conditions=(Condition("data.score", Operator.LESS_THAN),),
            context_mapping={"score": "data..score", "plan": "data.plan"},
        ),
    ),
    settings=Settings(entry_key="ticket id"),
)


def found(template: Definition) -> dict[str, str]:
    return {".".join(problem.path): problem.message for problem in authoring.problems(template)}


def version_1(template: Definition) -> Template:
    [created] = authoring.create(template, 1, tenant_id="t", at=NOON)
    assert isinstance(created, TemplateCreated)
    return authoring.begin("tpl_1", created, ANNA)


def test_every_error_is_listed_with_its_path() -> None:
    assert found(MANY_ERRORS) == {
        "id": BAD_ID,
        "name": "A name is 1 to 200 characters.",
        "steps.1.id": "'a' is there more than once.",
        "steps.1.order": "'1' is there more than once.",
        "steps.0.estimatedMinutes": "A duration is not negative and at most ten years.",
        "steps.0.maxDuration": "A time limit is longer than nothing and at most ten years.",
        "steps.1.dependencies.0": "'a' does not come before this step.",
        "steps.1.dependencies.1": "There is no step 'z'.",
        "steps.1.dependencies.2": "'last' does not come before this step.",
        "steps.1.requiredData.1": BAD_PATH,
        "steps.1.requiredData.2": BAD_PATH,
        "steps.1.outputData.0": BAD_PATH,
        "steps.1.entryConditions.0.field": BAD_PATH,
        "steps.1.entryConditions.1.value": "in needs a list of values.",
        "steps.1.entryConditions.2.value": "greater_than needs a value.",
        "steps.1.exitConditions.0.field": BAD_PATH,
        "steps.1.exitConditions.0.value": "not_in needs a list of values.",
        "steps.2.id": BAD_ID,
        "steps.2.name": "A name is 1 to 200 characters.",
        "steps.3.estimatedMinutes": "A duration is not negative and at most ten years.",
        "steps.3.maxDuration": "A time limit is longer than nothing and at most ten years.",
        "triggers.1.id": "'t' is there more than once.",
        "triggers.0.event": f"An event trigger names an event type. {ODD_TYPE}",
        "triggers.1.name": "A name is 1 to 200 characters.",
        "triggers.1.schedule": "A schedule is a cron expression of five fields, such as `0 9 * * MON`.",
        "triggers.1.timeZone": "A time zone is a name such as Europe/Rome.",
        "triggers.2.id": BAD_ID,
        "triggers.2.conditions": "A conditional trigger has at least one condition.",
        "triggers.3.conditions.0.value": "less_than needs a value.",
        "triggers.3.contextMapping.score": BAD_PATH,
        "settings.entryKey": BAD_PATH,
    }
    with pytest.raises(InvalidInput) as refused:
        authoring.create(MANY_ERRORS, 1, tenant_id="t", at=NOON)
    assert list(refused.value.problems) == authoring.problems(MANY_ERRORS)


def test_a_template_has_1_to_200_steps() -> None:
    assert found(definition()) == {"steps": "A template needs at least one step."}
    assert found(automated(200)) == {}
    assert found(automated(201)) == {"steps": "A template has at most 200 steps."}


def test_a_template_like_the_reference_packages_own_example_is_valid() -> None:
    upsell = Definition(
        template_id="custom_upsell",
        name="Service Upsell Journey",
        description="Upsell existing customers to higher service tiers",
        category=Category.RETENTION,
        steps=(
            step("analyze_usage", 1, type=StepType.AUTOMATED, estimated_minutes=30),
            step("generate_recommendation", 2, type=StepType.AUTOMATED, estimated_minutes=15),
            step("contact_customer", 3, stage=Stage.ACTIVE_SERVICE, estimated_minutes=45),
        ),
        triggers=(
            Trigger(
                id="usage_threshold_trigger",
                name="High Usage Detected",
                type=TriggerType.CONDITIONAL,
                conditions=(Condition("monthlyUsage", Operator.GREATER_THAN, 80),),
            ),
        ),
    )
    assert found(upsell) == {}
    assert upsell.estimated_minutes == 90


policies = st.builds(
    ApprovalPolicy,
    quorum=st.integers(),
    roles=st.lists(st.text(max_size=3), max_size=2).map(tuple),
    due=st.none() | st.timedeltas(),
    when_due=st.sampled_from(WhenDue),
    escalate_to=st.none() | st.text(max_size=3),
)


@given(
    st.builds(
        Definition,
        template_id=st.text(max_size=5),
        name=st.text(max_size=5),
        category=st.sampled_from(Category),
        steps=st.lists(
            st.builds(
                Step,
                id=st.text(max_size=3),
                name=st.text(max_size=3),
                stage=st.sampled_from(Stage),
                order=st.integers(),
                estimated_minutes=st.integers(),
                max_duration=st.none() | st.timedeltas(),
                type=st.sampled_from(StepType),
                package=st.none() | st.text(max_size=3),
                action=st.none() | st.text(max_size=3),
                approval=st.none() | policies,
                output_mapping=st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2),
                on_rejected=st.none() | st.text(max_size=3),
                sla=st.none() | st.timedeltas(),
                dependencies=st.lists(st.text(max_size=3), max_size=2).map(tuple),
                entry_conditions=st.lists(
                    st.builds(Condition, st.text(max_size=5), st.sampled_from(Operator), json), max_size=2
                ).map(tuple),
            ),
            max_size=3,
        ).map(tuple),
        triggers=st.lists(
            st.builds(
                Trigger,
                id=st.text(max_size=3),
                name=st.text(max_size=3),
                type=st.sampled_from(TriggerType),
                event=st.none() | st.text(max_size=5),
                schedule=st.none() | st.text(max_size=9),
                time_zone=st.none() | st.text(max_size=5),
            ),
            max_size=2,
        ).map(tuple),
    )
)
def test_whatever_is_written_is_checked_and_never_raises(template: Definition) -> None:
    problems = authoring.problems(template)
    assert all(problem.message and problem.path for problem in problems)


def test_a_new_version_is_active_and_has_its_steps_in_order() -> None:
    template = version_1(definition(step("b", 20), step("a", 10)))
    assert [each.id for each in template.definition.steps] == ["a", "b"]
    assert (template.active, template.version, template.created_by) == (True, 1, ANNA)


def test_a_version_is_switched_off_and_on_once_each() -> None:
    template = version_1(definition("a"))
    with pytest.raises(IllegalTransition):
        authoring.activate(template, at=NOON)
    [off] = authoring.deactivate(template, at=NOON)
    template = authoring.evolve(template, off)
    assert not template.active
    with pytest.raises(IllegalTransition):
        authoring.deactivate(template, at=NOON)
    [on] = authoring.activate(template, at=NOON)
    assert authoring.evolve(template, on).active


def test_the_steps_behind_one_are_those_that_come_later() -> None:
    template = definition("a", "b", "c")
    assert [each.id for each in template.after(None)] == ["a", "b", "c"]
    assert [each.id for each in template.after("a")] == ["b", "c"]
    assert template.after("c") == ()
    assert template.after("z") == ()
    assert template.step("z") is None

"""What somebody may do with a journey now, and why not the rest."""

import pytest

from domain import steer, walk
from domain.allowed import JourneyAction, allowed_actions
from domain.condition import Condition, Operator
from domain.identity import Identity, Role
from domain.journey import Journey
from domain.template import Definition, Settings
from tests.domain.samples import NOON, after, definition, started, step

SKIPPING = Settings(allow_skip_steps=True)
TEMPLATE = definition("a", "b", settings=SKIPPING)
STEERING = {"assign", "set_priority", "update_context", "abandon", "migrate"}
WALKING = {"advance", "skip", "fail", "pause", "complete"}


def somebody(*roles: Role) -> Identity:
    return Identity("t", "anna", frozenset(roles))


def verdicts(journey: Journey, template: Definition = TEMPLATE, *roles: Role) -> dict[str, str | None]:
    """Each action with the reason why not, None for what is allowed."""
    found = allowed_actions(journey, template, somebody(*(roles or (Role.ADMIN,))), at=NOON)
    assert [each.action for each in found] == list(JourneyAction)
    assert all(each.allowed is (each.reason is None) for each in found)
    return {each.action.value: each.reason for each in found}


def allowed(journey: Journey, template: Definition = TEMPLATE, *roles: Role) -> set[str]:
    return {action for action, reason in verdicts(journey, template, *roles).items() if reason is None}


def test_each_state_allows_what_the_table_of_legal_changes_says() -> None:
    active = started(TEMPLATE)
    paused = after(active, steer.pause(active, at=NOON))
    failed = after(active, walk.fail(active, reason="no line", at=NOON))
    assert allowed(active) == WALKING | STEERING
    assert allowed(paused) == {"resume"} | STEERING
    assert allowed(failed) == {"retry"} | STEERING
    assert allowed(after(active, steer.complete(active, TEMPLATE, at=NOON))) == set()
    assert allowed(after(active, steer.abandon(active, at=NOON))) == set()


def test_what_is_not_allowed_says_why() -> None:
    active = started(TEMPLATE)
    paused = after(active, steer.pause(active, at=NOON))
    assert verdicts(active)["resume"] == "A journey that is active cannot be resumed."
    assert verdicts(paused)["advance"] == "A journey that is paused cannot be advanced."
    assert (
        verdicts(active, definition("a", "b"))["skip"] == "The template does not allow steps to be skipped."
    )


def test_a_condition_that_does_not_hold_is_the_reason_for_what_it_stops() -> None:
    signed = Condition("signed", Operator.EQUALS, True)
    template = definition(step("a", 1, exit_conditions=(signed,)), step("b", 2, required_data=("plan",)))
    found = verdicts(started(template), template)
    assert found["advance"] == "signed is missing; plan is missing"
    assert found["complete"] == "signed is missing"
    assert found["pause"] is None


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.SERVICE])
def test_migration_takes_an_admin_and_the_rest_an_operator_or_a_system(role: Role) -> None:
    found = verdicts(started(TEMPLATE), TEMPLATE, role)
    assert found["migrate"] == "Your roles do not include admin."
    assert {action for action, reason in found.items() if reason is None} == (WALKING | STEERING) - {
        "migrate"
    }


@pytest.mark.parametrize("role", [Role.VIEWER, Role.APPROVER])
def test_who_may_only_look_or_decide_may_do_none_of_it(role: Role) -> None:
    found = verdicts(started(TEMPLATE), TEMPLATE, role)
    assert found.pop("migrate") == "Your roles do not include admin."
    assert set(found.values()) == {"Your roles do not include operator."}


def test_looking_at_what_is_allowed_changes_nothing() -> None:
    journey = started(TEMPLATE)
    verdicts(journey)
    assert journey == started(TEMPLATE)

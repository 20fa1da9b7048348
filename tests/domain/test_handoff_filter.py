"""The filter of handoffs: all given parts must hold, for lists and the feed alike."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.events import HandoffStatus
from domain.handoff_events import HandoffType
from domain.handoff_filter import HandoffFilter, audience_of, awaits
from domain.identity import Role
from domain.journey_filter import TimeRange
from tests.domain.handed import awaiting, created, person
from tests.domain.samples import NOON, definition, later, started

HANDOFF = created(
    journey_id="jrn_1", customer_id="c-1", lead_id="l-1", from_package="journeys", assigned_to="anna"
)
HOLDS: dict[str, Any] = {
    "status": (HandoffStatus.FAILED, HandoffStatus.PENDING),
    "type": (HandoffType.AUTOMATIC,),
    "from_package": "journeys",
    "to_package": "crm",
    "action": "convert",
    "journey_id": "jrn_1",
    "customer_id": "c-1",
    "lead_id": "l-1",
    "assigned_to": "anna",
    "created_at": TimeRange(since=NOON, until=later(seconds=1)),
}
FAILS: dict[str, Any] = {
    "status": (HandoffStatus.FAILED,),
    "type": (),
    "from_package": "crm",
    "to_package": "billing-system",
    "action": "dance",
    "journey_id": "jrn_2",
    "customer_id": "c-2",
    "lead_id": "l-2",
    "assigned_to": "ben",
    "created_at": TimeRange(until=NOON),
}


def test_a_filter_without_parts_means_every_handoff_and_nothing_else() -> None:
    assert HandoffFilter().matches(HANDOFF.facets)
    assert not HandoffFilter().matches(started(definition("a")).facets)


@given(st.sets(st.sampled_from(sorted(HOLDS))), st.sampled_from(sorted(FAILS)))
def test_all_given_parts_must_hold(held: set[str], odd: str) -> None:
    parts = {name: HOLDS[name] for name in held}
    assert HandoffFilter(**parts).matches(HANDOFF.facets)
    assert not HandoffFilter(**(parts | {odd: FAILS[odd]})).matches(HANDOFF.facets)


def test_people_are_known_by_their_roles_groups_and_name() -> None:
    assert audience_of(person("ben", Role.APPROVER, "managers")) == [
        "role:approver",
        "role:managers",
        "user:ben",
    ]


@pytest.mark.parametrize("roles", [("managers",), (Role.ADMIN,)])
def test_an_approval_is_in_the_list_of_its_roles_and_of_admins(roles: tuple[str, ...]) -> None:
    facets = awaiting(roles=("managers",)).facets
    assert awaits(facets, person("ben", *roles))
    assert not awaits(facets, person("ben", Role.APPROVER))


def test_a_user_called_like_a_role_is_nobody_special() -> None:
    assert not awaits(awaiting().facets, person("approver", Role.VIEWER))


@pytest.mark.parametrize("facets", [{}, started(definition("a")).facets, HANDOFF.facets])
def test_what_waits_for_no_decision_is_in_nobodys_list(facets: dict[str, Any]) -> None:
    assert not awaits(facets, person("ada", Role.ADMIN))

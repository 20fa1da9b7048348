"""Incidents: opened by what failed, resolved once."""

from functools import reduce

import pytest

from domain.errors import IllegalTransition
from domain.incident import (
    Incident,
    IncidentKind,
    IncidentRaised,
    IncidentSettled,
    IncidentStatus,
    begin,
    evolve,
    require_open,
    resolve,
)
from domain.values import timestamp
from tests.domain.samples import ANNA, NOON, later

RAISED = IncidentRaised(
    at=NOON,
    tenant_id="t",
    kind=IncidentKind.HANDOFF,
    reason="no line",
    journey_id="jrn_1",
    handoff_id="hof_1",
)


def opened() -> Incident:
    return begin("inc_1", RAISED, ANNA)


def test_an_incident_keeps_what_it_is_about() -> None:
    incident = opened()
    assert (incident.status, incident.reason, incident.created_at) == (IncidentStatus.OPEN, "no line", NOON)
    assert (incident.journey_id, incident.handoff_id) == ("jrn_1", "hof_1")
    require_open(incident)


def test_it_is_resolved_once_with_how_it_was() -> None:
    incident = reduce(evolve, resolve(opened(), resolution="mended", at=later(hours=1)), opened())
    assert (incident.status, incident.resolution, incident.ended_at) == (
        IncidentStatus.RESOLVED,
        "mended",
        later(hours=1),
    )
    assert resolve(incident, resolution="again", at=later(hours=2)) == []
    with pytest.raises(IllegalTransition):
        require_open(incident)


def test_it_begins_with_being_opened_and_that_once() -> None:
    with pytest.raises(TypeError):
        begin("inc_1", IncidentSettled(at=NOON, resolution="x"), ANNA)
    with pytest.raises(AssertionError):
        evolve(opened(), RAISED)


def test_the_facets_tell_what_an_incident_can_be_filtered_by() -> None:
    assert opened().facets == {
        "incident": True,
        "status": "open",
        "kind": "handoff",
        "journeyId": "jrn_1",
        "createdAt": timestamp(NOON),
    }

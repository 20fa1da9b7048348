"""Automated steps whose action is refused, comes late, or is not wanted any more."""

import pytest

from domain import steer, walk
from domain.action import ActionKind
from domain.events import StepState
from domain.incident import IncidentKind, IncidentStatus
from domain.journey import Journey, Status
from domain.journey_events import IncidentOpened, IncidentResolved
from domain.touchpoint import RecordFilter
from domain.work_events import ActionRequested, WorkWithdrawn
from storage.store import Store
from tests.domain.samples import definition
from tests.storage.subjects import follow, start
from tests.workers.following import PAGE, incidents, now, then
from tests.workers.test_step_work import STARTING, TOUCH, act, begun, doing, flowing

# Refused

REFUSED = {
    "nothing to act on": (
        doing(ActionKind.ADVANCE_JOURNEY, template_id="other"),
        "there is no live journey of other",
    ),
    "there already": (STARTING, "is there already"),
    "refused by the domain": (
        doing(ActionKind.EMIT_EVENT, params={"type": "journey:own"}),
        "made here only",
    ),
}


@pytest.mark.parametrize("name", list(REFUSED))
async def test_an_action_that_is_refused_is_an_incident_of_its_step(
    living: Store, tenant: str, name: str
) -> None:
    made, reason = REFUSED[name]
    if name == "there already":
        await start(living, await follow(living, tenant, definition("x", template_id="other")), lead_id="l-1")
    journey = await begun(living, tenant, flowing(made, "b"))
    assert (journey.status, journey.current_step, journey.current.state) == (
        Status.ACTIVE,
        "do",
        StepState.ACTIVE,
    )
    assert journey.awaited is not None
    assert reason in (journey.awaited.reason or "")
    [incident] = await incidents(living, tenant)
    assert (incident.kind, incident.journey_id, incident.step) == (IncidentKind.STEP, journey.id, "do")
    assert (incident.status, incident.reason) == (IncidentStatus.OPEN, journey.awaited.reason)


async def stuck(store: Store, tenant: str) -> Journey:
    """A journey whose action found no journey to act on."""
    return await begun(store, tenant, flowing(REFUSED["nothing to act on"][0], "b"))


async def test_a_retry_does_the_action_again_and_resolves_the_incident(living: Store, tenant: str) -> None:
    journey = await stuck(living, tenant)
    other = await start(
        living, await follow(living, tenant, definition("x", "y", template_id="other")), lead_id="l-1"
    )
    journey = await act(living, journey, lambda j, d, at: walk.retry(j, d, at=at))
    await living.changes.drain()
    journey = await now(living, journey)
    assert (journey.current_step, journey.visit("do").visit) == ("b", 2)
    assert (await now(living, other)).current_step == "y"
    assert [each.status for each in await incidents(living, tenant)] == [IncidentStatus.RESOLVED]


async def test_a_refusal_is_not_done_after_all_because_its_event_comes_again(
    living: Store, tenant: str
) -> None:
    journey = await stuck(living, tenant)
    other = await start(
        living, await follow(living, tenant, definition("x", "y", template_id="other")), lead_id="l-1"
    )
    await then(living, journey.id, ActionRequested, IncidentOpened)
    assert (await now(living, journey)).incident
    assert (await now(living, other)).current_step == "x"
    assert len(await incidents(living, tenant)) == 1


async def test_passing_the_step_by_resolves_its_incident(living: Store, tenant: str) -> None:
    journey = await stuck(living, tenant)
    journey = await act(living, journey, lambda j, d, at: walk.advance(j, d, at=at))
    await living.changes.drain()
    [incident] = await incidents(living, tenant)
    assert (incident.status, incident.resolution) == (
        IncidentStatus.RESOLVED,
        "the journey went on without it",
    )


@pytest.mark.parametrize("retried", [False, True])
async def test_an_incident_that_is_heard_of_when_it_is_over_is_resolved_at_once(
    quiet: Store, tenant: str, retried: bool
) -> None:
    journey = await stuck(quiet, tenant)
    await then(quiet, journey.id, ActionRequested)
    await act(
        quiet,
        journey,
        (lambda j, d, at: walk.retry(j, d, at=at))
        if retried
        else (lambda j, d, at: walk.advance(j, d, at=at)),
    )
    await then(quiet, journey.id, WorkWithdrawn, IncidentResolved, IncidentOpened)
    assert [each.status for each in await incidents(quiet, tenant)] == [IncidentStatus.RESOLVED]


# Paused, and left


async def test_a_paused_journey_takes_the_result_when_it_is_resumed(quiet: Store, tenant: str) -> None:
    journey = await begun(quiet, tenant, flowing(TOUCH, "b"))
    await act(quiet, journey, lambda j, _, at: steer.pause(j, at=at))
    await then(quiet, journey.id, ActionRequested)
    journey = await now(quiet, journey)
    assert (journey.status, journey.current_step, journey.context) == (Status.PAUSED, "do", {})
    journey = await act(quiet, journey, lambda j, d, at: steer.resume(j, d, at=at))
    assert (journey.current_step, list(journey.context)) == ("b", ["touchpoint"])


async def test_an_action_whose_step_was_left_is_not_done(quiet: Store, tenant: str) -> None:
    journey = await begun(quiet, tenant, flowing(TOUCH, "b"))
    await act(quiet, journey, lambda j, d, at: walk.skip(j, d, step="do", reason="known", at=at))
    await then(quiet, journey.id, ActionRequested, WorkWithdrawn)
    assert (await quiet.touchpoints.page(tenant, RecordFilter(journey_id=journey.id), PAGE)).items == []
    assert (await now(quiet, journey)).current_step == "b"


async def test_an_action_that_would_make_the_context_too_large_is_refused(living: Store, tenant: str) -> None:
    doubling = doing(ActionKind.UPDATE_CONTEXT, mapping={"context.copy": "context"})
    journey = await begun(living, tenant, flowing(doubling, "b"), context={"long": "x" * 140_000})
    assert (journey.incident, list(journey.context)) == (True, ["long"])
    assert journey.awaited is not None
    assert "bytes" in (journey.awaited.reason or "")

"""What follows from an event on other documents: handoffs of steps, steps of ended handoffs, incidents."""

import asyncio

import pytest

from domain import deciding, package, steer
from domain.attempting import Answer
from domain.errors import CannotDecide
from domain.events import (
    StepState,
)
from domain.identity import Role
from domain.incident import IncidentStatus
from domain.journey import Status
from domain.template import StepType
from storage.store import Store
from storage.templates import SYSTEM
from tests.domain.handed import person
from tests.domain.samples import ANNA, definition, step
from tests.storage.subjects import cause, follow, start
from tests.workers.following import (
    FLOWING,
    ONE,
    S,
    advance,
    answer,
    do,
    events,
    handoffs,
    incidents,
    now,
    retrying,
    sale,
)

# A step, its handoff, and the next step


async def test_a_step_is_handed_over_and_its_result_leads_to_the_next(living: Store, tenant: str) -> None:
    journey = await advance(living, await sale(living, tenant))
    [handoff] = await handoffs(living, tenant)
    assert journey.handoff is not None
    assert (handoff.id, handoff.step, handoff.visit) == (journey.handoff.id, "convert", 1)
    assert (handoff.to_package, handoff.action, handoff.data) == ("crm", "convert_lead", {"leadId": "l-1"})
    await answer(living, handoff, Answer(status=200, body={"id": "c-9"}))
    journey = await now(living, journey)
    assert (journey.current_step, journey.customer_id) == ("check", "c-9")
    [_, approval] = await handoffs(living, tenant)
    await do(living, approval, lambda h, at: deciding.approve(h, person("ben"), at=at))
    journey = await now(living, journey)
    assert (journey.current_step, journey.current.state) == ("done", StepState.ACTIVE)


async def test_the_requester_is_the_nearest_person_and_does_not_decide(living: Store, tenant: str) -> None:
    await advance(living, await sale(living, tenant))
    [handoff] = await handoffs(living, tenant)
    await answer(living, handoff, Answer(status=200))
    [_, approval] = await handoffs(living, tenant)
    assert (handoff.requester, approval.requester, approval.created_by) == (ANNA, ANNA, SYSTEM)
    for envelope in await events(living, approval.id):
        assert (envelope.actor, envelope.requester) == (SYSTEM, ANNA)
    with pytest.raises(CannotDecide):
        await do(living, approval, lambda h, at: deciding.approve(h, person(ANNA.id, Role.ADMIN), at=at))
    lists = [person(name, tenant=tenant) for name in ("ben", ANNA.id)]
    assert [await living.handoffs.count_pending_for(who) for who in lists] == [1, 0]


async def test_a_rejection_fails_the_journey_with_its_comment(living: Store, tenant: str) -> None:
    journey = await sale(
        living, tenant, definition(step("check", 1, type=StepType.APPROVAL), settings=FLOWING)
    )
    [approval] = await handoffs(living, tenant)
    await do(living, approval, lambda h, at: deciding.reject(h, person("ben"), at=at, comment="too dear"))
    journey = await now(living, journey)
    assert (journey.status, journey.current.reason) == (Status.FAILED, "too dear")


async def test_a_paused_journey_takes_the_result_when_it_is_resumed(living: Store, tenant: str) -> None:
    journey = await sale(living, tenant, ONE)
    await living.journeys.change(journey.id, tenant, lambda j, d, at: steer.pause(j, at=at), cause())
    [handoff] = await handoffs(living, tenant)
    await answer(living, handoff, Answer(status=200, body={"id": "c-9"}))
    assert (await now(living, journey)).customer_id is None
    await living.journeys.change(journey.id, tenant, lambda j, d, at: steer.resume(j, d, at=at), cause())
    journey = await now(living, journey)
    assert (journey.customer_id, journey.current_step) == ("c-9", "done")


async def test_a_handoff_has_what_its_step_and_its_action_name_at_any_depth(
    living: Store, tenant: str
) -> None:
    moving = package.Action(name="move", path="/customers/{customerId}/move", required_data=("plan.speed",))
    await living.packages.change(
        tenant,
        "mover",
        lambda p, at: package.configure(p, address="https://m.example", actions=(moving,), at=at),
        cause(),
    )
    made = step(
        "move",
        1,
        type=StepType.INTEGRATION,
        package="mover",
        action="move",
        required_data=("address.street",),
        params={"urgent": True},
    )
    context = {"address": {"street": "Rue 1"}, "plan": {"speed": 100}, "other": 1}
    template = await follow(living, tenant, definition(made))
    await start(living, template, customer_id="c-1", context=context)
    [handoff] = await handoffs(living, tenant)
    assert handoff.status is S.PENDING
    assert handoff.data == {"customerId": "c-1", "urgent": True} | {
        k: context[k] for k in ("address", "plan")
    }


# Incidents


async def test_a_handoff_that_cannot_be_made_as_it_is_opens_an_incident_at_once(
    living: Store, tenant: str
) -> None:
    journey = await asyncio.wait_for(sale(living, tenant, ONE, address=False), 20)
    [handoff] = await handoffs(living, tenant)
    assert (handoff.status, [each.path for each in handoff.validation_errors]) == (S.FAILED, [("toPackage",)])
    journey = await now(living, journey)
    assert (journey.status, journey.incident) == (Status.ACTIVE, True)
    [incident] = await incidents(living, tenant)
    assert (incident.journey_id, incident.handoff_id, incident.step) == (journey.id, handoff.id, "convert")
    assert incident.status is IncidentStatus.OPEN


async def test_a_retry_resolves_the_incident_and_carries_the_journey_on(living: Store, tenant: str) -> None:
    journey = await sale(living, tenant, ONE)
    [handoff] = await handoffs(living, tenant)
    await answer(living, handoff, Answer(status=400))
    assert (await now(living, journey)).incident
    await do(living, handoff, retrying(living))
    [incident] = await incidents(living, tenant)
    assert (incident.status, incident.resolution) == (IncidentStatus.RESOLVED, "the line is mended")
    assert not (await now(living, journey)).incident
    await answer(living, handoff, Answer(status=200))
    assert (await now(living, journey)).current_step == "done"


async def test_each_round_that_fails_is_an_incident_of_its_own(living: Store, tenant: str) -> None:
    await sale(living, tenant, ONE)
    [handoff] = await handoffs(living, tenant)
    await answer(living, handoff, Answer(status=400))
    await do(living, handoff, retrying(living))
    await answer(living, handoff, Answer(status=400))
    statuses = [each.status for each in await incidents(living, tenant)]
    assert sorted(statuses) == [IncidentStatus.OPEN, IncidentStatus.RESOLVED]


# Leaving


async def test_leaving_a_step_cancels_its_handoff_and_the_journey_goes_on(living: Store, tenant: str) -> None:
    journey = await advance(living, await sale(living, tenant, ONE))
    [handoff] = await handoffs(living, tenant)
    assert handoff.status is S.CANCELLED
    journey = await now(living, journey)
    assert (journey.status, journey.current_step, journey.handoff) == (Status.ACTIVE, "done", None)


async def test_leaving_a_step_whose_handoff_failed_resolves_the_incident(living: Store, tenant: str) -> None:
    journey = await sale(living, tenant, ONE)
    [handoff] = await handoffs(living, tenant)
    await answer(living, handoff, Answer(status=400))
    await advance(living, journey)
    assert [each.status for each in await incidents(living, tenant)] == [IncidentStatus.RESOLVED]


async def test_a_handoff_that_is_retried_when_nobody_waits_for_it_any_more_is_cancelled(
    living: Store, tenant: str
) -> None:
    journey = await sale(living, tenant, ONE)
    [handoff] = await handoffs(living, tenant)
    await answer(living, handoff, Answer(status=400))
    await advance(living, journey)
    await do(living, handoff, retrying(living))
    assert [each.status for each in await handoffs(living, tenant)] == [S.CANCELLED]
    assert (await now(living, journey)).current_step == "done"

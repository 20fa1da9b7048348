"""What starts and moves journeys by itself in every provider's tenant, and stays as the tenant changed it."""

from dataclasses import replace
from typing import Any

import pytest

from domain import package
from domain import trigger as domain
from domain.condition import Condition, Operator
from domain.events import HandoffStatus
from domain.firing import FiringStatus
from domain.handoff_events import HandoffType
from domain.isp.templates import CUSTOMER_ACQUISITION
from domain.template import Trigger, TriggerType
from storage.store import Store
from tests.domain.samples import definition
from tests.storage.subjects import cause, start
from tests.workers.following import handoffs
from tests.workers.triggering import (
    Process,
    change,
    facts,
    firings,
    journeys,
    named,
    report,
)

S = FiringStatus
ACTIVATED = {
    "serviceId": "s-1",
    "serviceType": "fiber",
    "installationType": "home",
    "installationDate": "soon",
}


async def reachable(store: Store, tenant: str, *names: str) -> None:
    for name in names:
        await store.packages.change(
            tenant, name, lambda p, at: package.configure(p, address="https://p.example", at=at), cause()
        )


async def acquisition(store: Store, tenant: str, step: str, **who: Any) -> str:
    """A live acquisition that stands at this step, its work under way."""
    kept = tuple(each for each in CUSTOMER_ACQUISITION.steps if each.id in (step, "installation_schedule"))
    steps = tuple(replace(each, dependencies=()) for each in kept)
    made = replace(CUSTOMER_ACQUISITION, steps=steps)
    template = (await store.templates.create_version(tenant, made, cause())).state
    return (await start(store, template, **who)).id


async def test_a_qualified_lead_starts_an_acquisition(one: Process, tenant: str) -> None:
    data: Any = {"score": 82, "services": ["fiber"]}
    await report(one.store, tenant, "crm:lead_qualified", lead_id="l-1", data=data)
    await one.settle()
    [journey] = await journeys(one.store, tenant)
    assert (journey.template_id, journey.lead_id) == ("customer_acquisition", "l-1")
    assert (journey.context["leadScore"], journey.context["interestedServices"]) == (82, ["fiber"])
    await report(one.store, tenant, "crm:lead_qualified", lead_id="l-1", data=data)
    await one.settle()
    assert [each.status for each in await firings(one.store, tenant)] == [S.FIRED, S.SKIPPED]


@pytest.mark.parametrize("known_as", ["customer_id", "lead_id"])
async def test_an_activated_service_completes_the_step_and_starts_an_onboarding(
    one: Process, tenant: str, known_as: str
) -> None:
    await reachable(one.store, tenant, "business-logic", "field-ops")
    who = {known_as: "x-1"}
    id = await acquisition(one.store, tenant, "service_activation", **who)
    await report(one.store, tenant, "service:activated", data=ACTIVATED, **who)
    await one.settle()
    journey = await one.store.journeys.get(id, tenant)
    assert journey.current_step == "installation_schedule"
    of_it = [each for each in await handoffs(one.store, tenant) if each.journey_id == id]
    [activation, installation] = of_it
    assert not activation.status.open
    assert installation.action == "schedule_installation"
    [onboarding] = await journeys(one.store, tenant, "customer_onboarding")
    assert onboarding.context["serviceType"] == "fiber"


async def test_without_an_acquisition_the_trigger_hands_the_installation_over_itself(
    one: Process, tenant: str
) -> None:
    await reachable(one.store, tenant, "field-ops")
    await report(one.store, tenant, "service:activated", customer_id="c-1", data=ACTIVATED)
    await one.settle()
    trigger = await named(one.store, tenant, "Service activated")
    [firing] = await firings(one.store, tenant, trigger)
    handoff = await one.store.handoffs.get(firing.result or "", tenant)
    assert (handoff.journey_id, handoff.to_package, handoff.action) == (
        None,
        "field-ops",
        "schedule_installation",
    )
    assert handoff.status is HandoffStatus.PENDING
    assert handoff.data == {"customerId": "c-1", **ACTIVATED}


async def test_a_live_acquisition_at_another_step_is_left_alone_and_nothing_is_handed_over_twice(
    one: Process, tenant: str
) -> None:
    await reachable(one.store, tenant, "business-logic", "field-ops")
    id = await acquisition(one.store, tenant, "service_activation", customer_id="c-1")
    for _ in range(2):
        await report(one.store, tenant, "service:activated", customer_id="c-1", data=ACTIVATED)
        await one.settle()
    trigger = await named(one.store, tenant, "Service activated")
    assert [each.status for each in await firings(one.store, tenant, trigger)] == [S.FIRED, S.SKIPPED]
    made = [each for each in await handoffs(one.store, tenant) if each.action == "schedule_installation"]
    assert [each.journey_id for each in made] == [id]


@pytest.mark.parametrize(("priority", "asked"), [("high", 1), ("urgent", 1), ("low", 0), (None, 0)])
async def test_a_ticket_starts_its_resolution_and_an_urgent_one_asks_approval_too(
    one: Process, tenant: str, priority: str | None, asked: int
) -> None:
    data: Any = {"ticketId": "7", "issue": "no light", "priority": priority}
    await report(one.store, tenant, "support:ticket_created", customer_id="c-1", data=data)
    await one.settle()
    [journey] = await journeys(one.store, tenant, "support_resolution")
    assert journey.context["ticketId"] == "7"
    asking = [
        each for each in await handoffs(one.store, tenant) if each.type is HandoffType.APPROVAL_REQUIRED
    ]
    assert len([each for each in asking if each.to_package == "field-ops"]) == asked
    if asked:
        assert asking[0].status is HandoffStatus.PENDING
        assert asking[0].data["ticketId"] == "7"


# As the tenant changed it


async def test_a_built_in_trigger_stays_off_changed_or_deleted(one: Process, tenant: str) -> None:
    data: Any = {"ticketId": "7", "priority": "high"}
    urgent = await named(one.store, tenant, "High-priority ticket")
    assert (urgent.revision, urgent.built_in) == (0, True)
    off = await change(one.store, urgent, domain.disable)
    assert (off.id, off.revision, off.active, off.built_in) == (urgent.id, 1, False, True)

    async def fired() -> int:
        await report(one.store, tenant, "support:ticket_created", data=data, id=f"t{len(seen)}")
        await one.settle()
        seen.append(len(await firings(one.store, tenant, urgent)))
        return seen[-1]

    seen: list[int] = []
    assert await fired() == 0
    await change(one.store, urgent, domain.enable)
    assert await fired() == 1
    await change(one.store, urgent, domain.change, rule=replace(urgent.rule, event="support:other"))
    assert await fired() == 1
    await change(one.store, urgent, domain.change, rule=urgent.rule)
    assert await fired() == 2
    await change(one.store, urgent, domain.delete)
    assert await fired() == 2
    assert urgent.id not in {each.id for each in await one.store.triggers.all(tenant)}
    assert await named(one.store, f"{tenant}-b", "High-priority ticket")


# Templates


def waiting(event: str, **rest: Any) -> Trigger:
    return Trigger(id="t", name="Of template", type=TriggerType.EVENT, event=event, **rest)


async def test_a_templates_triggers_follow_its_newest_active_version(one: Process, tenant: str) -> None:
    async def version(event: str | None) -> None:
        triggers = () if event is None else (waiting(event),)
        made = definition("a", triggers=triggers)
        await one.store.templates.create_version(tenant, made, cause())

    async def started_by(event: str, lead: str) -> list[int]:
        await report(one.store, tenant, event, lead_id=lead)
        await one.settle()
        found = await journeys(one.store, tenant, "sample")
        return [each.template_version for each in found if each.lead_id == lead]

    made = definition("a", triggers=(waiting("test:one"),))
    await one.store.templates.create(tenant, made, cause())
    assert await started_by("test:one", "l-1") == [1]
    await version("test:two")
    assert await started_by("test:one", "l-2") == []
    assert await started_by("test:two", "l-3") == [2]
    await one.store.templates.switch(tenant, "sample", 2, active=False, cause=cause())
    assert await started_by("test:two", "l-4") == []
    assert await started_by("test:one", "l-5") == [1]
    await version(None)
    assert await started_by("test:one", "l-6") == []


async def test_a_templates_conditional_trigger_looks_at_facts(one: Process, tenant: str) -> None:

    trigger = Trigger(
        id="t",
        name="Risky",
        type=TriggerType.CONDITIONAL,
        conditions=(Condition("churnRisk", Operator.GREATER_THAN, 80),),
    )
    await one.store.templates.create(tenant, definition("a", triggers=(trigger,)), cause())
    for risk in (10, 90, 95):
        await facts(one.store, tenant, "c-1", churnRisk=risk)
        await one.settle()
    [journey] = await journeys(one.store, tenant, "sample")
    assert journey.customer_id == "c-1"

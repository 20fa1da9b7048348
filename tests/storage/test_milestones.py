"""Milestones are written with the log, and can be made anew from it."""

from datetime import timedelta

from domain import steer, walk
from domain.imports import Narrator, definition
from domain.journey import Journey
from domain.template import Stage, Step
from storage.codec import Document
from storage.imports import Imports
from storage.journeys import Command
from storage.milestones import LEADS, MILESTONES
from storage.mongo import Mongo
from storage.store import Store
from tests.domain.samples import definition as sample
from tests.storage.subjects import cause, follow, start
from tests.workers.imported import CASES, XES

STEPS = (
    Step(id="one", name="One", stage=Stage.LEAD, order=1),
    Step(id="two", name="Two", stage=Stage.QUALIFIED, order=2),
)


async def written(mongo: Mongo, tenant: str, collection: str = MILESTONES) -> list[Document]:
    found = await mongo[collection].find({"tenantId": tenant}).to_list(None)
    return sorted(found, key=lambda each: (each.get("timeKey", ""), each["_id"]))


async def change(store: Store, journey: Journey, command: Command) -> Journey:
    return (await store.journeys.change(journey.id, journey.tenant_id, command, cause())).state


async def some_history(store: Store, tenant: str) -> Journey:
    """A journey through two steps and stages that fails, is retried, paused, resumed and completed."""
    made = sample(*STEPS)
    journey = await start(store, await follow(store, tenant, made), customer_id="c1", lead_id="l1")
    journey = await change(store, journey, lambda j, d, at: walk.advance(j, d, at=at))
    journey = await change(store, journey, lambda j, _, at: walk.fail(j, reason="broken", at=at))
    journey = await change(store, journey, lambda j, d, at: walk.retry(j, d, at=at))
    journey = await change(store, journey, lambda j, _, at: steer.pause(j, at=at))
    journey = await change(store, journey, lambda j, d, at: steer.resume(j, d, at=at))
    return await change(store, journey, lambda j, d, at: walk.advance(j, d, at=at))


async def test_a_journeys_way_is_told_by_milestones(store: Store, mongo: Mongo, tenant: str) -> None:
    journey = await some_history(store, tenant)
    found = await written(mongo, tenant)
    assert [each["name"] for each in found] == [
        "stage:lead", "status:started", "step:sample/one",
        "done:sample/one", "step:sample/two", "stage:qualified",
        "failed:sample/two", "status:failed", "retried:sample/two", "step:sample/two",
        "status:paused", "status:resumed", "done:sample/two", "status:completed",
    ]  # fmt: skip
    assert {(each["journeyId"], each["customerId"], each["leadId"]) for each in found} == {
        (journey.id, "c1", "l1")
    }
    assert {(each["templateId"], each["category"]) for each in found} == {("sample", journey.category.value)}
    assert await written(mongo, tenant, LEADS) == [
        {"_id": f"{tenant}|l1", "tenantId": tenant, "customerId": "c1"}
    ]


async def test_an_imported_activity_enters_its_step_and_completes_it(
    store: Store, mongo: Mongo, tenant: str
) -> None:
    imports = Imports(store)
    await imports.template(tenant, definition(XES), cause())
    narrator = Narrator(XES, tenant)
    made = [imports.make(tenant, narrator.tell(each.id, each.events, {}, 1), cause()) for each in CASES]
    await imports.add(made)
    first = [each for each in await written(mongo, tenant) if each["journeyId"] == made[0].id]
    template = XES.template_id
    assert sorted(each["name"] for each in first) == sorted([
        "status:started", "stage:support", f"step:{template}/open", f"done:{template}/open",
        f"step:{template}/work", f"done:{template}/work", f"step:{template}/close", f"done:{template}/close",
        "status:completed",
    ])  # fmt: skip


async def test_they_can_be_made_anew_from_the_log(store: Store, mongo: Mongo, tenant: str) -> None:
    await some_history(store, tenant)
    imports = Imports(store)
    await imports.template(tenant, definition(XES), cause())
    narrator = Narrator(XES, tenant)
    await imports.add(
        [imports.make(tenant, narrator.tell(each.id, each.events, {}, 1), cause()) for each in CASES]
    )
    before = await written(mongo, tenant), await written(mongo, tenant, LEADS)
    await mongo[MILESTONES].update_many({"tenantId": tenant}, {"$set": {"name": "nonsense"}})
    read = [n async for n in store.events.milestones.rebuild(tenant)]
    assert read[-1] == await mongo["events"].count_documents({"tenantId": tenant})
    assert (await written(mongo, tenant), await written(mongo, tenant, LEADS)) == before


async def test_what_the_log_does_not_reach_back_to_is_not_made_anew(
    store: Store, mongo: Mongo, tenant: str
) -> None:
    await some_history(store, tenant)
    before = await written(mongo, tenant)
    await mongo["events"].delete_many({"tenantId": tenant})
    behind_all = max(each["at"] for each in before) + timedelta(milliseconds=1)
    assert [n async for n in store.events.milestones.rebuild(tenant, behind_all)] == [0]
    assert await written(mongo, tenant) == before


async def test_twice_is_once(store: Store, mongo: Mongo, tenant: str) -> None:
    journey = await some_history(store, tenant)
    before = await written(mongo, tenant)
    entries = await mongo["events"].find({"subject": journey.id}).sort("position", 1).to_list(None)
    await store.events.append(entries)
    assert await written(mongo, tenant) == before

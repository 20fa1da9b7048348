"""Milestones are written with the log, and so is which customers leads are."""

import asyncio
from itertools import chain

from storage.codec import Document
from storage.imports import Imports
from storage.milestones import LEADS
from storage.mongo import Mongo
from storage.store import Store
from tests.storage.counted import again_and_again, cases, linked, logged, some_history, written
from tests.workers.imported import XES


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
    [lead] = await written(mongo, tenant, LEADS)
    assert (lead["_id"], lead["customerId"]) == (f"{tenant}|l1", "c1")


async def test_an_imported_activity_enters_its_step_and_completes_it(
    store: Store, mongo: Mongo, tenant: str
) -> None:
    made = await cases(store, tenant)
    await Imports(store).add(made)
    first = [each for each in await written(mongo, tenant) if each["journeyId"] == made[0].id]
    template = XES.template_id
    assert sorted(each["name"] for each in first) == sorted([
        "status:started", "stage:support", f"step:{template}/open", f"done:{template}/open",
        f"step:{template}/work", f"done:{template}/work", f"step:{template}/close", f"done:{template}/close",
        "status:completed",
    ])  # fmt: skip


async def test_twice_is_once(store: Store, mongo: Mongo, tenant: str) -> None:
    journey = await some_history(store, tenant)
    before = await written(mongo, tenant), await written(mongo, tenant, LEADS)
    await store.events.append(await logged(mongo, journey.id))
    assert (await written(mongo, tenant), await written(mongo, tenant, LEADS)) == before


async def customer(mongo: Mongo, tenant: str) -> str:
    [lead] = await written(mongo, tenant, LEADS)
    return str(lead["customerId"])


async def test_a_lead_stays_who_it_is_when_an_earlier_link_is_relayed_late(
    store: Store, mongo: Mongo, tenant: str
) -> None:
    template = await again_and_again(store, tenant)
    first = await linked(store, template, "c1")
    assert await customer(mongo, tenant) == "c1"
    await linked(store, template, "c2")
    before = await written(mongo, tenant, LEADS)
    await store.events.append(await logged(mongo, first))
    assert await written(mongo, tenant, LEADS) == before
    assert await customer(mongo, tenant) == "c2"
    await linked(store, template, "c3")
    assert await customer(mongo, tenant) == "c3"


async def test_the_last_link_counts_however_links_come_together(
    store: Store, mongo: Mongo, tenant: str
) -> None:
    template = await again_and_again(store, tenant)
    journeys = [await linked(store, template, f"c{n}") for n in range(3)]
    entries = [await logged(mongo, each) for each in journeys]
    before = await written(mongo, tenant, LEADS)
    orders: list[list[list[Document]]] = [entries, entries[::-1], [entries[2], entries[0], entries[1]]]
    for order in orders:
        await mongo[LEADS].delete_many({"tenantId": tenant})
        await store.events.append(list(chain.from_iterable(order)))
        assert await written(mongo, tenant, LEADS) == before
        await mongo[LEADS].delete_many({"tenantId": tenant})
        for each in order:
            await store.events.append(each)
        assert await written(mongo, tenant, LEADS) == before
        await mongo[LEADS].delete_many({"tenantId": tenant})
        await asyncio.gather(*(store.events.append(each) for each in order))
        assert await written(mongo, tenant, LEADS) == before
    assert before[0]["customerId"] == "c2"


async def test_a_lead_whose_link_has_no_time_yet_gets_the_next_ones(
    store: Store, mongo: Mongo, tenant: str
) -> None:
    await mongo[LEADS].insert_one({"_id": f"{tenant}|l1", "tenantId": tenant, "customerId": "c0"})
    await linked(store, await again_and_again(store, tenant), "c1")
    assert await customer(mongo, tenant) == "c1"

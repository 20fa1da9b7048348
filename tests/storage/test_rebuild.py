"""What the reports count can be made anew from the log while they count, and may be broken off anywhere."""

from collections.abc import AsyncGenerator
from datetime import timedelta

import pytest

from domain import walk
from storage.codec import Document
from storage.imports import Imports
from storage.milestones import BATCH, LEADS, MILESTONES, Milestones
from storage.mongo import Mongo
from storage.store import Store
from tests.storage.counted import again_and_again, cases, change, link, logged, some_history, written
from tests.storage.service import Service, check
from tests.storage.subjects import Crash, crash, start

SMALL = 3  # entries or milestones at a time


async def everything(store: Store, tenant: str) -> str:
    """A journey that lived, which is answered, and imported ones."""
    journey = await some_history(store, tenant)
    await Imports(store).add(await cases(store, tenant))
    return journey.id


async def rebuilt(mongo: Mongo, tenant: str, batch: int = SMALL) -> int:
    """How many entries were read."""
    return [n async for n in Milestones(mongo, batch=batch).rebuild(tenant)][-1]


def nonsense(right: Document, n: int) -> Document:
    """A milestone that no entry tells: of an entry that is not there, or of one that tells something else."""
    entry = right["_id"].rpartition("|")[0]
    id = f"{right['journeyId']}:99:{n}|stage" if n % 2 else f"{entry}|nonsense"
    return right | {"_id": id, "timeKey": f"{right['timeKey']}~{n}"}


async def test_they_can_be_made_anew_from_the_log(store: Store, mongo: Mongo, tenant: str) -> None:
    await everything(store, tenant)
    before = await written(mongo, tenant), await written(mongo, tenant, LEADS)
    await mongo[MILESTONES].update_many({"tenantId": tenant}, {"$set": {"name": "nonsense"}})
    await mongo[LEADS].delete_many({"tenantId": tenant})
    assert await rebuilt(mongo, tenant) == await mongo["events"].count_documents({"tenantId": tenant})
    assert (await written(mongo, tenant), await written(mongo, tenant, LEADS)) == before


async def test_what_the_log_does_not_reach_back_to_is_not_made_anew(
    store: Store, mongo: Mongo, tenant: str
) -> None:
    await some_history(store, tenant)
    before = await written(mongo, tenant)
    await mongo["events"].delete_many({"tenantId": tenant})
    behind_all = max(each["at"] for each in before) + timedelta(milliseconds=1)
    assert {n async for n in store.events.milestones.rebuild(tenant, behind_all)} == {0}
    assert await written(mongo, tenant) == before


async def broken_off(rebuild: AsyncGenerator[int, None], parts: int) -> bool:
    """Do so many parts of it; whether there were so many."""
    for _ in range(parts):
        if await anext(rebuild, None) is None:
            return False
    await rebuild.aclose()
    return True


async def test_wherever_it_is_broken_off_no_right_one_is_missing_and_the_next_one_completes_it(
    store: Store, mongo: Mongo, tenant: str
) -> None:
    await everything(store, tenant)
    right = await written(mongo, tenant)
    wrong = [nonsense(each, n) for n, each in enumerate(right)]
    await mongo[MILESTONES].insert_many(wrong)
    parts = 1
    while await broken_off(Milestones(mongo, batch=SMALL).rebuild(tenant), parts):
        parts += 1
        kept = await written(mongo, tenant)
        assert [each for each in kept if each in right] == right
        assert [each for each in kept if each not in wrong] == right
        if gone := [each for each in wrong if each not in kept]:
            await mongo[MILESTONES].insert_many(gone)
    assert parts > 2 * len(right) // SMALL
    assert await written(mongo, tenant) == right


async def test_what_is_missing_is_there_before_anything_wrong_goes(
    store: Store, mongo: Mongo, tenant: str
) -> None:
    await everything(store, tenant)
    right = await written(mongo, tenant)
    await mongo[MILESTONES].delete_many({"_id": {"$in": [each["_id"] for each in right[::2]]}})
    wrong = [nonsense(each, n) for n, each in enumerate(right)]
    await mongo[MILESTONES].insert_many(wrong)
    sizes = []
    async for _ in Milestones(mongo, batch=SMALL).rebuild(tenant):
        sizes.append(len(await written(mongo, tenant)))
    most = sizes.index(len(right) + len(wrong))
    assert sizes[: most + 1] == sorted(sizes[: most + 1])
    assert sizes[most:] == sorted(sizes[most:], reverse=True)
    assert await written(mongo, tenant) == right


async def test_what_a_journey_does_meanwhile_stays(store: Store, mongo: Mongo, tenant: str) -> None:
    id = await everything(store, tenant)
    early = await logged(mongo, id)
    right = await written(mongo, tenant)
    await mongo["events"].delete_many({"subject": id})
    await mongo[MILESTONES].delete_many({"journeyId": id})
    rebuild = Milestones(mongo, batch=SMALL).rebuild(tenant)
    await anext(rebuild)
    await store.events.append(early)  # logged late, they stand behind those that were read
    async for _ in rebuild:
        pass
    assert await written(mongo, tenant) == right


async def test_what_is_on_its_way_to_the_log_stays(store: Store, mongo: Mongo, tenant: str) -> None:
    """The milestones are written first: a rebuild may come in between."""
    await some_history(store, tenant)
    made = await cases(store, tenant)
    journey = await start(store, await again_and_again(store, tenant))
    store.changes.written, store.changes.batches.passed = crash, crash
    with pytest.raises(Crash):
        await Imports(store).add(made)
    [batch] = await mongo["batches"].find({"tenantId": tenant}).to_list(None)
    await mongo["journeys"].insert_many(batch["documents"])
    changed = await change(store, journey, lambda j, d, at: walk.advance(j, d, at=at))
    document = await mongo["journeys"].find_one({"_id": changed.id})
    assert document is not None
    for entries in (document["outbox"], batch["outbox"]):
        await store.events.milestones.add(entries)
    before = await written(mongo, tenant)
    assert {each["journeyId"] for each in before} > {changed.id, *(each.id for each in made)}
    logged_before = await mongo["events"].count_documents({"tenantId": tenant})
    assert await rebuilt(mongo, tenant) == logged_before
    assert await written(mongo, tenant) == before


async def test_what_a_half_forgotten_change_told_stays_as_it_was(
    store: Store, mongo: Mongo, tenant: str
) -> None:
    """Its first entry alone says what the journey was like."""
    await some_history(store, tenant)
    made = await cases(store, tenant)
    await Imports(store).add(made)
    firsts = {f"{each.id}:1:0" for each in made}
    right = [each for each in await written(mongo, tenant) if each["_id"].rpartition("|")[0] not in firsts]
    await mongo["events"].delete_many({"_id": {"$in": sorted(firsts)}})
    for batch in (SMALL, BATCH):
        await rebuilt(mongo, tenant, batch)
        assert await written(mongo, tenant) == right


async def test_a_rebuild_links_leads_to_the_same_customers(store: Store, mongo: Mongo, tenant: str) -> None:
    template = await again_and_again(store, tenant)
    journeys = [await start(store, template, lead_id="l1") for _ in range(3)]
    for n in (2, 0, 1):
        await link(store, journeys[n], f"c{n}")
    before = await written(mongo, tenant, LEADS)
    assert [each["customerId"] for each in before] == ["c1"]
    await store.events.append(await logged(mongo, journeys[2].id))
    await rebuilt(mongo, tenant)
    assert await written(mongo, tenant, LEADS) == before
    for wrong in ({"$set": {"customerId": "nonsense"}}, {"$unset": {"linkedKey": ""}}):
        await mongo[LEADS].update_many({"tenantId": tenant}, wrong)
        await rebuilt(mongo, tenant)
        assert await written(mongo, tenant, LEADS) == before


async def test_every_query_of_a_rebuild_has_its_index(service: Service) -> None:
    store, mongo = service.store, service.store.mongo
    await everything(store, service.tenant)
    right = await written(mongo, service.tenant)
    await mongo[MILESTONES].insert_many([nonsense(each, n) for n, each in enumerate(right)])
    service.recorder.sent.clear()
    await rebuilt(mongo, service.tenant)
    assert {(each.name, each.collection) for each in service.recorder.sent} == {
        ("find", "events"),
        ("find", MILESTONES),
        ("find", "journeys"),
        ("find", "batches"),
        ("update", MILESTONES),
        ("update", LEADS),
        ("delete", MILESTONES),
    }
    await check(service)

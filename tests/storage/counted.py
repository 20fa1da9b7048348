"""Histories of journeys, and what the reports count of them."""

from collections.abc import Sequence

from domain import steer, walk
from domain.imports import Narrator, definition
from domain.journey import Journey
from domain.template import Reentry, Stage, Step, Template
from storage.codec import Document
from storage.imports import Imports, Made
from storage.journeys import Command
from storage.milestones import MILESTONES
from storage.mongo import Mongo
from storage.store import Store
from tests.domain.samples import definition as sample
from tests.storage.subjects import cause, follow, start, with_settings
from tests.workers.imported import CASES, XES

STEPS = (
    Step(id="one", name="One", stage=Stage.LEAD, order=1),
    Step(id="two", name="Two", stage=Stage.QUALIFIED, order=2),
)


async def written(mongo: Mongo, tenant: str, collection: str = MILESTONES) -> list[Document]:
    found = await mongo[collection].find({"tenantId": tenant}).to_list(None)
    return sorted(found, key=lambda each: (each.get("timeKey", ""), each["_id"]))


async def logged(mongo: Mongo, journey: str) -> list[Document]:
    """A journey's entries of the log."""
    return await mongo["events"].find({"subject": journey}).sort("position", 1).to_list(None)


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


async def cases(store: Store, tenant: str) -> Sequence[Made]:
    """Cases of an event log that can be added."""
    imports = Imports(store)
    await imports.template(tenant, definition(XES), cause())
    narrator = Narrator(XES, tenant)
    return [imports.make(tenant, narrator.tell(each.id, each.events, {}, 1), cause()) for each in CASES]


async def again_and_again(store: Store, tenant: str) -> Template:
    """A template that the same lead may follow several times."""
    return await follow(store, tenant, with_settings("again", reentry=Reentry.ANY_TIME))


async def link(store: Store, journey: Journey, customer: str) -> None:
    """The journey's lead turns out to be this customer."""
    await change(
        store, journey, lambda j, d, at: steer.update_context(j, d, changes={}, customer_id=customer, at=at)
    )


async def linked(store: Store, template: Template, customer: str) -> str:
    """The id of a journey in which the lead turned out to be this customer."""
    journey = await start(store, template, lead_id="l1")
    await link(store, journey, customer)
    return journey.id

"""Cases to import, and what must be stored of them in the end."""

from collections.abc import Sequence
from typing import Any

from domain.events import Envelope, EventFilter
from domain.journey import Journey
from domain.journey_filter import JourneyFilter, JourneyOrder
from domain.mapping import MappedStep, Mapping
from domain.paging import Page
from domain.template import Stage
from storage.mongo import Mongo
from storage.store import Store
from tests.domain.samples import later
from tests.storage.subjects import all_pages
from workers.eventlog import LogCase, LogEvent, Scalar

STEPS = tuple(
    MappedStep(activity=activity, id=activity.lower(), name=activity, stage=stage, order=n)
    for n, (activity, stage) in enumerate(
        (("Open", Stage.SUPPORT), ("Work", Stage.SUPPORT), ("Sell", Stage.RENEWAL), ("Close", Stage.SUPPORT)),
        1,
    )
)
XES = Mapping(context={"plan": "plan"}, customer="customer", steps=STEPS, closing=("Close",))
ROWS = XES.model_copy(
    update={"case": "case", "activity": "activity", "time": "time", "actor": "actor"},
)
COLLECTIONS = ("journeys", "events", "imports", "templates", "batches")


def seen(activity: str, hours: int = 0, actor: str | None = "ann", **attributes: Scalar) -> LogEvent:
    return LogEvent(activity, later(hours=hours), actor, attributes, 0)


def case(id: str, *events: LogEvent) -> LogCase:
    return LogCase(id, list(events), 0)


CASES = [
    case("A 1", seen("Open", 0, customer="c1", plan="S"), seen("Work", 2, "bob"), seen("Close", 1)),
    case("A 2", seen("Open", 5), seen("Sell", 6, None), seen("Open", 6, "bob", plan="L"), seen("Work", 7)),
    case("A 3", seen("Close", 9), seen("Work", 9), seen("Close", 9)),
]


def many(count: int) -> list[LogCase]:
    return [
        case(f"N {n}", seen("Open", n % 90), *[seen("Work", n % 90 + 1)] * (n % 3), seen("Close", n % 90 + 2))
        for n in range(count)
    ]


async def journeys(store: Store, tenant: str) -> dict[str, Journey]:
    """A tenant's journeys by their names."""
    found = await all_pages(
        lambda page: store.journeys.page(tenant, JourneyFilter(), JourneyOrder.CREATED_AT, page), 100
    )
    return {each.name.removeprefix("Imported history "): each for each in found}


async def history(store: Store, id: str) -> list[Envelope]:
    return await all_pages(lambda page: store.events.history(id, page), 100)


def told(events: Sequence[Envelope]) -> list[tuple[Any, ...]]:
    """What the log said: activity, time and actor of each step."""
    return [
        (each.data["activity"], each.occurred_at, each.actor.id)
        for each in events
        if each.type == "journey:step_completed"
    ]


async def held(mongo: Mongo, tenant: str) -> dict[str, list[dict[str, Any]]]:
    """All that is stored of a tenant."""
    return {
        each: await mongo[each].find({"tenantId": tenant}).sort("_id", 1).to_list(None)
        for each in COLLECTIONS
    }


async def require_whole(store: Store, tenant: str, cases: list[LogCase]) -> None:
    """Each case is there once with all its events, and nothing else."""
    found = await journeys(store, tenant)
    assert sorted(found) == sorted(each.id for each in cases)
    for each in cases:
        events = await history(store, found[each.id].id)
        assert [n.n for n in events] == list(range(len(events)))
        assert told(events) == [(one.activity, one.at, one.actor or "journeys import") for one in each.events]
    assert (await held(store.mongo, tenant))["batches"] == []


async def completed(store: Store, tenant: str) -> list[Envelope]:
    page = await store.events.page(tenant, EventFilter(types=("import:completed",)), Page(10))
    return page.items

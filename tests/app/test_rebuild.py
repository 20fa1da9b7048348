"""A rebuild goes as far back as the log does, and no further, also when that forgets meanwhile."""

from datetime import timedelta

from app.rebuild import anew
from app.settings import Driver, Settings
from app.wiring import utc_now
from domain import retention
from domain.imports import Narrator, definition
from storage.imports import Imports
from storage.milestones import MILESTONES
from storage.mongo import Mongo
from storage.store import Store
from tests.conftest import Servers
from tests.storage.counted import written
from tests.storage.subjects import cause
from tests.workers.imported import XES
from workers.eventlog import LogCase, LogEvent

HOUR = timedelta(hours=1)


async def test_what_the_log_forgets_meanwhile_is_still_counted(
    servers: Servers, store: Store, mongo: Mongo, tenant: str
) -> None:
    now = utc_now()
    await store.retention.change(
        tenant,
        lambda r, at: retention.set_days(r, events=2, touchpoints=None, analytics=None, at=at),
        cause(),
    )
    imports = Imports(store)
    await imports.template(tenant, definition(XES), cause())
    steps = [("Open", 60), ("Work", 40), ("Work", 2), ("Close", 1)]
    case = LogCase("A", [LogEvent(name, now - hours * HOUR, "ann", {}, 0) for name, hours in steps], 0)
    past = Narrator(XES, tenant).tell(case.id, case.events, {}, 1)
    await imports.add([imports.make(tenant, past, cause())])
    right = await written(mongo, tenant)
    last = right[-1]
    await mongo[MILESTONES].insert_one(last | {"_id": f"{last['journeyId']}:9:0|stage"})
    gone = await mongo["events"].delete_many({"tenantId": tenant, "occurredAt": {"$lt": now - 30 * HOUR}})
    settings = Settings(database=servers.database, mongodb_uri=servers.mongodb_uri, driver=Driver.PYMONGO)
    left = await mongo["events"].count_documents({"tenantId": tenant})
    assert await anew(settings, tenant) == left
    assert gone.deleted_count > 0
    assert await written(mongo, tenant) == right

"""Start and advance by GraphQL over HTTP, against the same writes by the bare driver.

Bare: for each of the two changes what our design writes (read, compare-and-set of the whole document, the events,
the emptied outbox), with documents of the same size, without GraphQL, rules or feed.
"""

from typing import Any

from storage.mongo import Mongo
from tests.benchmarks.measure import report, times
from tests.conftest import Servers
from tests.e2e.harness import client, fresh, serving

TOTAL, CLIENTS = 200, 8


async def run(servers: Servers) -> None:
    mongo = Mongo(servers.mongodb_uri, servers.database)
    with serving(servers, "--work") as server:
        async with client(server.url, fresh()) as api:

            async def ours(number: int) -> None:
                journey = await api.start(customerId=f"c{number}", context={"ticketId": fresh()})
                await api.do("advanceJourney", id=journey["id"])

            async def bare(number: int) -> None:
                await _bare(mongo, document, events, fresh("bare"))

            await ours(-1)
            document = await mongo["journeys"].find_one({"templateId": "support_resolution"})
            assert document is not None
            events = await mongo["events"].find({"subject": document["_id"]}).to_list(None)
            for clients in (1, CLIENTS):
                base = await times(bare, TOTAL, clients)
                report(
                    f"start + advance by GraphQL, {clients} client(s)",
                    await times(ours, TOTAL, clients),
                    base,
                )
    await mongo.close()


async def _bare(mongo: Mongo, like: dict[str, Any], events: list[dict[str, Any]], id: str) -> None:
    """Two changes of a new journey, into the same collections with the same indexes, for a tenant of its own."""
    journeys, log = mongo["journeys"], mongo["events"]
    own = {"subject": id, "commandId": id, "tenantId": id}
    mine = [event | own | {"_id": f"{id}:{n}"} for n, event in enumerate(events)]
    document = like | {"_id": id, "tenantId": id, "revision": 1, "outbox": mine, "reservation": id}
    await journeys.insert_one(document)
    await log.insert_many(mine)
    await journeys.update_one({"_id": id, "revision": 1}, {"$set": {"outbox": []}})
    found = await journeys.find_one({"_id": id})
    assert found is not None
    more = [event | {"_id": f"{id}:2:{n}"} for n, event in enumerate(mine[:2])]
    await journeys.replace_one({"_id": id, "revision": 1}, found | {"revision": 2, "outbox": more})
    await log.insert_many(more)
    await journeys.update_one({"_id": id, "revision": 2}, {"$set": {"outbox": []}})

"""One page of 50 journeys by GraphQL over HTTP, against the bare query of the same page."""

from storage.mongo import Mongo
from tests.benchmarks.measure import report, times
from tests.conftest import Servers
from tests.e2e.harness import client, fresh, serving

JOURNEYS, TOTAL = 500, 100
FIELDS = "id name type status stage priority progress templateId currentStepId customerId assignedTo"
FIELDS += " startedAt lastActivity"


async def run(servers: Servers) -> None:
    mongo = Mongo(servers.mongodb_uri, servers.database)
    tenant = fresh()
    with serving(servers, "--work") as server:
        async with client(server.url, tenant) as api:
            for number in range(JOURNEYS):
                await api.start(customerId=f"c{number}", context={"ticketId": str(number)})

            async def ours(_: int) -> None:
                data = await api.ask(
                    f"{{ journeys(first: 50) {{ nodes {{ {FIELDS} }} pageInfo {{ endCursor }} }} }}"
                )
                assert len(data["journeys"]["nodes"]) == 50

            async def bare(_: int) -> None:
                page = mongo["journeys"].find({"tenantId": tenant}).sort("createdKey", -1).limit(51)
                assert len(await page.to_list(None)) == 51

            base = await times(bare, TOTAL)
            report(f"a page of 50 journeys, 13 fields, of {JOURNEYS}", await times(ours, TOTAL), base)
    await mongo.close()

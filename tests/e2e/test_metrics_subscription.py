"""Key figures live: at once, again when they have changed, and at most once a second."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.e2e.harness import Client, Server, client, fresh
from tests.e2e.watching import TRANSPORTS, Watching, refused, told, watching

CHANGES = """subscription($report: ReportInput) { metricsChanges(report: $report) {
  coverage { asOf } journeys { total byStatus { status count } durationWithin(days: [1]) { count } } } }"""


async def totals(stream: Watching) -> tuple[datetime, int]:
    found = await told(stream, "metricsChanges")
    return datetime.fromisoformat(found["coverage"]["asOf"]), found["journeys"]["total"]


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_they_come_at_once_and_whenever_they_have_changed(api: Client, transport: str) -> None:
    times = []
    async with watching(transport, api, CHANGES) as stream:
        for expected in (0, 1, 2):
            at, total = await totals(stream)
            assert total == expected
            times.append(at)
            journey = await api.start(context={"ticketId": str(expected)})
        at, total = await totals(stream)
        assert total == 3
        # Nothing of this is in the figures, so the next message is about what is.
        await api.do("updateJourneyContext", id=journey["id"], changes={"x": 1})
        await api.do("setJourneyPriority", id=journey["id"], priority="URGENT")
        await api.do("abandonJourney", id=journey["id"])
        found = await told(stream, "metricsChanges")
    assert found["journeys"]["durationWithin"] == [{"count": 1}]
    for earlier, later in zip(times, [*times[1:], at], strict=True):
        assert later - earlier >= timedelta(seconds=1)


async def test_who_joins_later_gets_them_at_once_too(api: Client) -> None:
    async with watching("websocket", api, CHANGES) as first:
        assert (await totals(first))[1] == 0
        await api.start()
        assert (await totals(first))[1] == 1
        async with watching("sse", api, CHANGES) as second:
            assert (await totals(second))[1] == 1
            await api.start(context={"ticketId": "2"})
            assert [(await totals(each))[1] for each in (first, second)] == [2, 2]


async def test_another_tenants_changes_are_nothing_to_them(api: Client, server: Server) -> None:
    async with watching("websocket", api, CHANGES) as mine, client(server.url, fresh()) as other:
        assert (await totals(mine))[1] == 0
        await other.start()
        await api.start()
        assert (await totals(mine))[1] == 1


@pytest.mark.parametrize(
    "report",
    [
        {"timeZone": "Mars/Base"},
        {"range": {"since": "2026-02-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"}},
    ],
)
async def test_what_cannot_be_is_refused(api: Client, report: dict[str, Any]) -> None:
    async with watching("websocket", api, CHANGES, report=report) as stream:
        assert await refused(stream) == "INVALID_INPUT"

"""The thinnest path through every layer: start, advance, read, watch."""

from tests.e2e.harness import Client, Server, socket

WATCH = """subscription($id: ID!, $after: String) {
  journeyChanged(id: $id, after: $after) { kind cursor reset journey { id revision status } events { type revision n } }
}"""


async def test_a_journey_is_started_advanced_and_watched_live(server: Server, api: Client) -> None:
    started = await api.start(customerId="cust_1", context={"ticketId": "1"})
    found = await api.ask("query($id: ID!) { journey(id: $id) { liveCursor revision } }", id=started["id"])
    async with socket(server.url, api.token) as watching:
        stream = await watching.subscribe(WATCH, id=started["id"], after=found["journey"]["liveCursor"])
        advanced = await api.do("advanceJourney", "currentStep { id state }", id=started["id"])
        assert advanced["userErrors"] == []
        assert advanced["settled"]
        change = (await stream.next())["data"]["journeyChanged"]
    assert change["kind"] == "UPDATED"
    assert change["journey"]["revision"] == 2
    assert [event["revision"] for event in change["events"]] == [2] * len(change["events"])
    assert change["cursor"] is not None

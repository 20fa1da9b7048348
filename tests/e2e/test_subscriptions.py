"""Live updates from outside: what is told, from where on, and to whom."""

from dataclasses import replace

import pytest

from tests.conftest import Servers
from tests.e2e.harness import Client, Server, client, fresh, serving, socket, token
from tests.e2e.watching import TRANSPORTS, prompted, refused, told, watching

LIST = """subscription($filter: JourneyFilterInput, $after: String) {
  journeyChanges(filter: $filter, after: $after) {
    kind cursor reset journey { id revision status } events { type revision n } } }"""
ONE = """subscription($id: ID!, $after: String) { journeyChanged(id: $id, after: $after) {
  kind cursor reset journey { id revision status } events { type revision n } } }"""
EVENTS = """subscription($types: [String!], $after: String) { events(types: $types, after: $after) {
  cursor reset events { id type subject revision } } }"""
SEVERAL = pytest.mark.parametrize("transport", TRANSPORTS)


async def list_cursor(api: Client) -> str:
    return str((await api.ask("{ journeys(first: 1) { liveCursor } }"))["journeys"]["liveCursor"])


async def tick(api: Client, id: str, times: int = 1) -> None:
    """Changes that nothing can refuse."""
    for n in range(times):
        payload = await api.do("updateJourneyContext", id=id, changes={"n": n})
        assert payload["userErrors"] == []


@SEVERAL
async def test_a_list_is_told_what_enters_it_changes_and_leaves_it(api: Client, transport: str) -> None:
    after = await list_cursor(api)
    async with watching(transport, api, LIST, filter={"status": ["ACTIVE"]}, after=after) as stream:
        journey = await api.start()
        await api.do("setJourneyPriority", id=journey["id"], priority="URGENT")
        await api.do("pauseJourney", id=journey["id"])
        await api.do("setJourneyPriority", id=journey["id"], priority="LOW")  # nothing to this list
        await api.do("resumeJourney", id=journey["id"])
        changes = [await told(stream, "journeyChanges") for _ in range(4)]
    assert [change["kind"] for change in changes] == ["ENTERED", "UPDATED", "LEFT", "ENTERED"]
    assert [change["events"][0]["revision"] for change in changes] == [1, 2, 3, 5]
    for change in changes:
        assert change["journey"]["id"] == journey["id"]
        assert change["journey"]["revision"] >= change["events"][0]["revision"]
        assert change["cursor"] is not None
        assert [event["n"] for event in change["events"]] == list(range(len(change["events"])))


@SEVERAL
async def test_one_journey_is_watched_from_where_it_was_read(api: Client, transport: str) -> None:
    journey, other = await api.start(context={"ticketId": "1"}), await api.start(context={"ticketId": "2"})
    read = await api.ask("query($id: ID!) { journey(id: $id) { revision liveCursor } }", id=journey["id"])
    await tick(api, journey["id"], 2)  # between the read and the subscription
    async with watching(transport, api, ONE, id=journey["id"], after=read["journey"]["liveCursor"]) as stream:
        await tick(api, other["id"])
        await tick(api, journey["id"])
        changes = [await told(stream, "journeyChanged") for _ in range(3)]
    first = read["journey"]["revision"]
    assert [change["events"][0]["revision"] for change in changes] == [first + 1, first + 2, first + 3]
    assert {change["kind"] for change in changes} == {"UPDATED"}


@SEVERAL
async def test_events_come_by_their_types(api: Client, transport: str) -> None:
    after = (await api.ask("{ events(first: 1) { liveCursor } }"))["events"]["liveCursor"]
    types = ["journey:started", "journey:paused"]
    async with watching(transport, api, EVENTS, types=types, after=after) as stream:
        journey = await api.start()
        await tick(api, journey["id"])
        await api.do("pauseJourney", id=journey["id"])
        changes = [await told(stream, "events") for _ in range(2)]
    assert [[event["type"] for event in change["events"]] for change in changes] == [[each] for each in types]


@SEVERAL
async def test_without_a_cursor_it_begins_with_what_happens_then(api: Client, transport: str) -> None:
    old = await api.start(context={"ticketId": "old"})
    started: list[str] = []

    async def begins() -> None:
        started.append((await api.start(context={"ticketId": str(len(started))}))["id"])

    async with watching(transport, api, LIST) as stream:
        news = await prompted(stream.next(), begins)
        first = news["data"]["journeyChanges"]["journey"]["id"]
        rest = [
            (await told(stream, "journeyChanges"))["journey"]["id"]
            for _ in started[started.index(first) + 1 :]
        ]
    assert [first, *rest] == started[started.index(first) :]
    assert old["id"] not in rest


@SEVERAL
async def test_what_was_missed_while_a_connection_was_cut_comes_once_it_is_back(
    api: Client, transport: str
) -> None:
    journey = await api.start()
    after, heard = await list_cursor(api), []
    for cut in range(3):
        await tick(api, journey["id"], 2)
        async with watching(transport, api, LIST, after=after) as stream:
            await tick(api, journey["id"])
            for _ in range(3):
                change = await told(stream, "journeyChanges")
                heard.append(change["events"][0]["revision"])
                after = change["cursor"]
        await tick(api, journey["id"])
        async with watching(transport, api, LIST, after=after) as stream:
            change = await told(stream, "journeyChanges")
            heard.append(change["events"][0]["revision"])
            after = change["cursor"]
        assert len(heard) == 4 * (cut + 1)
    assert heard == list(range(2, 2 + len(heard)))


async def test_a_socket_that_is_torn_off_is_resumed_on_another_server(servers: Servers, api: Client) -> None:
    journey = await api.start()
    after = await list_cursor(api)
    with serving(servers) as other:
        async with socket(api.url, api.token) as opened:
            stream = await opened.subscribe(LIST, after=after)
            await tick(api, journey["id"])
            after = (await told(stream, "journeyChanges"))["cursor"]
            opened.connection.transport.abort()
        await tick(api, journey["id"], 3)
        async with socket(other.url, api.token) as opened:
            stream = await opened.subscribe(LIST, after=after)
            changes = [await told(stream, "journeyChanges") for _ in range(3)]
            await tick(Client(api.http, other.url, api.token), journey["id"])
            changes.append(await told(stream, "journeyChanges"))
    assert [change["events"][0]["revision"] for change in changes] == [3, 4, 5, 6]


@SEVERAL
async def test_a_cursor_that_leads_nowhere_gives_one_reset_and_goes_on(api: Client, transport: str) -> None:
    journey = await api.start()
    async with watching(transport, api, LIST, after=f"{'0' * 40}:1-0") as stream:
        change = await told(stream, "journeyChanges")
        assert (change["kind"], change["reset"], change["journey"]) == ("RESET", True, None)
        await tick(api, journey["id"])
        change = await told(stream, "journeyChanges")
        assert (change["kind"], change["reset"]) == ("UPDATED", False)


@SEVERAL
async def test_another_tenants_changes_never_arrive(server: Server, api: Client, transport: str) -> None:
    async with client(server.url, fresh()) as foreign:
        after = await list_cursor(foreign)
        async with watching(transport, foreign, LIST, after=after) as stream:
            journey = await api.start()
            await tick(api, journey["id"], 3)
            own = await foreign.start()
            assert (await told(stream, "journeyChanges"))["journey"]["id"] == own["id"]
        async with watching(transport, foreign, ONE, id=journey["id"]) as stream:
            assert await refused(stream) == "NOT_FOUND"
        # Another tenant's cursor is a place like any other, but never somebody else's changes.
        async with watching(transport, foreign, LIST, after=await list_cursor(api)) as stream:
            assert (await told(stream, "journeyChanges"))["reset"]


@SEVERAL
async def test_what_cannot_be_watched_is_refused_with_its_code(
    server: Server, tenant: str, api: Client, transport: str
) -> None:
    async with watching(transport, api, ONE, id="jrn_unknown") as stream:
        assert await refused(stream) == "NOT_FOUND"
    async with watching(transport, api, LIST, after="yesterday") as stream:
        assert await refused(stream) == "BAD_CURSOR"
    nobody = replace(api, token=token(tenant))
    async with watching(transport, nobody, LIST) as stream:
        assert await refused(stream) == "FORBIDDEN"


async def test_a_subscription_that_is_completed_tells_nothing_more(api: Client) -> None:
    after = await list_cursor(api)
    async with socket(api.url, api.token) as opened:
        left = await opened.subscribe(LIST, after=after)
        kept = await opened.subscribe(EVENTS, after=after)
        journey = await api.start()
        assert (await told(left, "journeyChanges"))["journey"]["id"] == journey["id"]
        await opened.complete(left)
        ping = await opened.subscribe("{ viewer { tenantId } }")
        assert (await ping.next())["data"]
        await tick(api, journey["id"], 3)
        seen = 0
        while seen < 4:
            seen = (await told(kept, "events"))["events"][-1]["revision"]
        assert left.messages.empty()

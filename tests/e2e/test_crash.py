"""Kill -9 of a server on a change's way: after a restart everything that follows is there, once."""

import asyncio
import random
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import Servers
from tests.e2e.harness import ROOT, Client, Server, client, eventually, serving, socket

WATCH = """subscription($after: String) { events(after: $after) {
  events { id type subject revision n } cursor reset } }"""
KEPT = """query($id: ID!) { journey(id: $id) { revision
  incident history(first: 100) { nodes { id type revision n } } touchpoints { totalCount nodes { title } } } }"""
KILLS = 6
ELSEWHERE = ["handoff:created", "handoff:failed", "incident:opened", "touchpoint:added"]


async def cursor(api: Client) -> str:
    found: str = (await api.ask("{ events(first: 1) { liveCursor } }"))["events"]["liveCursor"]
    return found


async def told(server: Server, api: Client, after: str, count: int) -> list[dict[str, Any]]:
    """So many events of the feed behind a cursor, and the proof that there are no more for the moment."""
    events: list[dict[str, Any]] = []
    async with socket(server.url, api.token) as opened:
        stream = await opened.subscribe(WATCH, after=after)
        while len(events) < count:
            payload = await stream.next()
            assert "errors" not in payload, payload
            assert not payload["data"]["events"]["reset"]
            events += payload["data"]["events"]["events"]
        last = await api.do("startJourney", templateId="support_resolution", context={"ticketId": "last"})
        while events[-1]["subject"] != last["journey"]["id"]:
            events += (await stream.next())["data"]["events"]["events"]
    other = (last["journey"]["id"], "tpl_")  # the built-in templates come with a tenant's first journey
    return [event for event in events if not event["subject"].startswith(other)]


@pytest.mark.parametrize("point", ["written", "logged", "published"])
async def test_a_change_survives_the_death_of_its_server(
    servers: Servers, tenant: str, tmp_path: Path, point: str
) -> None:
    armed = tmp_path / "stop"
    program = [sys.executable, str(ROOT / "tests/e2e/stopping_server.py"), point]
    with serving(servers, program=program, STOP_FILE=str(armed), PYTHONPATH=str(ROOT)) as doomed:
        async with client(doomed.url, tenant) as api:
            begin = await cursor(api)
            armed.touch()
            started = await api.do("startJourney", templateId="customer_onboarding", customerId="c1")
            assert started["userErrors"] == []
            assert doomed.process.stdout is not None
            assert await asyncio.to_thread(doomed.process.stdout.readline) == "stopped\n"
            doomed.kill()
    id = started["journey"]["id"]
    with serving(servers, "--work") as server:
        async with client(server.url, tenant) as api:

            async def followed() -> bool:
                kept = (await api.ask(KEPT, id=id))["journey"]
                return kept["touchpoints"]["totalCount"] == 1 and bool(kept["incident"])

            await eventually(
                followed, "the touchpoint of the notification, and the handoff that nobody takes"
            )

            async def idle() -> bool:
                status = (await api.ask("{ relayStatus { pending unlogged } }"))["relayStatus"]
                return bool(status == {"pending": 0, "unlogged": 0})

            await eventually(idle, "the relay at rest")
            kept = (await api.ask(KEPT, id=id))["journey"]
            types = [event["type"] for event in kept["history"]["nodes"]]
            assert types[:3] == ["journey:started", "journey:step_entered", "notification:requested"]
            assert len({event["id"] for event in kept["history"]["nodes"]}) == len(types)
            events = await told(server, api, begin, len(types) + len(ELSEWHERE))
            assert [event["id"] for event in events if event["subject"] == id] == [
                event["id"] for event in kept["history"]["nodes"]
            ]
            assert sorted(event["type"] for event in events if event["subject"] != id) == ELSEWHERE


async def load(api: Client, acknowledged: dict[str, int], seed: int) -> None:
    """Start journeys and advance them until the server dies; note what it said is done."""
    chance = random.Random(seed)
    try:
        while True:
            started = await api.do("startJourney", templateId="customer_onboarding")
            id = started["journey"]["id"]
            acknowledged[id] = 1
            for _ in range(chance.randrange(4)):
                advanced = await api.do("advanceJourney", id=id)
                if not advanced["userErrors"]:
                    acknowledged[id] = advanced["journey"]["revision"]
    except (httpx.HTTPError, ValueError):
        return


async def test_servers_killed_at_random_lose_and_double_nothing(servers: Servers, tenant: str) -> None:
    chance = random.Random(7)
    acknowledged: dict[str, int] = {}
    begin = None

    async def under_load() -> bool:
        return bool(acknowledged)

    for kill in range(KILLS):
        with serving(servers) as doomed:
            async with client(doomed.url, tenant) as api:
                begin = begin or await cursor(api)
                clients = [asyncio.create_task(load(api, acknowledged, 10 * kill + n)) for n in range(4)]
                await eventually(under_load, "a journey that is acknowledged")
                done, _ = await asyncio.wait(clients, timeout=chance.uniform(0.3, 1.2))
                assert not done
                doomed.kill()
                await asyncio.gather(*clients)
    assert len(acknowledged) > KILLS
    with serving(servers, "--work") as server:
        async with client(server.url, tenant) as api:

            async def idle() -> bool:
                status = (await api.ask("{ relayStatus { pending unlogged } }"))["relayStatus"]
                return bool(status == {"pending": 0, "unlogged": 0})

            await eventually(idle, "the relay at rest")
            assert begin is not None
            kept: dict[str, list[str]] = {}
            for id, revision in acknowledged.items():
                journey = (await api.ask(KEPT, id=id))["journey"]
                events = journey["history"]["nodes"]
                assert journey["revision"] >= revision
                assert [e["revision"] for e in events if e["n"] == 0] == list(
                    range(1, journey["revision"] + 1)
                )
                asked = sum(event["type"] == "notification:requested" for event in events)
                assert journey["touchpoints"]["totalCount"] == asked
                kept[id] = [event["id"] for event in events]
            told_of: dict[str, list[str]] = {}
            for event in await told(server, api, begin, sum(len(events) for events in kept.values())):
                told_of.setdefault(event["subject"], []).append(event["id"])
            assert {id: told_of[id] for id in kept} == kept
            assert all(len(set(ids)) == len(ids) for ids in told_of.values())

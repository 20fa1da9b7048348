"""The seam over the drivers: what goes wrong in the database is told in the domain's words, and in time."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from app.embedded import MongoChild
from app.wiring import utc_now
from domain.errors import QueryTimeout, TooLarge, Unavailable
from domain.journey_filter import JourneyFilter, JourneyOrder
from domain.paging import Page
from storage.mongo import DuplicateKeyError, Mongo, connected, translated
from storage.store import Store
from tests.e2e.harness import eventually
from tests.storage.subjects import cause, follow, note, start

NOWHERE = "mongodb://127.0.0.1:1/?retryWrites=false"
BOUND = 15.0


@pytest.fixture(params=["motor", "pymongo"])
async def away(request: pytest.FixtureRequest) -> AsyncIterator[Mongo]:
    """A database that cannot be reached."""
    mongo = Mongo(NOWHERE, "x", request.param, serverSelectionTimeoutMS=200)
    yield mongo
    await mongo.close()


async def test_a_database_that_cannot_be_reached_is_unavailable_in_time(away: Mongo) -> None:
    store = Store.of(away, utc_now)
    began = time.monotonic()
    for attempt in (
        away.command("ping"),
        away.version(),
        store.journeys.get("jrn_1", "t"),
        store.journeys.page("t", JourneyFilter(), JourneyOrder.CREATED_AT, Page(5)),
        store.journeys.count("t", JourneyFilter()),
        store.journeys.change("jrn_1", "t", note(x=1), cause()),
        store.templates.newest("t", "support_resolution"),
        store.events.history("jrn_1", Page(5)),
        store.events.append([{"_id": "x", "type": "order:placed", "data": {}}]),
        store.changes.outboxes.unrelayed("journeys", utc_now(), 5),
    ):
        with pytest.raises(Unavailable):
            await attempt
    assert time.monotonic() - began < BOUND


def _wait_stopped(pid: int) -> None:
    """The signal is on its way until the process's state says so (proc(5))."""
    end = time.monotonic() + BOUND
    while (
        Path("/proc/self").exists()
        and Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "T"
    ):
        assert time.monotonic() < end, "the server does not stop"
        time.sleep(0.01)


@contextmanager
def _stopped(pid: int | None) -> Iterator[None]:
    """A server that still holds its connections but says nothing any more."""
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("driver", ["motor", "pymongo"])
async def test_a_database_that_stops_answering_is_unavailable_and_comes_back(
    tmp_path: Path, driver: str
) -> None:
    with MongoChild(tmp_path) as server:
        impatient = {"socketTimeoutMS": 2_000, "serverSelectionTimeoutMS": 2_000}
        async with (
            connected(server.url, "x", driver) as patient,
            connected(server.url, "x", driver, **impatient) as mongo,
        ):
            setting_up, store = Store.of(patient, utc_now), Store.of(mongo, utc_now)
            journey = await start(setting_up, await follow(setting_up, "t"))
            await setting_up.changes.drain()

            async def noted(y: int) -> bool:
                """On a busy machine two seconds may be too few."""
                try:
                    changed = await store.journeys.change(journey.id, "t", note(y=y), cause())
                except Unavailable:
                    return False
                return changed.state.context["y"] == y

            await eventually(partial(noted, 1), "it has a connection")
            await store.changes.drain()
            with _stopped(server.pid), pytest.raises(Unavailable):
                await asyncio.wait_for(store.journeys.change(journey.id, "t", note(x=1), cause()), BOUND)
            await eventually(partial(noted, 2), "it is back")
            assert (await setting_up.journeys.get(journey.id, "t")).context["y"] == 2
            await store.changes.drain()


async def test_a_query_that_takes_too_long_is_ended_by_its_time_limit(mongo: Mongo, tenant: str) -> None:
    impatient = Mongo.__new__(Mongo)
    impatient.__dict__.update(mongo.__dict__, timeout_ms=1)
    await mongo["slow"].insert_many([{"tenant": tenant, "n": n} for n in range(3_000)])
    everything = [{"$unwind": "$n"}, {"$group": {"_id": "$n"}}, {"$sort": {"_id": 1}}]
    with pytest.raises(QueryTimeout):
        [each async for each in impatient.aggregate(mongo["slow"], everything)]


async def test_a_duplicate_key_keeps_its_meaning(mongo: Mongo, tenant: str) -> None:
    await mongo["pairs"].insert_one({"_id": tenant})
    with pytest.raises(DuplicateKeyError), translated():
        await mongo["pairs"].insert_one({"_id": tenant})


async def test_what_the_database_cannot_keep_in_one_piece_is_too_large(mongo: Mongo, tenant: str) -> None:
    with pytest.raises(TooLarge), translated():
        await mongo["pairs"].insert_one({"_id": tenant, "text": "x" * 17 * 1024 * 1024})


async def test_an_aggregation_reads_batch_by_batch(mongo: Mongo, tenant: str) -> None:
    await mongo["many"].insert_many([{"tenant": tenant, "n": n} for n in range(25)])
    read = mongo.aggregate(mongo["many"], [{"$match": {"tenant": tenant}}], batch_size=10)
    assert sorted([each["n"] async for each in read]) == list(range(25))
    async for _ in mongo.aggregate(mongo["many"], [{"$match": {"tenant": tenant}}], batch_size=2):
        break  # a reader may stop at any time


async def test_the_server_tells_its_version(mongo: Mongo) -> None:
    assert (await mongo.version()).split(".")[0].isdigit()
    assert (await mongo.command("ping"))["ok"] == 1

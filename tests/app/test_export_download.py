"""Downloads inside a process: what they hold in memory, how they end, and what is told of them."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from app.export_download import MISFIT, UNKNOWN, Download, asked, downloading
from app.graphql import Schema, build
from app.settings import Settings
from app.wiring import Runtime, new_id, running
from domain.errors import InvalidInput
from domain.export import DownloadOutcome, ExportState, What
from domain.identity import Identity, Role
from domain.values import JsonObject
from resolvers.context import Context
from resolvers.export_lists import Table
from resolvers.export_tables import table
from schema.export_inputs import LISTS
from storage.change import Changes
from storage.events import EventLog
from storage.exports import Exports
from storage.indexes import create_indexes
from storage.mongo import Mongo, connected
from storage.store import Store
from tests.app.exporting import again, exported, noted, told
from tests.conftest import Servers
from tests.e2e.exporting import add_unreadable, take_events
from tests.storage.served import Recorder
from tests.workers.test_timers import Clock

MEGABYTE = 1_000_000
KILOBYTE = 1_000


@pytest.fixture(scope="module")
def schema() -> Schema:
    return build()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def runtime(servers: Servers, clock: Clock) -> AsyncIterator[Runtime]:
    settings = Settings(
        database=servers.database, mongodb_uri=servers.mongodb_uri, redis_url=servers.redis_url
    )
    async with running(settings, now=clock, serve=False) as runtime:
        yield runtime


@pytest.fixture
def context(runtime: Runtime, tenant: str) -> Context:
    context = runtime.context(new_id())
    context.known = Identity(tenant, "ann", frozenset((Role.VIEWER,)))
    return context


@pytest.mark.parametrize("gzip", [False, True])
@pytest.mark.parametrize(("count", "size", "bound"), [(3_000, 4 * KILOBYTE, 5), (1_000, 32 * KILOBYTE, 16)])
async def test_however_much_there_is_a_download_holds_a_page(
    context: Context, schema: Schema, count: int, size: int, bound: int, gzip: bool
) -> None:
    await take_events(context.store, context.identity.tenant_id, count, size)
    export = await exported(context, What.EVENTS)
    async with downloading(schema, context, export, gzip=gzip) as download:
        written = 0
        tracemalloc.start()
        async for piece in download.read():
            written += len(piece)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert download.rows == count + 1  # with the export's own event
    assert peak < bound * MEGABYTE < count * size
    assert (written < MEGABYTE) if gzip else (written > count * size)
    assert (await again(context, export)).state is ExportState.COMPLETED


async def test_a_row_that_cannot_be_read_fails_the_export_until_one_download_is_whole(
    context: Context, schema: Schema
) -> None:
    await add_unreadable(context.store, context.identity.tenant_id)
    export = await exported(context, What.TOUCHPOINTS)
    for _ in range(2):  # the same reason again is no event
        with pytest.raises(ValueError, match="validation"):
            async with downloading(schema, context, export):
                raise AssertionError("the first row is read before this")
        failed = await again(context, export)
        assert (failed.state, failed.failure, failed.revision) == (ExportState.FAILED, UNKNOWN, 2)
    assert (await told(context, export)).outcome is DownloadOutcome.FAILED
    await context.store.mongo["touchpoints"].delete_one({"tenantId": export.tenant_id})
    async with downloading(schema, context, export) as download:
        assert [piece async for piece in download.read()] == []
    completed = await again(context, export)
    assert (completed.state, completed.failure) == (ExportState.COMPLETED, None)
    assert (await told(context, export)).outcome is DownloadOutcome.COMPLETED


@pytest.mark.parametrize(
    "given", [{"colour": "red"}, {"journeys": {"status": ["LOST"]}}, {"format": None}, {"journeys": 1}]
)
async def test_what_does_not_fit_the_schema_any_more_is_refused_and_noted(
    context: Context, schema: Schema, given: JsonObject
) -> None:
    export = await exported(context, What.JOURNEYS, given)
    with pytest.raises(InvalidInput, match="schema"):
        async with downloading(schema, context, export):
            raise AssertionError("there is nothing to read")
    failed = await again(context, export)
    assert (failed.state, failed.failure) == (ExportState.FAILED, MISFIT)


async def test_an_export_runs_while_a_download_is_heard_of(
    context: Context, schema: Schema, clock: Clock
) -> None:
    await take_events(context.store, context.identity.tenant_id, 200, KILOBYTE)
    export = await exported(context, What.EVENTS)
    async with downloading(schema, context, export) as download:
        pieces = download.read()
        await anext(pieces)
        await noted(context, export, rows=1)
        running = await again(context, export)
        assert running.state_at(clock()) is ExportState.RUNNING
        assert running.state_at(clock() + timedelta(seconds=14)) is ExportState.RUNNING
        assert running.state_at(clock() + timedelta(seconds=15)) is ExportState.REQUESTED
        await pieces.aclose()
    after = await again(context, export)
    assert after.state_at(clock()) is ExportState.REQUESTED
    left = await told(context, export)
    assert (left.outcome, left.reason) == (DownloadOutcome.LEFT, "The client left before the end.")
    assert 0 < left.rows < 201


async def test_a_download_that_is_cancelled_is_noted(context: Context, schema: Schema) -> None:
    export, begun = await exported(context, What.EVENTS), asyncio.Event()

    async def fetch() -> None:
        async with downloading(schema, context, export):
            begun.set()
            await asyncio.Event().wait()

    fetching = asyncio.create_task(fetch())
    await begun.wait()
    fetching.cancel()
    await asyncio.gather(fetching, return_exceptions=True)
    assert fetching.cancelled()
    left = await told(context, export)
    assert (left.outcome, left.reason) == (DownloadOutcome.LEFT, "The server was stopped before the end.")
    assert (await again(context, export)).state is ExportState.REQUESTED


async def test_of_two_downloads_at_once_the_first_is_told_and_both_are_whole(
    context: Context, schema: Schema, clock: Clock
) -> None:
    await take_events(context.store, context.identity.tenant_id, 200, KILOBYTE)
    export = await exported(context, What.EVENTS)
    async with downloading(schema, context, export) as first:
        pieces = first.read()
        await anext(pieces)
        before = await noted(context, export, rows=1)
        async with downloading(schema, context, export) as second:
            assert len(b"".join([piece async for piece in second.read()]).splitlines()) == 201
        between = await again(context, export)
        assert (between.state, between.state_at(clock())) == (ExportState.COMPLETED, ExportState.RUNNING)
        assert between.progress is not None
        assert (between.progress.download, between.progress.outcome) == (first.id, None)
        assert between.progress.rows >= before.rows
        assert [piece async for piece in pieces]
    after = await told(context, export)
    assert (after.download, after.outcome, after.rows) == (first.id, DownloadOutcome.COMPLETED, 201)
    assert (await again(context, export)).revision == 2


async def test_what_cannot_be_noted_breaks_no_download(
    context: Context, schema: Schema, servers: Servers, clock: Clock
) -> None:
    await take_events(context.store, context.identity.tenant_id, 200, KILOBYTE)
    export = await exported(context, What.EVENTS)
    away = Mongo(servers.mongodb_uri, servers.database)
    await away.close()
    nowhere = Exports(away, Changes(away, EventLog(away), clock))
    context.store = replace(context.store, exports=nowhere)
    async with downloading(schema, context, export) as download:
        assert len(b"".join([piece async for piece in download.read()]).splitlines()) == 201
    with pytest.raises(InvalidInput, match="schema"):
        async with downloading(schema, context, replace(export, asked={"what": "NOTHING"})):
            raise AssertionError("there is nothing to read")


async def test_a_count_that_takes_long_holds_nothing_up(context: Context, schema: Schema) -> None:
    export = await exported(context, What.EVENTS)
    found = await table(context, asked(schema, export.asked))

    async def never() -> int:
        await asyncio.Event().wait()
        return 0

    download = Download(context, export)
    await download.begin(Table(found.columns, found.rows, never))
    assert [piece async for piece in download.read()]
    assert (await told(context, export)).total == 1


async def test_a_list_is_read_with_the_patience_that_reports_have(
    servers: Servers, context: Context, schema: Schema, clock: Clock
) -> None:
    name, hurried, patient = f"export_{uuid4().hex[:8]}", Recorder(), Recorder()
    async with (
        connected(servers.mongodb_uri, name, event_listeners=[hurried]) as mongo,
        connected(servers.mongodb_uri, name, timeout=77, event_listeners=[patient]) as reports,
    ):
        await create_indexes(mongo)
        context.store = Store.of(mongo, clock, reports)
        for what in LISTS:
            export = await exported(context, what)
            hurried.sent.clear()
            async with downloading(schema, context, export) as download:
                [piece async for piece in download.read()]
            lists = {each.collection for each in patient.sent if each.name == "aggregate"}
            assert {each.collection for each in hurried.sent if each.name == "aggregate"} == set()
            assert what.value in lists
            assert {each.command["maxTimeMS"] for each in patient.sent} == {77_000}
        await context.store.changes.drain()

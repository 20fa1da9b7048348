"""Downloads inside a process: what they hold in memory, how they fail; and `journeys export` from outside."""

import csv
import io
import json
import subprocess
import sys
import tracemalloc
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.export import Download, accepts_gzip
from app.graphql import build
from app.settings import Settings
from app.wiring import Runtime, new_id, running
from domain.errors import QueryTimeout
from domain.export import Export, ExportRequested, ExportState, Format, What
from domain.export_format import Row
from domain.external import Report, envelope
from domain.identity import Actor, ActorKind, Identity, Role
from domain.values import JsonObject
from resolvers.context import Context
from resolvers.export_lists import Table
from storage.subject import Cause
from tests.conftest import Servers
from tests.e2e.harness import BOUND, ROOT, environment

JOURNEYS = str(Path(sys.executable).parent / "journeys")
ANN = Actor(ActorKind.USER, "ann")
AT = datetime(2026, 3, 1, tzinfo=UTC)
EVENTS, CONTENT = 3_000, "x" * 4_000
MEGABYTE = 1_000_000


@pytest.fixture
async def runtime(servers: Servers) -> AsyncIterator[Runtime]:
    settings = Settings(
        database=servers.database, mongodb_uri=servers.mongodb_uri, redis_url=servers.redis_url
    )
    async with running(settings, serve=False) as runtime:
        yield runtime


@pytest.fixture
def context(runtime: Runtime, tenant: str) -> Context:
    context = runtime.context(new_id())
    context.known = Identity(tenant, "ann", frozenset((Role.VIEWER,)))
    return context


async def exported(context: Context, what: What) -> Export:
    asked: JsonObject = {"what": what.name, "format": "JSONL"}
    event = ExportRequested(
        at=AT, tenant_id=context.identity.tenant_id, what=what, format=Format.JSONL, asked=asked
    )
    return (await context.store.exports.request(event, Cause(ANN, new_id(), new_id()))).state


async def take_events(context: Context, count: int) -> None:
    reported = [
        envelope(
            Report(type="crm:noted", source="crm", id=str(n), data={"n": n, "text": CONTENT}),
            tenant_id=context.identity.tenant_id,
            by=ANN,
            now=AT + timedelta(seconds=n),
            command_id=f"c{n}",
            input_hash=None,
            correlation_id="c",
        )
        for n in range(count)
    ]
    await context.store.events.take(reported)


async def test_three_thousand_events_are_exported_in_constant_memory(context: Context) -> None:
    await take_events(context, EVENTS)
    export = await exported(context, What.EVENTS)
    download = await Download.of(build(), context, export)
    written = lines = 0
    tracemalloc.start()
    async for piece in download.read():
        written += len(piece)
        lines += piece.count(b"\n")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert download.rows == lines == EVENTS + 1  # with the export's own event
    assert written > EVENTS * len(CONTENT)
    assert peak < 5 * MEGABYTE < written
    after = await context.store.exports.get(export.id, export.tenant_id)
    assert after.state is ExportState.COMPLETED


async def test_a_download_that_breaks_off_is_failed_until_one_comes_to_its_end(context: Context) -> None:
    async def broken() -> AsyncIterator[Row]:
        yield {"a": 1}
        raise QueryTimeout("The query took too long; narrow it.")

    export = await exported(context, What.HANDOFFS)
    download = Download(context, ANN, export, Table([("a",)], broken(), None))
    with pytest.raises(QueryTimeout):
        [piece async for piece in download.read()]
    failed = await context.store.exports.get(export.id, export.tenant_id)
    assert (failed.state, failed.failure) == (ExportState.FAILED, "The query took too long; narrow it.")
    assert [piece async for piece in (await Download.of(build(), context, export)).read()] == []
    completed = await context.store.exports.get(export.id, export.tenant_id)
    assert (completed.state, completed.failure) == (ExportState.COMPLETED, None)


async def test_a_download_that_nobody_reads_to_its_end_completes_nothing(context: Context) -> None:
    await take_events(context, 100)
    export = await exported(context, What.EVENTS)
    pieces = (await Download.of(build(), context, export)).read()
    await anext(pieces)
    await pieces.aclose()  # type: ignore[attr-defined]  # an async generator, as a response closes it
    after = await context.store.exports.get(export.id, export.tenant_id)
    assert after.state is ExportState.REQUESTED


@pytest.mark.parametrize(
    ("header", "taken"),
    [
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("*", True),
        ("gzip;q=0", False),
        ("*, gzip; q=0.000", False),
        ("br", False),
        ("identity", False),
        ("", False),
    ],
)
def test_gzip_is_for_those_who_take_it(header: str, taken: bool) -> None:
    assert accepts_gzip(header) is taken


def journeys(servers: Servers, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [JOURNEYS, "export", *arguments],
        env=environment(servers),
        capture_output=True,
        text=True,
        timeout=3 * BOUND,
        cwd=ROOT,
        check=False,
    )


async def test_the_command_line_writes_a_file_or_to_standard_output(
    context: Context, servers: Servers, tmp_path: Path
) -> None:
    await take_events(context, 3)
    tenant, only = context.identity.tenant_id, '{"events": {"types": ["crm:noted"]}}'
    file = tmp_path / "events.csv"
    done = journeys(servers, "--tenant", tenant, "--what", "events", "--ask", only, "--out", str(file))
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "3 rows" in done.stderr
    rows = list(csv.DictReader(io.StringIO(file.read_bytes().decode(), newline="")))
    assert [json.loads(row["data"])["n"] for row in rows] == [2, 1, 0]
    done = journeys(servers, "--tenant", tenant, "--what", "metrics", "--format", "json")
    assert json.loads(done.stdout)[0]["journeys"]["total"] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--what", "everything"), "everything"),
        (("--what", "funnel"), "funnel: "),
        (("--what", "events", "--ask", "[]"), "JSON object"),
        (("--what", "events", "--ask", '{"events": {"colour": 1}}'), "colour"),
    ],
)
def test_the_command_line_refuses_in_one_line(
    servers: Servers, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    file = tmp_path / "none.csv"
    done = journeys(servers, *arguments, "--out", str(file))
    assert done.returncode == 1
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert not file.exists()

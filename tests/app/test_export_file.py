"""`journeys export` from outside."""

import asyncio
import csv
import io
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage.store import Store
from tests.conftest import Servers
from tests.e2e.exporting import add_unreadable, behind, take_events
from tests.e2e.harness import BOUND, ROOT, environment

JOURNEYS = str(Path(sys.executable).parent / "journeys")


@pytest.fixture
async def store(servers: Servers) -> AsyncIterator[Store]:
    async with behind(servers) as store:
        yield store


async def journeys(servers: Servers, *arguments: str) -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(
        subprocess.run,
        [JOURNEYS, "export", *arguments],
        env=environment(servers),
        capture_output=True,
        text=True,
        timeout=3 * BOUND,
        cwd=ROOT,
        check=False,
    )


def texts(folder: Path) -> dict[Path, str]:
    """Every file of a folder, with what is in it."""
    return {path: path.read_text() for path in folder.iterdir()}


async def test_a_file_is_there_once_it_is_whole(
    store: Store, tenant: str, servers: Servers, tmp_path: Path
) -> None:
    file, link = tmp_path / "touchpoints.csv", tmp_path / "link.csv"
    file.write_text("as it was")
    link.symlink_to(file)
    await add_unreadable(store, tenant)
    done = await journeys(servers, "--tenant", tenant, "--what", "touchpoints", "--out", str(file))
    assert done.returncode != 0
    assert texts(tmp_path) == {file: "as it was", link: "as it was"}
    done = await journeys(servers, "--tenant", tenant, "--what", "handoffs", "--out", str(link))
    assert (done.returncode, link.is_symlink()) == (0, True), done.stderr
    assert {path: text[:12] for path, text in texts(tmp_path).items()} == dict.fromkeys(
        (file, link), "id,revision,"
    )


async def test_the_command_line_writes_a_file_or_to_standard_output(
    store: Store, tenant: str, servers: Servers, tmp_path: Path
) -> None:
    await take_events(store, tenant, 3, 10)
    only = '{"events": {"types": ["crm:noted"]}}'
    file = tmp_path / "events.csv"
    done = await journeys(servers, "--tenant", tenant, "--what", "events", "--ask", only, "--out", str(file))
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "3 rows" in done.stderr
    rows = list(csv.DictReader(io.StringIO(file.read_bytes().decode(), newline="")))
    assert [json.loads(row["data"])["n"] for row in rows] == [2, 1, 0]
    done = await journeys(servers, "--tenant", tenant, "--what", "metrics", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0]["journeys"]["total"] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--tenant", "t", "--what", "everything"), "everything"),
        (("--tenant", "t", "--what", "funnel"), "funnel: "),
        (("--tenant", "t", "--what", "events", "--ask", "[]"), "JSON object"),
        (("--tenant", "t", "--what", "events", "--ask", '{"events": {"colour": 1}}'), "colour"),
        (("--what", "events"), "--tenant"),
        (("--tenant", "a b", "--what", "events"), "A tenant is"),
    ],
)
async def test_the_command_line_refuses_in_one_line(
    servers: Servers, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    file = tmp_path / "none.csv"
    done = await journeys(servers, *arguments, "--out", str(file))
    assert done.returncode == 1
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert not file.exists()

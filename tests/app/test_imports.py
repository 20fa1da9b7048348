"""`journeys import` from outside: what it adds, says and refuses, and that it may be killed."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from app.imports import as_yaml
from app.wiring import utc_now
from domain.mapping import Mapping, parse_mapping
from storage.mongo import Mongo
from storage.store import Store
from tests.conftest import Servers
from tests.e2e.harness import BOUND, ROOT, environment, eventually
from tests.workers.imported import CASES, completed, many, require_whole
from tests.workers.logfiles import FORMATS, log_of
from workers.eventlog import Format, LogCase

JOURNEYS = str(Path(sys.executable).parent / "journeys")


def importing(servers: Servers, *arguments: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [JOURNEYS, "import", *map(str, arguments)],
        env=environment(servers),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def imported(servers: Servers, *arguments: str | Path) -> tuple[int, str, str]:
    """Exit code, output and errors."""
    with importing(servers, *arguments) as process:
        out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def written(cases: list[LogCase], folder: Path) -> Path:
    path = folder / "tickets"
    path.write_text(FORMATS[Format.XES](cases))
    return path


async def test_a_file_is_imported_and_the_summary_says_what_that_added(
    servers: Servers, store: Store, tenant: str, tmp_path: Path
) -> None:
    file = written(CASES, tmp_path)
    code, out, err = imported(servers, file, "--tenant", tenant)
    assert (code, err) == (0, "")
    assert out.startswith("3 journeys with 10 step events added to the template imported_history in ")
    await require_whole(store, tenant, CASES)
    code, out, _ = imported(servers, file, "--tenant", tenant)
    assert code == 0
    assert out.splitlines()[0].startswith("Nothing added")
    assert "3 journeys were there already." in out
    [event] = await completed(store, tenant)
    assert event.data["file"] == "tickets"


async def test_the_mapping_is_saved_edited_and_used(
    servers: Servers, store: Store, tenant: str, tmp_path: Path
) -> None:
    file, saved = written(CASES, tmp_path), tmp_path / "mapping.yaml"
    assert imported(servers, file, "--tenant", tenant, "--save-mapping", saved)[0] == 0
    said = yaml.safe_load(saved.read_text())
    assert {step["activity"] for step in said["steps"]} == {"Open", "Work", "Sell", "Close"}
    said["templateId"], said["closing"] = "tickets", ["Close"]
    said["steps"] = [step for step in said["steps"] if step["activity"] in ("Open", "Close")]
    saved.write_text(yaml.safe_dump(said))
    rejects = tmp_path / "out.jsonl"
    code, out, _ = imported(servers, file, "--tenant", tenant, "--mapping", saved, "--rejects", rejects)
    assert code == 0
    assert "3 journeys with 6 step events added to the template tickets" in out
    assert f"4 rejected; line and reason are in {rejects}." in out
    assert len(rejects.read_text().splitlines()) == 4


def test_a_saved_mapping_reads_as_the_one_that_was_used(tmp_path: Path) -> None:
    for format in Format:
        proposed = log_of(FORMATS[format](CASES), tmp_path).mapping(Mapping(template_name="Tickets: “a”"))
        assert parse_mapping(as_yaml(proposed)) == proposed


@pytest.mark.parametrize(
    ("content", "mapping", "said"),
    [
        ("no log", None, "neither XES, nor JSON Lines, nor CSV"),
        ("<log>", None, "not well-formed"),
        ("<log></log>", None, "no case"),
        (None, None, "cannot be opened"),
        ("case,activity,time\n1,a,2020-01-01\n", "actor: nobody\ncase: x", "no column has the name 'x'"),
        ("case,activity,time\n1,a,2020-01-01\n", "steps: 7", "steps has to be a list"),
        ("case,activity,time\n1,a,2020-01-01\n", "{", "neither YAML nor JSON"),
        (
            "case,activity,time\n1,a,2020-01-01\n",
            "templateId: customer_onboarding",
            "'customer_onboarding' that no import made",
        ),
        ("case,activity,time\n1,a,2020-01-01\n", "templateId: _x", "id: An id is 1 to 64"),
    ],
)
def test_what_cannot_be_imported_is_refused_in_one_line(
    servers: Servers, tenant: str, tmp_path: Path, content: str | None, mapping: str | None, said: str
) -> None:
    file, how = tmp_path / "file", tmp_path / "mapping"
    if content is not None:
        file.write_text(content)
    if mapping is not None:
        how.write_text(mapping)
    options = [] if mapping is None else ["--mapping", str(how)]
    code, out, err = imported(servers, file, "--tenant", tenant, *options)
    assert (code, out) == (1, "")
    assert said in err
    assert err.count("\n") == 1


async def test_killed_again_and_again_it_adds_everything_once_in_the_end(
    servers: Servers, tenant: str, tmp_path: Path
) -> None:
    cases = many(400)
    file = written(cases, tmp_path)
    mongo = Mongo(servers.mongodb_uri, servers.database)
    store = Store.of(mongo, utc_now)
    for part in (1, 251):
        with importing(servers, file, "--tenant", tenant) as process:

            async def added(part: int = part, process: subprocess.Popen[str] = process) -> bool:
                assert process.poll() is None, "the import ended before it could be killed"
                return await mongo["journeys"].count_documents({"tenantId": tenant}, limit=part) >= part

            await eventually(added, f"{part} journeys", 3 * BOUND)
            process.kill()
    assert imported(servers, file, "--tenant", tenant)[0] == 0
    await require_whole(store, tenant, cases)
    [event] = await completed(store, tenant)
    assert event.data["journeys"] == 400
    await mongo.close()

"""A real log of 4,580 cases comes back through the API as it was: every activity, time and actor, in order."""

import gzip
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.conftest import Servers
from tests.e2e.harness import ROOT, client, environment, serving

HELPDESK = ROOT.parent / "shared" / "data" / "helpdesk.xes.gz"
XES = "{http://www.xes-standard.org/}"
SECONDS = 300.0  # far more than it takes; a loaded machine is no error
PAGE = """query($after: String) {
  journeys(first: 50, after: $after) {
    pageInfo { hasNextPage endCursor }
    nodes { name status origin
      history(first: 100) {
        pageInfo { hasNextPage } nodes { type n occurredAt origin actor { kind id } data } } } } }"""

Told = list[tuple[str, datetime, str]]  # activity, time and actor of each event


def parsed() -> dict[str, Told]:
    """The file read without any code of ours."""
    cases: dict[str, Told] = {}
    with gzip.open(HELPDESK) as file:
        for _, element in ElementTree.iterparse(file):
            if element.tag != f"{XES}trace":
                continue
            name, *events = (_values(each) for each in [element, *element.findall(f"{XES}event")])
            cases[name["concept:name"]] = [
                (
                    each["concept:name"],
                    datetime.fromisoformat(each["time:timestamp"]),
                    each["org:resource"],
                )
                for each in events
            ]
            element.clear()
    return cases


def _values(element: ElementTree.Element) -> dict[str, str]:
    return {each.attrib["key"]: each.attrib["value"] for each in element if "key" in each.attrib}


def imported(servers: Servers, tenant: str) -> str:
    """What the command says."""
    command = [str(Path(sys.executable).parent / "journeys"), "import", str(HELPDESK), "--tenant", tenant]
    done = subprocess.run(
        command, env=environment(servers), capture_output=True, text=True, check=True, cwd=ROOT
    )
    return done.stdout


@pytest.mark.skipif(not HELPDESK.exists(), reason="the log is not part of the project")
async def test_the_help_desks_log_is_read_back_as_it_was(servers: Servers, tenant: str) -> None:
    began = time.monotonic()
    assert "4,580 journeys with 21,348 step events" in imported(servers, tenant)
    expected, found = parsed(), {}
    with serving(servers) as server:
        async with client(server.url, tenant) as api:
            after, more = None, True
            while more:
                page = (await api.ask(PAGE, after=after))["journeys"]
                after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
                found |= {each["name"].removeprefix("Imported history "): each for each in page["nodes"]}
            counts = await api.ask("{ journeyCounts { total } events(first: 3) { nodes { type data } } }")
    assert found.keys() == expected.keys()
    for case, journey in found.items():
        events = journey["history"]["nodes"]
        assert not journey["history"]["pageInfo"]["hasNextPage"]
        assert [each["n"] for each in events] == list(range(len(events)))
        told: Told = [
            (
                each["data"]["activity"],
                datetime.fromisoformat(each["occurredAt"]),
                each["actor"]["id"],
            )
            for each in events
            if each["type"] == "journey:step_completed"
        ]
        assert told == expected[case]
        assert {(each["origin"], each["actor"]["kind"]) for each in events} == {("IMPORT", "IMPORT")}
        assert (journey["status"] == "COMPLETED") is (told[-1][0] == "Closed")
    sequences = {tuple(activity for activity, _, _ in each) for each in expected.values()}
    assert len(sequences) == 226
    assert sum(map(len, expected.values())) == 21_348
    assert counts["journeyCounts"]["total"] == 4_580
    [completed] = [each for each in counts["events"]["nodes"] if each["type"] == "import:completed"]
    assert completed["data"]["journeys"] == 4_580
    assert time.monotonic() - began < SECONDS

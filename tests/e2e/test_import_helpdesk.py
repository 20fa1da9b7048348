"""A real log of 4,580 cases comes back through the API as it was: every activity, time and actor, in order."""

import gzip
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.conftest import Servers
from tests.e2e.harness import ROOT, Client, client, environment, serving
from tests.e2e.helpdesk_figures import took_as_long_as_is_known

HELPDESK = ROOT.parent / "shared" / "data" / "helpdesk.xes.gz"
XES = "{http://www.xes-standard.org/}"
SECONDS = 300.0  # far more than it takes; a loaded machine is no error
PATIENCE = 60.0  # and so for one of its reports
PAGE = """query($after: String) {
  journeys(first: 50, after: $after) {
    pageInfo { hasNextPage endCursor }
    nodes { name status origin
      history(first: 100) {
        pageInfo { hasNextPage } nodes { type n occurredAt origin actor { kind id } data } } } } }"""

REPORTS = (
    "query($steps: [FunnelStepInput!]) { funnel(steps: $steps) { steps { reached dropped pending } rows { value } } }",
    "query($steps: [FunnelStepInput!]) { timeToConvert(steps: $steps) { converted endToEnd { count } } }",
    "query($steps: [FunnelStepInput!]) { journeys(first: 2, funnelStep: { funnel: { steps: $steps }, step: 4 }) { "
    "totalCount pageInfo { hasNextPage } } }",
    "query($template: String!) { stepMetrics(templateId: $template) { steps { "
    "name entries repeated time { count } } } }",
)
WALK = ("Assign seriousness", "Take in charge ticket", "Resolve ticket", "Closed")
REACHED = [4495, 4207, 4199, 4189]  # of this log, as counted without any code of ours
REPEATED = {
    "Take in charge ticket": 623,
    "Assign seriousness": 394,
    "Resolve ticket": 386,
    "Wait": 194,
}

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


async def counted(api: Client) -> None:
    """The log's funnel, and how many cases come to an activity more than once."""
    [journey] = (await api.ask("{ journeys(first: 1) { nodes { templateId steps { id name } } } }"))[
        "journeys"
    ]["nodes"]
    ids = {each["name"]: each["id"] for each in journey["steps"]}
    template = journey["templateId"]
    steps = [{"templateId": template, "step": ids[name]} for name in WALK]
    found: dict[str, Any] = {}
    for query in REPORTS:
        found |= await api.ask(query, **({"steps": steps} if "$steps" in query else {"template": template}))
    assert [each["reached"] for each in found["funnel"]["steps"]] == REACHED
    assert found["timeToConvert"]["converted"] == found["journeys"]["totalCount"] == REACHED[-1]
    assert found["journeys"]["pageInfo"]["hasNextPage"]
    activities = {each["name"]: each for each in found["stepMetrics"]["steps"]}
    assert {name: activities[name]["repeated"] for name in REPEATED} == REPEATED
    assert sum(each["entries"] for each in activities.values()) == 21_348
    assert {each["time"]["count"] for each in activities.values()} == {0}  # an activity has one time only


@pytest.mark.skipif(not HELPDESK.exists(), reason="the log is not part of the project")
async def test_the_help_desks_log_is_read_back_as_it_was(servers: Servers, tenant: str) -> None:
    began = time.monotonic()
    assert "4,580 journeys with 21,348 step events" in imported(servers, tenant)
    expected, found = parsed(), {}
    with serving(servers) as server:
        async with client(server.url, tenant, timeout=PATIENCE) as api:
            after, more = None, True
            while more:
                page = (await api.ask(PAGE, after=after))["journeys"]
                after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
                found |= {each["name"].removeprefix("Imported history "): each for each in page["nodes"]}
            await counted(api)
            await took_as_long_as_is_known(api)
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

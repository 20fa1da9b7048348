"""A log of 4,580 cases and 21,348 events through `journeys import`, and lists, searches and counts over them.

The log is ../shared/data/helpdesk.xes.gz where it is there, else one of the same shape. Time and peak memory are the
importing process's own; the times of the queries are those of a client of `journeys serve`.
"""

import gzip
import os
import random
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from tests.benchmarks.measure import quantile
from tests.conftest import Servers
from tests.e2e.harness import Client, client, environment, fresh, serving

HELPDESK: Final = Path(__file__).parents[3] / "shared" / "data" / "helpdesk.xes.gz"
CASES: Final = 4_580
TIMES: Final = 20
ALLOWED_MIB: Final = 400
ALLOWED_MS: Final = 300
FIELDS: Final = (
    "id name type status stage priority progress templateId currentStepId customerId assignedTo "
    "startedAt lastActivity"
)
FILTERS: Final[dict[str, dict[str, Any]]] = {
    "all": {},
    "status, nearly all": {"status": ["COMPLETED"]},
    "status, few": {"status": ["ACTIVE"]},
    "two statuses": {"status": ["ACTIVE", "PAUSED"]},
    "stage": {"stage": ["SUPPORT"]},
    "template": {"templateId": "imported_history"},
    "status + stage + priority": {"status": ["COMPLETED"], "stage": ["SUPPORT"], "priority": ["MEDIUM"]},
    "started in a month": {"createdAt": {"since": "2012-03-01T00:00:00Z", "until": "2012-04-01T00:00:00Z"}},
    "started since 2012, completed": {
        "createdAt": {"since": "2012-01-01T00:00:00Z"},
        "status": ["COMPLETED"],
    },
    "active since 2013": {"lastActivity": {"since": "2013-01-01T00:00:00Z"}},
    "search, one rare word": {"search": "927"},
    "search, one word of all": {"search": "imported"},
    "search, one beginning of all": {"search": "val"},
    "search, two words, one rare": {"search": "case 927"},
    "search, two words of all": {"search": "imported value"},
    "search, two words of some": {"search": "value 27"},
    "search + status": {"search": "value 3", "status": ["COMPLETED"]},
    "nothing found": {"search": "nowhere"},
}


async def run(servers: Servers) -> None:
    """Prints a table."""
    tenant = fresh()
    with TemporaryDirectory() as folder:
        path = HELPDESK if HELPDESK.exists() else generated(Path(folder))
        seconds, mib = _import(servers, path, tenant)
    _say(f"import of {CASES:,} cases {seconds:35.1f} s  peak {mib:6.0f} MiB{_over(mib, ALLOWED_MIB)}")
    with serving(servers) as server:
        async with client(server.url, tenant) as api:
            await _lists(api)
            await _counts(api)


async def _lists(api: Client) -> None:
    for name, filter in FILTERS.items():
        for order in ("CREATED_AT", "LAST_ACTIVITY"):
            query = f"""query($filter: JourneyFilterInput, $after: String) {{
              journeys(filter: $filter, orderBy: {order}, first: 50, after: $after) {{
                nodes {{ {FIELDS} }} pageInfo {{ hasNextPage endCursor }} }} }}"""
            first = await _measure(api, f"list: {name}, {order}", query, filter=filter)
            info = first["journeys"]["pageInfo"]
            if name in ("all", "stage") and info["hasNextPage"]:
                after = info["endCursor"]
                await _measure(api, f"list: {name}, {order}, page 2", query, filter=filter, after=after)
    total = "query($filter: JourneyFilterInput) { journeys(filter: $filter, first: 50) { totalCount nodes { id } } }"
    for name, filter in FILTERS.items():
        await _measure(api, f"list with totalCount: {name}", total, filter=filter)


async def _counts(api: Client) -> None:
    for what in ("total", "byStatus { status count }", "byStage { stage count }"):
        query = f"query($filter: JourneyFilterInput) {{ journeyCounts(filter: $filter) {{ {what} }} }}"
        for name in (
            "all",
            "template",
            "status, nearly all",
            "started in a month",
            "search, two words of some",
        ):
            await _measure(api, f"count: {what.partition(' ')[0]}, {name}", query, filter=FILTERS[name])


async def _measure(api: Client, name: str, query: str, **variables: Any) -> Any:
    taken = []
    for number in range(TIMES + 2):
        began = time.perf_counter()
        data = await api.ask(query, **variables)
        if number >= 2:
            taken.append(1000 * (time.perf_counter() - began))
    p50, p95 = quantile(taken, 0.5), quantile(taken, 0.95)
    _say(f"{name:<58} p50 {p50:7.1f} ms  p95 {p95:7.1f} ms{_over(p95, ALLOWED_MS)}")
    return data


def _import(servers: Servers, path: Path, tenant: str) -> tuple[float, float]:
    """Seconds and MiB of `journeys import`."""
    command = [str(Path(sys.executable).parent / "journeys"), "import", str(path), "--tenant", tenant]
    began = time.perf_counter()
    process = subprocess.Popen(command, env=environment(servers), stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError("the import failed")
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB elsewhere
    return time.perf_counter() - began, usage.ru_maxrss * unit / 1024**2


def generated(folder: Path) -> Path:
    """A log of as many cases and events, with the same number of activities and columns."""
    chance = random.Random(4580)
    columns = ("seriousness", "customer", "product", "responsible_section", "service_level", "workgroup")
    path = folder / "generated.xes.gz"
    with gzip.open(path, "wt", encoding="utf-8") as out:
        out.write("<log>\n")
        left = 21_348 - CASES
        for case in range(CASES):
            more = min(left, chance.choice((1, 3, 4, 4, 5)))
            left -= more
            at = datetime(2010, 1, 13, tzinfo=UTC) + timedelta(minutes=case * 460)
            out.write(f'<trace><string key="concept:name" value="Case {case}"/>\n')
            for n in range(1 + more):
                activity = "Closed" if n == more else f"Activity {chance.randrange(13)}"
                at += timedelta(minutes=chance.randrange(9_000))
                out.write(
                    f'<event><string key="concept:name" value="{activity}"/>'
                    f'<string key="org:resource" value="Value {chance.randrange(22)}"/>'
                    f'<date key="time:timestamp" value="{at.isoformat()}"/>'
                )
                for column in columns:
                    out.write(f'<string key="{column}" value="Value {chance.randrange(30)}"/>')
                out.write("</event>\n")
            out.write("</trace>\n")
        out.write("</log>\n")
    return path


def _over(value: float, allowed: float) -> str:
    return f"  OVER {allowed}" if value > allowed else ""


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201  # this is what a benchmark is for

"""Funnel, attribution and cohorts over many journeys: their time against one bare `$match` and `$group` of the same
documents, how it grows with them, the API's memory, and how promptly it answers others meanwhile.

Each journey has ten milestones, or its customer ten touchpoints and a conversion, or ten conversions. BENCH_JOURNEYS
says how many journeys, 1,000 and 10,000 where it says nothing, and BENCH_REPORTS which of the reports; both with
commas. That takes five to eight minutes. `BENCH_JOURNEYS=10000,100000` is for a quiet machine and more patience: the
embedded database takes about 6,000 such documents a second and reads 50,000, so each report of 100,000 journeys needs
several minutes, most of them for its documents.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from app.wiring import utc_now
from domain.identity import Actor, ActorKind, Role
from domain.record_events import ConversionAdded, TouchpointAdded
from domain.template import Stage
from domain.values import Money, timestamp
from storage.codec import Document
from storage.indexes import create_indexes
from storage.milestones import milestones
from storage.mongo import Mongo
from storage.store import Store
from storage.subject import Cause
from storage.touchpoints import CONVERSION, TOUCHPOINT
from tests.benchmarks.measure import quantile
from tests.conftest import Servers
from tests.e2e.harness import fresh, serving, token

SIZES = "1000,10000"
TEN = 10  # milestones, touchpoints or conversions of each journey
AT_ONCE = 2_000
RUNS, FEW_FROM = 3, 50_000  # journeys from which on there is one run, beside one probe
PATIENCE = 1_800.0  # seconds
PROBE_SECONDS, PROBES_ALONE = 0.05, 60
MEMORY_MIB = 300
FIRST = datetime(2025, 1, 1, tzinfo=UTC)
SPREAD = 300  # days over which the journeys begin
CHANNELS = ("search", "mail", "direct", "shop", "call", "social")
CAUSE = Cause(Actor(ActorKind.SERVICE, "benchmark"), "benchmark", "benchmark")

Rows = Iterator[tuple[str, Document]]  # a collection, and a document of it

STEPS = (
    '{ stage: LEAD } { templateId: "t", step: "s1" } { templateId: "t", step: "s2" } '
    '{ templateId: "t", step: "s3" } { stage: CUSTOMER }'
)
NAMES = ["stage:lead", "step:t/s1", "step:t/s2", "step:t/s3", "stage:customer"]
ENDS = ["status:completed", "status:abandoned"]


def _walked(tenant: str, number: int) -> Rows:
    """The milestones of one journey; every fourth fails at its third step and is abandoned."""
    lost = number % 4 == 0
    told: list[tuple[str, Document]] = [
        ("journey:started", {"templateId": "t", "category": "custom", "stage": "lead"}),
        *((f"journey:step_{done}", {"step": f"s{n}"}) for n in (1, 2) for done in ("entered", "completed")),
        ("journey:step_entered", {"step": "s3"}),
    ]
    if lost:
        told += [(f"journey:step_{each}", {"step": "s3", "reason": "late"}) for each in ("failed", "retried")]
        told += [("journey:abandoned", {"reason": "late"})]
    else:
        told += [
            ("journey:step_completed", {"step": "s3"}),
            ("journey:stage_changed", {"toStage": "customer"}),
        ]
        told += [("journey:completed", {})]
    id, begin = f"jrn_{tenant}{number}", _begin(number)
    facets = {"templateId": "t", "category": "custom"}
    entries = []
    for n, (type, data) in enumerate(told, 1):
        at = begin + timedelta(hours=7 * n)
        entry: Document = {
            "_id": f"{id}:{n}:0",
            "type": type,
            "data": data,
            "facets": facets,
            "tenantId": tenant,
        }
        entry |= {"subject": id, "customerId": f"c{number}", "occurredAt": at}
        entries.append(entry | {"timeKey": f"{timestamp(at)}|{id}:{n:010d}:000000"})
    made = milestones(entries)
    assert len(made) == TEN
    yield from (("milestones", each) for each in made)


def _touched(tenant: str, number: int) -> Rows:
    """Ten contacts of one customer, and what came of them."""
    for n in range(TEN):
        contact = TouchpointAdded(
            at=_begin(number) + timedelta(days=2 * n),
            tenant_id=tenant,
            kind="visit",
            channel=CHANNELS[(number * 7 + n * n) % len(CHANNELS)],
            source="crm",
            title="A visit",
            journey_id=f"jrn_{tenant}{number}",
            customer_id=f"c{number}",
        )
        yield "touchpoints", _record(TOUCHPOINT, contact, f"tch_{tenant}{number}_{n}")
    yield "conversions", _bought(tenant, number, 25)


def _returned(tenant: str, number: int) -> Rows:
    """Ten conversions of one customer, at growing distances."""
    for n in range(TEN):
        yield "conversions", _bought(tenant, number, n * (n + number % 5))


def _bought(tenant: str, number: int, day: int) -> Document:
    bought = ConversionAdded(
        at=_begin(number) + timedelta(days=day, minutes=day),
        tenant_id=tenant,
        kind="sale",
        to_stage=Stage.CUSTOMER,
        value=Money(100 + number % 50, "EUR"),
        journey_id=f"jrn_{tenant}{number}",
        customer_id=f"c{number}",
    )
    return _record(CONVERSION, bought, f"cnv_{tenant}{number}_{day}")


def _record(kind: Any, added: Any, id: str) -> Document:
    """As the service writes it, without what is still to be done with it."""
    _, document = _MAKER.changes.made(kind, id, [added], CAUSE)
    return {name: each for name, each in document.items() if name not in ("outbox", "outboxAt")}


class _Nowhere:
    """In place of a database: documents are made here and nothing is written."""

    def __getitem__(self, name: str) -> None:
        pass


_MAKER = Store.of(_Nowhere(), utc_now)  # type: ignore[arg-type]  # it only makes documents


def _begin(number: int) -> datetime:
    return FIRST + timedelta(days=number % SPREAD, seconds=number % 3_600)


@dataclass(frozen=True)
class Kind:
    """A report: the documents of one journey, the query, and the floor, a collection and what is read of it."""

    rows: Callable[[str, int], Rows]
    query: str
    collection: str
    match: Document
    unit: str
    right: Callable[[Any, int], bool]  # whether the answer over so many journeys is


KINDS = {
    "funnel": Kind(
        _walked,
        f"{{ funnel(steps: [{STEPS}]) {{ steps {{ reached dropped }} }} }}",
        "milestones",
        {"name": {"$in": [*NAMES, *ENDS]}},
        "$journeyId",
        lambda data, size: (
            [each["reached"] for each in data["funnel"]["steps"]][::4] == [size, size * 3 // 4]
        ),
    ),
    "attribution": Kind(
        _touched,
        "{ compareAttribution { conversions attributed { value } rows { key conversions } } }",
        "touchpoints",
        {},
        "$customerId",
        lambda data, size: data["compareAttribution"]["conversions"] == size,
    ),
    "cohorts": Kind(
        _returned,
        "{ cohorts { total { size cells { active } } } }",
        "conversions",
        {},
        "$customerId",
        lambda data, size: data["cohorts"]["total"]["size"] == size,
    ),
}
# The one is answered by the API alone, the other by the database, which the report keeps busy.
PROBES = {"of itself": "{ funnels { name } }", "of a list": "{ journeys(first: 1) { nodes { id } } }"}


@dataclass
class Figures:
    """Seconds of the report and of the floor, MiB of the API, and seconds that the probes took."""

    ours: list[float] = field(default_factory=list)
    floor: list[float] = field(default_factory=list)
    peak: float = 0.0
    idle: dict[str, list[float]] = field(default_factory=dict)
    busy: dict[str, list[float]] = field(default_factory=dict)


async def run(servers: Servers) -> None:
    sizes = [int(each) for each in os.environ.get("BENCH_JOURNEYS", SIZES).split(",")]
    chosen = os.environ.get("BENCH_REPORTS", ",".join(KINDS)).split(",")
    mongo = Mongo(servers.mongodb_uri, servers.database, timeout=PATIENCE)
    await create_indexes(mongo)
    try:
        for name in chosen:
            before: tuple[int, Figures] | None = None
            for size in sizes:
                found = await _measured(servers, mongo, KINDS[name], size)
                _tell(name, size, found, before)
                before = size, found
    finally:
        await mongo.close()


async def _measured(servers: Servers, mongo: Mongo, kind: Kind, size: int) -> Figures:
    tenant, figures = fresh("bench"), Figures()
    await _insert(mongo, (row for number in range(size) for row in kind.rows(tenant, number)))
    runs = RUNS if size < FEW_FROM else 1
    group = [{"$match": {"tenantId": tenant, **kind.match}}, {"$group": {"_id": kind.unit, "n": {"$sum": 1}}}]
    for _ in range(runs):
        began = time.perf_counter()
        units = [each async for each in mongo.aggregate(mongo[kind.collection], group, spill=True)]
        figures.floor.append(time.perf_counter() - began)
        assert len(units) == size
    with serving(servers, REPORT_TIMEOUT=f"{PATIENCE:.0f}", QUERY_TIMEOUT=f"{PATIENCE:.0f}") as server:
        bearer = {"authorization": f"Bearer {token(tenant, Role.ADMIN)}"}
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(headers=bearer, timeout=PATIENCE, limits=limits) as http:

            async def ask(query: str) -> Any:
                answer = (await http.post(server.url, json={"query": query})).json()
                assert "errors" not in answer, answer
                return answer["data"]

            for probe, query in PROBES.items():
                await ask(query)  # the first one opens connections
                async with _probing(ask, query) as figures.idle[probe]:
                    await asyncio.sleep(PROBES_ALONE * PROBE_SECONDS)
                figures.busy[probe] = []
            for probe in ["of itself"] * runs + ["of a list"] * (size < FEW_FROM):
                async with _probing(ask, PROBES[probe]) as answered:
                    began = time.perf_counter()
                    data = await ask(kind.query)
                    took = time.perf_counter() - began
                assert kind.right(data, size), data
                figures.busy[probe] += answered
                if probe == "of itself":  # the dearer one would delay the report
                    figures.ours.append(took)
        figures.peak = _peak_mib(server.process.pid)
    return figures


async def _insert(mongo: Mongo, rows: Rows) -> None:
    held: dict[str, list[Document]] = {}
    for collection, document in rows:
        some = held.setdefault(collection, [])
        some.append(document)
        if len(some) == AT_ONCE:
            await mongo[collection].insert_many(some, ordered=False)
            some.clear()
    for collection, some in held.items():
        if some:
            await mongo[collection].insert_many(some, ordered=False)


@asynccontextmanager
async def _probing(ask: Callable[[str], Any], query: str) -> AsyncIterator[list[float]]:
    """How long a small query takes that is sent again and again, whether or not the earlier ones are answered."""
    taken = list[float]()
    sent = set[asyncio.Task[None]]()

    async def one() -> None:
        began = time.perf_counter()
        await ask(query)
        taken.append(time.perf_counter() - began)

    async def send() -> None:
        while True:
            sent.add(asyncio.create_task(one()))
            await asyncio.sleep(PROBE_SECONDS)

    sending = asyncio.create_task(send())
    try:
        yield taken
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        await asyncio.gather(*sent)


def _peak_mib(pid: int) -> float:
    """The most memory that a process ever had (proc(5): VmHWM)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmHWM")


def _tell(name: str, size: int, found: Figures, before: tuple[int, Figures] | None) -> None:
    ours, floor = quantile(found.ours, 0.5), quantile(found.floor, 0.5)
    line = f"{name} of {size:,} journeys: {ours:.2f} s  floor {floor:.2f} s  ratio {ours / floor:.2f}  "
    if before is not None:
        smaller, then = before
        grew, base = ours / quantile(then.ours, 0.5), floor / quantile(then.floor, 0.5)
        line += f"grew {grew:.1f}-fold, the floor {base:.1f}-fold, the data {size / smaller:.1f}-fold  "
    print(f"{line}peak {found.peak:.0f} MiB (bound {MEMORY_MIB})", flush=True)  # noqa: T201  # what it is for
    for probe in filter(found.busy.__getitem__, PROBES):
        busy, idle = found.busy[probe], found.idle[probe]
        print(  # noqa: T201
            f"    a small query {probe:<9} p50 {1000 * quantile(busy, 0.5):7.1f} ms  p99 "
            f"{1000 * quantile(busy, 0.99):7.1f} ms of {len(busy)} beside it; p99 {1000 * quantile(idle, 0.99):.1f} "
            "ms without it",
            flush=True,
        )

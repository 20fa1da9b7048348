"""Handoffs by a worker process: per second against bare calls to the same partner, how promptly they begin, what
100,000 waiting timers cost an idle worker, and what a hanging partner costs the others."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import httpx

from app.wiring import new_id, utc_now
from domain import handing
from domain.approval import ApprovalPolicy
from domain.handoff_events import HandoffCreated, HandoffType
from domain.identity import Actor, ActorKind
from domain.package import Action, Package, PackageEvent, configure
from storage.indexes import create_indexes
from storage.mongo import Mongo
from storage.store import Store
from storage.subject import Cause
from subscriptions.broker import Broker
from tests.benchmarks.measure import quantile, report
from tests.conftest import Servers
from tests.e2e.harness import BOUND, environment, eventually, fresh
from tests.workers.target import Answer, Partner, Request, answer, hang, listening
from workers.relay import Relay
from workers.wakeup import Wakeup

TOTAL, CLIENTS, PACED, WARM_UP = 400, 16, 100, 5
TIMERS, IDLE_SECONDS = 100_000, 10.0
HANGING, TIMED, PAUSE_SECONDS = 200, 100, 0.1
BY = Actor(ActorKind.SERVICE, "benchmark")


class Bench:
    """A store of the test's own, as a server process has one, and its tenants' handoffs."""

    def __init__(self, store: Store, partner: Partner) -> None:
        self.store, self.partner = store, partner
        self.arrived: dict[str, float] = {}  # by Idempotency-Key

    async def tenant(self, path: str = "/do") -> str:
        """A tenant whose package `crm` is at this path of the partner."""
        tenant = fresh("bench")

        def settle(package: Package, at: object) -> list[PackageEvent]:
            return configure(
                package, at=utc_now(), address=self.partner.url, actions=(Action(name="do", path=path),)
            )

        await self.store.packages.change(tenant, "crm", settle, Cause(BY, new_id(), new_id()))
        return tenant

    async def create(self, tenant: str) -> tuple[str, float]:
        """A handoff's id and when its creation was called for."""
        began, id = time.perf_counter(), f"hof_{new_id()}"
        created = HandoffCreated(
            at=utc_now(),
            tenant_id=tenant,
            kind=HandoffType.AUTOMATIC,
            name="do",
            to_package="crm",
            action="do",
        )
        package = await self.store.packages.find(tenant, "crm")
        events = handing.create(id, created, package, by=BY, strict=True)
        await self.store.handoffs.create(id, events, Cause(BY, new_id(), id))
        return id, began

    async def approval(self, tenant: str, due: timedelta) -> str:
        """One that nobody will decide."""
        id = f"hof_{new_id()}"
        created = HandoffCreated(
            at=utc_now(),
            tenant_id=tenant,
            kind=HandoffType.APPROVAL_REQUIRED,
            name="decide",
            to_package="people",
            policy=ApprovalPolicy(due=due),
        )
        events = handing.create(id, created, None, by=BY, strict=True)
        await self.store.handoffs.create(id, events, Cause(BY, new_id(), id))
        return id

    async def done(self, keys: int) -> None:
        async def all_arrived() -> bool:
            return len(self.arrived) >= keys

        await eventually(all_arrived, f"{keys} calls", bound=120.0)


async def run(servers: Servers) -> None:
    async with _bench(servers) as bench:
        await _throughput(servers, bench)
        await _promptness(servers, bench)
        await _lateness(servers, bench)
        await _idle(servers, bench)


async def _throughput(servers: Servers, bench: Bench) -> None:
    """All are waiting when the worker starts; what is counted is from the first call to the last."""
    tenants = [await bench.tenant() for _ in range(4)]
    for number in range(0, TOTAL, CLIENTS):
        some = (bench.create(tenants[n % 4]) for n in range(number, min(TOTAL, number + CLIENTS)))
        await asyncio.gather(*some)
    with _Worker(servers):
        await bench.done(TOTAL)
    ours = max(bench.arrived.values()) - min(bench.arrived.values())
    async with httpx.AsyncClient() as http:

        async def client() -> None:
            for _ in range(TOTAL // CLIENTS):
                await http.post(f"{bench.partner.url}/do", json={"id": "x"}, timeout=BOUND)

        began = time.perf_counter()
        await asyncio.gather(*(client() for _ in range(CLIENTS)))
        bare = time.perf_counter() - began
    print(  # noqa: T201  # this is what a benchmark is for
        f"handoffs executed: {TOTAL / ours:7.1f}/s   bare httpx calls: {TOTAL / bare:7.1f}/s   "
        f"ratio {bare / ours:6.3f}",
        flush=True,
    )


async def _promptness(servers: Servers, bench: Bench) -> None:
    """From the call for a handoff to its partner being called: alone, and beside a tenant whose partner hangs."""
    quiet, stuck = await bench.tenant(), await bench.tenant("/hang")
    with _Worker(servers):
        await _paced(bench, quiet, WARM_UP)
        alone = await _paced(bench, quiet)
        for _ in range(HANGING):
            await bench.create(stuck)
        beside = await _paced(bench, quiet)
    report("handoff created to partner called", alone)
    report("the same beside a tenant whose partner hangs", beside, alone)
    ratio = quantile(beside, 0.99) / quantile(alone, 0.99)
    print(f"{'':<58} p99 beside / alone {ratio:5.2f} (bound 2)", flush=True)  # noqa: T201


async def _lateness(servers: Servers, bench: Bench) -> None:
    """How long after its due time an approval expires."""
    tenant, late = fresh("bench"), []
    ids = [
        await bench.approval(tenant, due=timedelta(seconds=3, milliseconds=50 * number))
        for number in range(TIMED)
    ]
    with _Worker(servers):

        async def all_expired() -> bool:
            found = await bench.store.handoffs.many(ids, tenant)
            return all(each is not None and each.ended_at is not None for each in found)

        await eventually(all_expired, "the expiry of all approvals", bound=60.0)
    for id in ids:
        handoff = await bench.store.handoffs.get(id, tenant)
        assert handoff.ended_at is not None
        assert handoff.approval is not None
        due = handoff.created_at + (handoff.approval.policy.due or timedelta())
        late.append((handoff.ended_at - due).total_seconds())
    report("due time to expiry (bound 2,000 ms)", late)


async def _paced(bench: Bench, tenant: str, times: int = PACED) -> list[float]:
    bench.arrived.clear()
    called = {}
    for _ in range(times):
        id, began = await bench.create(tenant)
        called[f"{id}:1"] = began

        async def arrived(key: str = f"{id}:1") -> bool:
            return key in bench.arrived

        await eventually(arrived, "the call")
        await asyncio.sleep(PAUSE_SECONDS)  # its answer is recorded meanwhile
    return [bench.arrived[key] - began for key, began in called.items()]


async def _idle(servers: Servers, bench: Bench) -> None:
    """Processor time of a worker that waits, as a share of one core; without timers and with them."""
    shares = []
    for timers in (0, TIMERS):
        if timers:
            await _wait_for_later(bench, timers)
        with _Worker(servers) as process:
            await asyncio.sleep(3)  # it has started
            before = _cpu_seconds(process.pid)
            await asyncio.sleep(IDLE_SECONDS)
            shares.append((_cpu_seconds(process.pid) - before) / IDLE_SECONDS)
    print(  # noqa: T201
        f"an idle worker: {100 * shares[0]:.2f}% of a core; "
        f"with {TIMERS:,} waiting timers: {100 * shares[1]:.2f}% (bound 2%)",
        flush=True,
    )


async def _wait_for_later(bench: Bench, timers: int) -> None:
    tenant = await bench.tenant()
    id, _ = await bench.create(tenant)
    handoffs = bench.store.mongo["handoffs"]
    like = await handoffs.find_one({"_id": id})
    assert like is not None
    later = utc_now() + timedelta(days=2)
    like |= {"outbox": [], "nextAttemptAt": later, "queue": f"{tenant}|crm"}
    like.pop("outboxAt", None)
    for start in range(0, timers, 1000):
        some = [
            like
            | {
                "_id": f"hof_{tenant}{n}",
                "wakeAt": later + timedelta(milliseconds=n),
                "createdKey": f"{n:09d}",
            }
            for n in range(start, start + 1000)
        ]
        await handoffs.insert_many(some)


class _Worker:
    """`journeys work` as a process."""

    def __init__(self, servers: Servers) -> None:
        command = [str(Path(sys.executable).parent / "journeys"), "work"]
        settings = environment(servers, JOURNEYS_TARGET_NETWORKS="127.0.0.0/8")
        self.process = subprocess.Popen(command, env=settings, stdout=subprocess.PIPE, text=True)
        self.pid = self.process.pid

    def __enter__(self) -> "_Worker":
        assert self.process.stdout is not None
        assert "Working" in self.process.stdout.readline()
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait(BOUND)
        if self.process.stdout is not None:
            self.process.stdout.close()


def _cpu_seconds(pid: int) -> float:
    """Processor time that a process has taken (proc(5): utime and stime are fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def _bench(servers: Servers) -> AsyncIterator[Bench]:
    mongo, broker = Mongo(servers.mongodb_uri, servers.database), Broker(servers.redis_url)
    await create_indexes(mongo)
    store = Store.of(mongo, utc_now)
    wakeup = Wakeup(broker.wake, None)
    relay = Relay(store, broker.publish, utc_now, wakeup.wake)
    store.changes.logged = relay.logged
    tasks = [asyncio.create_task(relay.run()), asyncio.create_task(wakeup.run())]
    async with listening(hang=hang) as partner:
        bench = Bench(store, partner)
        partner.answers["/do"] = _noting(bench)
        try:
            yield bench
        finally:
            await store.changes.drain()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await broker.close()
            await mongo.close()


def _noting(bench: Bench) -> Answer:
    well = answer("200 OK", b'{"done": true}')

    async def note(request: Request, writer: asyncio.StreamWriter) -> None:
        if key := request.headers.get("idempotency-key"):
            bench.arrived[key] = time.perf_counter()
        await well(request, writer)

    return note

"""The schema with its parts, without a transport: subscriptions of many users, and a count of what they read."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any, Self

import orjson
from pymongo import monitoring
from strawberry.types import ExecutionResult

from app.graphql import Schema, build
from app.settings import Settings
from app.wiring import Runtime, running
from domain.identity import Identity, Role
from resolvers.context import Context
from subscriptions.sharing import Groups
from tests.conftest import Servers
from tests.e2e.harness import BOUND, eventually
from tests.subscriptions.wire import PATIENCE, change

CHANGES = """subscription($after: String, $status: [JourneyStatus!]) {
  journeyChanges(filter: {status: $status}, after: $after) {
    kind cursor reset journey { id } events { subject revision }
  }
}"""
APPROVALS = "subscription { pendingApprovalsChanged { kind handoff { id } } }"
EVENTS = """subscription($after: String) {
  events(types: ["journey:started", "journey:context_updated"], after: $after) { cursor events { subject revision } }
}"""
START = "mutation($i: StartJourneyInput!) { startJourney(input: $i) { journey { id } } }"
UPDATE = (
    "mutation($i: UpdateJourneyContextInput!) { updateJourneyContext(input: $i) { userErrors { code } } }"
)
CURSOR = "{ journeys(first: 1) { liveCursor } }"


class Reads(monitoring.CommandListener):
    """Counts the reads of journeys by every client made after it."""

    def __init__(self) -> None:
        self.count = 0
        monitoring.register(self)

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self.count += event.command_name == "find" and event.command.get("find") == "journeys"

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        pass

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass


class Member:
    """Reads a subscription until the block ends, and keeps what it is told."""

    def __init__(self, schema: Schema, query: str, variables: dict[str, Any], context: Context) -> None:
        self.results: list[ExecutionResult] = []
        self._open = (schema, query, variables, context)
        self._going = asyncio.Event()
        self._going.set()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _read(self) -> None:
        schema, query, variables, context = self._open
        results = await schema.stream(query, variables, context)
        try:
            async for result in results:
                await self._going.wait()
                self.results.append(result)
        finally:
            await results.aclose()

    def pause(self) -> None:
        """Take nothing more, as a client that does not read."""
        self._going.clear()

    def resume(self) -> None:
        self._going.set()

    @property
    def errors(self) -> list[dict[str, Any]]:
        return [error.extensions or {} for result in self.results for error in result.errors or ()]

    def told(self, subject: str) -> list[dict[str, Any]]:
        """What came about one journey."""
        changes = [next(iter(_plain(result.data).values())) for result in self.results if result.data]
        return [each for each in changes if subject in _subjects(each)]

    def revisions(self, subject: str) -> list[int]:
        """Those of the changes that came about one journey."""
        return [each["events"][0]["revision"] for each in self.told(subject)]

    async def has(self, subject: str, count: int) -> None:
        async def there() -> bool:
            assert not self.errors
            return len(self.told(subject)) >= count

        await eventually(there, f"{count} changes of {subject}")

    async def error(self, code: str) -> dict[str, Any]:
        """Wait for the end, and an error of this code."""
        await asyncio.wait_for(asyncio.shield(self._task), BOUND)
        [found] = self.errors
        assert found["code"] == code
        return found


@dataclass
class Desk:
    schema: Schema
    runtime: Runtime
    tenant: str
    started: int = 0
    revisions: dict[str, int] = field(default_factory=lambda: defaultdict(lambda: 1))

    @property
    def groups(self) -> Groups:
        return self.schema.groups

    def context(
        self,
        tenant: str | None = None,
        user: str = "ann",
        roles: set[Role] | None = None,
        expires_at: datetime | None = None,
        groups: frozenset[str] = frozenset(),
    ) -> Context:
        context = self.runtime.context("test")
        context.known = Identity(
            tenant or self.tenant, user, frozenset(roles or {Role.ADMIN}), expires_at, groups
        )
        return context

    def member(
        self,
        query: str,
        *,
        tenant: str | None = None,
        user: str = "ann",
        roles: set[Role] | None = None,
        expires_at: datetime | None = None,
        groups: frozenset[str] = frozenset(),
        **variables: Any,
    ) -> Member:
        return Member(self.schema, query, variables, self.context(tenant, user, roles, expires_at, groups))

    async def ask(self, query: str, tenant: str | None = None, **variables: Any) -> Any:
        found = await self.schema.execute(query, variables, self.context(tenant))
        assert found.errors is None
        return found.data

    async def start(self, tenant: str | None = None) -> str:
        self.started += 1
        input = {"templateId": "support_resolution", "context": {"ticketId": str(self.started)}}
        id = (await self.ask(START, tenant, i=input))["startJourney"]["journey"]["id"]
        await eventually(partial(self._out, tenant or self.tenant, id), "its start is out")
        return str(id)

    async def _out(self, tenant: str, journey: str) -> bool:
        """Whether the relay has told of a journey's start."""
        tail = await self.runtime.broker.tail(tenant)
        changes = self.runtime.broker.read(tenant, tail.run, "0-0")
        return journey in [each.subject async for each in changes]

    async def update(self, journey: str, times: int = 1) -> None:
        """Tell of so many changes of a journey, as its relay would."""
        for _ in range(times):
            self.revisions[journey] += 1
            [made] = change(self.tenant, "", self.revisions[journey])
            published = await self.runtime.broker.publish([replace(made, subject=journey)], None)
            assert published.outcome == "published"

    async def cursor(self) -> str:
        return str((await self.ask(CURSOR))["journeys"]["liveCursor"])

    async def live(self, members: list[Member]) -> None:
        """Wait until each of these members of one tenant is told what happens."""
        tenant = members[0]._open[3].identity.tenant_id

        async def told() -> bool:
            await self.start(tenant)
            return all(member.results for member in members)

        await eventually(told, "the members are live")

    async def live_groups(self, count: int) -> None:
        async def there() -> bool:
            return len(self.groups) == count

        await eventually(there, f"{count} groups")


@asynccontextmanager
async def desk(servers: Servers, reads: Reads, tenant: str) -> AsyncIterator[Desk]:
    """`reads` was there first, so that it counts."""
    settings = Settings(
        mongodb_uri=servers.mongodb_uri, redis_url=servers.redis_url, database=f"{servers.database}_feed"
    )
    async with running(settings) as runtime:
        runtime.broker.patience = PATIENCE
        yield Desk(build(), runtime, tenant)


def _plain(data: Any) -> Any:
    return orjson.loads(orjson.dumps(data))


def _subjects(change: dict[str, Any]) -> set[str]:
    return {event["subject"] for event in change["events"]}

"""Calls: a handoff as the request that its partner gets, and the partner's reply as the answer to it."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter
from typing import Final, Protocol

import orjson

from domain import attempting
from domain.address import Probed
from domain.attempting import Answer
from domain.handoff import Handoff
from domain.package import Action, Package
from domain.values import JsonObject
from storage.secrets import Vault
from storage.store import Store
from workers.outbound import Call, NoReply, Reply

KEPT_SECONDS: Final = 2.0  # a package's settings
KEPT: Final = 5_000
PROBE_SECONDS: Final = 10.0


class SwitchedOff(Exception):
    """The package is switched off: its handoffs wait."""


class Send(Protocol):
    def __call__(self, call: Call) -> Awaitable[Reply]: ...


@dataclass(frozen=True, slots=True)
class Target:
    """A package as it is called: with the texts of its secrets, or what is wrong with it."""

    package: Package | None
    secrets: tuple[str, ...] = ()


class Calls:
    def __init__(self, store: Store, vault: Vault, send: Send, now: Callable[[], datetime]) -> None:
        self._store, self._vault, self._send, self._now = store, vault, send, now
        self._targets: OrderedDict[tuple[str, str], tuple[float, Target]] = OrderedDict()

    async def target(self, handoff: Handoff) -> Target:
        """Where a handoff goes, as it was set not longer than two seconds ago. Raises SwitchedOff."""
        key, clock = (handoff.tenant_id, handoff.to_package), asyncio.get_running_loop().time()
        until, target = self._targets.get(key, (0.0, None))
        if target is None or until <= clock:
            target = await self._look_up(*key)
            self._targets[key] = (clock + KEPT_SECONDS, target)
            if len(self._targets) > KEPT:
                self._targets.popitem(last=False)
        if target.package is not None and not target.package.enabled:
            raise SwitchedOff
        return target

    def call(self, target: Target, handoff: Handoff) -> "asyncio.Task[Answer]":
        """Call the partner, within the time that the attempt has."""
        return asyncio.create_task(self._call(target, handoff))

    async def probe(self, package: Package, action: str | None) -> Probed:
        """A signed call that asks for nothing, to see whether the partner is there."""
        asked = package.action(action) or Action(name="test", path="")
        target = await self._look_up(package.tenant_id, package.name)
        body: JsonObject = {"test": True, "package": package.name, "action": action}
        began = perf_counter()
        message = f"test:{package.id}:{self._now().timestamp()}"
        answer = await self._ask(target, asked, {}, body, message, PROBE_SECONDS)
        return Probed(answer.status, answer.error, (perf_counter() - began) * 1000)

    async def _look_up(self, tenant_id: str, name: str) -> Target:
        package = await self._store.packages.find(tenant_id, name)
        if package is None:
            return Target(None)
        names = package.signing(self._now())
        return Target(package, tuple(await self._vault.open(tenant_id, names)) if names else ())

    async def _call(self, target: Target, handoff: Handoff) -> Answer:
        action = target.package.action(handoff.action) if target.package is not None else None
        if action is None:
            return Answer(error=f"{handoff.to_package} has no such action any more")
        body: JsonObject = {
            "id": handoff.id,
            "package": handoff.to_package,
            "action": handoff.action,
            "journeyId": handoff.journey_id,
            "step": handoff.step,
            "customerId": handoff.customer_id,
            "leadId": handoff.lead_id,
            "data": handoff.data,
        }
        left = attempting.time_left(handoff, self._now())
        return await self._ask(target, action, handoff.data, body, handoff.message_id, left)

    async def _ask(
        self, target: Target, action: Action, data: JsonObject, body: JsonObject, message: str, seconds: float
    ) -> Answer:
        package = target.package
        if package is None or package.address is None:
            return Answer(error="the package has no address")
        if len(target.secrets) < len(package.signing(self._now())):
            return Answer(error="a secret of the package cannot be opened")
        call = Call(
            url=package.url(action, data),
            body=orjson.dumps(body),
            message_id=message,
            secrets=target.secrets,
            at=self._now(),
            timeout=max(0.05, seconds),
        )
        try:
            reply = await self._send(call)
        except NoReply as error:
            return Answer(error=error.message, timed_out=error.timed_out)
        return Answer(status=reply.status, body=reply.body, retry_after=reply.retry_after)

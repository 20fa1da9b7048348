"""Templates with scheduled triggers, version after version, and minutes that pass."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from domain.errors import NotFound
from domain.template import Definition, Trigger, TriggerType
from domain.trigger import Trigger as State
from tests.domain.samples import definition
from tests.storage.subjects import cause
from tests.workers.triggering import ALL, Plant, Process, named

NINE, TEN, MINUTELY = "0 9 * * *", "0 10 * * *", "* * * * *"


def at(schedule: str, id: str = "t", **rest: Any) -> Trigger:
    return Trigger(id=id, name=id, type=TriggerType.SCHEDULED, schedule=schedule, **rest)


def made_of(*triggers: Trigger) -> Definition:
    return definition("a", triggers=triggers)


@dataclass
class Sample:
    """A tenant's template."""

    process: Process
    tenant: str

    async def version(self, *triggers: Trigger) -> None:
        templates = self.process.store.templates
        try:
            await templates.create_version(self.tenant, made_of(*triggers), cause())
        except NotFound:
            await templates.create(self.tenant, made_of(*triggers), cause())
        await self.process.store.changes.drain()  # it is followed

    async def switch(self, version: int, *, on: bool) -> None:
        await self.process.store.templates.switch(self.tenant, "sample", version, active=on, cause=cause())
        await self.process.store.changes.drain()

    async def trigger(self, name: str = "t") -> State:
        return await named(self.process.store, self.tenant, name)

    async def schedules(self) -> list[str | None]:
        """Those of its triggers that are switched on and will come."""
        found = await self.process.store.triggers.all(self.tenant)
        return [each.rule.schedule for each in found if each.wake_at is not None]

    async def history(self, id: str) -> list[str]:
        return [each.type for each in (await self.process.store.events.history(id, ALL)).items]


async def pass_a_minute(plant: Plant, *processes: Process) -> None:
    """To second 10 of the next one, so that the minute does not turn between two polls."""
    plant.clock.ahead += timedelta(seconds=70 - plant.clock().second)
    await asyncio.gather(*(each.worker.poll() for each in (*processes, *processes)))
    await asyncio.gather(*(each.settle() for each in processes))

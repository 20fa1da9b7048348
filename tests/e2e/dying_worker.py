"""A worker that kills itself, as kill -9 does, the nth time it comes to a chosen point between a handoff and its step.

`claimed`: an attempt is begun, the partner is not called. `called`: the partner has answered, nobody has written it
down. `answer-written`, `answer-logged`: the handoff has ended, its events are not in the log; they are, nothing has
followed. `journey-written`, `journey-logged`: the same of the journey that heard of it. `next-written`, `next-logged`:
the same of the handoff that its next step makes. `followed`: all is done, but the log does not know that.
"""

import asyncio
import os
import random
import signal
import sys
from collections.abc import Sequence

from app.settings import Settings
from app.wiring import Runtime, new_id, running
from domain.events import Envelope, HandoffStatus
from domain.handoff_events import HandoffCompleted, HandoffCreated
from domain.journey_events import StepCompleted
from workers.calls import Calls
from workers.handoffs import HandoffWorker
from workers.outbound import Call, Outbound, Reply
from workers.wakeup import listen

POINTS = (
    "claimed",
    "called",
    "answer-written",
    "answer-logged",
    "journey-written",
    "journey-logged",
    "next-written",
    "next-logged",
    "followed",
)
LOGGED = {
    "answer-logged": HandoffCompleted.type,
    "journey-logged": StepCompleted.type,
    "next-logged": HandoffCreated.type,
}


class Dying:
    """Counts how often its point is reached."""

    def __init__(self, runtime: Runtime, tenant: str, point: str, nth: int) -> None:
        self._store, self._tenant, self._point, self._left = runtime.store, tenant, point, nth
        self._outbound = Outbound(runtime.settings.target_networks, runtime.now)
        self._relayed = runtime.store.changes.logged

    def at(self, point: str) -> None:
        if point != self._point:
            return
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    async def send(self, call: Call) -> Reply:
        self.at("claimed")
        reply = await self._outbound.send(call)
        self.at("called")
        return reply

    async def written(self, id: str) -> None:
        if id.startswith("jrn_"):
            self.at("journey-written")
        elif id.startswith("hof_") and self._point in ("answer-written", "next-written"):
            handoff = await self._store.handoffs.get(id, self._tenant)
            if handoff.status is HandoffStatus.COMPLETED:
                self.at("answer-written")
            elif handoff.revision == 1:
                self.at("next-written")

    async def logged(self, envelopes: Sequence[Envelope]) -> None:
        types = {each.type for each in envelopes}
        if LOGGED.get(self._point) in types:
            self.at(self._point)
        await self._relayed(envelopes)
        if HandoffCompleted.type in types:
            self.at("followed")


async def main(tenant: str, point: str, nth: int) -> None:
    async with running(Settings(), serve=False) as runtime:
        dying = Dying(runtime, tenant, point, nth)
        runtime.store.changes.written = dying.written
        runtime.store.changes.logged = dying.logged
        handoffs = HandoffWorker(
            runtime.store,
            Calls(runtime.store, runtime.vault, dying.send, runtime.now),
            runtime.now,
            new_id=new_id,
            chance=random.random,
            slots=runtime.settings.worker_slots,
            lease=runtime.settings.lease_seconds,
        )
        runtime.spawn(runtime.relay.sweep(), "sweep")
        runtime.spawn(handoffs.run(), "handoffs")
        runtime.spawn(listen(runtime.broker.woken(), handoffs.wake), "work")
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))

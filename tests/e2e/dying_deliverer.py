"""A worker that kills itself, as kill -9 does, the nth time it comes to a chosen point of a delivery.

`found`: an event is in the log, no delivery is made. `made`: they are, but the log does not know that. `claimed`: an
attempt is begun, nobody is called. `called`: the address has taken it, nobody has written that down.
"""

import asyncio
import os
import random
import signal
import sys
from collections.abc import Sequence

from app.settings import Settings
from app.wiring import new_id, running
from domain.events import Envelope
from workers.outbound import Call, Outbound, Reply
from workers.relay import Relay
from workers.routing import Routing
from workers.webhook_calls import WebhookCalls
from workers.webhooks import WebhookWorker

POINTS = ("found", "made", "claimed", "called")


async def main(point: str, nth: int) -> None:
    left = nth

    def at(reached: str) -> None:
        nonlocal left
        left -= reached == point
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    async with running(Settings(), serve=False) as runtime:
        outbound = Outbound(runtime.settings.target_networks, runtime.now)

        async def send(call: Call) -> Reply:
            at("claimed")
            reply = await outbound.send(call)
            at("called")
            return reply

        worker = WebhookWorker(
            runtime.store,
            WebhookCalls(runtime.store, runtime.vault, send, runtime.now),
            runtime.now,
            new_id=new_id,
            chance=random.random,
            lease=runtime.settings.lease_seconds,
        )
        routing = Routing(runtime.store, runtime.now, worker.wake)

        async def route(changes: Sequence[Sequence[Envelope]]) -> Sequence[Exception | None]:
            at("found")
            outcomes = await routing.route(changes)
            at("made")
            return outcomes

        relay = Relay(runtime.store, runtime.broker.publish, runtime.now, consumers={"webhooks": route})
        runtime.spawn(relay.sweep(), "sweep")
        runtime.spawn(worker.run(), "webhooks")
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))

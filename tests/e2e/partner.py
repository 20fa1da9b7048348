"""An example partner: a real HTTP server that stands for all the systems that journeys hand over to.

`python -m tests.e2e.partner --port 0` prints its address. A package's endpoint is that and the package's name. How it
behaves is set for all calls with `PUT /behaviour`, or for one call by `partner` in the handoff's data:

    delay: seconds before it answers        hang: it never does        status: what it answers instead of doing it
    times: how often per key it does so (status 503 by default), then it does well         retryAfter: seconds
    accept: it answers 202 and completes the handoff later, by GraphQL at `--callback`

What it has done under a key, it does not do again: it gives the same answer. `GET /calls` tells what it saw.
"""

import argparse
import asyncio
import json
import socket
import sys
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import httpx
import uvicorn
from standardwebhooks import Webhook, WebhookVerificationError
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

NEW_IDS = {
    "activate_service": "serviceId",
    "provision_equipment": "equipmentId",
    "create_work_order": "workOrderId",
    "create_ticket": "ticketId",
    "process_payment": "paymentId",
    "generate_invoice": "invoiceId",
    "setup_billing": "billingAccountId",
    "assign_technician": "technicianId",
    "assign_agent": "agentId",
}
COMPLETE = (
    "mutation($input: CompleteHandoffInput!) { completeHandoff(input: $input) "
    "{ handoff { id status } userErrors { code message path } } }"
)
TRIES, PAUSE = 40, 0.25  # of the callback, while the service is away


@dataclass
class Seen:
    """All calls with one Idempotency-Key."""

    key: str
    package: str
    action: str
    handoff: str
    count: int = 0
    underway: int = 0
    overlapped: bool = False  # two of them were in progress at once, and nobody had hung up
    done: bool = False
    statuses: list[int] = field(default_factory=list)  # as answered; 499 where the caller hung up before
    callback: Any = None  # what completeHandoff answered, or why it did not


@dataclass
class Partner:
    secret: str | None
    callback: str | None
    token: str | None
    behaviour: dict[str, Any] = field(default_factory=dict)
    seen: dict[str, Seen] = field(default_factory=dict)
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def call(self, request: Request) -> Response:
        try:
            content, key = await request.body(), request.headers.get("idempotency-key")
        except ClientDisconnect:
            return Response(status_code=499)
        try:
            if self.secret:
                Webhook(self.secret).verify(content, dict(request.headers))
        except WebhookVerificationError as error:
            return JSONResponse({"error": f"The signature is not right: {error}"}, 401)
        body = json.loads(content)
        if not key:
            return JSONResponse({"error": "An Idempotency-Key is needed."}, 400)
        if body.get("test"):
            return JSONResponse({"reached": request.path_params["package"]})  # and nothing is done
        seen = Seen(key, request.path_params["package"], body["action"], body["id"])
        seen = self.seen.setdefault(key, seen)
        seen.count, seen.underway = seen.count + 1, seen.underway + 1
        seen.overlapped = seen.overlapped or seen.underway > 1
        try:
            response = await self._answer(request, seen, seen.count, body)
        finally:
            seen.underway -= 1
        seen.statuses.append(response.status_code)
        return response

    async def _answer(self, request: Request, seen: Seen, nth: int, body: dict[str, Any]) -> Response:
        how = self.behaviour | (body["data"].get("partner") or {})
        if (how.get("hang") or how.get("delay")) and await _hung_up(
            request, None if how.get("hang") else how["delay"]
        ):
            return Response(status_code=499)
        status, times = how.get("status", 503 if "times" in how else None), how.get("times")
        headers = {"Retry-After": str(how["retryAfter"])} if "retryAfter" in how else {}
        if status is not None and (times is None or nth <= times):
            return JSONResponse({"error": f"The partner answers {status}."}, status, headers)
        output = self.answers.setdefault(seen.key, answer(seen.key, body))
        if how.get("accept"):
            if not seen.done:
                task = asyncio.create_task(self._complete(seen, output))
                self.tasks.add(task)
                task.add_done_callback(self.tasks.discard)
            seen.done = True
            return Response(status_code=202, headers=headers)
        seen.done = True
        return JSONResponse(output)

    async def _complete(self, seen: Seen, output: dict[str, Any]) -> None:
        if self.callback is None:
            seen.callback = "there is no --callback"
            return
        headers = {"authorization": f"Bearer {self.token}"} if self.token else {}
        sent = {"query": COMPLETE, "variables": {"input": {"id": seen.handoff, "output": output}}}
        async with httpx.AsyncClient(trust_env=False, headers=headers) as client:
            for _ in range(TRIES):
                try:
                    answered = await client.post(self.callback, json=sent)
                    seen.callback = answered.json()
                    if answered.status_code < 500:
                        return
                except (httpx.HTTPError, ValueError) as error:
                    seen.callback = repr(error)
                await asyncio.sleep(PAUSE)

    async def behave(self, request: Request) -> Response:
        self.behaviour = await request.json()
        return JSONResponse(self.behaviour)

    async def calls(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.seen.clear()
            self.answers.clear()
        return JSONResponse([asdict(each) for each in self.seen.values()])


def answer(key: str, body: dict[str, Any]) -> dict[str, Any]:
    """What a system of this kind says when it is done. The same key has the same ids."""
    action, data = body["action"], body["data"]
    mark = sha256(key.encode()).hexdigest()[:10]
    match action:
        case "convert_lead" | "create_customer":
            lead = str(data.get("leadId") or body.get("leadId") or mark)
            return {"customerId": f"cust_{lead.removeprefix('lead_')}"}
        case "schedule_installation":
            day = (datetime.now(UTC) + timedelta(days=7)).date().isoformat()
            return {"appointmentId": f"apt_{mark}", "installationDate": data.get("installationDate") or day}
        case "test_service":
            return {"passed": True, "downloadMbps": 940, "latencyMs": 4}
        case _ if action in NEW_IDS:
            name = NEW_IDS[action]
            return {name: data.get(name) or f"{name.removesuffix('Id').lower()}_{mark}"}
        case _:
            return {"done": True}


async def _hung_up(request: Request, seconds: float | None) -> bool:
    """Whether the caller goes away within this time."""
    try:
        async with asyncio.timeout(seconds):
            while (await request.receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return False
    return True


def main() -> None:
    options = argparse.ArgumentParser(prog="partner")
    options.add_argument("--port", type=int, default=0)
    for name in ("--secret", "--callback", "--token"):
        options.add_argument(name)
    given = options.parse_args()
    partner = Partner(given.secret, given.callback, given.token)
    routes = [
        Route("/calls", partner.calls, methods=["GET", "DELETE"]),
        Route("/behaviour", partner.behave, methods=["PUT"]),
        Route("/{package}/{path:path}", partner.call, methods=["POST"]),
    ]
    bound = socket.create_server(("127.0.0.1", given.port))
    sys.stdout.write(f"http://127.0.0.1:{bound.getsockname()[1]}\n")
    sys.stdout.flush()
    config = uvicorn.Config(Starlette(routes=routes), log_level="warning", timeout_graceful_shutdown=1)
    uvicorn.Server(config).run(sockets=[bound])


if __name__ == "__main__":
    main()

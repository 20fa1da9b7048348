"""The example partner does what it says, so that tests may believe what it tells."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

from tests.e2e.harness import BOUND, eventually
from tests.e2e.partners import Partner, partner
from tests.workers.target import listening

SECRET = "whsec_c2VjcmV0IG9mIGEgcGFydG5lcg=="


@pytest.fixture(scope="module")
def running() -> Iterator[Partner]:
    with partner() as started:
        yield started


@pytest.fixture
def crm(running: Partner) -> Partner:
    running.behave()
    running.forget()
    return running


def handoff(action: str, **data: Any) -> dict[str, Any]:
    subject = {"journeyId": "jrn_1", "step": "one", "customerId": None, "leadId": "lead_7"}
    return {"id": "hnd_1", "package": "crm", "action": action, "data": data} | subject


def send(to: Partner, key: str, action: str = "convert_lead", **data: Any) -> httpx.Response:
    return to.http.post("/crm/some/path", json=handoff(action, **data), headers={"Idempotency-Key": key})


def test_the_same_key_has_the_same_answer_and_is_one_row(crm: Partner) -> None:
    first, second = send(crm, "k-1"), send(crm, "k-1")
    assert first.json() == second.json() == {"customerId": "cust_7"}
    (row,) = crm.calls(handoff="hnd_1")
    expected = {"key": "k-1", "package": "crm", "action": "convert_lead", "count": 2, "overlapped": False}
    assert expected.items() <= row.items()
    assert row["statuses"] == [200, 200]
    crm.forget()
    assert crm.calls() == []


@pytest.mark.parametrize(
    ("action", "names"),
    [
        ("create_customer", {"customerId"}),
        ("activate_service", {"serviceId"}),
        ("schedule_installation", {"appointmentId", "installationDate"}),
        ("setup_billing", {"billingAccountId"}),
        ("create_work_order", {"workOrderId"}),
        ("create_ticket", {"ticketId"}),
    ],
)
def test_each_action_has_an_answer_of_its_kind(crm: Partner, action: str, names: set[str]) -> None:
    assert set(send(crm, action, action).json()) == names
    assert send(crm, action, action).json() != send(crm, "other", action, leadId="lead_8").json()


def test_it_fails_as_often_as_it_is_told_to(crm: Partner) -> None:
    crm.behave(times=2, retryAfter=3)
    answers = [send(crm, "k") for _ in range(3)]
    assert [each.status_code for each in answers] == [503, 503, 200]
    assert answers[0].headers["retry-after"] == "3"
    assert send(crm, "k-2", partner={"status": 422, "times": 9}).status_code == 422


async def test_calls_that_overlap_are_told_and_a_caller_that_hung_up_is_gone(crm: Partner) -> None:
    async with httpx.AsyncClient(base_url=crm.url, trust_env=False) as http:

        async def call(key: str, **how: Any) -> None:
            body, headers = handoff("convert_lead", partner=how), {"Idempotency-Key": key}
            await http.post("/crm/x", json=body, headers=headers, timeout=BOUND)

        async def underway() -> bool:
            return any(each["underway"] for each in crm.calls())

        async def gone() -> bool:
            return not await underway()

        await asyncio.gather(*(call("both", delay=2.0) for _ in range(2)))
        for _ in range(2):
            caller = asyncio.create_task(call("one", hang=True))
            await eventually(underway, "the call is under way")
            caller.cancel()
            await eventually(gone, "the call is over")
    assert {each["key"]: each["overlapped"] for each in crm.calls()} == {"both": True, "one": False}
    assert [each["statuses"] for each in crm.calls(key="one")] == [[499, 499]]


async def test_what_it_accepts_it_completes_once_by_graphql() -> None:
    async with listening() as service:
        with partner(callback=f"{service.url}/graphql", token="t-1") as crm:
            for _ in range(2):
                answered = await asyncio.to_thread(send, crm, "k", partner={"accept": True})
                assert answered.status_code == 202

            async def completed() -> bool:
                return (await asyncio.to_thread(crm.calls))[0]["callback"] == {"done": True}

            await eventually(completed, "it has called back")
    (request,) = service.requests
    body = json.loads(request.body)
    assert (request.path, request.headers["authorization"]) == ("/graphql", "Bearer t-1")
    assert "completeHandoff" in body["query"]
    assert body["variables"]["input"] == {"id": "hnd_1", "output": {"customerId": "cust_7"}}


def test_with_a_secret_it_takes_what_is_signed_and_nothing_else() -> None:
    content, now = json.dumps(handoff("convert_lead")), datetime.now(UTC)
    signed = {
        "idempotency-key": "k",
        "webhook-id": "k",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("k", now, content),
    }
    with partner(secret=SECRET) as crm:
        assert crm.http.post("/crm/x", content=content, headers=signed).status_code == 200
        assert crm.http.post("/crm/x", content=content + " ", headers=signed).status_code == 401
        assert send(crm, "k").status_code == 401
        assert [each["count"] for each in crm.calls()] == [1]

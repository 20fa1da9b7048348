"""What the tests of handoffs, approvals and incidents ask and do, from outside."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.e2e.harness import Client, Server, client, eventually

KINDS = {
    "processHandoff": "HandoffInput",
    "approveHandoff": "DecideHandoffInput",
    "rejectHandoff": "DecideHandoffInput",
    "approveHandoffs": "DecideHandoffsInput",
    "rejectHandoffs": "DecideHandoffsInput",
    "processHandoffs": "HandoffsInput",
}
ERRORS = "userErrors { code message path currentRevision decidedBy }"
SEEN = """id revision type status name data output failure reason assignedTo round dueAt endedAt
  requester { kind id } approval { quorum missing roles escalated dueAt
    decisions { verdict by { kind id } comment voided policy { quorum roles } } delegations { by to } }"""


@asynccontextmanager
async def somebody(server: Server, tenant: str, user: str, *names: str) -> AsyncIterator[Client]:
    """A user whose token holds these names: roles, and whatever other groups."""
    async with client(server.url, tenant, *names, user=user) as api:  # type: ignore[arg-type]  # groups are no roles
        yield api


async def sent(api: Client, mutation: str, fields: str = "", **input: Any) -> dict[str, Any]:
    """The whole answer to a mutation on handoffs; `fields` beside what is always asked for."""
    kind = KINDS.get(mutation, mutation[0].upper() + mutation[1:] + "Input")
    inner = f"handoff {{ {SEEN} {fields} }} settled {ERRORS}"
    if mutation.endswith("Handoffs"):
        inner = f"results {{ id {inner} }} {ERRORS}"
    elif mutation in ("completeHandoff", "failHandoff"):
        inner += " late"
    elif mutation == "resolveIncident":
        inner = f"incident {{ id status resolution endedAt }} settled {ERRORS}"
    return await api.send(
        f"mutation($input: {kind}!) {{ {mutation}(input: $input) {{ {inner} }} }}", input=input
    )


async def act(api: Client, mutation: str, fields: str = "", **input: Any) -> dict[str, Any]:
    """The payload of a mutation that is not refused as a request."""
    body = await sent(api, mutation, fields, **input)
    assert "errors" not in body, body["errors"]
    payload: dict[str, Any] = body["data"][mutation]
    return payload


async def done(api: Client, mutation: str, fields: str = "", **input: Any) -> dict[str, Any]:
    """The handoff after a mutation that went well."""
    payload = await act(api, mutation, fields, **input)
    assert payload["userErrors"] == [], payload
    handoff: dict[str, Any] = payload["handoff"]
    return handoff


async def refused(api: Client, code: str, mutation: str, **input: Any) -> list[dict[str, Any]]:
    """Why a mutation was refused, with one code."""
    payload = await act(api, mutation, **input)
    errors: list[dict[str, Any]] = payload["userErrors"]
    assert {each["code"] for each in errors} == {code}, payload
    assert payload.get("handoff") is None
    return errors


async def forbidden(api: Client, mutation: str, **input: Any) -> str:
    """The words in which a mutation is forbidden, with which nothing else is told."""
    body = await sent(api, mutation, **input)
    [error] = body["errors"]
    assert error["extensions"] == {"code": "FORBIDDEN"}
    assert not body.get("data")
    message: str = error["message"]
    return message


async def manual(api: Client, **input: Any) -> dict[str, Any]:
    given = {"type": "MANUAL", "name": "Visit the customer", "toPackage": "field-crew"} | input
    return await done(api, "createHandoff", **given)


async def approval(api: Client, *, policy: dict[str, Any] | None = None, **input: Any) -> dict[str, Any]:
    """An approval that nothing follows from, by one approver where no policy says otherwise."""
    given = {"type": "APPROVAL_REQUIRED", "name": "Waive the fee", "toPackage": "billing"} | input
    return await done(api, "createHandoff", **given, approval=policy or {})


async def handoff(api: Client, id: str, fields: str = "") -> Any:
    found = await api.ask(f"query($id: ID!) {{ handoff(id: $id) {{ {SEEN} {fields} }} }}", id=id)
    return found["handoff"]


async def pending(api: Client, **page: Any) -> list[str]:
    """The ids in somebody's list of pending approvals."""
    given = ", ".join(f"{name}: {value}" for name, value in ({"first": 100} | page).items())
    found = await api.ask(f"{{ pendingApprovals({given}) {{ nodes {{ id }} }} }}")
    return [each["id"] for each in found["pendingApprovals"]["nodes"]]


async def incidents(api: Client, **filter: Any) -> list[dict[str, Any]]:
    query = """query($filter: IncidentFilterInput) { incidents(filter: $filter) { totalCount nodes {
      id kind status reason journeyId handoffId step resolution endedAt handoff { id status } journey { id } } } }"""
    found = (await api.ask(query, filter=filter))["incidents"]
    assert found["totalCount"] == len(found["nodes"])
    nodes: list[dict[str, Any]] = found["nodes"]
    return nodes


async def incident(api: Client, status: str, **filter: Any) -> dict[str, Any]:
    """The one incident there is, once it has this status."""

    async def there() -> bool:
        return [each["status"] for each in await incidents(api, **filter)] == [status]

    await eventually(there, f"an incident that is {status}")
    return (await incidents(api, **filter))[0]

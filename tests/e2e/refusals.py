"""What holds for every refusal: nothing has changed, there is a code, and no Python text leaves the house."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from tests.e2e.harness import BOUND, INPUTS, Client

LEAKS = re.compile(
    r"Traceback|Error\(|object has no attribute|pydantic|pymongo|motor|bson|strawberry|graphql-core|<class|<function"
    r"|NoneType|site-packages|\.py\b|0x[0-9a-f]{8}"
)
SAMPLE = {
    "id": "sample",
    "name": "Sample",
    "category": "CUSTOM",
    "steps": [
        {"id": name, "name": name.title(), "stage": "LEAD", "order": n}
        for n, name in enumerate(("one", "two", "three"), 1)
    ],
    "settings": {"reentry": "ANY_TIME", "allowSkipSteps": True},
}


def clean(text: str) -> None:
    """No word of the inside, and a code on every error."""
    found = LEAKS.search(text)
    assert found is None, f"{found[0]!r} in {text[:2_000]}"
    for error in json.loads(text).get("errors") or ():
        assert error["extensions"]["code"].isupper(), error
        assert error["extensions"]["code"] != "INTERNAL", error


async def raw(api: Client, method: str = "POST", **request: Any) -> httpx.Response:
    """The answer to a request as it comes, looked through."""
    headers = api.headers | request.pop("headers", {})
    answer = await api.http.request(method, api.url, headers=headers, timeout=BOUND, **request)
    clean(answer.text)
    return answer


async def send(api: Client, query: str, **variables: Any) -> dict[str, Any]:
    """The whole answer to an operation, looked through."""
    answer = await raw(api, json={"query": query, "variables": variables})
    body: dict[str, Any] = answer.json()
    return body


def codes(body: dict[str, Any]) -> list[str]:
    """The codes of the request's errors."""
    return [error["extensions"]["code"] for error in body.get("errors") or ()]


async def give(api: Client, mutation: str, **input: Any) -> dict[str, Any]:
    """A mutation's payload, or the whole body where the request itself was refused."""
    kind = INPUTS.get(mutation, KINDS.get(mutation, mutation[0].upper() + mutation[1:] + "Input"))
    results = "results { journey { id } userErrors { code message path } }" if mutation in MANY else ""
    query = (
        f"mutation($input: {kind}!) {{ {mutation}(input: $input) {{ "
        f"userErrors {{ code message path currentRevision journeyId condition {{ field seen }} }} {results} }} }}"
    )
    body = await send(api, query, input=input)
    payload: dict[str, Any] = (body.get("data") or {}).get(mutation) or body
    return payload


MANY = ("migrateJourneys",)
KINDS = {
    "createTemplate": "TemplateInput",
    "createTemplateVersion": "TemplateInput",
    "activateTemplate": "SwitchTemplateInput",
    "deactivateTemplate": "SwitchTemplateInput",
}


def errors(payload: dict[str, Any]) -> list[dict[str, Any]]:
    """Every reason in a payload, its results' included."""
    assert "userErrors" in payload, payload
    found = [*payload["userErrors"]]
    for result in payload.get("results") or ():
        found += result["userErrors"]
    return found


async def refused(api: Client, code: str, mutation: str, **input: Any) -> list[dict[str, Any]]:
    """The reasons why a mutation was refused, all of one code."""
    found = errors(await give(api, mutation, **input))
    assert {error["code"] for error in found} == {code}, (mutation, input, found)
    return found


async def state(api: Client) -> dict[str, Any]:
    """All that a tenant has, with its revisions; small tenants only."""
    return await api.ask(
        "{ journeys(first: 100) { nodes { id revision status stage lastActivity context history(first: 100) "
        "{ nodes { id } } } } templates(first: 100) { nodes { id revision } } touchpoints(first: 100) "
        "{ totalCount nodes { id } } conversions(first: 100) { totalCount nodes { id } } "
        "handoffs(first: 100) { nodes { id revision status lastActivity data } } "
        "incidents(first: 100) { nodes { id revision } } "
        "events(first: 100) { nodes { id } pageInfo { hasNextPage } } }"
    )


@asynccontextmanager
async def unchanged(*apis: Client) -> AsyncIterator[None]:
    """Whatever happens in this block, it changes nothing."""
    for api in apis:
        await api.ask(
            "{ templates(first: 1) { nodes { id } } }"
        )  # the built-in ones are made at the first look
    before = [await state(api) for api in apis]
    yield
    assert [await state(api) for api in apis] == before


async def make_template(api: Client, **changes: Any) -> None:
    assert errors(await give(api, "createTemplate", **SAMPLE | changes)) == []

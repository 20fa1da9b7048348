"""What tests of sources say and ask."""

import json
from typing import Any

from tests.e2e.harness import Client
from tests.e2e.ingesting import ORDER

FIRST = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
SECOND = "whsec_YWJjZGVmZ2hpamFiY2RlZmdoaWphYmNkZWZnaGlqYWI="
SOURCE = """id name description path enabled revision createdAt updatedAt updatedBy { kind id }
  secrets { id createdAt until }"""
BODY = json.dumps(ORDER).encode()
UNKNOWN = (401, {("UNAUTHENTICATED", "")})
KINDS = {"enableSource": "SourceInput", "deleteSource": "SourceInput"}


async def payload(api: Client, mutation: str, **input: Any) -> dict[str, Any]:
    kind = KINDS.get(mutation, mutation[0].upper() + mutation[1:] + "Input")
    fields = f"settled source {{ {SOURCE} }} userErrors {{ code message path }}"
    query = f"mutation($input: {kind}!) {{ {mutation}(input: $input) {{ {fields} }} }}"
    return dict((await api.ask(query, input=input))[mutation])


async def do(api: Client, mutation: str, **input: Any) -> dict[str, Any]:
    """The source, where nothing was refused."""
    done = await payload(api, mutation, **input)
    assert done["userErrors"] == [], done
    return dict(done["source"])


async def refused(api: Client, mutation: str, **input: Any) -> list[tuple[str, list[str]]]:
    return [(each["code"], each["path"]) for each in (await payload(api, mutation, **input))["userErrors"]]

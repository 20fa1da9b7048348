"""What tests of packages say and ask."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cryptography.fernet import Fernet

from tests.conftest import Servers
from tests.e2e.harness import Client, Server, serving

BUILT_IN = ["billing-system", "business-logic", "crm", "field-ops", "support-system"]
LOOPBACK = "127.0.0.0/8"
PACKAGE = """id name description address enabled revision updatedAt updatedBy { kind id }
  actions { name description path requiredData optionalData } limits { attempts attemptTime totalTime answerTime }
  secrets { id createdAt until }"""


@contextmanager
def calling(servers: Servers) -> Iterator[Server]:
    """A server that keeps secrets and may call this machine."""
    key = Fernet.generate_key().decode()
    with serving(servers, JOURNEYS_SECRETS_KEY=key, JOURNEYS_TARGET_NETWORKS=LOOPBACK) as server:
        yield server


async def do(api: Client, mutation: str, **input: Any) -> dict[str, Any]:
    """What a mutation that is not refused answers."""
    fields = (
        "ok status error milliseconds package { name }"
        if mutation == "testPackage"
        else f"package {{ {PACKAGE} }}"
    )
    kind = mutation[0].upper() + mutation[1:] + "Input"
    query = f"mutation($input: {kind}!) {{ {mutation}(input: $input) {{ {fields} userErrors {{ message path }} }} }}"
    payload: dict[str, Any] = (await api.ask(query, input=input))[mutation]
    assert payload["userErrors"] == [], payload
    return payload if mutation == "testPackage" else dict(payload["package"])


async def package(api: Client, name: str) -> Any:
    query = f"query($name: String!) {{ package(name: $name) {{ {PACKAGE} }} }}"
    return (await api.ask(query, name=name))["package"]


async def log(api: Client) -> list[dict[str, Any]]:
    found = await api.ask("{ events(first: 100) { nodes { type data } } }")
    return [each for each in found["events"]["nodes"] if each["type"].startswith("package:")]

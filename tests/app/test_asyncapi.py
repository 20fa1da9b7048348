"""The AsyncAPI document, held against the specification and against the code that takes and sends events."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft7Validator

from app.asgi import create
from app.asyncapi import PATH, document, printed
from app.settings import Mode, Settings
from domain import cloudevent
from domain.catalogue import own_types
from domain.cloudevent import OWN_ORIGIN
from domain.cloudevent_schema import INSTANT
from domain.isp.event_types import EVENT_TYPES, FieldType

DOCUMENT: Any = json.loads(printed())
CHANNELS, COMPONENTS = DOCUMENT["channels"], DOCUMENT["components"]
TYPES = [*own_types(), *EVENT_TYPES]
REPORTED = ("reports", "signedReports")
KEY = re.compile(r"[a-zA-Z0-9._-]+")


def at(pointer: str) -> Any:
    """What a reference within the document leads to."""
    found = DOCUMENT
    assert pointer.startswith("#/")
    for part in pointer[2:].split("/"):
        found = found[part.replace("~1", "/").replace("~0", "~")]
    return found


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for each in part.values():
            yield from references(each)
    elif isinstance(part, list):
        for each in part:
            yield from references(each)


def messages(channel: str) -> dict[str, Any]:
    """A channel's messages by their type."""
    found = [at(each["$ref"]) for each in CHANNELS[channel]["messages"].values()]
    assert len({each["name"] for each in found}) == len(found)
    return {each["name"]: each for each in found}


def validator(message: Any) -> Draft7Validator:
    return Draft7Validator(message["payload"] | {"components": COMPONENTS})


def problems(message: Any, event: Any) -> list[str]:
    return [f"{list(each.absolute_path)}: {each.message}" for each in validator(message).iter_errors(event)]


async def got(**headers: str) -> httpx.Response:
    app = create(Settings(mode=Mode.DEVELOPMENT, host="127.0.0.1"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
        return await client.get(PATH, headers=headers)


# As AsyncAPI 3.0 says


def test_it_has_the_shape_of_the_specification() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= DOCUMENT["info"].keys()
    for each in DOCUMENT["servers"].values():
        assert {"host", "protocol"} <= each.keys()
        assert set(re.findall(r"\{(\w+)\}", each["host"])) == each["variables"].keys()
    for each in CHANNELS.values():
        assert each["title"]
        assert each["description"]
        assert each["address"] is None or each["address"].startswith("/")
        assert set(re.findall(r"\{(\w+)\}", each["address"] or "")) == each.get("parameters", {}).keys()
        assert all(server["$ref"].startswith("#/servers/") for server in each["servers"])
    for each in DOCUMENT["operations"].values():
        assert each["action"] in ("send", "receive")
        assert each["channel"]["$ref"].startswith("#/channels/")
        assert each["security"]
    for part in (CHANNELS, DOCUMENT["operations"], *COMPONENTS.values()):
        assert all(KEY.fullmatch(name) for name in part)


def test_every_reference_leads_somewhere() -> None:
    found = set(references(DOCUMENT))
    assert len(found) > len(TYPES)
    for each in found:
        assert isinstance(at(each), dict), each


def test_each_operation_is_safe_in_its_own_way() -> None:
    of = {
        name: (each["action"], each["channel"]["$ref"].rpartition("/")[2], each["security"])
        for name, each in DOCUMENT["operations"].items()
    }
    scheme = "#/components/securitySchemes/{}".format
    assert of == {
        "takeReports": ("receive", "reports", [{"$ref": scheme("bearer")}]),
        "takeSignedReports": ("receive", "signedReports", [{"$ref": scheme("signature")}]),
        "sendEvents": ("send", "webhooks", [{"$ref": scheme("signature")}]),
    }
    assert COMPONENTS["securitySchemes"]["bearer"]["type"] == "http"
    assert COMPONENTS["securitySchemes"]["signature"]["name"] == "webhook-signature"


# As the catalogue says


def test_every_type_is_sent_and_those_of_others_are_taken() -> None:
    assert [*messages("webhooks")] == TYPES
    assert len(set(TYPES)) == len(TYPES)
    for channel in REPORTED:
        assert [*messages(channel)] == [*EVENT_TYPES]
    assert len(COMPONENTS["messages"]) == len(TYPES) + len(EVENT_TYPES)


@pytest.mark.parametrize("channel", CHANNELS)
def test_every_message_says_what_it_is_in_a_valid_schema(channel: str) -> None:
    for type, each in messages(channel).items():
        assert each["title"] == type
        assert each["summary"].endswith("."), type
        assert each["contentType"] == "application/cloudevents+json"
        validator(each).check_schema(each["payload"])
        [envelope, own] = each["payload"]["allOf"]
        assert own["properties"]["type"] == {"const": type}
        for schema in (at(envelope["$ref"]), at(own["properties"]["data"]["$ref"])):
            Draft7Validator.check_schema(schema)
            assert not {"prefixItems", "$defs", "unevaluatedProperties"} & set(
                re.findall(r"'([$\w]+)':", str(schema))
            )


@pytest.mark.parametrize("channel", CHANNELS)
def test_every_example_is_valid_for_its_own_message_only(channel: str) -> None:
    known = messages(channel)
    for type, each in known.items():
        [example] = each["examples"]
        assert problems(each, example["payload"]) == [], type
        if "time" in example["payload"]:
            assert datetime.fromisoformat(example["payload"]["time"]) == INSTANT
    first, second, *_ = known.values()
    assert problems(first, second["examples"][0]["payload"])


def test_own_events_name_this_service_and_what_is_reported_its_reporter() -> None:
    for type, each in messages("webhooks").items():
        source = each["examples"][0]["payload"]["source"]
        assert source == (OWN_ORIGIN if type in own_types() else type.partition(":")[0])


# As the code does


@pytest.mark.parametrize("type", EVENT_TYPES)
def test_what_may_be_reported_by_the_document_is_taken_and_the_rest_is_refused_by_both(type: str) -> None:
    message = messages("reports")[type]
    example = message["examples"][0]["payload"]
    assert cloudevent.read(example, now=INSTANT).type == type
    known = EVENT_TYPES[type]
    wrong = {FieldType.TEXT: 1, FieldType.NUMBER: "1", FieldType.LIST: "x"}
    for field in known.fields:
        rest = {name: value for name, value in known.example.items() if name != field.name}
        for data in (rest, rest | {field.name: None}, rest | {field.name: wrong[field.type]}):
            event = example | {"data": data}
            assert bool(problems(message, event)) == refuses(event), data
    for odd in (
        {"specversion": "0.3"},
        {"id": ""},
        {"source": ""},
        {"id": "x" * 201},
        {"customerid": ["x"]},
        {"Odd": "x"},
        {"extension": "x"},
        {"extension": 1.5},
        {"data": []},
        {"time": INSTANT.isoformat(), "subject": "x"},
    ):
        assert bool(problems(message, example | odd)) == refuses(example | odd), odd
    for name in ("id", "source", "type", "specversion", "data"):
        left_out = {key: value for key, value in example.items() if key != name}
        assert bool(problems(message, left_out)) == refuses(left_out), name


def refuses(event: Any) -> bool:
    try:
        cloudevent.read(event, now=INSTANT + timedelta(days=1))
    except cloudevent.InvalidInput:
        return True
    return False


# As it is served


async def test_nobody_needs_a_token_and_who_has_it_is_told_so() -> None:
    first = await got()
    assert (first.status_code, first.headers["content-type"]) == (200, "application/json")
    assert first.json() == DOCUMENT == document()
    assert "max-age" in first.headers["cache-control"]
    tag = first.headers["etag"]
    for known in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        again = await got(**{"if-none-match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert (await got(**{"if-none-match": '"x"'})).status_code == 200


def test_the_command_line_prints_the_same() -> None:
    program = str(Path(sys.executable).parent / "journeys")
    done = subprocess.run([program, "asyncapi"], capture_output=True, check=True)
    assert done.stdout == printed()

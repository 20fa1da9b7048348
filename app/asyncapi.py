"""The AsyncAPI 3.0 document: every event that is taken and sent, made from the catalogue that `eventTypes` shows.

It says nothing about any tenant, so nobody needs a token to read it.
"""

import hashlib
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from domain.cloudevent import MEDIA_TYPE
from domain.cloudevent_schema import SENT, TAKEN, sent_example, taken_example
from domain.external import OWN_ORIGIN
from domain.values import Json, JsonObject
from storage.event_types import KnownType, known_types

PATH: Final = "/asyncapi.json"
SECONDS: Final = 300
INFO: Final = (
    "Runs customer journeys for internet service providers. Systems report events, which start and move journeys; it "
    "tells subscribers of every event by webhook. Everything else is GraphQL, at `/graphql`."
)
TAKES: Final = (
    "Events of these types are checked against what they promise; events of other types are taken as they come, apart "
    "from the areas of this service's own. One event, or up to 1,000 as `application/cloudevents-batch+json`."
)
SENDS: Final = (
    "The address that a webhook names. Answer 2xx once the event is safe with you; anything else is tried again. "
    "Events of types that are not listed here are those that other systems reported."
)


@cache
def document() -> JsonObject:
    """The whole document."""
    known = known_types()
    reported = [each for each in known if not each.own]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Journey orchestration",
            "version": version("journey-orchestration"),
            "description": INFO,
            "license": {"name": "MIT"},
        },
        "defaultContentType": MEDIA_TYPE,
        "servers": {
            "service": _server("This service.", "journeys.example"),
            "subscriber": _server("A system that has a webhook here.", "subscriber.example"),
        },
        "channels": {
            "reports": _channel("/events", "service", "Events that systems with a token report.", TAKES)
            | {"messages": _references(map(_taken_key, reported))},
            "signedReports": _channel(
                "/events/{sourceId}",
                "service",
                "Events that systems report signed, at an address of their own.",
                TAKES,
            )
            | {
                "parameters": {"sourceId": {"description": "The id of the source, made by `createSource`."}},
                "messages": _references(map(_taken_key, reported)),
            },
            "webhooks": _channel(None, "subscriber", "Events that subscribers are sent.", SENDS)
            | {"messages": _references(map(_key, known))},
        },
        "operations": {
            "takeReports": _operation("receive", "reports", "bearer", "Take an event."),
            "takeSignedReports": _operation("receive", "signedReports", "signature", "Take a signed event."),
            "sendEvents": _operation("send", "webhooks", "signature", "Send an event."),
        },
        "components": {
            "securitySchemes": _security(),
            "schemas": _schemas(known),
            "messages": _messages(known),
        },
    }


@cache
def printed() -> bytes:
    """The document as it is served."""
    return orjson.dumps(document(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


async def asyncapi(request: Request) -> Response:
    """GET /asyncapi.json, for whoever asks; unchanged where the caller has it already."""
    tag = f'"{hashlib.sha256(printed()).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": f"public, max-age={SECONDS}"}
    had = [each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")]
    if tag in had or "*" in had:
        return Response(status_code=304, headers=headers)
    return Response(printed(), media_type="application/json", headers=headers)


def _server(description: str, host: str) -> JsonObject:
    variable: JsonObject = {"description": "Its name, with the port where that is not 443.", "default": host}
    return {
        "host": "{host}",
        "protocol": "https",
        "description": description,
        "variables": {"host": variable},
    }


def _channel(address: str | None, server: str, title: str, description: str) -> JsonObject:
    return {
        "address": address,
        "title": title,
        "description": description,
        "servers": [{"$ref": f"#/servers/{server}"}],
    }


def _operation(action: str, channel: str, scheme: str, summary: str) -> JsonObject:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "summary": summary,
        "security": [{"$ref": f"#/components/securitySchemes/{scheme}"}],
        "bindings": {"http": {"method": "POST", "bindingVersion": "0.3.0"}},
    }


def _security() -> JsonObject:
    return {
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "A token with the role operator or service; `Authorization: Bearer …`.",
        },
        "signature": {
            "type": "httpApiKey",
            "name": "webhook-signature",
            "in": "header",
            "description": "Standard Webhooks (https://www.standardwebhooks.com): HMAC-SHA256 over `webhook-id`, "
            "`webhook-timestamp` and the body, with the secret that both sides have.",
        },
    }


def _key(known: KnownType) -> str:
    """The type as a name that AsyncAPI allows; the same names the schema of its data."""
    return known.type.replace(":", ".")


def _taken_key(known: KnownType) -> str:
    return f"reported.{_key(known)}"


def _schemas(known: Iterable[KnownType]) -> JsonObject:
    """Of the envelopes, and of each type's data."""
    schemas: JsonObject = {"sent": SENT, "taken": TAKEN}
    return schemas | {_key(each): each.schema for each in known}


def _messages(known: Iterable[KnownType]) -> JsonObject:
    """Each type as it is sent, and those of other systems also as they are reported."""
    sent: JsonObject = {_key(each): _sent(each) for each in known}
    return sent | {_taken_key(each): _taken(each) for each in known if not each.own}


def _references(keys: Iterable[str]) -> JsonObject:
    return {key: {"$ref": f"#/components/messages/{key}"} for key in keys}


def _sent(known: KnownType) -> JsonObject:
    source: JsonObject = {"source": {"const": OWN_ORIGIN}} if known.own else {}
    payload = _payload("sent", known, source, ["type"])
    return _message(known, payload, sent_example(known.type, known.example, own=known.own)) | {
        "correlationId": {"location": "$message.payload#/correlationid"}
    }


def _taken(known: KnownType) -> JsonObject:
    needed: list[Json] = ["type", "data"] if known.schema["required"] else ["type"]
    return _message(known, _payload("taken", known, {}, needed), taken_example(known.type, known.example))


def _payload(envelope: str, known: KnownType, more: JsonObject, required: list[Json]) -> JsonObject:
    data: JsonObject = {"$ref": f"#/components/schemas/{_key(known)}"}
    own: JsonObject = {"type": {"const": known.type}, "data": data, **more}
    return {
        "allOf": [
            {"$ref": f"#/components/schemas/{envelope}"},
            {"type": "object", "properties": own, "required": required},
        ]
    }


def _message(known: KnownType, payload: JsonObject, example: JsonObject) -> dict[str, Any]:
    return {
        "name": known.type,
        "title": known.type,
        "summary": known.description,
        "contentType": MEDIA_TYPE,
        "tags": [{"name": known.type.partition(":")[0]}],
        "payload": payload,
        "examples": [{"name": "example", "payload": example}],
    }

"""CloudEvents over HTTP: in which mode a request bears them, and the events in it, still to be checked.

Structured and batch mode have it all in the body, as JSON; binary mode has the attributes in `ce-` headers and the data
in the body.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Final
from urllib.parse import unquote_to_bytes

import orjson
from starlette.datastructures import Headers

from domain.cloudevent import MEDIA_TYPE, is_json
from domain.errors import Problem
from domain.values import JsonObject

BATCH_TYPE: Final = "application/cloudevents-batch+json"
PREFIX: Final = "ce-"
_OF_THE_BODY: Final = frozenset(("data", "data_base64"))


class Mode(Enum):
    STRUCTURED = MEDIA_TYPE
    BATCH = BATCH_TYPE
    BINARY = "binary"


class Unreadable(Exception):
    """The body is not what the mode says; the text is for the sender."""


@dataclass(frozen=True, slots=True)
class Found:
    """An event as it was sent: any JSON, and what is known to be wrong with it already."""

    event: object
    problems: list[Problem] = field(default_factory=list)


def mode_of(headers: Headers) -> Mode | None:
    """The mode; None where the request bears no CloudEvents that can be read here."""
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type.startswith("application/cloudevents"):
        return next((each for each in (Mode.STRUCTURED, Mode.BATCH) if each.value == media_type), None)
    return Mode.BINARY if any(name.startswith(PREFIX) for name in headers) else None


def found_in(mode: Mode, headers: Headers, body: bytes) -> list[Found]:
    """The events in order. Raises Unreadable."""
    if mode is Mode.BINARY:
        return [_binary(headers, body)]
    try:
        read = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Unreadable("The body is not JSON.") from None
    if mode is Mode.STRUCTURED:
        if not isinstance(read, dict):
            raise Unreadable("In structured mode the body is one JSON object.")
        return [Found(read)]
    if not isinstance(read, list):
        raise Unreadable("In batch mode the body is a JSON list of events.")
    return [Found(each) for each in read]


def _binary(headers: Headers, body: bytes) -> Found:
    event: JsonObject = {}
    problems = []
    for header, value in headers.items():
        name = header.removeprefix(PREFIX)
        if name == header:
            continue
        if name in _OF_THE_BODY:
            problems.append(Problem("In binary mode the data is the body.", (name,)))
            continue
        try:
            event[name] = unquote_to_bytes(value.encode("latin-1")).decode()
        except UnicodeDecodeError:
            problems.append(Problem("A header is UTF-8, percent-encoded.", (name,)))
    media_type = headers.get("content-type")
    if media_type is not None:
        event["datacontenttype"] = media_type
    if body and (media_type is None or is_json(media_type)):
        try:
            event["data"] = orjson.loads(body)
        except orjson.JSONDecodeError:
            problems.append(Problem("The body is not JSON.", ("data",)))
    return Found(event, problems)

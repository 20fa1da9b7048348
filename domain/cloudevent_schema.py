"""JSON Schemas (draft 7) of CloudEvents as this service sends them and takes them, and an example of each type."""

from datetime import UTC, datetime
from typing import Final

from domain.cloudevent import JSON_TYPE, SPEC_VERSION, as_cloud_event
from domain.events import Envelope, Origin
from domain.external import OWN_ORIGIN, OWN_SOURCE, Report, envelope
from domain.identity import Actor, ActorKind
from domain.values import Json, JsonObject

INSTANT: Final = datetime(2026, 1, 31, 12, tzinfo=UTC)
SUBJECTS: Final = {
    "conversion": "cnv",
    "handoff": "hof",
    "journey": "jrn",
    "package": "pkg",
    "template": "tpl",
    "touchpoint": "tch",
    "trigger": "trg",
}


def _text(description: str, **more: Json) -> JsonObject:
    return {"type": "string", "description": description, **more}


def _name(description: str) -> JsonObject:
    return _text(description, minLength=1, maxLength=200)


def _time(description: str) -> JsonObject:
    return _text(description, format="date-time")


SPECIFICATION: Final[JsonObject] = {"const": SPEC_VERSION, "description": "The version of CloudEvents."}
SENT: Final[JsonObject] = {
    "type": "object",
    "description": "A CloudEvent as this service sends it.",
    "properties": {
        "specversion": SPECIFICATION,
        "id": _text("The event's id, the same whenever it is sent, and no other event's.", minLength=1),
        "source": _text(
            f"Where it comes from: `{OWN_ORIGIN}` for this service's own events, else the system that reported it.",
            format="uri-reference",
            minLength=1,
        ),
        "type": _text("What happened."),
        "subject": _text("The id of what it happened to; a reported event is a subject of its own."),
        "time": _time("When it happened."),
        "datacontenttype": _text("The media type of `data`, JSON of some kind."),
        "data": {"type": "object", "description": "What it says."},
        "tenantid": _text("The tenant."),
        "revision": {
            "type": "integer",
            "minimum": 1,
            "description": "The subject's revision after the change. Order within a subject is (revision, place).",
        },
        "place": {
            "type": "integer",
            "minimum": 0,
            "description": "Its place among the events of that change.",
        },
        "recordedtime": _time("When it was recorded here."),
        "origin": {
            "enum": [each.value for each in Origin],
            "description": "`import` for history from elsewhere, which is never sent.",
        },
        "actorkind": {
            "enum": [each.value for each in ActorKind],
            "description": "What kind of actor caused it.",
        },
        "actorid": _text("Who caused it."),
        "correlationid": _text("The same for all events that one request led to."),
        "causationid": _text("The id of the event that led to it."),
        "customerid": _text("The customer it is about."),
        "leadid": _text("The lead it is about."),
        "externalid": _text("The id that the reporting system gave it."),
        "externalsubject": _text("The subject that the reporting system gave it."),
    },
    "required": [
        "specversion",
        "id",
        "source",
        "type",
        "subject",
        "time",
        "datacontenttype",
        "data",
        "tenantid",
        "revision",
        "place",
        "recordedtime",
        "origin",
        "actorkind",
        "actorid",
        "correlationid",
    ],
    "propertyNames": {"pattern": "^[a-z0-9]+$"},
    "additionalProperties": {
        "type": ["string", "integer", "boolean"],
        "description": "An extension of the reporting system's, as it came.",
    },
}
TAKEN: Final[JsonObject] = {
    "type": "object",
    "description": "A CloudEvent as this service takes it.",
    "properties": {
        "specversion": SPECIFICATION,
        "id": _name("The source's own id of it: the same source and id is taken once."),
        "source": _name("The system that reports it, such as `crm`."),
        "type": _text("What happened."),
        "subject": _text("What it is about, in the source's terms; kept as it is.", minLength=1),
        "time": _time("When it happened, at most five minutes ahead; now where none is given."),
        "datacontenttype": _text(f"`{JSON_TYPE}` or another kind of JSON.", minLength=1),
        "dataschema": _text("A schema of `data`; kept as it is.", minLength=1),
        "data": {"type": "object", "description": "What it says, at most 256 KiB."},
        "customerid": _name("The customer it is about; `data.customerId` by default."),
        "leadid": _name("The lead it is about; `data.leadId` by default."),
        "correlationid": _name("The same for all that belongs together; a new one where none is given."),
    },
    "required": ["specversion", "id", "source", "type"],
    "propertyNames": {"pattern": "^[a-z0-9]+$"},
    "additionalProperties": {
        "type": ["string", "integer", "boolean"],
        "description": "An extension; kept as it is.",
    },
}


def sent_example(type: str, data: JsonObject, *, own: bool) -> JsonObject:
    """Such an event as it is sent, made up."""
    area, _, name = type.partition(":")
    if not own:
        told = Report(type=type, source=area, id=f"{name}-1", data=data)
        by = Actor(ActorKind.SERVICE, told.source)
        return as_cloud_event(
            envelope(told, tenant_id="acme", by=by, now=INSTANT, command_id="x", correlation_id="req_1")
        )
    subject = f"{SUBJECTS.get(area, area[:3])}_1"
    return as_cloud_event(
        Envelope(
            id=f"{subject}:1:0",
            type=type,
            source=OWN_SOURCE,
            subject=subject,
            revision=1,
            n=0,
            tenant_id="acme",
            actor=Actor(ActorKind.USER, "ann"),
            occurred_at=INSTANT,
            recorded_at=INSTANT,
            data=data,
            correlation_id="req_1",
            command_id="x",
        )
    )


def taken_example(type: str, data: JsonObject) -> JsonObject:
    """Such an event as another system reports it, made up."""
    area, _, name = type.partition(":")
    return {"specversion": SPEC_VERSION, "id": f"{name}-1", "source": area, "type": type, "data": data}

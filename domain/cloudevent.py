"""An event as other systems read and write it: a CloudEvent 1.0, in the structured JSON form.

What the envelope knows beyond CloudEvents' own attributes stands beside them as extensions, lower-case as the
specification asks, and is left out where it is not known. What a reported CloudEvent says beyond what a report knows is
kept as it is, under `attributes`.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

from cloudevents.core.exceptions import CloudEventValidationError
from cloudevents.core.v1.event import CloudEvent

from domain.errors import InvalidInput, Problem
from domain.events import Envelope
from domain.external import OWN_ORIGIN, OWN_SOURCE, Report, foreign_problems
from domain.storable import json_problems
from domain.values import Json, JsonObject, milliseconds, timestamp

SPEC_VERSION: Final = "1.0"
MEDIA_TYPE: Final = "application/cloudevents+json"
JSON_TYPE: Final = "application/json"
_OF_A_URI: Final = ":/?#[]@!$&'()*+,;=%"
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,18})?(Z|[+-]\d\d:\d\d)", re.ASCII)
_EXTENSION: Final = re.compile(r"[a-z0-9]+", re.ASCII)
_DEFINED: Final = frozenset(
    ("specversion", "id", "source", "type", "time", "subject", "datacontenttype", "dataschema")
)
_NAMES: Final = {  # of what a report calls otherwise
    "occurredAt": "time",
    "customerId": "customerid",
    "leadId": "leadid",
    "correlationId": "correlationid",
}
_KNOWN: Final = frozenset(("specversion", "id", "source", "type", *_NAMES.values()))


def as_cloud_event(envelope: Envelope) -> JsonObject:
    """The event in the structured JSON form. Its `id` is unique among all events of this service, whatever their
    source; the id that the source itself gave is the extension `externalid`, its subject is `externalsubject`."""
    said = dict(envelope.attributes or {})
    known: JsonObject = {
        "specversion": SPEC_VERSION,
        "id": envelope.id,
        "source": source_uri(envelope.source),
        "type": envelope.type,
        "subject": envelope.subject,
        "time": timestamp(envelope.occurred_at),
        "datacontenttype": said.get("datacontenttype", JSON_TYPE),
        "tenantid": envelope.tenant_id,
        "revision": envelope.revision,
        "place": envelope.n,
        "recordedtime": timestamp(envelope.recorded_at),
        "origin": envelope.origin.value,
        "actorkind": envelope.actor.kind.value,
        "actorid": envelope.actor.id,
        "correlationid": envelope.correlation_id,
        "causationid": envelope.causation_id,
        "customerid": envelope.customer_id,
        "leadid": envelope.lead_id,
        "externalid": envelope.external_id,
        "externalsubject": said.pop("subject", None),
        "data": envelope.data,
    }
    return said | {name: value for name, value in known.items() if value is not None}


def source_uri(source: str) -> str:
    """The source as the URI reference that CloudEvents wants: its own text where that is one already."""
    return OWN_ORIGIN if source == OWN_SOURCE else quote(source, safe=_OF_A_URI)


class Malformed(InvalidInput):
    """It is no CloudEvent 1.0."""


def read(
    event: JsonObject, *, now: datetime, only: str | None = None, also: Sequence[Problem] = ()
) -> Report:
    """The report that a CloudEvent makes. `only` is the one source that it may name; `also` is what is known to be
    wrong with its form. Raises Malformed where it is no CloudEvent, InvalidInput where it is one that cannot be taken;
    with every reason, by the CloudEvent's own names."""
    given: JsonObject = {name: value for name, value in event.items() if value is not None}
    data, binary = given.pop("data", None), given.pop("data_base64", None)
    at = _time(given.get("time"))
    malformed = [*also, *_attribute_problems(given, at)]
    found = [*malformed, *_data_problems(data, binary, given.get("datacontenttype"))]
    report = Report(
        type=_text(given, "type"),
        source=_text(given, "source"),
        id=_text(given, "id"),
        data=data if isinstance(data, dict) else {},
        occurred_at=at,
        customer_id=_text(given, "customerid") if "customerid" in given else None,
        lead_id=_text(given, "leadid") if "leadid" in given else None,
        correlation_id=_text(given, "correlationid") if "correlationid" in given else None,
        attributes={
            name: value for name, value in given.items() if name not in _KNOWN and not _implied(name, value)
        },
    )
    rest = foreign_problems(report, now=now)
    if only is not None and report.source != only:
        rest.append(Problem(f"The events of this address name the source {only!r}.", ("source",)))
    told = {each.path for each in found}
    found += [each for each in map(_renamed, rest) if each.path[:1] not in told]
    if found:
        kind = Malformed if malformed else InvalidInput
        raise kind(found[0].message, problems=found)
    return report


def is_json(media_type: str) -> bool:
    """Whether data of this media type is JSON."""
    return _essence(media_type).endswith(("/json", "+json"))


def _essence(media_type: str) -> str:
    return media_type.partition(";")[0].strip().lower()


def _attribute_problems(given: JsonObject, at: datetime | None) -> list[Problem]:
    """What the specification does not allow, in our words."""
    judged: dict[str, object] = {"specversion": None, "id": None, **given}
    if at is not None:
        judged["time"] = at
    try:
        CloudEvent(judged)
        odd: set[str] = set()
    except CloudEventValidationError as error:
        odd = set(error.errors)
    found = [Problem(_needed(name), (name,)) for name in sorted(odd)]
    for name, value in given.items():
        if name in odd or name in _DEFINED:
            continue
        if not _EXTENSION.fullmatch(name):
            found.append(Problem(_needed(name), (name,)))
        elif name in _KNOWN and (not _is_simple(value) or isinstance(value, bool)):
            found.append(Problem("A text is needed here.", (name,)))
        elif not _is_simple(value):
            found.append(Problem("A text, a whole number of 32 bits or a boolean is needed here.", (name,)))
    return found


def _needed(name: str) -> str:
    if name == "specversion":
        return f"This service takes CloudEvents {SPEC_VERSION}."
    if name == "time":
        return "A time is RFC 3339: 2026-01-31T12:00:00Z."
    if name in _DEFINED:
        return "A text is needed here."
    return "An attribute's name has lower-case letters and digits only."


def _is_simple(value: Json) -> bool:
    return isinstance(value, str | bool) or (isinstance(value, int) and -(2**31) <= value < 2**31)


def _data_problems(data: Json, binary: Json, media_type: Json) -> list[Problem]:
    found = []
    if isinstance(media_type, str) and not is_json(media_type):
        found.append(Problem("Data is JSON here.", ("datacontenttype",)))
    if binary is not None:
        found.append(Problem("Data is a JSON object here, not binary.", ("data_base64",)))
    if data is not None and not isinstance(data, dict):
        found.append(Problem("Data is a JSON object here.", ("data",)))
    return found or json_problems(data, ("data",))


def _implied(name: str, value: Json) -> bool:
    """Whether it goes without saying."""
    return name == "datacontenttype" and isinstance(value, str) and _essence(value) == JSON_TYPE


def _time(value: Json) -> datetime | None:
    """The instant, to the millisecond; None for what is none."""
    if not isinstance(value, str) or not _TIME.fullmatch(value.upper()):
        return None
    try:
        return milliseconds(datetime.fromisoformat(value.upper()).astimezone(UTC))
    except (ValueError, OverflowError):
        return None


def _text(given: JsonObject, name: str) -> str:
    value = given.get(name)
    return value if isinstance(value, str) else str(value) if isinstance(value, int) else ""


def _renamed(problem: Problem) -> Problem:
    first, *rest = problem.path
    return replace(problem, path=(_NAMES.get(first, first), *rest))

"""An event as other systems read it: a CloudEvent 1.0, in the structured JSON form.

What the envelope knows beyond CloudEvents' own attributes stands beside them as extensions, lower-case as the
specification asks, and is left out where it is not known.
"""

from typing import Final
from urllib.parse import quote

from domain.events import Envelope
from domain.external import OWN_SOURCE
from domain.values import JsonObject, timestamp

SPEC_VERSION: Final = "1.0"
MEDIA_TYPE: Final = "application/cloudevents+json"
OWN_ORIGIN: Final = "/journeys"
_OF_A_URI: Final = ":/?#[]@!$&'()*+,;=%"


def as_cloud_event(envelope: Envelope) -> JsonObject:
    """The event in the structured JSON form. Its `id` is unique among all events of this service, whatever their
    source; the id that the source itself gave is the extension `externalid`."""
    known: JsonObject = {
        "specversion": SPEC_VERSION,
        "id": envelope.id,
        "source": source_uri(envelope.source),
        "type": envelope.type,
        "subject": envelope.subject,
        "time": timestamp(envelope.occurred_at),
        "datacontenttype": "application/json",
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
        "data": envelope.data,
    }
    return {name: value for name, value in known.items() if value is not None}


def source_uri(source: str) -> str:
    """The source as the URI reference that CloudEvents wants: its own text where that is one already."""
    return OWN_ORIGIN if source == OWN_SOURCE else quote(source, safe=_OF_A_URI)

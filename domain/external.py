"""Events that other systems report. Each is a subject of its own, taken once by its source and id.

An unknown type is kept; a known one (`isp/event_types.py`) must have the data it promises.
"""

import hashlib
import json
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from domain.errors import Problem
from domain.events import Envelope
from domain.identity import Actor
from domain.isp.event_types import data_problems
from domain.values import JsonObject

TYPE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,199}")
ODD_TYPE: Final = "A type has 1 to 200 letters, digits and . _ - : /, and begins with a letter or digit."
MAX_AHEAD: Final = timedelta(minutes=5)
OWN_SOURCE: Final = "journeys"
OWN_ORIGIN: Final = "/journeys"  # the same as CloudEvents have it
OWN_AREAS: Final = frozenset(
    (
        "journey",
        "handoff",
        "approval",
        "template",
        "touchpoint",
        "conversion",
        "package",
        "incident",
        "import",
        "notification",
        "trigger",
        "webhook",
        "customer",
        "source",
        "campaign_cost",
        "export",
        "retention",
        "calendar",
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """An event as it is reported. `id` is the source's own, `attributes` are what else a CloudEvent says of itself."""

    type: str
    source: str
    id: str
    data: JsonObject = field(default_factory=dict)
    occurred_at: datetime | None = None
    customer_id: str | None = None
    lead_id: str | None = None
    correlation_id: str | None = None
    attributes: JsonObject = field(default_factory=dict)


def problems(report: Report, *, now: datetime) -> list[Problem]:
    """Every reason why it cannot be taken, apart from its data."""
    found = []
    if not TYPE.fullmatch(report.type):
        found.append(Problem(ODD_TYPE, ("type",)))
    elif report.type.partition(":")[0].lower() in OWN_AREAS:
        found.append(Problem("Events of this area are made here only.", ("type",)))
    for name, text in (("source", report.source), ("id", report.id)):
        if not 1 <= len(text.strip()) <= 200:  # noqa: PLR2004  # as every name
            found.append(Problem("It has 1 to 200 characters.", (name,)))
    about = (
        ("customerId", report.customer_id),
        ("leadId", report.lead_id),
        ("correlationId", report.correlation_id),
    )
    for name, given in about:
        if given is not None and not 1 <= len(given.strip()) <= 200:  # noqa: PLR2004
            found.append(Problem("It has 1 to 200 characters.", (name,)))
    if report.occurred_at is not None and report.occurred_at > now + MAX_AHEAD:
        found.append(Problem("It lies more than five minutes ahead.", ("occurredAt",)))
    return found


def foreign_problems(report: Report, *, now: datetime) -> list[Problem]:
    """Every reason why another system's report cannot be taken, its data included."""
    found = problems(report, now=now)
    if report.source.strip().lower() in (OWN_SOURCE, OWN_ORIGIN):
        found.append(Problem("This service alone reports under this name.", ("source",)))
    return found + data_problems(report.type, report.data)


def event_subject(tenant_id: str, source: str, id: str) -> str:
    """The subject that a source's event is: the same for the same (source, id)."""
    named = json.dumps([tenant_id, source, id])  # a list, for whatever characters the source uses
    return f"evt_{hashlib.sha256(named.encode()).hexdigest()[:32]}"


def envelope(
    report: Report,
    *,
    tenant_id: str,
    by: Actor,
    now: datetime,
    command_id: str,
    input_hash: str | None = None,
    correlation_id: str,
    causation_id: str | None = None,
    depth: int = 0,
) -> Envelope:
    """The fact as the log keeps it."""
    subject = event_subject(tenant_id, report.source, report.id)
    return Envelope(
        id=f"{subject}:1:0",
        external_id=report.id,
        type=report.type,
        source=report.source,
        subject=subject,
        revision=1,
        n=0,
        tenant_id=tenant_id,
        actor=by,
        occurred_at=report.occurred_at or now,
        recorded_at=now,
        data=report.data,
        attributes=report.attributes or None,
        customer_id=report.customer_id or _text(report.data.get("customerId")),
        lead_id=report.lead_id or _text(report.data.get("leadId")),
        correlation_id=report.correlation_id or correlation_id,
        causation_id=causation_id,
        depth=depth,
        command_id=command_id,
        input_hash=input_hash,
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and 1 <= len(value) <= 200 else None  # noqa: PLR2004

"""Facts that are recorded once and never change: contacts, conversions, and that an import is complete."""

from dataclasses import dataclass, field
from typing import ClassVar

from domain.events import Event, Outcome
from domain.template import Stage
from domain.values import JsonObject, Money


@dataclass(frozen=True, slots=True, kw_only=True)
class TouchpointAdded(Event):
    """A contact with a customer, at the time when it took place."""

    type: ClassVar[str] = "touchpoint:added"
    tenant_id: str
    kind: str
    channel: str
    source: str
    title: str
    journey_id: str | None = None
    customer_id: str | None = None
    lead_id: str | None = None
    campaign: str | None = None
    description: str | None = None
    outcome: Outcome | None = None
    cost: Money | None = None
    duration_seconds: float | None = None
    metadata: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversionAdded(Event):
    """A stage change that matters, at the time when the customer converted."""

    type: ClassVar[str] = "conversion:added"
    tenant_id: str
    kind: str
    from_stage: Stage | None = None
    to_stage: Stage
    value: Money | None = None
    journey_id: str | None = None
    customer_id: str | None = None
    lead_id: str | None = None
    channel: str | None = None
    source: str | None = None
    campaign: str | None = None
    metadata: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportCompleted(Event):
    """A file's history was imported."""

    type: ClassVar[str] = "import:completed"
    tenant_id: str
    template_id: str
    file: str
    journeys: int
    step_events: int
    rejected: int

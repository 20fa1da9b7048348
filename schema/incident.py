"""Incidents as GraphQL shows them, and what clients send about them."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Self

import strawberry

from domain import incident as domain
from domain.incident import IncidentKind, IncidentStatus
from schema.errors import UserError
from schema.handoff import Handoff
from schema.info import Info
from schema.node import Node
from schema.paging import Connection

if TYPE_CHECKING:
    from schema.journey import Journey


@strawberry.type(description="Something that stopped and needs a person.")
class Incident(Node):
    state: strawberry.Private[domain.Incident]
    revision: int = strawberry.field(description="Grows by one with every change, from 1.")
    kind: IncidentKind = strawberry.field(description="What it is about.")
    status: IncidentStatus = strawberry.field(description="Whether it still needs somebody.")
    reason: str = strawberry.field(description="What went wrong.")
    journey_id: strawberry.ID | None = strawberry.field(description="The journey that stands still.")
    handoff_id: strawberry.ID | None = strawberry.field(description="The handoff that failed.")
    event_id: strawberry.ID | None = strawberry.field(description="The event that could not be followed up.")
    step: str | None = strawberry.field(description="The id of the journey's step.")
    created_at: datetime = strawberry.field(description="When it was opened.")
    ended_at: datetime | None = strawberry.field(description="When it was resolved.")
    resolution: str | None = strawberry.field(description="How it was resolved.")

    @strawberry.field(description="The handoff that failed.")
    async def handoff(self, info: Info) -> Handoff | None:
        if self.state.handoff_id is None:
            return None
        found = await info.context.loaders.handoff.load(self.state.handoff_id)
        return None if found is None else Handoff.of(found)

    @strawberry.field(description="The journey that stands still.")
    async def journey(self, info: Info) -> Annotated["Journey", strawberry.lazy("schema.journey")] | None:
        from schema.journey import Journey  # noqa: PLC0415  # journeys show their handoffs, and these their journey

        if self.state.journey_id is None:
            return None
        found = await info.context.loaders.journey.load(self.state.journey_id)
        return None if found is None else Journey.of(found)

    @classmethod
    def of(cls, incident: domain.Incident) -> Self:
        return cls(
            state=incident,
            id=strawberry.ID(incident.id),
            revision=incident.revision,
            kind=incident.kind,
            status=incident.status,
            reason=incident.reason,
            journey_id=_id(incident.journey_id),
            handoff_id=_id(incident.handoff_id),
            event_id=_id(incident.event_id),
            step=incident.step,
            created_at=incident.created_at,
            ended_at=incident.ended_at,
            resolution=incident.resolution,
        )


def _id(value: str | None) -> strawberry.ID | None:
    return None if value is None else strawberry.ID(value)


IncidentConnection = Connection[Incident]


@strawberry.input(description="Which incidents are meant. All given parts must hold.")
class IncidentFilterInput:
    status: IncidentStatus | None = strawberry.field(default=None, description="In this state.")
    kind: IncidentKind | None = strawberry.field(default=None, description="Of this kind.")
    journey_id: strawberry.ID | None = strawberry.field(default=None, description="Of this journey.")

    def to_domain(self) -> domain.IncidentFilter:
        return domain.IncidentFilter(status=self.status, kind=self.kind, journey_id=self.journey_id)


@strawberry.input(description="An incident that is mended, or that nobody needs to mend any more.")
class ResolveIncidentInput:
    id: strawberry.ID = strawberry.field(description="The incident.")
    resolution: str = strawberry.field(
        description="How it was mended, or why nobody needs it; at most 2,000 characters."
    )
    expected_revision: int | None = strawberry.field(
        default=None, description="Refuse with CONFLICT when this is not the incident's revision any more."
    )
    idempotency_key: str | None = strawberry.field(
        default=None, description="Given again, the mutation is not carried out again but answers as before."
    )


@strawberry.type(description="An incident after a mutation, or why it was refused.")
class IncidentPayload:
    incident: Incident | None = strawberry.field(description="The incident as it is now; null when refused.")
    settled: bool = strawberry.field(
        description="Whether its events are in the log and what follows directly is done; else both come soon."
    )
    user_errors: list[UserError] = strawberry.field(description="Why it was refused; empty when it was not.")

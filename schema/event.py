"""Events as GraphQL shows them: the log, and what comes over the feed."""

from datetime import datetime
from typing import Self

import strawberry

from domain import events as domain
from domain.events import Origin
from schema.identity import Actor
from schema.paging import Connection
from schema.scalars import JSON


@strawberry.type(description="A fact that was recorded. It never changes.")
class Event:
    id: strawberry.ID = strawberry.field(description="The event's id; a fact recorded twice has one id.")
    type: str = strawberry.field(
        description="What happened: area:name for this service's own, such as `journey:started`; others as their "
        "source names them."
    )
    source: str = strawberry.field(description="The system that reports it; `journeys` for this service.")
    subject: strawberry.ID = strawberry.field(
        description="The id of what it happened to, such as a journey's."
    )
    revision: int = strawberry.field(
        description="The subject's revision after the change that this is part of."
    )
    n: int = strawberry.field(description="Its place among the events of that change, from 0.")
    actor: Actor = strawberry.field(description="Who caused it.")
    occurred_at: datetime = strawberry.field(description="When it happened.")
    recorded_at: datetime = strawberry.field(description="When the service took note of it.")
    data: JSON = strawberry.field(description="What it says; the keys depend on the type.")
    attributes: JSON | None = strawberry.field(
        description="What else a CloudEvent says of itself, such as `subject`, `dataschema` and its extensions; null "
        "where there is nothing."
    )
    origin: Origin = strawberry.field(description="Whether it happened here or was imported.")
    external_id: str | None = strawberry.field(
        description="The id that the source gave it; null for this service's own."
    )
    customer_id: str | None = strawberry.field(description="The customer it is about.")
    lead_id: str | None = strawberry.field(description="The lead it is about.")
    depth: int = strawberry.field(
        description="How many triggers, one after the other, led to it; at 16 such a chain is cut off."
    )
    correlation_id: str = strawberry.field(description="The same for all that one request led to.")
    causation_id: str | None = strawberry.field(description="The event that led to this one.")

    @classmethod
    def of(cls, event: domain.Envelope) -> Self:
        return cls(
            id=strawberry.ID(event.id),
            type=event.type,
            source=event.source,
            subject=strawberry.ID(event.subject),
            revision=event.revision,
            n=event.n,
            actor=Actor.of(event.actor),
            occurred_at=event.occurred_at,
            recorded_at=event.recorded_at,
            data=JSON(event.data),
            attributes=None if event.attributes is None else JSON(event.attributes),
            origin=event.origin,
            external_id=event.external_id,
            customer_id=event.customer_id,
            lead_id=event.lead_id,
            depth=event.depth,
            correlation_id=event.correlation_id,
            causation_id=event.causation_id,
        )


@strawberry.type(description="A page of events.")
class EventConnection(Connection[Event]):
    live_cursor: str | None = strawberry.field(
        default=None,
        description="The end of the feed from before the page was read, for `after` of a subscription; null while "
        "live updates are away.",
    )


@strawberry.input(description="Which events are meant. All given parts must hold.")
class EventFilterInput:
    types: list[str] | None = strawberry.field(default=None, description="One of these types.")
    source: str | None = strawberry.field(
        default=None, description="Reported by this system; `journeys` is this service."
    )
    subject: strawberry.ID | None = strawberry.field(default=None, description="About this subject.")
    customer_id: str | None = strawberry.field(default=None, description="About this customer.")
    since: datetime | None = strawberry.field(default=None, description="Occurred at this time or later.")
    until: datetime | None = strawberry.field(default=None, description="Occurred before this time.")

    def to_domain(self) -> domain.EventFilter:
        return domain.EventFilter(
            types=tuple(self.types or ()),
            source=self.source,
            subject=self.subject,
            customer_id=self.customer_id,
            since=self.since,
            until=self.until,
        )


@strawberry.type(description="A change as the feed tells it: events of one subject.")
class EventChange:
    events: list[Event] = strawberry.field(description="The events in order; none with `reset`.")
    cursor: str | None = strawberry.field(
        description="The place in the feed, for `after`; null where it cannot be told."
    )
    reset: bool = strawberry.field(
        default=False,
        description="The cursor given led nowhere any more: read again, then go on with what follows here.",
    )


@strawberry.type(description="An entry of the log with which the relay has trouble.")
class FailingEntry:
    event: Event = strawberry.field(description="The event.")
    pending: list[str] = strawberry.field(
        description="What is still to be done with it: `feed`, `follow`, `triggers`, `webhooks`."
    )
    attempts: int = strawberry.field(description="How often that failed.")
    last_error: str | None = strawberry.field(description="How it failed the last time.")


@strawberry.type(description="How far the relay, which follows up each event, is behind.")
class RelayStatus:
    pending: int = strawberry.field(
        description="How many of the tenant's changes are still to be told or followed up."
    )
    unlogged: int = strawberry.field(
        description="How many documents have had events for the log for over ten seconds: a process died, or the "
        "background work does not run."
    )
    lag_seconds: float = strawberry.field(description="How long the oldest of them has waited, in seconds.")
    failing: list[FailingEntry] = strawberry.field(
        description="This tenant's entries that have failed, the most often failed first; at most 20."
    )

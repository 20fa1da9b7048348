"""Events as other systems report them, and what became of each."""

from datetime import datetime

import strawberry

from domain import external
from schema.errors import UserError
from schema.event import Event
from schema.scalars import JSON, json_object


@strawberry.input(description="An event to report.")
class ReportedEventInput:
    type: str = strawberry.field(
        description="What happened, such as `crm:lead_qualified` or `com.example.order.created`: at most 200 letters, "
        "digits and . _ - : /. The areas of this service's own events, before the colon, are refused. `eventTypes` "
        "tells which types are known; others are kept too."
    )
    source: str = strawberry.field(description="The system that reports it, such as `crm`.")
    id: str | None = strawberry.field(
        default=None,
        description="The source's own id of it: the same source and id is taken once. Made up where none is given.",
    )
    occurred_at: datetime | None = strawberry.field(
        default=None, description="When it happened, at most five minutes ahead; now where none is given."
    )
    data: JSON | None = strawberry.field(
        default=None,
        description="What it says, an object up to 256 KiB; of a known type, with what that promises.",
    )
    customer_id: str | None = strawberry.field(
        default=None, description="The customer it is about; `data.customerId` by default."
    )
    lead_id: str | None = strawberry.field(
        default=None, description="The lead it is about; `data.leadId` by default."
    )
    correlation_id: str | None = strawberry.field(
        default=None, description="The same for all that belongs together; a new one where none is given."
    )

    def to_domain(self, made_up: str) -> external.Report:
        """`made_up` is the id where the source gives none. Raises InvalidInput for data that is no object."""
        return external.Report(
            type=self.type,
            source=self.source,
            id=made_up if self.id is None else self.id,
            data=json_object(self.data),
            occurred_at=self.occurred_at,
            customer_id=self.customer_id,
            lead_id=self.lead_id,
            correlation_id=self.correlation_id,
        )


@strawberry.input(description="An event to report.")
class EmitEventInput(ReportedEventInput):
    idempotency_key: str | None = strawberry.field(
        default=None, description="Given again, the mutation is not carried out again but answers as before."
    )


@strawberry.input(description="Events to report.")
class EmitEventsInput:
    events: list[ReportedEventInput] = strawberry.field(
        description="1 to 1,000 events; when one is wrong, the others are taken all the same."
    )
    idempotency_key: str | None = strawberry.field(
        default=None,
        description="Given again, the mutation is not carried out again but answers as before; what was refused is "
        "looked at anew.",
    )


@strawberry.type(description="What became of one of many reported events.")
class EventOutcome:
    event: Event | None = strawberry.field(description="The event as it is kept; null where it was refused.")
    duplicate: bool = strawberry.field(
        description="Whether the source had reported this id before: then the event is what it said at first."
    )
    user_errors: list[UserError] = strawberry.field(description="Why it was refused; empty when it is kept.")


@strawberry.type(description="The event that was reported, or why it was refused.")
class EventPayload:
    event: Event | None = strawberry.field(description="The event as it is kept; null where it was refused.")
    duplicate: bool = strawberry.field(
        description="Whether the source had reported this id before: then the event is what it said at first."
    )
    user_errors: list[UserError] = strawberry.field(description="Why it was refused; empty when it is kept.")


@strawberry.type(description="What became of each event, or why none was looked at.")
class EventsPayload:
    results: list[EventOutcome] = strawberry.field(description="One for each event, in the order given.")
    user_errors: list[UserError] = strawberry.field(
        description="Why no event was looked at; empty when each has its result."
    )

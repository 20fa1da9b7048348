"""What clients send about handoffs, and what mutations answer."""

from datetime import datetime
from typing import TypeVar

import strawberry

from domain import handoff_filter as domain
from domain.events import HandoffStatus, Priority
from domain.handoff_events import HandoffType
from schema.errors import UserError
from schema.handoff import Handoff
from schema.journey_inputs import TimeRangeInput
from schema.policy import ApprovalPolicyInput
from schema.scalars import JSON

T = TypeVar("T")


@strawberry.input(
    description="Which handoffs are meant. All given parts must hold; a list holds when one value does."
)
class HandoffFilterInput:
    status: list[HandoffStatus] | None = strawberry.field(default=None, description="In one of these states.")
    type: list[HandoffType] | None = strawberry.field(default=None, description="Of one of these types.")
    from_package: str | None = strawberry.field(default=None, description="Handed over by this system.")
    to_package: str | None = strawberry.field(default=None, description="Handed to this system.")
    action: str | None = strawberry.field(default=None, description="Asking for this action.")
    journey_id: strawberry.ID | None = strawberry.field(default=None, description="Of this journey.")
    customer_id: str | None = strawberry.field(default=None, description="Of this customer.")
    lead_id: str | None = strawberry.field(default=None, description="Of this lead.")
    assigned_to: str | None = strawberry.field(default=None, description="Assigned to this person.")
    created_at: TimeRangeInput | None = strawberry.field(default=None, description="Made in this span.")

    def to_domain(self) -> domain.HandoffFilter:
        return domain.HandoffFilter(
            status=_tuple(self.status),
            type=_tuple(self.type),
            from_package=self.from_package,
            to_package=self.to_package,
            action=self.action,
            journey_id=self.journey_id,
            customer_id=self.customer_id,
            lead_id=self.lead_id,
            assigned_to=self.assigned_to,
            created_at=self.created_at.to_domain() if self.created_at else None,
        )


def _tuple(values: list[T] | None) -> tuple[T, ...] | None:
    return None if values is None else tuple(dict.fromkeys(values))


@strawberry.input(description="Work to hand over.")
class CreateHandoffInput:
    type: HandoffType = strawberry.field(description="How it is to be done.")
    name: str = strawberry.field(description="What it is about, for people.")
    to_package: str = strawberry.field(
        description="The package it goes to; for MANUAL also any name for the people who do it."
    )
    from_package: str | None = strawberry.field(default=None, description="The system that hands over.")
    action: str | None = strawberry.field(
        default=None,
        description="The package's action. AUTOMATIC needs one; APPROVAL_REQUIRED carries it out once approved, and is "
        "completed by the approval where there is none.",
    )
    journey_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="The journey it belongs to. No step waits for it: it does not move the journey.",
    )
    customer_id: str | None = strawberry.field(
        default=None, description="The customer; the journey's by default."
    )
    lead_id: str | None = strawberry.field(default=None, description="The lead; the journey's by default.")
    priority: Priority = strawberry.field(default=Priority.MEDIUM, description="How urgent it is.")
    data: JSON | None = strawberry.field(
        default=None, description="What is needed to do it, an object up to 256 KiB."
    )
    required_data: list[str] = strawberry.field(
        default_factory=list,
        description="Dotted paths that the data must have, at most 50, beside those of the action.",
    )
    assigned_to: str | None = strawberry.field(default=None, description="The person who is to do it.")
    due_at: datetime | None = strawberry.field(
        default=None, description="By when it is to be done; for MANUAL only. After that it fails."
    )
    approval: ApprovalPolicyInput | None = strawberry.field(
        default=None, description="How it is to be decided; needed for APPROVAL_REQUIRED, and for that only."
    )
    idempotency_key: str | None = strawberry.field(
        default=None, description="Given again, the mutation is not carried out again but answers as before."
    )


@strawberry.input(description="Which handoff to change, and against what.")
class HandoffInput:
    id: strawberry.ID = strawberry.field(description="The handoff.")
    expected_revision: int | None = strawberry.field(
        default=None, description="Refuse with CONFLICT when this is not the handoff's revision any more."
    )
    idempotency_key: str | None = strawberry.field(
        default=None, description="Given again, the mutation is not carried out again but answers as before."
    )


@strawberry.input(description="A handoff that was done.")
class CompleteHandoffInput(HandoffInput):
    output: JSON | None = strawberry.field(
        default=None,
        description="The result, any JSON up to 64 KiB. A step maps it into its journey's context.",
    )


@strawberry.input(description="A handoff that cannot be done.")
class FailHandoffInput(HandoffInput):
    reason: str = strawberry.field(description="Why; at most 2,000 characters.")


@strawberry.input(description="A handoff that nobody needs any more.")
class CancelHandoffInput(HandoffInput):
    reason: str | None = strawberry.field(
        default=None, description="Why, for the history; at most 2,000 characters."
    )


@strawberry.input(description="A handoff to assign.")
class ReassignHandoffInput(HandoffInput):
    user: str | None = strawberry.field(default=None, description="The person; null for nobody.")


@strawberry.input(description="A handoff whose data changes.")
class ChangeHandoffDataInput(HandoffInput):
    changes: JSON = strawberry.field(
        description="An object, merged into the data at its top level; a null removes a key."
    )


@strawberry.input(description="A failed handoff to do again, with changed data, a reason, or both.")
class RetryHandoffInput(HandoffInput):
    changes: JSON | None = strawberry.field(
        default=None, description="An object, merged into the data at its top level; a null removes a key."
    )
    reason: str | None = strawberry.field(
        default=None, description="Why it should succeed now; at most 2,000 characters."
    )


@strawberry.input(description="A handoff to decide on.")
class DecideHandoffInput(HandoffInput):
    comment: str | None = strawberry.field(
        default=None, description="What there is to say to it; at most 2,000 characters."
    )


@strawberry.input(description="An approval that somebody else is to decide.")
class DelegateApprovalInput(HandoffInput):
    to: str = strawberry.field(description="The user who decides instead; oneself to take it back.")


@strawberry.input(description="Handoffs to do the same with. Safe to give again.")
class HandoffsInput:
    ids: list[strawberry.ID] = strawberry.field(description="1 to 1,000 handoffs.")
    idempotency_key: str | None = strawberry.field(
        default=None,
        description="Given again, no handoff is changed again but answers as before; each id by itself, so that a part "
        "may be given again.",
    )


@strawberry.input(description="Handoffs to decide on.")
class DecideHandoffsInput(HandoffsInput):
    comment: str | None = strawberry.field(
        default=None, description="What there is to say to each; at most 2,000 characters."
    )


@strawberry.input(description="Failed handoffs to do again, with changed data, a reason, or both.")
class RetryHandoffsInput(HandoffsInput):
    changes: JSON | None = strawberry.field(
        default=None, description="An object, merged into the data of each; a null removes a key."
    )
    reason: str | None = strawberry.field(
        default=None, description="Why they should succeed now; at most 2,000 characters."
    )


@strawberry.type(description="A handoff after a mutation, or why it was refused.")
class HandoffPayload:
    handoff: Handoff | None = strawberry.field(description="The handoff as it is now; null when refused.")
    settled: bool = strawberry.field(
        description="Whether its events are in the log and what follows directly is done; else both come soon."
    )
    user_errors: list[UserError] = strawberry.field(description="Why it was refused; empty when it was not.")


@strawberry.type(description="A handoff after its result was reported, or why that was refused.")
class HandoffResultPayload(HandoffPayload):
    late: bool = strawberry.field(
        description="Whether it had ended otherwise before: the result is kept in its history and changes nothing."
    )


@strawberry.type(description="What became of one handoff of many.")
class HandoffOutcome:
    id: strawberry.ID = strawberry.field(description="The handoff's id, as it was given.")
    handoff: Handoff | None = strawberry.field(description="The handoff as it is now; null when refused.")
    settled: bool = strawberry.field(
        description="Whether its events are in the log and what follows directly is done; else both come soon."
    )
    user_errors: list[UserError] = strawberry.field(
        description="Why this one was refused; empty when it was not."
    )


@strawberry.type(description="What became of each handoff.")
class HandoffsPayload:
    results: list[HandoffOutcome] = strawberry.field(description="One for each id, in the order given.")
    user_errors: list[UserError] = strawberry.field(
        description="Why the whole was refused; empty when it was not."
    )

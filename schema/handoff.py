"""Handoffs as GraphQL shows them. A plain object made from the domain's; what costs a query is a method."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Self

import strawberry

from domain import handoff as domain
from domain.events import HandoffStatus, Priority
from domain.handoff_allowed import HandoffAction, handoff_actions
from domain.handoff_events import AttemptOutcome, FailureCode, Flaw, HandoffType
from schema.approval import HandoffApproval
from schema.event import Event, EventConnection
from schema.identity import Actor
from schema.info import Info
from schema.node import Node
from schema.paging import After, Before, Connection, First, Last, connect
from schema.scalars import JSON

if TYPE_CHECKING:
    from schema.journey import Journey


@strawberry.type(description="One call of a partner.")
class HandoffAttempt:
    round: int = strawberry.field(
        description="The round it belongs to; a retry by a person begins a new one."
    )
    number: int = strawberry.field(description="Its place in the round, from 1.")
    started_at: datetime = strawberry.field(description="When it began.")
    ended_at: datetime | None = strawberry.field(description="When it ended; null while it runs.")
    outcome: AttemptOutcome | None = strawberry.field(
        description="What came of it; null while it runs, and where the handoff ended meanwhile."
    )
    status: int | None = strawberry.field(description="The HTTP status that the partner answered with.")
    error: str | None = strawberry.field(description="What went wrong.")
    duration: timedelta | None = strawberry.field(description="How long it took; null while it runs.")

    @classmethod
    def of(cls, attempt: domain.Attempt) -> Self:
        return cls(
            round=attempt.round,
            number=attempt.number,
            started_at=attempt.started_at,
            ended_at=attempt.ended_at,
            outcome=attempt.outcome,
            status=attempt.status,
            error=attempt.error,
            duration=None if attempt.ended_at is None else attempt.ended_at - attempt.started_at,
        )


@strawberry.type(description="Why a handoff cannot be done as it is.")
class HandoffProblem:
    message: str = strawberry.field(description="What is wrong, for people.")
    path: list[str] = strawberry.field(
        description="Where: `data` and the path that is missing in it, `action` or `toPackage`."
    )

    @classmethod
    def of(cls, flaw: Flaw) -> Self:
        return cls(message=flaw.message, path=list(flaw.path))


@strawberry.type(description="Whether the viewer may do something with a handoff now.")
class AllowedHandoffAction:
    action: HandoffAction = strawberry.field(description="What it is about.")
    allowed: bool = strawberry.field(description="Whether it would be carried out.")
    reason: str | None = strawberry.field(description="Why not.")


@strawberry.type(description="Work passed from one system to another, with the data it needs and its result.")
class Handoff(Node):
    state: strawberry.Private[domain.Handoff]
    revision: int = strawberry.field(description="Grows by one with every change, from 1.")
    type: HandoffType = strawberry.field(description="How it is done.")
    status: HandoffStatus = strawberry.field(description="Where it stands.")
    name: str = strawberry.field(description="What it is about, for people.")
    from_package: str | None = strawberry.field(description="The system that hands over.")
    to_package: str = strawberry.field(description="The system, or the people, that it is handed to.")
    action: str | None = strawberry.field(
        description="What they are asked to do; null for an approval that nothing follows from by itself."
    )
    journey_id: strawberry.ID | None = strawberry.field(description="The journey it belongs to.")
    step: str | None = strawberry.field(
        description="The id of the journey's step that waits for it; null where none does."
    )
    visit: int | None = strawberry.field(description="The visit of that step.")
    customer_id: str | None = strawberry.field(description="The customer.")
    lead_id: str | None = strawberry.field(description="The lead.")
    priority: Priority = strawberry.field(description="How urgent it is.")
    data: JSON = strawberry.field(description="What is needed to do it, an object.")
    required_data: list[str] = strawberry.field(
        description="Dotted paths that its data must have, beside those of the action."
    )
    output: JSON | None = strawberry.field(description="Its result, once it is completed.")
    failure: FailureCode | None = strawberry.field(description="Why it failed, for programs.")
    reason: str | None = strawberry.field(description="Why it ended as it did, for people.")
    validation_errors: list[HandoffProblem] = strawberry.field(
        description="What must be mended before it can be done (`failure: VALIDATION`)."
    )
    assigned_to: str | None = strawberry.field(description="The person who does it.")
    requester: Actor | None = strawberry.field(
        description="Who asked for it: the nearest person in the chain of causes, or the system that made it."
    )
    created_at: datetime = strawberry.field(description="When it was made.")
    created_by: Actor = strawberry.field(description="Who made it.")
    last_activity: datetime = strawberry.field(description="When something last happened to it.")
    ended_at: datetime | None = strawberry.field(description="When it ended.")
    due_at: datetime | None = strawberry.field(
        description="By when a decision, a person's work or a partner's later answer is awaited."
    )
    next_attempt_at: datetime | None = strawberry.field(description="When the partner is called next.")
    round: int = strawberry.field(
        description="How often it was begun, from 1; a retry by a person begins a new round."
    )
    idempotency_key: str = strawberry.field(
        description="What every attempt of this round sends to the partner as `Idempotency-Key`."
    )
    attempts: list[HandoffAttempt] = strawberry.field(
        description="The latest 30 calls of the partner, in order; all are in the history."
    )
    approval: HandoffApproval | None = strawberry.field(
        description="The approval it needs; null where it needs none."
    )
    live_cursor: str | None = strawberry.field(
        default=None,
        description="The end of the feed from before the handoff was read, for `after` of a subscription; null while "
        "live updates are away, and on handoffs in lists, whose connection has it.",
    )

    @strawberry.field(description="The journey it belongs to.")
    async def journey(self, info: Info) -> Annotated["Journey", strawberry.lazy("schema.journey")] | None:
        from schema.journey import Journey  # noqa: PLC0415  # journeys show their handoffs, and these their journey

        if self.state.journey_id is None:
            return None
        found = await info.context.loaders.journey.load(self.state.journey_id)
        return None if found is None else Journey.of(found)

    @strawberry.field(description="What the viewer may do with it now, and why not the rest.")
    def allowed_actions(self, info: Info) -> list[AllowedHandoffAction]:
        at = max(info.context.now(), self.state.last_activity)
        verdicts = handoff_actions(self.state, info.context.identity, at=at)
        return [
            AllowedHandoffAction(action=each.action, allowed=each.allowed, reason=each.reason)
            for each in verdicts
        ]

    @strawberry.field(description="Everything that happened to it, from first to last.")
    async def history(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> EventConnection:
        rows = await info.context.store.events.history(self.id, info.context.page(first, after, last, before))
        return connect(EventConnection, rows, Event.of)

    @classmethod
    def of(cls, handoff: domain.Handoff, live_cursor: str | None = None) -> Self:
        approval, requester = handoff.approval, handoff.requester
        return cls(
            state=handoff,
            id=strawberry.ID(handoff.id),
            revision=handoff.revision,
            type=handoff.type,
            status=handoff.status,
            name=handoff.name,
            from_package=handoff.from_package,
            to_package=handoff.to_package,
            action=handoff.action,
            journey_id=None if handoff.journey_id is None else strawberry.ID(handoff.journey_id),
            step=handoff.step,
            visit=handoff.visit,
            customer_id=handoff.customer_id,
            lead_id=handoff.lead_id,
            priority=handoff.priority,
            data=JSON(handoff.data),
            required_data=list(handoff.required_data),
            output=None if handoff.output is None else JSON(handoff.output),
            failure=handoff.failure,
            reason=handoff.reason,
            validation_errors=[HandoffProblem.of(each) for each in handoff.validation_errors],
            assigned_to=handoff.assigned_to,
            requester=None if requester is None else Actor.of(requester),
            created_at=handoff.created_at,
            created_by=Actor.of(handoff.created_by),
            last_activity=handoff.last_activity,
            ended_at=handoff.ended_at,
            due_at=handoff.due_at,
            next_attempt_at=handoff.next_attempt_at,
            round=handoff.round,
            idempotency_key=handoff.message_id,
            attempts=[HandoffAttempt.of(each) for each in handoff.attempts],
            approval=None if approval is None else HandoffApproval.of(handoff, approval),
            live_cursor=live_cursor,
        )


@strawberry.type(description="A page of handoffs.")
class HandoffConnection(Connection[Handoff]):
    live_cursor: str | None = strawberry.field(
        default=None,
        description="The end of the feed from before the page was read, for `after` of a subscription; null while "
        "live updates are away.",
    )

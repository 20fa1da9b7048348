"""Journeys as GraphQL shows them. A plain object made from the domain's; what costs a query is a method."""

from datetime import datetime, timedelta
from typing import Annotated, Self

import strawberry

from domain import journey as domain
from domain.allowed import allowed_actions
from domain.events import Origin, Priority
from domain.handoff_filter import HandoffFilter, HandoffOrder
from domain.journey import Status
from domain.template import Category, Stage
from domain.touchpoint import RecordFilter
from schema.condition import UnmetCondition
from schema.event import Event, EventConnection
from schema.handoff import Handoff, HandoffConnection
from schema.identity import Actor
from schema.info import Info
from schema.journey_step import AllowedAction, AwaitedWork, JourneyStep
from schema.node import Node
from schema.paging import After, Before, Connection, First, Last, connect
from schema.scalars import JSON
from schema.template import Template
from schema.touchpoint import Conversion, Touchpoint


@strawberry.type(description="One customer's way through a template.")
class Journey(Node):
    state: strawberry.Private[domain.Journey]
    revision: int = strawberry.field(description="Grows by one with every change, from 1.")
    name: str = strawberry.field(description="The journey's name for people.")
    category: Category = strawberry.field(name="type", description="What it is for.")
    status: Status = strawberry.field(description="Whether it goes on.")
    stage: Stage = strawberry.field(description="Where in its life the customer stands.")
    priority: Priority = strawberry.field(description="How urgent it is.")
    progress: int = strawberry.field(
        description="(Completed + skipped) / all steps, a whole percentage; 100 only when completed."
    )
    template_id: str = strawberry.field(description="The template it follows.")
    template_version: int = strawberry.field(description="The version of that template.")
    current_step_id: str = strawberry.field(description="The step it is at, or waits before.")
    customer_id: str | None = strawberry.field(description="The customer.")
    lead_id: str | None = strawberry.field(description="The lead.")
    context: JSON = strawberry.field(description="The journey's data.")
    tags: list[str] = strawberry.field(description="Labels.")
    assigned_to: str | None = strawberry.field(description="The person who looks after it.")
    assigned_team: str | None = strawberry.field(description="The team that looks after it.")
    blocked_by: list[UnmetCondition] = strawberry.field(
        description="The conditions it waits for before its current step; it goes on when they hold."
    )
    started_at: datetime = strawberry.field(description="When it started.")
    started_by: Actor = strawberry.field(description="Who started it.")
    last_activity: datetime = strawberry.field(description="When something last happened in it.")
    ended_at: datetime | None = strawberry.field(description="When it was completed or abandoned.")
    end_reason: str | None = strawberry.field(description="Why it was ended, where a reason was given.")
    estimated_completion: datetime | None = strawberry.field(
        description="Its start and the template's estimate."
    )
    due_at: datetime | None = strawberry.field(description="When the current step's time is over.")
    remaining: timedelta | None = strawberry.field(
        description="What is left of that time while it is paused."
    )
    origin: Origin = strawberry.field(description="Whether it started here or was imported.")
    incident: bool = strawberry.field(
        description="Whether it stands still because its step's handoff, action or child journey failed."
    )
    awaited: AwaitedWork | None = strawberry.field(
        description="The work that its current step waits for, and why that failed; null where it waits for none."
    )
    parent_id: strawberry.ID | None = strawberry.field(description="The journey whose step started this one.")
    parent_step_id: str | None = strawberry.field(description="That step.")
    live_cursor: str | None = strawberry.field(
        default=None,
        description="The end of the feed from before the journey was read, for `after` of a subscription; null while "
        "live updates are away, and on journeys in lists, whose connection has it.",
    )

    @strawberry.field(description="Its steps in their order, with where each stands.")
    async def steps(self, info: Info) -> list[JourneyStep]:
        definition = await info.context.store.journeys.definition(self.state)
        return [JourneyStep.of(step, self.state.visit(step.id)) for step in definition.steps]

    @strawberry.field(description="The step it is at, or waits before.")
    async def current_step(self, info: Info) -> JourneyStep | None:
        definition = await info.context.store.journeys.definition(self.state)
        step = definition.step(self.state.current_step)
        return None if step is None else JourneyStep.of(step, self.state.current)

    @strawberry.field(description="The version of the template it follows.")
    async def template(self, info: Info) -> Template:
        journey = self.state
        found = await info.context.loaders.template.load((journey.template_id, journey.template_version))
        return Template.of(found)

    @strawberry.field(description="What the viewer may do with it now, and why not the rest.")
    async def allowed_actions(self, info: Info) -> list[AllowedAction]:
        context = info.context
        definition = await context.store.journeys.definition(self.state)
        at = max(context.now(), self.state.last_activity)
        verdicts = allowed_actions(self.state, definition, context.identity, at=at)
        return [
            AllowedAction(action=each.action, allowed=each.allowed, reason=each.reason) for each in verdicts
        ]

    @strawberry.field(description="Everything that happened to it, from first to last.")
    async def history(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> EventConnection:
        rows = await info.context.store.events.history(self.id, info.context.page(first, after, last, before))
        return connect(EventConnection, rows, Event.of)

    @strawberry.field(
        description="The handoff that its current step waits for, also where that has failed; null where it waits for "
        "none, or the handoff is still to be made."
    )
    async def handoff(self, info: Info) -> Handoff | None:
        if self.state.handoff is None:
            return None
        found = await info.context.loaders.handoff.load(self.state.handoff.id)
        return None if found is None else Handoff.of(found)

    @strawberry.field(description="The journey whose step started this one, and ends with it.")
    async def parent(self, info: Info) -> Annotated["Journey", strawberry.lazy("schema.journey")] | None:
        if self.state.parent is None:
            return None
        found = await info.context.loaders.journey.load(self.state.parent.journey_id)
        return None if found is None else Journey.of(found)

    @strawberry.field(description="The journeys that its steps started, from new to old.")
    async def children(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Annotated["JourneyConnection", strawberry.lazy("schema.journey")]:
        store, tenant, wanted = (
            info.context.store.journeys.children,
            self.state.tenant_id,
            {"parentId": (self.id,)},
        )
        rows = await store.page(tenant, wanted, info.context.page(first, after, last, before))
        return connect(JourneyConnection, rows, Journey.of, lambda: store.count(tenant, wanted))

    @strawberry.field(description="Its handoffs, from new to old.")
    async def handoffs(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> HandoffConnection:
        store, wanted, tenant = (
            info.context.store.handoffs,
            HandoffFilter(journey_id=self.id),
            self.state.tenant_id,
        )
        page = info.context.page(first, after, last, before)
        rows = await store.page(tenant, wanted, HandoffOrder.CREATED_AT, page)
        return connect(HandoffConnection, rows, Handoff.of, lambda: store.count(tenant, wanted))

    @strawberry.field(description="Its touchpoints, from new to old.")
    async def touchpoints(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Touchpoint]:
        store, wanted = info.context.store.touchpoints, RecordFilter(journey_id=self.id)
        rows = await store.page(self.state.tenant_id, wanted, info.context.page(first, after, last, before))
        return connect(
            Connection[Touchpoint], rows, Touchpoint.of, lambda: store.count(self.state.tenant_id, wanted)
        )

    @strawberry.field(description="Its conversions, from new to old.")
    async def conversions(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Conversion]:
        store, wanted = info.context.store.conversions, RecordFilter(journey_id=self.id)
        rows = await store.page(self.state.tenant_id, wanted, info.context.page(first, after, last, before))
        return connect(
            Connection[Conversion], rows, Conversion.of, lambda: store.count(self.state.tenant_id, wanted)
        )

    @classmethod
    def of(cls, journey: domain.Journey, live_cursor: str | None = None) -> Self:
        left = journey.remaining_seconds
        return cls(
            state=journey,
            id=strawberry.ID(journey.id),
            revision=journey.revision,
            name=journey.name,
            category=journey.category,
            status=journey.status,
            stage=journey.stage,
            priority=journey.priority,
            progress=journey.progress,
            template_id=journey.template_id,
            template_version=journey.template_version,
            current_step_id=journey.current_step,
            customer_id=journey.customer_id,
            lead_id=journey.lead_id,
            context=JSON(journey.context),
            tags=list(journey.tags),
            assigned_to=journey.assigned_to,
            assigned_team=journey.assigned_team,
            blocked_by=[UnmetCondition.of(each) for each in journey.blocked_by],
            started_at=journey.created_at,
            started_by=Actor.of(journey.created_by),
            last_activity=journey.last_activity,
            ended_at=journey.ended_at,
            end_reason=journey.end_reason,
            estimated_completion=journey.estimated_completion,
            due_at=journey.due_at,
            remaining=None if left is None else timedelta(seconds=left),
            origin=journey.origin,
            incident=journey.incident,
            awaited=None if journey.awaited is None else AwaitedWork.of(journey.awaited),
            parent_id=None if journey.parent is None else strawberry.ID(journey.parent.journey_id),
            parent_step_id=None if journey.parent is None else journey.parent.step,
            live_cursor=live_cursor,
        )


@strawberry.type(description="A page of journeys.")
class JourneyConnection(Connection[Journey]):
    live_cursor: str | None = strawberry.field(
        default=None,
        description="The end of the feed from before the page was read, for `after` of a subscription; null while "
        "live updates are away.",
    )

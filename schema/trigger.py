"""Triggers as GraphQL shows them."""

from datetime import datetime
from typing import Self

import strawberry

from domain.action import ActionKind
from domain.firing import FiringFilter
from domain.rehearsal import Rehearsal
from domain.rule import CatchUp
from domain.template import TriggerType
from domain.trigger import Trigger as State
from schema.action import TriggerAction
from schema.condition import Condition, UnmetCondition
from schema.errors import UserError
from schema.firing import Firing
from schema.identity import Actor
from schema.info import Info
from schema.journey import Journey
from schema.node import Node
from schema.paging import After, Before, Connection, First, Last, connect
from schema.scalars import JSON


@strawberry.type(
    description="Something that happens by itself: when an event is reported, when conditions on a customer turn true, "
    "or when its time comes. It fires at most once for an event."
)
class Trigger(Node):
    state: strawberry.Private[State]
    name: str = strawberry.field(description="The trigger's name for people.")
    description: str = strawberry.field(description="What it is for.")
    type: TriggerType = strawberry.field(description="What makes it fire.")
    event: str | None = strawberry.field(
        description="The event type it waits for, or looks at its conditions at; null for a schedule, and where it "
        "looks at every change of a customer's facts."
    )
    schedule: str | None = strawberry.field(description="When it fires, as a cron expression of five fields.")
    time_zone: str = strawberry.field(description="The time zone of the schedule, such as `Europe/Rome`.")
    catch_up: CatchUp = strawberry.field(description="What becomes of scheduled firings that were missed.")
    conditions: list[Condition] = strawberry.field(
        description="What must hold for it to fire: in the event, and for a CONDITIONAL one in the customer's facts "
        "by their names."
    )
    action: TriggerAction = strawberry.field(description="What it does.")
    otherwise: TriggerAction | None = strawberry.field(
        description="What it does instead where the action finds no live journey."
    )
    priority: int = strawberry.field(description="Lower fires first.")
    active: bool = strawberry.field(description="Whether it is switched on.")
    built_in: bool = strawberry.field(description="Whether it came with the service or with a template.")
    next_at: datetime | None = strawberry.field(
        description="When its schedule fires next; null without a schedule, or switched off."
    )
    revision: int = strawberry.field(
        description="Grows with each change; 0 for a built-in trigger that has had none, by a person or its template."
    )
    created_at: datetime = strawberry.field(description="When it was created.")
    created_by: Actor = strawberry.field(description="Who created it.")
    updated_at: datetime = strawberry.field(description="When it was changed last.")

    @strawberry.field(description="What came of its firings, from new to old.")
    async def firings(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Firing]:
        store, tenant = info.context.store.firings, self.state.tenant_id
        wanted = FiringFilter(trigger_id=self.state.id)
        rows = await store.page(tenant, wanted, info.context.page(first, after, last, before))
        return connect(Connection[Firing], rows, Firing.of, lambda: store.count(tenant, wanted))

    @classmethod
    def of(cls, trigger: State) -> Self:
        rule = trigger.rule
        return cls(
            state=trigger,
            id=strawberry.ID(trigger.id),
            name=rule.name,
            description=rule.description,
            type=rule.type,
            event=rule.event,
            schedule=rule.schedule,
            time_zone=rule.time_zone,
            catch_up=rule.catch_up,
            conditions=[Condition.of(each) for each in rule.conditions],
            action=TriggerAction.of(rule.action),
            otherwise=None if rule.otherwise is None else TriggerAction.of(rule.otherwise),
            priority=rule.priority,
            active=trigger.active,
            built_in=trigger.built_in,
            next_at=trigger.wake_at,
            revision=trigger.revision,
            created_at=trigger.created_at,
            created_by=Actor.of(trigger.created_by),
            updated_at=trigger.updated_at,
        )


@strawberry.type(description="A trigger after a mutation, or why it was refused.")
class TriggerPayload:
    trigger: Trigger | None = strawberry.field(
        description="The trigger as it is now, also when it was deleted; null when refused."
    )
    settled: bool = strawberry.field(description="Whether its events are in the log already.")
    user_errors: list[UserError] = strawberry.field(description="Why it was refused; empty when it was not.")


@strawberry.type(description="What a trigger would do with an event. Nothing was changed.")
class TriggerTestPayload:
    fires: bool = strawberry.field(description="Whether it would fire and find something to do.")
    reason: str | None = strawberry.field(description="Why it would not; null when it would.")
    unmet_conditions: list[UnmetCondition] = strawberry.field(
        description="The conditions that do not hold, with the values seen."
    )
    action: ActionKind | None = strawberry.field(
        description="What it would do: its action, or the one it has otherwise; null when it would do nothing."
    )
    values: JSON = strawberry.field(
        description="The values that the action would be done with, by its constants and its mapping."
    )
    journey: Journey | None = strawberry.field(description="The journey that it finds.")
    template_id: str | None = strawberry.field(description="The template of which it would start a journey.")
    template_version: int | None = strawberry.field(description="The version that the journey would follow.")
    user_errors: list[UserError] = strawberry.field(description="Why it was refused; empty when it was not.")

    @classmethod
    def of(cls, rehearsal: Rehearsal, journey: Journey | None) -> Self:
        return cls(
            fires=rehearsal.fires,
            reason=rehearsal.reason,
            unmet_conditions=[UnmetCondition.of(each) for each in rehearsal.unmet],
            action=rehearsal.kind,
            values=JSON(rehearsal.values),
            journey=journey,
            template_id=rehearsal.template_id,
            template_version=rehearsal.template_version,
            user_errors=[],
        )

    @classmethod
    def refused(cls, errors: list[UserError]) -> Self:
        return cls(
            fires=False,
            reason=None,
            unmet_conditions=[],
            action=None,
            values=JSON({}),
            journey=None,
            template_id=None,
            template_version=None,
            user_errors=errors,
        )

"""Templates as GraphQL shows them."""

from datetime import datetime, timedelta
from typing import Self

import strawberry

from domain import template as domain
from domain.template import Category, Reentry, Stage, StepType, TriggerType
from schema.action import TriggerAction
from schema.child import ChildJourney
from schema.condition import Condition
from schema.errors import UserError
from schema.identity import Actor
from schema.info import Info
from schema.node import Node
from schema.policy import ApprovalPolicy
from schema.scalars import JSON


@strawberry.type(description="A step as a template describes it.")
class TemplateStep:
    id: str = strawberry.field(description="The step's name for programs, unique in its template.")
    name: str = strawberry.field(description="The step's name for people.")
    description: str = strawberry.field(description="What is done in it.")
    stage: Stage = strawberry.field(description="The stage a journey is in while it is at this step.")
    order: int = strawberry.field(description="Its place among the steps.")
    type: StepType = strawberry.field(description="Who does it.")
    package: str | None = strawberry.field(description="The system that does the work, such as `crm`.")
    action: str | None = strawberry.field(
        description="What that system is asked to do, such as `convert_lead`."
    )
    performs: TriggerAction | None = strawberry.field(
        description="What an AUTOMATED step does; without it, it is done at once."
    )
    child: ChildJourney | None = strawberry.field(
        description="The journey that a WORKFLOW step starts and ends with."
    )
    params: JSON = strawberry.field(description="Fixed parameters of the package's action.")
    estimated_minutes: int = strawberry.field(description="How long it usually takes, in minutes.")
    max_duration: timedelta | None = strawberry.field(description="After this time the step fails.")
    entry_conditions: list[Condition] = strawberry.field(description="What must hold before it is entered.")
    exit_conditions: list[Condition] = strawberry.field(description="What must hold before it is completed.")
    required_data: list[str] = strawberry.field(
        description="Paths that must be in the context before it is entered."
    )
    output_data: list[str] = strawberry.field(description="Paths that it adds to the context.")
    dependencies: list[str] = strawberry.field(description="Steps that must be completed or skipped before.")
    ui: JSON = strawberry.field(description="Hints for front ends; the service does not look at them.")
    approval: ApprovalPolicy | None = strawberry.field(
        description="How its approval is decided: of an APPROVAL step, or before an INTEGRATION step is executed."
    )
    output_mapping: JSON = strawberry.field(
        description="Context keys and the paths in the output of its handoff, action or child journey that fill them; "
        "the key `customerId` links the customer. An action's output is the `id` of what it made or changed."
    )
    on_rejected: str | None = strawberry.field(
        description="The step to go to when its approval is rejected or expires, or its child journey is abandoned; "
        "without one the journey fails."
    )
    sla: timedelta | None = strawberry.field(
        description="How long it is promised to take; without it, the estimate counts."
    )

    @classmethod
    def of(cls, step: domain.Step) -> Self:
        return cls(
            id=step.id,
            name=step.name,
            description=step.description,
            stage=step.stage,
            order=step.order,
            type=step.type,
            package=step.package,
            action=step.action,
            performs=None if step.performs is None else TriggerAction.of(step.performs),
            child=None if step.child is None else ChildJourney.of(step.child),
            params=JSON(step.params),
            estimated_minutes=step.estimated_minutes,
            max_duration=step.max_duration,
            entry_conditions=[Condition.of(each) for each in step.entry_conditions],
            exit_conditions=[Condition.of(each) for each in step.exit_conditions],
            required_data=list(step.required_data),
            output_data=list(step.output_data),
            dependencies=list(step.dependencies),
            ui=JSON(step.ui),
            approval=None if step.approval is None else ApprovalPolicy.of(step.approval),
            output_mapping=JSON(step.output_mapping),
            on_rejected=step.on_rejected,
            sla=step.sla,
        )


@strawberry.type(description="What starts a journey of the template by itself.")
class TemplateTrigger:
    id: str = strawberry.field(description="The trigger's name for programs, unique in its template.")
    name: str = strawberry.field(description="The trigger's name for people.")
    type: TriggerType = strawberry.field(description="What makes it fire.")
    event: str | None = strawberry.field(
        description="The event type it waits for, such as `crm:lead_qualified`."
    )
    schedule: str | None = strawberry.field(description="When it fires, as a cron expression of five fields.")
    time_zone: str | None = strawberry.field(
        description="The time zone of the schedule, such as `Europe/Rome`."
    )
    conditions: list[Condition] = strawberry.field(description="What must hold for it to fire.")
    context_mapping: JSON = strawberry.field(
        description="Context keys of the new journey and the paths in the event that fill them."
    )
    active: bool = strawberry.field(description="Whether it is switched on.")
    priority: int = strawberry.field(description="Lower fires first.")

    @classmethod
    def of(cls, trigger: domain.Trigger) -> Self:
        return cls(
            id=trigger.id,
            name=trigger.name,
            type=trigger.type,
            event=trigger.event,
            schedule=trigger.schedule,
            time_zone=trigger.time_zone,
            conditions=[Condition.of(each) for each in trigger.conditions],
            context_mapping=JSON(trigger.context_mapping),
            active=trigger.active,
            priority=trigger.priority,
        )


@strawberry.type(description="How journeys of a template behave.")
class TemplateSettings:
    auto_progress: bool = strawberry.field(
        description="Whether a journey goes on by itself after steps without people."
    )
    allow_skip_steps: bool = strawberry.field(description="Whether steps may be skipped.")
    require_approval: bool = strawberry.field(
        description="Whether every INTEGRATION step needs an approval before it is executed."
    )
    notifications_enabled: bool = strawberry.field(description="Whether notification steps tell anybody.")
    sla_tracking: bool = strawberry.field(description="Whether service levels are computed for it.")
    sla: timedelta | None = strawberry.field(
        description="How long the whole is promised to take; without it, `slaHours` of the context or the estimate."
    )
    reentry: Reentry = strawberry.field(description="When another one may start for the same customer.")
    entry_key: str | None = strawberry.field(
        description="A path in the context that stands for the customer in that rule, such as `ticketId`."
    )

    @classmethod
    def of(cls, settings: domain.Settings) -> Self:
        return cls(
            auto_progress=settings.auto_progress,
            allow_skip_steps=settings.allow_skip_steps,
            require_approval=settings.require_approval,
            notifications_enabled=settings.notifications_enabled,
            sla_tracking=settings.sla_tracking,
            sla=settings.sla,
            reentry=settings.reentry,
            entry_key=settings.entry_key,
        )


@strawberry.type(
    description="One version of a template: the steps, triggers and settings that journeys follow."
)
class Template(Node):
    template_id: str = strawberry.field(description="The template's id, the same for all its versions.")
    version: int = strawberry.field(description="Whole number from 1. A version never changes.")
    revision: int = strawberry.field(description="Grows with each change of `active`.")
    name: str = strawberry.field(description="The template's name for people.")
    description: str = strawberry.field(description="What journeys of it are about.")
    category: Category = strawberry.field(description="The `type` of its journeys.")
    active: bool = strawberry.field(description="Whether journeys may start from this version.")
    estimated_minutes: int = strawberry.field(description="The sum over its steps, in minutes.")
    steps: list[TemplateStep] = strawberry.field(description="Its steps in their order.")
    triggers: list[TemplateTrigger] = strawberry.field(description="What starts journeys of it by itself.")
    settings: TemplateSettings = strawberry.field(description="How its journeys behave.")
    default_context: JSON = strawberry.field(description="What a new journey's context begins with.")
    tags: list[str] = strawberry.field(description="Labels.")
    created_at: datetime = strawberry.field(description="When this version was made.")
    created_by: Actor = strawberry.field(description="Who made this version.")

    @strawberry.field(description="How many journeys have followed this version, ended ones included.")
    async def usage_count(self, info: Info) -> int:
        context = info.context
        return await context.store.journeys.usage(context.identity.tenant_id, self.template_id, self.version)

    @classmethod
    def of(cls, template: domain.Template) -> Self:
        definition = template.definition
        return cls(
            id=strawberry.ID(template.id),
            template_id=definition.template_id,
            version=template.version,
            revision=template.revision,
            name=definition.name,
            description=definition.description,
            category=definition.category,
            active=template.active,
            estimated_minutes=definition.estimated_minutes,
            steps=[TemplateStep.of(each) for each in definition.steps],
            triggers=[TemplateTrigger.of(each) for each in definition.triggers],
            settings=TemplateSettings.of(definition.settings),
            default_context=JSON(definition.default_context),
            tags=list(definition.tags),
            created_at=template.created_at,
            created_by=Actor.of(template.created_by),
        )


@strawberry.type(description="What a template mutation made, or why it was refused.")
class TemplatePayload:
    template: Template | None = strawberry.field(description="The version as it is now; null when refused.")
    settled: bool = strawberry.field(description="Whether its events are in the log already.")
    user_errors: list[UserError] = strawberry.field(description="Why it was refused; empty when it was not.")


@strawberry.type(description="What a check of a template found.")
class TemplateValidation:
    valid: bool = strawberry.field(description="Whether the template could be created as it is.")
    errors: list[UserError] = strawberry.field(description="Every error with its path.")

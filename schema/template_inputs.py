"""What authors write: templates, and which version of one journeys may start from."""

from datetime import timedelta

import strawberry

from domain import template as domain
from domain.template import Category, Reentry, Stage, StepType, TriggerType
from schema.action import TriggerActionInput
from schema.child import ChildJourneyInput
from schema.condition import ConditionInput
from schema.policy import ApprovalPolicyInput
from schema.scalars import JSON, json_object


@strawberry.input(description="A step.")
class TemplateStepInput:
    id: str = strawberry.field(
        description="1 to 64 lower-case letters, digits, _ and -; unique in the template."
    )
    name: str = strawberry.field(description="The step's name for people, 1 to 200 characters.")
    stage: Stage = strawberry.field(description="The stage a journey is in while it is at this step.")
    order: int = strawberry.field(description="Its place among the steps; unique.")
    type: StepType = strawberry.field(default=StepType.MANUAL, description="Who does it.")
    description: str = strawberry.field(default="", description="What is done in it.")
    package: str | None = strawberry.field(
        default=None, description="The system that does the work, such as `crm`."
    )
    action: str | None = strawberry.field(
        default=None, description="What that system is asked to do, of an INTEGRATION step."
    )
    performs: TriggerActionInput | None = strawberry.field(
        default=None, description="What an AUTOMATED step does; without it, it is done at once."
    )
    child: ChildJourneyInput | None = strawberry.field(
        default=None, description="The journey that a WORKFLOW step starts and ends with."
    )
    params: JSON | None = strawberry.field(
        default=None, description="Fixed parameters of the package's action, an object up to 16 KiB."
    )
    estimated_minutes: int = strawberry.field(default=0, description="How long it usually takes, in minutes.")
    max_duration: timedelta | None = strawberry.field(
        default=None, description="After this time the step fails."
    )
    entry_conditions: list[ConditionInput] = strawberry.field(
        default_factory=list, description="What must hold before it is entered."
    )
    exit_conditions: list[ConditionInput] = strawberry.field(
        default_factory=list, description="What must hold before it is completed."
    )
    required_data: list[str] = strawberry.field(
        default_factory=list, description="Paths that must be in the context before it is entered."
    )
    output_data: list[str] = strawberry.field(
        default_factory=list, description="Paths that it adds to the context."
    )
    dependencies: list[str] = strawberry.field(
        default_factory=list, description="Steps, earlier in order, that must be completed or skipped before."
    )
    ui: JSON | None = strawberry.field(
        default=None, description="Hints for front ends, an object up to 16 KiB."
    )
    approval: ApprovalPolicyInput | None = strawberry.field(
        default=None,
        description="How its approval is decided: of an APPROVAL step, where one approver is enough without it, or "
        "before an INTEGRATION step is executed.",
    )
    output_mapping: JSON | None = strawberry.field(
        default=None,
        description="Context keys and the paths in the output of its handoff, action or child journey that fill them, "
        "an object of texts up to 16 KiB. The key `customerId` links the customer. An action's output is the `id` of "
        "what it made or changed.",
    )
    on_rejected: str | None = strawberry.field(
        default=None,
        description="The step to go to when its approval is rejected or expires, or its child journey is abandoned; "
        "without one the journey fails.",
    )
    sla: timedelta | None = strawberry.field(
        default=None, description="How long it is promised to take; without it, the estimate counts."
    )

    def to_domain(self) -> domain.Step:
        return domain.Step(
            id=self.id,
            name=self.name,
            stage=self.stage,
            order=self.order,
            type=self.type,
            description=self.description,
            package=self.package,
            action=self.action,
            performs=None if self.performs is None else self.performs.to_domain(),
            child=None if self.child is None else self.child.to_domain(),
            params=json_object(self.params),
            estimated_minutes=self.estimated_minutes,
            max_duration=self.max_duration,
            entry_conditions=tuple(each.to_domain() for each in self.entry_conditions),
            exit_conditions=tuple(each.to_domain() for each in self.exit_conditions),
            required_data=tuple(self.required_data),
            output_data=tuple(self.output_data),
            dependencies=tuple(self.dependencies),
            ui=json_object(self.ui),
            approval=None if self.approval is None else self.approval.to_domain(),
            output_mapping={key: str(path) for key, path in json_object(self.output_mapping).items()},
            on_rejected=self.on_rejected,
            sla=self.sla,
        )


@strawberry.input(description="What starts a journey of the template by itself.")
class TemplateTriggerInput:
    id: str = strawberry.field(
        description="1 to 64 lower-case letters, digits, _ and -; unique in the template."
    )
    name: str = strawberry.field(description="The trigger's name for people.")
    type: TriggerType = strawberry.field(description="What makes it fire.")
    event: str | None = strawberry.field(
        default=None, description="The event type it waits for, letter for letter."
    )
    schedule: str | None = strawberry.field(default=None, description="A cron expression of five fields.")
    time_zone: str | None = strawberry.field(default=None, description="The time zone of the schedule.")
    conditions: list[ConditionInput] = strawberry.field(
        default_factory=list, description="What must hold for it to fire."
    )
    context_mapping: JSON | None = strawberry.field(
        default=None, description="Context keys of the new journey and the paths in the event that fill them."
    )
    active: bool = strawberry.field(default=True, description="Whether it is switched on.")
    priority: int = strawberry.field(default=1, description="Lower fires first.")

    def to_domain(self) -> domain.Trigger:
        return domain.Trigger(
            id=self.id,
            name=self.name,
            type=self.type,
            event=self.event,
            schedule=self.schedule,
            time_zone=self.time_zone,
            conditions=tuple(each.to_domain() for each in self.conditions),
            context_mapping={key: str(path) for key, path in json_object(self.context_mapping).items()},
            active=self.active,
            priority=self.priority,
        )


@strawberry.input(description="How journeys of a template behave.")
class TemplateSettingsInput:
    auto_progress: bool = strawberry.field(
        default=False, description="Whether a journey goes on by itself after steps without people."
    )
    allow_skip_steps: bool = strawberry.field(default=False, description="Whether steps may be skipped.")
    require_approval: bool = strawberry.field(
        default=False, description="Whether every INTEGRATION step needs an approval before it is executed."
    )
    notifications_enabled: bool = strawberry.field(
        default=True, description="Whether notification steps tell anybody."
    )
    sla_tracking: bool = strawberry.field(
        default=False, description="Whether service levels are computed for it."
    )
    sla: timedelta | None = strawberry.field(
        default=None,
        description="How long the whole is promised to take; without it, `slaHours` of the context or the estimate.",
    )
    reentry: Reentry = strawberry.field(
        default=Reentry.ONCE_ACTIVE, description="When another one may start for the same customer."
    )
    entry_key: str | None = strawberry.field(
        default=None, description="A path in the context that stands for the customer in that rule."
    )

    def to_domain(self) -> domain.Settings:
        return domain.Settings(
            auto_progress=self.auto_progress,
            allow_skip_steps=self.allow_skip_steps,
            require_approval=self.require_approval,
            notifications_enabled=self.notifications_enabled,
            sla_tracking=self.sla_tracking,
            sla=self.sla,
            reentry=self.reentry,
            entry_key=self.entry_key,
        )


@strawberry.input(description="A template, or a new version of one: what an author writes.")
class TemplateInput:
    id: str = strawberry.field(
        description="1 to 64 lower-case letters, digits, _ and -; unique in the tenant."
    )
    name: str = strawberry.field(description="The template's name for people, 1 to 200 characters.")
    category: Category = strawberry.field(description="The `type` of its journeys.")
    steps: list[TemplateStepInput] = strawberry.field(description="1 to 200 steps.")
    description: str = strawberry.field(default="", description="What journeys of it are about.")
    default_context: JSON | None = strawberry.field(
        default=None, description="What a new journey's context begins with, an object."
    )
    triggers: list[TemplateTriggerInput] = strawberry.field(
        default_factory=list, description="What starts journeys of it by itself."
    )
    settings: TemplateSettingsInput = strawberry.field(
        default_factory=TemplateSettingsInput, description="How its journeys behave."
    )
    tags: list[str] = strawberry.field(default_factory=list, description="Labels.")
    idempotency_key: str | None = strawberry.field(
        default=None, description="Given again, the mutation is not carried out again but answers as before."
    )

    def to_domain(self) -> domain.Definition:
        return domain.Definition(
            template_id=self.id,
            name=self.name,
            category=self.category,
            steps=tuple(each.to_domain() for each in self.steps),
            description=self.description,
            default_context=json_object(self.default_context),
            triggers=tuple(each.to_domain() for each in self.triggers),
            settings=self.settings.to_domain(),
            tags=tuple(self.tags),
        )


@strawberry.input(description="Which version of a template to switch.")
class SwitchTemplateInput:
    id: str = strawberry.field(description="The template's id, such as `customer_acquisition`.")
    version: int | None = strawberry.field(
        default=None, description="The version; the newest where none is given."
    )
    idempotency_key: str | None = strawberry.field(
        default=None, description="Given again, the mutation is not carried out again but answers as before."
    )

"""What administrators say about triggers."""

import strawberry

from domain import rule as domain
from domain.rule import CatchUp
from domain.template import TriggerType
from schema.action import TriggerActionInput
from schema.condition import ConditionInput
from schema.scalars import JSON

KEY = "Given again, the mutation is not carried out again but answers as before."
REVISION = "Refuse with CONFLICT when this is not the trigger's revision any more."
WHICH = "The trigger."


@strawberry.input(description="When a trigger fires, and what it does then.")
class TriggerRuleInput:
    name: str = strawberry.field(description="The trigger's name for people.")
    type: TriggerType = strawberry.field(description="What makes it fire: EVENT, CONDITIONAL or SCHEDULED.")
    action: TriggerActionInput = strawberry.field(description="What it does.")
    otherwise: TriggerActionInput | None = strawberry.field(
        default=None, description="What it does instead where the action finds no live journey."
    )
    description: str = strawberry.field(default="", description="What it is for.")
    event: str | None = strawberry.field(
        default=None,
        description="The event type it waits for, letter for letter. A CONDITIONAL one without looks at every change "
        "of a customer's facts.",
    )
    schedule: str | None = strawberry.field(
        default=None, description="When it fires, as a cron expression of five fields."
    )
    time_zone: str = strawberry.field(
        default="UTC", description="The time zone of the schedule, such as `Europe/Rome`."
    )
    catch_up: CatchUp = strawberry.field(
        default=CatchUp.ONCE, description="What becomes of scheduled firings that were missed."
    )
    conditions: list[ConditionInput] = strawberry.field(
        default_factory=list,
        description="What must hold for it to fire, at most 50: in the event, and for a CONDITIONAL one in the "
        "customer's facts by their names.",
    )
    priority: int = strawberry.field(default=1, description="Lower fires first.")

    def to_domain(self) -> domain.Rule:
        return domain.Rule(
            name=self.name,
            description=self.description,
            type=self.type,
            event=self.event,
            schedule=self.schedule,
            time_zone=self.time_zone,
            catch_up=self.catch_up,
            conditions=tuple(each.to_domain() for each in self.conditions),
            action=self.action.to_domain(),
            otherwise=None if self.otherwise is None else self.otherwise.to_domain(),
            priority=self.priority,
        )


@strawberry.input(description="A new trigger, switched on.")
class CreateTriggerInput:
    rule: TriggerRuleInput = strawberry.field(description="When it fires, and what it does then.")
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.input(description="Another rule for a trigger.")
class ChangeTriggerInput:
    id: strawberry.ID = strawberry.field(description=WHICH)
    rule: TriggerRuleInput = strawberry.field(description="The whole rule as it is from now on.")
    expected_revision: int | None = strawberry.field(default=None, description=REVISION)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.input(description="Which trigger to switch or delete.")
class TriggerInput:
    id: strawberry.ID = strawberry.field(description=WHICH)
    expected_revision: int | None = strawberry.field(default=None, description=REVISION)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.input(description="An event to try a trigger with. It is not recorded.")
class TestEventInput:
    type: str = strawberry.field(description="What would happen, such as `crm:lead_qualified`.")
    source: str = strawberry.field(default="test", description="The system that would report it.")
    data: JSON | None = strawberry.field(default=None, description="What it would say, an object.")
    customer_id: str | None = strawberry.field(
        default=None, description="The customer; without it, the `customerId` in the data."
    )
    lead_id: str | None = strawberry.field(
        default=None, description="The lead; without it, the `leadId` in the data."
    )


@strawberry.input(description="A trigger, or a rule that is none yet, and an event to try it with.")
class TestTriggerInput:
    event: TestEventInput = strawberry.field(
        description="The event. For a SCHEDULED one its type is `trigger:due`."
    )
    id: strawberry.ID | None = strawberry.field(default=None, description="The trigger; or else a rule.")
    rule: TriggerRuleInput | None = strawberry.field(default=None, description="The rule to try.")
    idempotency_key: str | None = strawberry.field(
        default=None,
        description="It makes no difference: a test changes nothing, so it is made each time.",
    )

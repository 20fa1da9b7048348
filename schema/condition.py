"""Conditions: what a template asks for, and what a journey lacks."""

from typing import Self, cast

import strawberry

from domain import condition as domain
from domain.condition import Operator, ValueType
from domain.values import Json
from schema.scalars import JSON


@strawberry.type(description="A comparison of the value at a path with an expected one.")
class Condition:
    field: str = strawberry.field(
        description="A dotted path into the context, such as `customer.plan.speed`."
    )
    operator: Operator = strawberry.field(description="How the two are compared.")
    value: JSON | None = strawberry.field(description="What is expected there.")
    type: ValueType | None = strawberry.field(description="What both sides are coerced to.")

    @classmethod
    def of(cls, condition: domain.Condition) -> Self:
        return cls(
            field=condition.field,
            operator=condition.operator,
            value=JSON(condition.value),
            type=condition.type,
        )


@strawberry.type(description="A condition that did not hold.")
class UnmetCondition:
    field: str = strawberry.field(description="The path that was looked at.")
    operator: Operator = strawberry.field(description="How the two were compared.")
    expected: JSON | None = strawberry.field(description="What was expected there.")
    seen: JSON | None = strawberry.field(description="What was there; null where the path leads nowhere.")
    reason: str = strawberry.field(description="Why it did not hold, for people.")

    @classmethod
    def of(cls, unmet: domain.Unmet) -> Self:
        return cls(
            field=unmet.field,
            operator=unmet.operator,
            expected=JSON(unmet.expected),
            seen=JSON(unmet.seen),
            reason=unmet.reason,
        )


@strawberry.input(description="A comparison of the value at a path with an expected one.")
class ConditionInput:
    field: str = strawberry.field(
        description="A dotted path into the context, such as `customer.plan.speed`."
    )
    operator: Operator = strawberry.field(description="How the two are compared.")
    value: JSON | None = strawberry.field(
        default=None, description="What is expected there; a list for IN and NOT_IN."
    )
    type: ValueType | None = strawberry.field(default=None, description="What both sides are coerced to.")

    def to_domain(self) -> domain.Condition:
        return domain.Condition(self.field, self.operator, cast(Json, self.value), self.type)

"""Attribution as GraphQL shows it: by one model, or by several side by side."""

from datetime import timedelta
from typing import Any, Final, Self

import strawberry

from domain.analytics import attribution as domain
from domain.analytics.attribution import Model
from domain.analytics.credit import Credit
from domain.analytics.figure import Figure as Known
from domain.analytics.question import Attributed, By, Question
from domain.analytics.revenue import NO_VALUE
from domain.values import UNITS_PER_ONE, Money
from schema.report import Coverage, Figure
from schema.revenue import LeftOut

CONVERSIONS: Final = "How many of the conversions have it on their path, whatever they are credited with."
KEY: Final = "The channel, source, campaign or type; null for touchpoints without one."


@strawberry.type(
    description="What one model credits to one key. Nothing is rounded: over all keys, credits add up to the "
    "conversions that are divided, and values to their value. Null with a reason where nothing can be divided."
)
class AttributionCredit:
    model: Model = strawberry.field(description="The model.")
    conversions: Figure = strawberry.field(description="How many conversions it earned, in parts.")
    value: Figure = strawberry.field(
        description="What these parts are worth, in whole money of the report's currency."
    )
    share: Figure = strawberry.field(
        description="Its part of all the conversions that are divided, from 0 to 1."
    )
    removal_effect: Figure | None = strawberry.field(
        description="By MARKOV only: the part of the conversions that would be lost without it, from 0 to 1."
    )

    @classmethod
    def of(cls, model: Model, credit: Credit, *, valued: bool) -> Self:
        effect = credit.removal_effect
        return cls(
            model=model,
            conversions=Figure.of(credit.conversions),
            value=Figure.of(_money(credit.value, valued=valued)),
            share=Figure.of(credit.share),
            removal_effect=None if effect is None else Figure.of(effect),
        )


@strawberry.type(description="One channel, source, campaign or type, and what the model credits it with.")
class AttributionRow:
    key: str | None = strawberry.field(description=KEY)
    conversions: int = strawberry.field(description=CONVERSIONS)
    credit: AttributionCredit = strawberry.field(description="What it is credited with.")


@strawberry.type(description="One channel, source, campaign or type, and what each model credits it with.")
class AttributionComparisonRow:
    key: str | None = strawberry.field(description=KEY)
    conversions: int = strawberry.field(description=CONVERSIONS)
    credits: list[AttributionCredit] = strawberry.field(
        description="One for each model, in the order in which they were asked for."
    )


@strawberry.type
class Attributing:
    """What both reports have."""

    coverage: Coverage = strawberry.field(description="How fresh and complete it is.")
    by: By = strawberry.field(description="What is credited.")
    lookback: timedelta = strawberry.field(
        description="How long before a conversion a touchpoint may lie to be on its path."
    )
    currency: str | None = strawberry.field(
        description="The currency of all values: the one asked for, else that of most conversions; null where none has "
        "a value."
    )
    conversions: int = strawberry.field(
        description="How many conversions there are, without those that are left out."
    )
    unvalued: int = strawberry.field(
        description="How many of these have no value; they count in every figure, with the value 0."
    )
    value: Money | None = strawberry.field(
        description="What the conversions are worth in all, exactly; null where none has a value."
    )
    attributed: Figure = strawberry.field(
        description="The part of the conversions that has a touchpoint in its lookback, from 0 to 1. The rows divide "
        "these, and only these."
    )
    unattributed: int = strawberry.field(
        description="How many conversions have no touchpoint in their lookback."
    )
    unattributed_value: Money | None = strawberry.field(
        description="What those are worth; null where no conversion has a value."
    )
    unattributed_reason: str | None = strawberry.field(
        description="Why they are in no row; null without any."
    )
    left_out: list[LeftOut] = strawberry.field(
        description="The conversions in other currencies, by currency. They are in no other figure."
    )

    @classmethod
    def _common(cls, found: Attributed, question: Question, coverage: Coverage, **own: Any) -> Self:
        report = found.report
        return cls(
            coverage=coverage,
            by=question.by,
            lookback=question.lookback,
            currency=found.currency,
            conversions=report.conversions,
            unvalued=report.conversions - found.valued,
            value=found.value,
            attributed=Figure.of(report.attributed),
            unattributed=report.unattributed,
            unattributed_value=found.unattributed_value,
            unattributed_reason=report.unattributed_reason,
            left_out=[LeftOut.of(each) for each in found.left_out],
            **own,
        )


@strawberry.type(
    description="Which touchpoints earned the conversions in the report's range. A lead that became a customer is that "
    "customer; what is neither a customer's nor a lead's is left out. A filter means the conversions of certain "
    "journeys, and with it a conversion without a journey is left out; their customers' touchpoints all count."
)
class Attribution(Attributing):
    model: Model = strawberry.field(description="The model that divides the conversions.")
    rows: list[AttributionRow] = strawberry.field(
        description="One for each key on any path, also of those that did not convert, by name; null comes last."
    )

    @classmethod
    def of(cls, found: Attributed, question: Question, coverage: Coverage) -> Self:
        [model] = question.models
        rows = [
            AttributionRow(key=row.key, conversions=row.conversions, credit=credit)
            for row in found.report.rows
            for credit in _credits(found, row)
        ]
        return cls._common(found, question, coverage, model=model, rows=rows)


@strawberry.type(
    description="Which touchpoints earned the conversions in the report's range, as several models see it. All see the "
    "same paths; what `Attribution` says of leads and filters holds here too."
)
class AttributionComparison(Attributing):
    models: list[Model] = strawberry.field(
        description="The models, in the order in which they were asked for."
    )
    rows: list[AttributionComparisonRow] = strawberry.field(
        description="One for each key on any path, also of those that did not convert, by name; null comes last."
    )

    @classmethod
    def of(cls, found: Attributed, question: Question, coverage: Coverage) -> Self:
        rows = [
            AttributionComparisonRow(key=row.key, conversions=row.conversions, credits=_credits(found, row))
            for row in found.report.rows
        ]
        return cls._common(found, question, coverage, models=list(question.models), rows=rows)


def _credits(found: Attributed, row: domain.Row) -> list[AttributionCredit]:
    return [
        AttributionCredit.of(model, credit, valued=found.valued > 0) for model, credit in row.credits.items()
    ]


def _money(units: Known, *, valued: bool) -> Known:
    """Units of Money as whole money; null where no conversion has a value."""
    if units.value is None:
        return units
    return Known(units.value / UNITS_PER_ONE) if valued else Known(reason=NO_VALUE)

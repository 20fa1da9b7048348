"""The reports on attribution and revenue."""

from datetime import timedelta
from typing import Annotated

import strawberry

from domain.analytics.attribution import DIRECT, HALF_LIFE, Model
from domain.analytics.path import LOOKBACK
from domain.analytics.question import By, Question, require_currency
from domain.analytics.revenue import Group
from domain.analytics.scope import Scope
from domain.retention import Part
from resolvers.reports import covered, scope_of
from schema.attribution import Attribution, AttributionComparison
from schema.info import Info
from schema.permissions import CanView
from schema.report import Currency, Report
from schema.revenue import RevenueReport
from storage.analytics.attribution import attribution
from storage.analytics.revenue import NO_CURRENCY, revenue_of

Credited = Annotated[By, strawberry.argument(description="What of a touchpoint is credited.")]
Lookback = Annotated[
    timedelta,
    strawberry.argument(
        description="How long before a conversion a touchpoint may lie: one at its very beginning does not count, one "
        "at the moment of the conversion does."
    ),
]
HalfLife = Annotated[
    timedelta,
    strawberry.argument(
        description="By TIME_DECAY: in which time a touchpoint loses half its weight; elsewhere it makes no difference."
    ),
]
Direct = Annotated[
    str,
    strawberry.argument(
        description="By LAST_NON_DIRECT: the channel that counts as direct; elsewhere it makes no difference."
    ),
]
ConversionKind = Annotated[
    str | None,
    strawberry.argument(
        description="Only conversions of this kind, such as `upsell`; without it, of every kind."
    ),
]
Models = Annotated[
    list[Model] | None, strawberry.argument(description="The models; without it, all of them.")
]


async def attribution_report(info: Info, scope: Scope, question: Question) -> Attribution:
    """By the question's one model."""
    scope, fresh = await covered(info, scope, Part.TOUCHPOINTS, lookback=question.lookback)
    found = await attribution(info.context.store.reports, scope, question)
    return Attribution.of(found, question, fresh)


async def comparison_report(info: Info, scope: Scope, question: Question) -> AttributionComparison:
    """By the question's models."""
    scope, fresh = await covered(info, scope, Part.TOUCHPOINTS, lookback=question.lookback)
    found = await attribution(info.context.store.reports, scope, question)
    return AttributionComparison.of(found, question, fresh)


async def revenue_report(info: Info, scope: Scope, by: Group, currency: str | None) -> RevenueReport:
    """Raises InvalidInput for a currency that is none."""
    require_currency(currency)
    scope, fresh = await covered(info, scope, Part.TOUCHPOINTS)
    found = await revenue_of(info.context.store.reports, scope, by, currency)
    return RevenueReport.of(found, fresh, valued=currency is not None or found.currency != NO_CURRENCY)


@strawberry.type
class AttributionQueries:
    @strawberry.field(
        description="Which touchpoints earned the conversions, by one model. Without conversions its figures are null.",
        permission_classes=[CanView],
    )
    async def attribution(
        self,
        info: Info,
        model: Annotated[Model, strawberry.argument(description="How a conversion is divided.")],
        by: Credited = By.CHANNEL,
        lookback: Lookback = LOOKBACK,
        half_life: HalfLife = HALF_LIFE,
        direct: Direct = DIRECT,
        currency: Currency = None,
        conversion_kind: ConversionKind = None,
        report: Report = None,
    ) -> Attribution | None:
        question = Question(
            models=(model,),
            by=by,
            lookback=lookback,
            half_life=half_life,
            direct=direct,
            currency=currency,
            kind=conversion_kind,
        )
        return await attribution_report(info, await scope_of(info, report), question)

    @strawberry.field(
        description="Which touchpoints earned the conversions, by several models side by side.",
        permission_classes=[CanView],
    )
    async def compare_attribution(
        self,
        info: Info,
        models: Models = None,
        by: Credited = By.CHANNEL,
        lookback: Lookback = LOOKBACK,
        half_life: HalfLife = HALF_LIFE,
        direct: Direct = DIRECT,
        currency: Currency = None,
        conversion_kind: ConversionKind = None,
        report: Report = None,
    ) -> AttributionComparison | None:
        question = Question(
            models=tuple(dict.fromkeys(Model if models is None else models)),
            by=by,
            lookback=lookback,
            half_life=half_life,
            direct=direct,
            currency=currency,
            kind=conversion_kind,
        )
        return await comparison_report(info, await scope_of(info, report), question)

    @strawberry.field(
        description="What conversions are worth by campaign, channel or source, and what came back of the costs.",
        permission_classes=[CanView],
    )
    async def revenue(
        self,
        info: Info,
        by: Annotated[
            Group, strawberry.argument(description="What conversions and costs are grouped by.")
        ] = Group.CAMPAIGN,
        currency: Currency = None,
        report: Report = None,
    ) -> RevenueReport | None:
        return await revenue_report(info, await scope_of(info, report), by, currency)

"""What clients ask to have exported."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

import strawberry
from pydantic.alias_generators import to_camel

from domain.analytics.attribution import DIRECT, HALF_LIFE, Model
from domain.analytics.cohort import AGES, MOST_AGES, Retention
from domain.analytics.metrics import OpenJourneys
from domain.analytics.path import LOOKBACK
from domain.analytics.periods import Period
from domain.analytics.question import By, Question, require_currency
from domain.analytics.revenue import Group
from domain.analytics.scope import UnitKind
from domain.errors import InvalidInput, Problem
from domain.export import Format, What
from domain.journey_filter import JourneyOrder
from schema.event import EventFilterInput
from schema.funnel_inputs import FunnelFigureInput, FunnelInput
from schema.handoff_inputs import HandoffFilterInput
from schema.journey_inputs import JourneyFilterInput
from schema.report import ReportInput
from schema.touchpoint_inputs import RecordFilterInput

CURRENCY: Final = "The ISO 4217 currency of the values, such as `EUR`; without it, that of most conversions."


@strawberry.input(description="What of `cohorts` is exported; as its arguments.")
class ExportCohortsInput:
    period: Period = strawberry.field(
        default=Period.MONTH, description="How long the periods are that make a cohort and an age."
    )
    retention: Retention = strawberry.field(
        default=Retention.EXACT, description="When a member counts as kept at an age."
    )
    ages: int = strawberry.field(
        default=AGES, description="How many ages each cohort is shown at, from 0 on; at most 366."
    )
    currency: str | None = strawberry.field(default=None, description=CURRENCY)


@strawberry.input
class Attributing:
    """What both attributions are asked with."""

    by: By = strawberry.field(default=By.CHANNEL, description="What of a touchpoint is credited.")
    lookback: timedelta = strawberry.field(
        default=LOOKBACK, description="How long before a conversion a touchpoint may lie."
    )
    half_life: timedelta = strawberry.field(
        default=HALF_LIFE, description="By TIME_DECAY: in which time a touchpoint loses half its weight."
    )
    direct: str = strawberry.field(
        default=DIRECT, description="By LAST_NON_DIRECT: the channel that counts as direct."
    )
    currency: str | None = strawberry.field(default=None, description=CURRENCY)
    conversion_kind: str | None = strawberry.field(
        default=None, description="Only conversions of this kind; without it, of every kind."
    )

    def _question(self, *models: Model) -> Question:
        """Raises InvalidInput for what cannot be asked."""
        return Question(
            models=models,
            by=self.by,
            lookback=self.lookback,
            half_life=self.half_life,
            direct=self.direct,
            currency=self.currency,
            kind=self.conversion_kind,
        )


@strawberry.input(description="What of `attribution` is exported; as its arguments.")
class ExportAttributionInput(Attributing):
    model: Model = strawberry.field(description="How a conversion is divided.")

    def to_domain(self) -> Question:
        return self._question(self.model)


@strawberry.input(description="What of `compareAttribution` is exported; as its arguments.")
class ExportComparisonInput(Attributing):
    models: list[Model] | None = strawberry.field(
        default=None, description="The models; without it, all of them."
    )

    def to_domain(self) -> Question:
        return self._question(*dict.fromkeys(Model if self.models is None else self.models))


@strawberry.input(description="What of `revenue` is exported; as its arguments.")
class ExportRevenueInput:
    by: Group = strawberry.field(
        default=Group.CAMPAIGN, description="What conversions and costs are grouped by."
    )
    currency: str | None = strawberry.field(default=None, description=CURRENCY)


@strawberry.input(description="What of `trends` is exported; as its arguments.")
class ExportTrendsInput:
    period: Period = strawberry.field(default=Period.DAY, description="How long the periods are.")
    currency: str | None = strawberry.field(default=None, description=CURRENCY)


@strawberry.input(
    description="What to export. Beside `what` and `format`, only the part is given that is meant for it: the filter "
    "of a list, or `report` and a report's own part. All together is at most 64 KiB of JSON."
)
class RequestExportInput:
    what: What = strawberry.field(description="What it has rows of.")
    format: Format = strawberry.field(default=Format.CSV, description="How it is written.")
    journeys: JourneyFilterInput | None = strawberry.field(default=None, description="Which JOURNEYS.")
    funnel_step: FunnelFigureInput | None = strawberry.field(
        default=None, description="Only the JOURNEYS behind this figure of a funnel, as in `journeys`."
    )
    order_by: JourneyOrder | None = strawberry.field(
        default=None,
        description="What JOURNEYS are ordered by, from new to old; CREATED_AT by default. By LAST_ACTIVITY, one in "
        "which something happens while they are read may be left out.",
    )
    events: EventFilterInput | None = strawberry.field(default=None, description="Which EVENTS.")
    records: RecordFilterInput | None = strawberry.field(
        default=None, description="Which TOUCHPOINTS or CONVERSIONS."
    )
    handoffs: HandoffFilterInput | None = strawberry.field(default=None, description="Which HANDOFFS.")
    report: ReportInput | None = strawberry.field(
        default=None,
        description="What a report is about; without it: everything, in the tenant's calendar.",
    )
    funnel: FunnelInput | None = strawberry.field(
        default=None, description="The funnel of FUNNEL and TIME_TO_CONVERT, which need one."
    )
    cohorts: ExportCohortsInput | None = strawberry.field(default=None, description="More about COHORTS.")
    attribution: ExportAttributionInput | None = strawberry.field(
        default=None, description="What ATTRIBUTION needs to know."
    )
    compare_attribution: ExportComparisonInput | None = strawberry.field(
        default=None, description="More about COMPARE_ATTRIBUTION."
    )
    revenue: ExportRevenueInput | None = strawberry.field(default=None, description="More about REVENUE.")
    trends: ExportTrendsInput | None = strawberry.field(default=None, description="More about TRENDS.")
    open_journeys: OpenJourneys | None = strawberry.field(
        default=None,
        description="What the durations of METRICS make of journeys that have not ended; RUNNING by default.",
    )
    unit: UnitKind | None = strawberry.field(
        default=None, description="What DROP_OFF counts; journeys by default."
    )
    template_id: str | None = strawberry.field(
        default=None, description="The template of STEP_METRICS, which needs one."
    )
    idempotency_key: str | None = strawberry.field(
        default=None, description="Given again, the mutation is not carried out again but answers as before."
    )


LISTS: Final = {
    What.JOURNEYS: ("journeys", "funnel_step", "order_by"),
    What.EVENTS: ("events",),
    What.TOUCHPOINTS: ("records",),
    What.CONVERSIONS: ("records",),
    What.HANDOFFS: ("handoffs",),
}
NEEDED: Final = {
    What.FUNNEL: "funnel",
    What.TIME_TO_CONVERT: "funnel",
    What.ATTRIBUTION: "attribution",
    What.STEP_METRICS: "template_id",
}
OWN: Final = NEEDED | {
    What.COMPARE_ATTRIBUTION: "compare_attribution",
    What.COHORTS: "cohorts",
    What.REVENUE: "revenue",
    What.TRENDS: "trends",
    What.METRICS: "open_journeys",
    What.DROP_OFF: "unit",
}
PARTS: Final = dict.fromkeys((*(name for names in LISTS.values() for name in names), "report", *OWN.values()))


def require_parts(input: RequestExportInput) -> None:
    """Raises InvalidInput, with every reason, for a part that is missing or is not for this kind of export."""
    meant = LISTS.get(input.what) or ("report", OWN.get(input.what, "report"))
    found = [
        Problem(f"This is not for an export of {input.what.name}.", (to_camel(name),))
        for name in PARTS
        if name not in meant and getattr(input, name) is not None
    ]
    needed = NEEDED.get(input.what)
    if needed is not None and getattr(input, needed) is None:
        found.append(Problem(f"An export of {input.what.name} needs it.", (to_camel(needed),)))
    if found:
        raise InvalidInput(found[0].message, problems=found)
    for name in ("cohorts", "revenue", "trends"):
        with below(name):
            require_currency(getattr(getattr(input, name), "currency", None))
    if input.cohorts is not None and not 1 <= input.cohorts.ages <= MOST_AGES:
        raise InvalidInput(f"There are 1 to {MOST_AGES} ages.", "cohorts", "ages")


@contextmanager
def below(name: str) -> Iterator[None]:
    """What is refused in this block is refused of this part."""
    try:
        yield
    except InvalidInput as error:
        found = [Problem(each.message, (name, *each.path)) for each in error.problems]
        raise InvalidInput(error.message, problems=found) from None

"""Trends through the database put each entry and conversion into the period that the zone's calendar says, also where
clocks change."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.analytics.periods import Period, Weekday, bounds
from domain.analytics.scope import Scope, UnitKind
from domain.analytics.trend import StageTrend, TrendCount
from domain.journey_events import JourneyStarted, StageChanged
from domain.journey_filter import JourneyFilter
from domain.record_events import ConversionAdded
from domain.template import Stage
from domain.values import Money
from storage.analytics.trends import trends
from storage.mongo import Mongo
from storage.store import Store
from storage.touchpoints import CONVERSION
from tests.domain.samples import NOON
from tests.storage.analytics.lives import STAGES, Change, Life, kept, lives, scopes
from tests.storage.analytics.plain_ways import ways
from tests.storage.subjects import cause

careful = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))

HOUR = timedelta(hours=1)
CHANGES = (  # of clocks: forwards, backwards, at midnight, over midnight; and the turn of a year
    ("Europe/Vienna", datetime(2026, 3, 29, 1, tzinfo=UTC)),
    ("America/New_York", datetime(2025, 11, 2, 6, tzinfo=UTC)),
    ("Asia/Beirut", datetime(2024, 3, 30, 22, tzinfo=UTC)),
    ("America/Havana", datetime(2025, 11, 2, 5, tzinfo=UTC)),
    ("Asia/Kolkata", datetime(2025, 12, 31, 18, 30, tzinfo=UTC)),
)
STAGE_NAMES = [stage.value for stage in Stage]


@dataclass(frozen=True)
class Sale:
    hour: float
    stage: Stage
    value: Money | None
    journey: int | None


sales = st.builds(
    Sale,
    st.integers(0, 240).map(lambda tenths: tenths / 10),
    st.sampled_from(STAGES),
    st.none() | st.builds(Money, st.integers(-(2**40), 2**40), st.sampled_from(("EUR", "EUR", "CHF"))),
    st.none() | st.integers(0, 3),
)
questions = st.tuples(
    st.sampled_from((Period.DAY, *Period)),
    st.sampled_from(Weekday),
    st.sampled_from(("EUR", "CHF", None)),
    scopes(NOON, HOUR),
    st.none() | st.none() | st.integers(0, 9),
)


@careful
@given(
    st.sampled_from(CHANGES),
    st.lists(lives(), min_size=4, max_size=6),
    st.lists(sales, max_size=10),
    st.lists(questions, min_size=10, max_size=10),
)
async def test_the_databases_periods_hold_what_happened_in_them(
    mongo: Mongo,
    change: tuple[str, datetime],
    lived: list[Life],
    sold: list[Sale],
    asked: list[tuple[Period, Weekday, str | None, dict[str, Any], int | None]],
) -> None:
    (zone, at) = change
    epoch = at - 5 * HOUR
    tenant, ours = await kept(mongo, lived, epoch=epoch, pace=60)
    added = [conversion(each, tenant, epoch) for each in sold]
    await keep_sales(mongo, added, tenant)
    for period, week_start, currency, asked_of, hours in asked:
        shifted = {name: moved(each, epoch - NOON) for name, each in asked_of.items()}
        scope = Scope(tenant_id=tenant, zone=ZoneInfo(zone), week_start=week_start, **shifted)
        horizon = None if hours is None else epoch + hours * HOUR
        if horizon is not None and scope.ends <= horizon:
            continue  # there is nothing to tell, which the domain says
        found = await trends(mongo, scope, period, currency, horizon)
        sold_in = [each for each in added if meant(each, ours, scope, horizon)]
        money = sums(sold_in)
        wanted = currency or min(money, key=lambda each: (-len(money[each]), each), default=None)
        assert found.currency == wanted
        assert [(each.currency, each.count, each.value.units) for each in found.left_out] == [
            (each, len(units), sum(units)) for each, units in sorted(money.items()) if each != wanted
        ]
        count = TrendCount(scope, STAGE_NAMES, period, horizon=horizon)
        for at_stage in entries(ours, scope):
            count.add(*at_stage)
        for one in sold_in:
            if one.value is not None and one.value.currency == wanted:
                count.add(one.at, one.to_stage.value, value=one.value.units, count=0)
        assert found.stages == count.report()
        require_laws(found.stages, scope, period, horizon)


def moved(value: Any, by: timedelta) -> Any:
    """The same later; of a filter its spans too."""
    match value:
        case datetime():
            return value + by
        case JourneyFilter(created_at=created, last_activity=active):
            spans = [
                span and replace(span, since=moved(span.since, by), until=moved(span.until, by))
                for span in (created, active)
            ]
            return replace(value, created_at=spans[0], last_activity=spans[1])
        case _:
            return value


def conversion(sale: Sale, tenant: str, epoch: datetime) -> ConversionAdded:
    return ConversionAdded(
        at=epoch + sale.hour * HOUR,
        tenant_id=tenant,
        kind="sale",
        to_stage=sale.stage,
        value=sale.value,
        journey_id=None if sale.journey is None else f"{tenant}{sale.journey}",
        customer_id="c1",
    )


async def keep_sales(mongo: Mongo, added: list[ConversionAdded], tenant: str) -> None:
    """As the service writes them, and for a neighbour too."""
    changes = Store.of(mongo, lambda: NOON).changes
    both = [*added, *(replace(each, tenant_id=f"u{tenant}") for each in added)]
    made = [
        changes.made(CONVERSION, f"{each.tenant_id}{n:03}", [each], cause())[1] for n, each in enumerate(both)
    ]
    if made:
        kept = [{k: v for k, v in each.items() if k not in ("outbox", "outboxAt")} for each in made]
        await mongo["conversions"].insert_many(kept)


def entries(told: list[list[Change]], scope: Scope) -> Iterator[tuple[datetime, str]]:
    """When which stage was entered."""
    for [way] in ways(told, scope, UnitKind.JOURNEY):
        for each in way:
            match each.event:
                case JourneyStarted(at=at, stage=stage) | StageChanged(at=at, to_stage=stage):
                    yield at, stage.value
                case _:
                    pass


def meant(sale: ConversionAdded, told: list[list[Change]], scope: Scope, horizon: datetime | None) -> bool:
    begins = max(scope.begins, horizon or scope.begins)
    if not (begins <= sale.at < scope.ends and sale.at <= scope.now):
        return False
    journeys = {changes[-1][0].id: changes[-1][0] for changes in told}
    whole = scope.filter == JourneyFilter()
    return whole or (sale.journey_id in journeys and scope.filter.matches(journeys[sale.journey_id].facets))


def sums(sales: Iterable[ConversionAdded]) -> dict[str, list[int]]:
    """What they are worth, by currency."""
    found: dict[str, list[int]] = {}
    for each in sales:
        if each.value is not None:
            found.setdefault(each.value.currency, []).append(each.value.units)
    return found


def require_laws(found: Sequence[StageTrend], scope: Scope, period: Period, horizon: datetime | None) -> None:
    """Periods follow each other without gap or overlap, the one with now in it runs, and those that begin before the
    horizon are unknown."""
    for trend in found:
        spans = [bounds(point.start, period, scope.zone) for point in trend.points]
        assert all(one[1] == other[0] for one, other in pairwise(spans))
        for point, (begin, end) in zip(trend.points, spans, strict=True):
            assert point.running == (begin <= scope.now < end)
            unknown = horizon is not None and scope.begins < horizon and begin < horizon
            assert (point.count is None) == (point.value is None) == unknown

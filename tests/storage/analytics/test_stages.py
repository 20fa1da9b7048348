"""Drop-off, trends, and figures of stages and steps of journeys that were really walked, at times known here."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from domain import steer, walk
from domain.analytics.dropoff import StageDropoff
from domain.analytics.figure import Figure
from domain.analytics.periods import Period
from domain.analytics.revenue import LeftOut
from domain.analytics.scope import Scope, UnitKind
from domain.analytics.stage_metrics import StageRow
from domain.analytics.step_metrics import StepRow
from domain.journey import Journey
from domain.journey_filter import JourneyFilter
from domain.record_events import ConversionAdded
from domain.template import Stage
from domain.values import Money
from storage.analytics.stages import dropoff, stage_metrics
from storage.analytics.steps import step_metrics
from storage.analytics.trends import trends
from storage.journeys import Command
from storage.mongo import Mongo
from storage.store import Store
from tests.domain.samples import NOON, definition, later, step
from tests.storage.subjects import cause, follow, start

HOUR = 3_600.0
TEMPLATE = definition(
    step("call", 1, stage=Stage.LEAD),
    step("offer", 2, stage=Stage.LEAD),
    step("sign", 3, stage=Stage.CUSTOMER),
)


def advance() -> Command:
    return lambda journey, template, at: walk.advance(journey, template, at=at)


def fail(reason: str) -> Command:
    return lambda journey, _, at: walk.fail(journey, reason=reason, at=at)


def retry() -> Command:
    return lambda journey, template, at: walk.retry(journey, template, at=at)


def abandon(reason: str) -> Command:
    return lambda journey, _, at: steer.abandon(journey, reason=reason, at=at)


@dataclass
class Desk:
    """A tenant whose clock stands until it is set."""

    mongo: Mongo
    tenant: str
    at: datetime = NOON
    store: Store = field(init=False)

    def __post_init__(self) -> None:
        self.store = Store.of(self.mongo, lambda: self.at)

    async def journey(self, *walked: tuple[float, Command], begin: float = 0, **request: Any) -> Journey:
        """Started and walked at so many hours."""
        self.at = later(hours=begin)
        template = await self.store.templates.newest(self.tenant, "sample")
        journey = await start(self.store, template, at=self.at, **request)
        for hours, command in walked:
            self.at = later(hours=hours)
            changed = await self.store.journeys.change(journey.id, self.tenant, command, cause())
            journey = changed.state
        return journey

    def scope(self, since: float | None = None, until: float | None = None, **filter: Any) -> Scope:
        return Scope(
            tenant_id=self.tenant,
            now=later(hours=100),
            since=None if since is None else later(hours=since),
            until=None if until is None else later(hours=until),
            filter=JourneyFilter(**filter),
        )

    async def dropped(self, unit: UnitKind = UnitKind.JOURNEY, **scope: Any) -> dict[str, StageDropoff]:
        return {each.stage: each for each in await dropoff(self.mongo, self.scope(**scope), unit)}

    async def stages(self, **scope: Any) -> dict[Stage, StageRow]:
        return {each.stage: each for each in await stage_metrics(self.mongo, self.scope(**scope))}

    async def steps(self, **scope: Any) -> list[StepRow]:
        found = await step_metrics(self.mongo, self.scope(**scope), "sample", ["call", "offer", "sign"])
        return list(found)


@pytest.fixture
async def desk(mongo: Mongo, tenant: str) -> Desk:
    desk = Desk(mongo, tenant)
    await follow(desk.store, tenant, TEMPLATE)
    return desk


async def some_journeys(desk: Desk) -> None:
    await desk.journey((1, advance()), (3, advance()), (6, advance()), customer_id="c1")  # completed
    await desk.journey((2, advance()), (4, abandon("price")), lead_id="l1")
    await desk.journey((1, fail("broken")), (2, retry()), (5, advance()), lead_id="l2")  # stands at "offer"
    await desk.journey((3, fail("broken")), lead_id="l3")


async def test_who_was_abandoned_or_failed_dropped_off_and_a_retry_came_back(desk: Desk) -> None:
    await some_journeys(desk)
    found = await desk.dropped()
    lead, customer = found["lead"], found["customer"]
    assert (lead.entered, lead.open, lead.dropped, lead.recovered) == (4, 1, 3, 1)
    assert lead.reasons == (("broken", 2), ("price", 1))
    assert lead.time_to_drop_off.mean == Figure((4 + 1 + 3) / 3 * HOUR)
    assert (customer.entered, customer.open, customer.dropped) == (1, 0, 0)
    assert found["churn"].rate.value is None


async def test_a_customer_comes_back_with_another_journey(desk: Desk) -> None:
    await desk.journey((2, abandon("price")), lead_id="l1")
    linked = await desk.journey(begin=5, lead_id="l1", customer_id="c1")  # the lead is this customer
    alone = await desk.dropped()
    assert (alone["lead"].entered, alone["lead"].dropped, alone["lead"].recovered) == (2, 1, 0)
    together = await desk.dropped(UnitKind.CUSTOMER)
    assert (together["lead"].entered, together["lead"].dropped, together["lead"].recovered) == (1, 1, 1)
    assert linked.customer_id == "c1"


async def test_what_entered_behind_the_range_is_a_way_back_only(desk: Desk) -> None:
    await desk.journey((2, abandon("price")), customer_id="c1")
    await desk.journey(begin=5, customer_id="c1")
    found = (await desk.dropped(UnitKind.CUSTOMER, until=4))["lead"]
    assert (found.entered, found.open, found.dropped, found.recovered) == (1, 0, 1, 1)
    found = (await desk.dropped(UnitKind.CUSTOMER, since=4))["lead"]
    assert (found.entered, found.open, found.dropped, found.recovered) == (1, 1, 0, 0)


async def test_stages_are_entered_stayed_in_and_left(desk: Desk) -> None:
    await some_journeys(desk)
    found = await desk.stages()
    lead, customer = found[Stage.LEAD], found[Stage.CUSTOMER]
    assert (lead.entries, lead.exits, lead.journeys, lead.repeated, lead.went_on) == (4, 2, 4, 0, 1)
    assert lead.conversion == Figure(1 / 4)
    assert lead.time.mean == Figure((3 + 4) / 2 * HOUR)
    assert (customer.entries, customer.exits, customer.time.mean) == (1, 1, Figure(3 * HOUR))


async def test_only_stays_that_began_in_the_range_count_but_where_they_led_is_told_until_now(
    desk: Desk,
) -> None:
    await some_journeys(desk)
    found = await desk.stages(until=2)
    assert (found[Stage.LEAD].entries, found[Stage.LEAD].went_on, found[Stage.LEAD].exits) == (4, 1, 2)
    assert found[Stage.CUSTOMER].entries == 0
    assert (await desk.stages(since=2))[Stage.CUSTOMER].entries == 1


async def test_steps_are_entered_and_left(desk: Desk) -> None:
    await some_journeys(desk)
    call, offer, sign = await desk.steps()
    assert (call.entries, call.journeys, call.repeated, call.exits) == (5, 4, 1, 5)
    assert (call.completed, call.automatic, call.failed, call.skipped) == (3, 0, 2, 0)
    assert call.automation == Figure(0.0)
    assert call.time.median == Figure(2 * HOUR)  # of 1, 2, 1, 3 and 3 hours
    assert (offer.entries, offer.exits, offer.completed) == (3, 2, 1)  # one was abandoned, one stands there
    assert (sign.entries, sign.exits, sign.time.mean) == (1, 1, Figure(3 * HOUR))


@pytest.mark.parametrize(
    ("filter", "entries"),
    [({}, 4), ({"lead_id": "l1"}, 1), ({"template_id": "other"}, 0), ({"template_id": "sample"}, 4)],
)
async def test_a_filter_says_which_journeys_are_meant(
    desk: Desk, filter: dict[str, Any], entries: int
) -> None:
    await some_journeys(desk)
    assert (await desk.stages(**filter))[Stage.LEAD].entries == entries
    assert (await desk.dropped(**filter))["lead"].entered == entries
    assert (await desk.dropped(UnitKind.CUSTOMER, **filter))["lead"].entered == entries
    assert (await desk.steps(**filter))[0].journeys == entries
    [lead] = [each for each in await counted(desk, **filter) if each.stage == "lead"]
    assert sum(point.count for point in lead.points) == entries


async def counted(desk: Desk, currency: str | None = "EUR", **scope: Any) -> Sequence[Any]:
    return (await trends(desk.mongo, desk.scope(**scope), Period.DAY, currency)).stages


async def worth(desk: Desk, journey: Journey, *given: tuple[float, str | None]) -> None:
    """Conversions at so many hours."""
    for hours, value in given:
        desk.at = later(hours=hours)
        added = ConversionAdded(
            at=desk.at,
            tenant_id=desk.tenant,
            kind="sale",
            to_stage=Stage.CUSTOMER,
            value=Money.parse(value) if value else None,
            journey_id=journey.id,
        )
        await desk.store.conversions.add(f"cnv_{desk.tenant}{hours}", added, cause())


async def test_trends_count_entries_and_sum_up_conversions_day_by_day(desk: Desk) -> None:
    journey = await desk.journey((30, advance()), (31, advance()), customer_id="c1")
    await desk.journey(begin=2, lead_id="l1")
    sales = [(31, "10.50 EUR"), (32, "2.00 EUR"), (33, "7.00 CHF"), (34, None), (200, "1.00 EUR")]
    await worth(desk, journey, *sales)
    found = {each.stage: each.points for each in await counted(desk, until=60)}
    first = date(NOON.year, NOON.month, NOON.day)
    assert [each.start for each in found["lead"]] == [first + timedelta(days=n) for n in range(3)]
    assert [each.count for each in found["lead"]] == [2, 0, 0]
    assert [(each.count, each.value) for each in found["customer"]] == [(0, 0), (1, 125_000), (0, 0)]
    assert {each.stage for each in await counted(desk)} == {stage.value for stage in Stage}


async def test_trends_have_one_currency_and_name_what_is_left_out_of_their_range(desk: Desk) -> None:
    journey = await desk.journey((1, advance()), customer_id="c1")
    await worth(
        desk, journey, (1, "1 EUR"), (2, "1 EUR"), (30, "4 CHF"), (31, "5 CHF"), (32, "6 EUR"), (33, None)
    )
    early = await trends(desk.mongo, desk.scope(until=20), Period.DAY, None)
    assert (early.currency, early.left_out) == ("EUR", ())
    late = await trends(desk.mongo, desk.scope(since=20), Period.DAY, None)
    assert (late.currency, late.left_out) == ("CHF", (LeftOut("EUR", 1, Money.parse("6 EUR")),))
    asked = await trends(desk.mongo, desk.scope(), Period.DAY, "USD")
    assert [(each.currency, each.count) for each in asked.left_out] == [("CHF", 2), ("EUR", 3)]
    assert {point.value for stage in asked.stages for point in stage.points} == {0}
    kept = await trends(desk.mongo, desk.scope(), Period.DAY, None, horizon=later(hours=20))
    assert (kept.currency, kept.left_out) == (late.currency, late.left_out)

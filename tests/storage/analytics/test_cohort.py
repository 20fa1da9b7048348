"""Cohorts through the database agree with the pure algorithm, over daylight saving changes and for leads that became
customers; and its calendar with the domain's."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.analytics import periods
from domain.analytics.cohort import Cohorts
from domain.analytics.periods import Period, Weekday
from domain.analytics.revenue import MoneyRow
from domain.analytics.scope import Scope
from domain.journey_filter import JourneyFilter
from domain.values import timestamp
from storage.analytics.calendar import period_start
from storage.analytics.cohort import cohorts, money_of_customers
from storage.codec import Document
from storage.first_conversions import remember
from storage.milestones import LEADS
from storage.mongo import Mongo

careful = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))

NOW = datetime(2026, 5, 20, 10, tzinfo=UTC)
LINKED = {"l1": "c1", "l2": "c1", "l3": "c2"}  # l4 is nobody's
JOURNEYS = {"j1": "fibre", "j2": "cable"}
ZONES = (
    "UTC",
    "Europe/Vienna",
    "America/New_York",
    "Asia/Beirut",  # clocks change at midnight
    "Pacific/Apia",  # a day was left out in 2011
    "America/St_Johns",  # clocks went back at a minute past midnight, until 2011
    "Asia/Kolkata",
)
EDGES = [
    datetime(2026, 3, 29, 1, tzinfo=UTC),
    datetime(2025, 10, 26, 1, tzinfo=UTC),
    datetime(2026, 1, 1, tzinfo=UTC),
    NOW,
]


@dataclass(frozen=True)
class Sale:
    at: datetime
    units: int | None
    currency: str
    customer: str | None
    lead: str | None
    journey: str | None

    @property
    def whose(self) -> str | None:
        return self.customer or LINKED.get(self.lead or "", self.lead)

    def document(self, tenant: str, n: int) -> Document:
        value = None if self.units is None else {"units": self.units, "currency": self.currency}
        made = {
            "_id": f"{tenant}{n:03}",
            "tenantId": tenant,
            "customerId": self.customer,
            "leadId": self.lead,
            "journeyId": None if self.journey is None else tenant + self.journey,
            "timeKey": f"{timestamp(self.at)}|{tenant}{n:03}",
            "added": {"at": self.at, "value": value},
        }
        return {name: each for name, each in made.items() if each is not None}


months = st.integers(-500 * 24, 2 * 24).map(lambda hours: NOW + timedelta(hours=hours))
near = st.builds(
    lambda edge, minutes: edge + timedelta(minutes=minutes), st.sampled_from(EDGES), st.integers(-180, 180)
)
moments = months | near
sales = st.lists(
    st.builds(
        Sale,
        moments,
        st.none() | st.integers(-(2**40), 2**40),
        st.sampled_from(("EUR", "EUR", "CHF")),
        st.sampled_from((None, None, "c1", "c2", "c3")),
        st.sampled_from((None, *LINKED, "l4")),
        st.sampled_from((None, *JOURNEYS)),
    ),
    max_size=25,
)
ranges = st.none() | st.lists(moments, min_size=2, max_size=2, unique=True).map(sorted)


async def keep(mongo: Mongo, made: list[Sale]) -> str:
    """A tenant with these sales, and another with the same ones an hour later."""
    tenant, other = f"t{uuid4().hex[:12]}", f"u{uuid4().hex[:12]}"
    documents = [each.document(tenant, n) for n, each in enumerate(made)]
    for n, each in enumerate(made):
        at = each.at + timedelta(hours=1)
        documents.append(Sale(at, each.units, "EUR", each.customer, each.lead, None).document(other, n))
    if documents:
        await mongo["conversions"].insert_many(documents)
    leads = [
        {"_id": f"{tenant}|{lead}", "tenantId": tenant, "customerId": each} for lead, each in LINKED.items()
    ]
    await mongo[LEADS].insert_many(leads)
    journeys = [
        {"_id": tenant + name, "tenantId": tenant, "templateId": each} for name, each in JOURNEYS.items()
    ]
    await mongo["journeys"].insert_many(journeys)
    return tenant


def plain(made: list[Sale], scope: Scope, period: Period, currency: str | None) -> Cohorts:
    found = Cohorts(scope, period)
    wanted = scope.filter.template_id
    meant = [each for each in made if wanted in (None, JOURNEYS.get(each.journey or ""))]
    for whose in {each.whose for each in meant} - {None}:
        bought = [each for each in meant if each.whose == whose]
        found.add((each.at, each.units or 0 if each.currency == currency else 0) for each in bought)
    return found


@careful
@given(
    sales,
    st.sampled_from(Period),
    st.sampled_from(ZONES),
    st.sampled_from(Weekday),
    ranges,
    st.sampled_from((None, "EUR", "CHF")),
    st.sampled_from((None, None, "fibre")),
)
async def test_the_database_and_the_pure_algorithm_agree(
    mongo: Mongo,
    made: list[Sale],
    period: Period,
    zone: str,
    week_start: Weekday,
    span: list[datetime] | None,
    currency: str | None,
    template: str | None,
) -> None:
    since, until = span or (None, None)
    scope = Scope(
        tenant_id=await keep(mongo, made),
        now=NOW,
        since=since,
        until=until,
        zone=ZoneInfo(zone),
        week_start=week_start,
        filter=JourneyFilter(template_id=template),
    )
    found = await cohorts(mongo, scope, period, currency)
    assert found.rows() == plain(made, scope, period, currency).rows()
    assert found.report() == plain(made, scope, period, currency).report()


@careful
@given(sales, st.sampled_from(Period), months, st.sampled_from((None, None, "fibre")))
async def test_who_bought_before_the_horizon_is_no_new_customer(
    mongo: Mongo, made: list[Sale], period: Period, horizon: datetime, template: str | None
) -> None:
    """Though only what an open journey told may be left of it."""
    tenant = await keep(mongo, made)
    filter = JourneyFilter(template_id=template)
    scope = Scope(tenant_id=tenant, now=NOW, filter=filter).kept(horizon)
    going = [
        each.document(tenant, n) for n, each in enumerate(made) if each.at < horizon and each.journey != "j1"
    ]
    for _ in range(2):
        for each in going:
            await remember(mongo, [each])
    await mongo["conversions"].delete_many({"_id": {"$in": [each["_id"] for each in going]}})
    found = await cohorts(mongo, scope, period, "EUR")
    assert found.rows() == plain(made, scope, period, "EUR").rows()


CHANGES = {
    "Europe/Vienna": (datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)),
    "Asia/Beirut": (datetime(2024, 3, 30, 22, tzinfo=UTC), datetime(2024, 10, 26, 21, tzinfo=UTC)),
    "America/St_Johns": (datetime(2008, 3, 9, 3, 31, tzinfo=UTC), datetime(2008, 11, 2, 2, 31, tzinfo=UTC)),
    "Pacific/Apia": (datetime(2011, 12, 30, 10, tzinfo=UTC), datetime(2011, 9, 24, 14, tzinfo=UTC)),
    "America/Havana": (datetime(2025, 3, 9, 5, tzinfo=UTC), datetime(2025, 11, 2, 5, tzinfo=UTC)),
}


@pytest.mark.parametrize("zone", CHANGES)
@pytest.mark.parametrize("since", [None, datetime(2008, 1, 1, tzinfo=UTC)])
async def test_the_databases_calendar_is_the_domains(
    mongo: Mongo, tenant: str, zone: str, since: datetime | None
) -> None:
    """At each minute around a change of clocks, and around the turn of years."""
    scope = Scope(tenant_id=tenant, now=NOW, since=since, zone=ZoneInfo(zone), week_start=Weekday.WEDNESDAY)
    around = [*CHANGES[zone], datetime(2009, 1, 1, tzinfo=UTC), datetime(2020, 2, 29, 12, tzinfo=UTC)]
    times = [
        at + timedelta(minutes=10 * n + shift) for at in around for n in range(-30, 30) for shift in (0, 1)
    ]
    await mongo["conversions"].insert_many({"tenantId": tenant, "timeKey": "x", "at": at} for at in times)
    days: Document = {each.value: period_start("$at", scope, each) for each in Period}
    pipeline: list[dict[str, Any]] = [{"$match": {"tenantId": tenant}}, {"$project": {"at": 1, **days}}]
    found = [each async for each in mongo.aggregate(mongo["conversions"], pipeline)]
    assert len(found) == len(times)
    for each in found:
        for period in Period:
            expected = periods.period_start(each["at"], period, scope.zone, scope.week_start)
            assert each[period.value].date() == expected, (each["at"], period)


async def test_money_is_that_of_customers_since_the_range_began(mongo: Mongo) -> None:
    since = NOW - timedelta(days=9)
    made = [
        Sale(since, 3, "CHF", "c1", None, None),
        Sale(NOW, 4, "CHF", None, "l4", None),
        Sale(NOW, 5, "EUR", "c1", None, None),
        Sale(NOW, 6, "EUR", None, None, None),  # nobody's
        Sale(NOW, None, "", "c1", None, None),
        Sale(since - timedelta(hours=1), 7, "EUR", "c1", None, None),
        Sale(NOW + timedelta(hours=1), 8, "EUR", "c1", None, None),
    ]
    tenant = await keep(mongo, made)
    whole = await money_of_customers(mongo, Scope(tenant_id=tenant, now=NOW))
    late = await money_of_customers(mongo, Scope(tenant_id=tenant, now=NOW, since=since, until=NOW))
    assert set(whole) == {
        MoneyRow(None, "CHF", 2, 7),
        MoneyRow(None, "EUR", 2, 12),
        MoneyRow(None, None, 1, 0),
    }
    assert set(late) == {MoneyRow(None, "CHF", 2, 7), MoneyRow(None, "EUR", 1, 5), MoneyRow(None, None, 1, 0)}
    assert await money_of_customers(mongo, Scope(tenant_id="t-empty", now=NOW)) == []

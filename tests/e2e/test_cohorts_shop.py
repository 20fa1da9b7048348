"""Cohorts of a real shop through the API: its purchases as conversions in the database, and the answers as known."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from domain.analytics.periods import Period, Weekday
from domain.analytics.scope import Scope
from domain.values import timestamp
from storage.codec import Document
from storage.mongo import Mongo, connected
from tests.conftest import Servers
from tests.domain.analytics.purchases import NOW, Purchases, added, cdnow
from tests.e2e.harness import Client, Server, client, fresh
from tests.e2e.test_attribution import convert, day

# The first of three months: 24,351 of 69,659 purchases, since all of them take the embedded database 40 s and more.
FEBRUARY = datetime(1997, 2, 1, tzinfo=UTC)
AT_ONCE = 2_000
PATIENCE = 60.0  # seconds for a long report; a busy machine is no failure
KNOWN = {
    "EXACT": [7846, 1157, 964, 810, 679, 736],
    "ON_OR_AFTER": [7846, 3654, 3357, 3140, 2958, 2842],
}
LTV = "92.2843"
COHORTS = """query($retention: CohortRetention!, $ages: Int!, $period: Period! = MONTH, $report: ReportInput) {
  cohorts(period: $period, retention: $retention, ages: $ages, report: $report) {
    currency cohorts { start since until size cells { age members active value ltv { value } running } } } }"""


def joined(before: datetime) -> list[Purchases]:
    """What the customers bought whose first purchase was before this."""
    return [each for each in cdnow() if min(at for at, _ in each) < before]


def documents(tenant: str, customers: list[Purchases]) -> list[Document]:
    return [
        {
            "_id": f"cnv_{tenant}{customer}_{n}",
            "tenantId": tenant,
            "customerId": f"c{customer}",
            "kind": "purchase",
            "timeKey": f"{timestamp(at)}|cnv_{customer}_{n}",
            "added": {"at": at, "value": {"units": units, "currency": "USD"}},
        }
        for customer, bought in enumerate(customers)
        for n, (at, units) in enumerate(bought)
    ]


async def insert(mongo: Mongo, tenant: str, customers: list[Purchases]) -> None:
    made = documents(tenant, customers)
    for n in range(0, len(made), AT_ONCE):
        await mongo["conversions"].insert_many(made[n : n + AT_ONCE], ordered=False)


@pytest.fixture(scope="module")
async def shop(servers: Servers, server: Server) -> AsyncIterator[Client]:
    """Somebody who may look at the shop's tenant."""
    tenant = fresh("shop")
    async with (
        connected(servers.mongodb_uri, servers.database, "pymongo") as mongo,
        client(server.url, tenant, timeout=PATIENCE) as api,
    ):
        await insert(mongo, tenant, joined(FEBRUARY))
        yield api


@pytest.mark.parametrize("retention", KNOWN)
async def test_the_customers_of_january_1997_came_back_as_often_as_is_known(
    shop: Client, retention: str
) -> None:
    found = (await shop.ask(COHORTS, retention=retention, ages=12))["cohorts"]
    [january] = found["cohorts"]
    assert (found["currency"], january["start"], january["size"]) == ("USD", "1997-01-01", 7846)
    assert (january["since"], january["until"]) == ("1997-01-01T00:00:00.000Z", "1997-02-01T00:00:00.000Z")
    assert [cell["active"] for cell in january["cells"][:6]] == KNOWN[retention]
    assert f"{january['cells'][11]['ltv']['value']:.4f}" == LTV


async def test_weeks_are_those_of_the_pure_algorithm(shop: Client) -> None:
    since = datetime(1997, 1, 8, tzinfo=UTC)
    report = {"range": {"since": timestamp(since)}, "timeZone": "America/New_York", "weekStart": "SUNDAY"}
    answer = await shop.ask(COHORTS, retention="EXACT", period="WEEK", ages=30, report=report)
    zone = ZoneInfo("America/New_York")
    scope = Scope(tenant_id="t", now=NOW, since=since, zone=zone, week_start=Weekday.SUNDAY)
    expected = added(joined(FEBRUARY), scope, Period.WEEK).report(ages=30)
    assert len(expected.cohorts) >= 4
    assert [
        (each["start"], each["size"], [cell["active"] for cell in each["cells"]])
        for each in answer["cohorts"]["cohorts"]
    ] == [(str(each.start), each.size, [cell.active for cell in each.cells]) for each in expected.cohorts]


async def test_money_of_other_currencies_is_listed_as_left_out(api: Client) -> None:
    for at, value in ((1, "9 EUR"), (40, "2 CHF"), (41, "3 CHF"), (42, "4 EUR"), (43, None)):
        await convert(api, "c1", at, value)
    query = """query($currency: String, $report: ReportInput) { it: cohorts(currency: $currency, report: $report) {
      currency total { size } leftOut { currency count value } } }"""
    it = (await api.ask(query, currency="CHF"))["it"]
    assert it["leftOut"] == [{"currency": "EUR", "count": 2, "value": "13.00 EUR"}]
    late = (await api.ask(query, report={"range": {"since": day(30)}}))["it"]
    assert (late["currency"], late["total"]["size"]) == ("CHF", 0)
    assert late["leftOut"] == [{"currency": "EUR", "count": 1, "value": "4.00 EUR"}]

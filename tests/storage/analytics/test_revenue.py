"""Revenue through the database: its sums are those of the records, and costs of campaigns are set once a period."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.analytics.cost import CampaignCost
from domain.analytics.revenue import Group, money_rows, revenue
from domain.analytics.scope import Scope
from domain.campaign_cost import CostFilter
from domain.errors import Conflict, IdempotencyKeyReused, IllegalTransition, InvalidInput, NotFound
from domain.journey_filter import JourneyFilter
from domain.paging import Page
from domain.record_events import ConversionAdded, TouchpointAdded
from domain.values import Money
from storage.analytics.revenue import NO_CURRENCY, revenue_of
from storage.mongo import Mongo
from storage.store import Store
from tests.storage.analytics.records import JOURNEYS, Record, Recorded, conversions, day, touchpoints
from tests.storage.subjects import all_pages, cause

careful = settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
AT = day(0)

costs = st.builds(
    lambda campaign, channel, first, days, units: CampaignCost(
        campaign=campaign,
        channel=channel,
        since=day(first).date(),
        until=day(first + days).date(),
        amount=Money(units, "EUR"),
    ),
    st.sampled_from(("spring", "$autumn")),
    st.sampled_from((None, "mail")),
    st.integers(-5, 20),
    st.integers(1, 9),
    st.integers(0, 10**9),
)
ranges = st.builds(lambda first, days: (day(first), day(first + days)), st.integers(0, 12), st.integers(3, 9))


@careful
@given(
    st.lists(touchpoints, max_size=12),
    st.lists(conversions, max_size=12),
    st.lists(costs, max_size=3, unique_by=lambda each: (each.campaign, each.channel, each.since, each.until)),
    st.none() | ranges,
    st.sampled_from((None, "acquisition")),
    st.sampled_from(Group),
)
async def test_the_databases_sums_are_those_of_the_records(
    mongo: Mongo,
    contacts: list[TouchpointAdded],
    converted: list[ConversionAdded],
    planned: list[CampaignCost],
    span: tuple[datetime, datetime] | None,
    template: str | None,
    group: Group,
) -> None:
    recorded = await Recorded.of(mongo, contacts, converted)
    for cost in planned:
        await recorded.store.costs.set(recorded.tenant, cost, AT, cause())
    since, until = span or (None, None)
    scope = Scope(
        tenant_id=recorded.tenant,
        now=day(99),
        since=since,
        until=until,
        filter=JourneyFilter(template_id=template),
    )

    def meant(each: Record) -> bool:
        in_range = (since is None or since <= each.at) and (until is None or each.at < until)
        of = None if each.journey_id is None else JOURNEYS[each.journey_id]
        return in_range and template in (None, of)

    assert await revenue_of(mongo, scope, group, "EUR") == revenue(
        money_rows(filter(meant, converted), group),
        money_rows(filter(meant, contacts), group),
        planned,
        group=group,
        currency="EUR",
        scope=scope,
    )
    await recorded.store.changes.drain()


async def test_the_currency_is_the_usual_one_of_conversions_else_of_costs_else_none(
    store: Store, tenant: str
) -> None:
    async def currency() -> str:
        found = await revenue_of(store.mongo, Scope(tenant_id=tenant, now=day(99)), Group.CHANNEL, None)
        return found.currency

    assert await currency() == NO_CURRENCY
    await store.costs.set(tenant, cost(amount=Money.parse("5 CHF")), AT, cause())
    assert await currency() == "CHF"


def cost(**rest: Any) -> CampaignCost:
    given: dict[str, Any] = {
        "campaign": "spring",
        "since": date(2026, 3, 1),
        "until": date(2026, 4, 1),
        "amount": Money.parse("310 EUR"),
    }
    return CampaignCost(**given | rest)


async def test_a_cost_is_kept_once_for_each_campaign_channel_and_period(store: Store, tenant: str) -> None:
    first = (await store.costs.set(tenant, cost(), AT, cause())).state
    again = (await store.costs.set(tenant, cost(amount=Money.parse("400 EUR")), AT, cause())).state
    assert (again.id, again.revision, again.cost.amount) == (first.id, 2, Money.parse("400 EUR"))
    assert (await store.costs.set(tenant, cost(amount=Money.parse("400 EUR")), AT, cause())).state == again
    others = [cost(channel="mail"), cost(campaign=None, channel="spring"), cost(until=date(2026, 3, 9))]
    ids = [(await store.costs.set(tenant, each, AT, cause())).state.id for each in others]
    assert len({first.id, *ids}) == 4
    assert await store.costs.get(first.id, tenant) == again
    with pytest.raises(NotFound):
        await store.costs.get(first.id, tenant + "x")
    history = await store.events.history(first.id, Page(10))
    assert [each.type for each in history.items] == ["campaign_cost:set"] * 2
    assert history.items[0].data["since"] == "2026-03-01"


async def test_a_cost_given_again_with_its_key_is_set_once(store: Store, tenant: str) -> None:
    for _ in range(2):
        await store.costs.set(tenant, cost(), AT, cause("k" + tenant))
    await store.costs.set(tenant, cost(amount=Money.parse("1 EUR")), AT, cause("l" + tenant))
    kept = await store.costs.set(tenant, cost(), AT, cause("k" + tenant))
    assert kept.state.cost.amount == Money.parse("1 EUR")
    with pytest.raises(IdempotencyKeyReused):
        await store.costs.set(tenant, cost(), AT, cause("k" + tenant, "something else"))
    with pytest.raises(Conflict):
        await store.costs.set(tenant, cost(), AT, cause(), expected=7)
    with pytest.raises(Conflict):
        await store.costs.set(tenant, cost(campaign="autumn"), AT, cause(), expected=1)
    with pytest.raises(InvalidInput):
        await store.costs.set(tenant, cost(campaign=" "), AT, cause())


async def test_a_removed_cost_is_in_no_list_until_it_is_set_again(store: Store, tenant: str) -> None:
    id = (await store.costs.set(tenant, cost(), AT, cause())).state.id
    assert (await store.costs.remove(id, tenant, cause())).state.removed
    assert await store.costs.count(tenant, CostFilter()) == 0
    with pytest.raises(NotFound):
        await store.costs.get(id, tenant)
    with pytest.raises(IllegalTransition):
        await store.costs.remove(id, tenant, cause())
    await store.costs.set(tenant, cost(), AT, cause())
    assert (await store.costs.get(id, tenant)).revision == 3
    assert await store.costs.count(tenant, CostFilter(campaign="spring")) == 1


async def test_costs_are_listed_from_new_to_old_by_campaign_and_channel(store: Store, tenant: str) -> None:
    made = []
    for n in range(7):
        names = {"campaign": ("spring", None)[n % 2], "channel": ("mail", "shop", "web")[n % 3]}
        until = date(2026, 4, 1 + n)
        at = AT + timedelta(minutes=n)
        made.append((await store.costs.set(tenant, cost(**names, until=until), at, cause())).state)
    newest = made[::-1]

    async def listed(filter: CostFilter, *, backwards: bool = False) -> list[Any]:
        return await all_pages(lambda page: store.costs.page(tenant, filter, page), 3, backwards=backwards)

    assert await listed(CostFilter()) == await listed(CostFilter(), backwards=True) == newest
    spring = [each for each in newest if each.cost.campaign == "spring"]
    assert await listed(CostFilter(campaign="spring")) == spring
    by_mail = [each for each in spring if each.cost.channel == "mail"]
    assert await listed(CostFilter(campaign="spring", channel="mail")) == by_mail
    assert await store.costs.count(tenant, CostFilter(campaign="spring", channel="mail")) == len(by_mail)

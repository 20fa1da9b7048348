"""Revenue: what conversions are worth, what they cost, and what is no figure."""

from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.analytics.cost import CampaignCost
from domain.analytics.figure import Figure
from domain.analytics.revenue import (
    COST_IS_ZERO,
    NO_COST,
    NO_KEY,
    NO_VALUE,
    NOT_BY_JOURNEY,
    NOT_BY_SOURCE,
    OTHER_CURRENCY,
    Group,
    LeftOut,
    MoneyRow,
    RevenueReport,
    RevenueRow,
    money_rows,
    revenue,
    usual_currency,
)
from domain.journey_filter import JourneyFilter
from domain.record_events import ConversionAdded, TouchpointAdded
from domain.template import Stage
from domain.values import Money
from tests.domain.analytics.purchases import NOW, scope

CONVERSION = {"at": NOW, "tenant_id": "t", "kind": "signed", "to_stage": Stage.CUSTOMER}
TOUCHPOINT = {"at": NOW, "tenant_id": "t", "kind": "ad", "title": "Fibre"}


def sold(value: str | None, channel: str | None = "mail", **rest: Any) -> ConversionAdded:
    money = None if value is None else Money.parse(value)
    return ConversionAdded(**{**CONVERSION, "value": money, "channel": channel, **rest})


def touched(cost: str | None, channel: str = "mail", **rest: Any) -> TouchpointAdded:
    money = None if cost is None else Money.parse(cost)
    return TouchpointAdded(**{**TOUCHPOINT, "cost": money, "channel": channel, "source": "shop", **rest})


def campaign(amount: str, **rest: Any) -> CampaignCost:
    days = {"since": date(2026, 5, 1), "until": date(2026, 5, 11)}
    return CampaignCost(amount=Money.parse(amount), **{**days, **rest})


def reported(
    conversions: list[ConversionAdded] | None = None,
    contacts: list[TouchpointAdded] | None = None,
    costs: list[CampaignCost] | None = None,
    group: Group = Group.CHANNEL,
    **range: Any,
) -> RevenueReport:
    return revenue(
        money_rows(conversions or [], group),
        money_rows(contacts or [], group),
        costs or [],
        group=group,
        currency="EUR",
        scope=scope(**range),
    )


def only(report: RevenueReport) -> RevenueRow:
    [row] = report.rows
    return row


def test_total_count_and_average_are_of_the_conversions_with_a_value() -> None:
    row = only(reported([sold("10 EUR"), sold("25.50 EUR"), sold(None)]))
    assert (row.key, row.conversions, row.unvalued) == ("mail", 2, 1)
    assert row.value == Money.parse("35.50 EUR")
    assert row.average == Figure(17.75)


def test_money_of_other_currencies_is_left_out_and_listed() -> None:
    report = reported([sold("10 EUR"), sold("7 USD"), sold("8 USD", "shop"), sold("9 CHF")])
    assert report.total.value == Money.parse("10 EUR")
    chf, usd = Money.parse("9 CHF"), Money.parse("15 USD")
    assert report.left_out == (LeftOut("CHF", 1, chf), LeftOut("USD", 2, usd))
    assert [(row.key, row.conversions) for row in report.rows] == [("mail", 1), ("shop", 0)]
    assert report.rows[1].average == Figure(reason=NO_VALUE)


def test_the_currency_of_most_conversions_is_the_usual_one() -> None:
    found = money_rows([sold("1 USD"), sold("1 CHF"), sold("1 USD"), sold(None), sold(None)], Group.CHANNEL)
    assert usual_currency(found) == "USD"
    assert usual_currency(money_rows([sold("1 USD"), sold("1 CHF")], Group.CHANNEL)) == "CHF"
    assert usual_currency(money_rows([sold(None)], Group.CHANNEL)) is None


def test_touchpoints_and_campaigns_add_up_to_the_cost() -> None:
    costs = [campaign("20 EUR", channel="mail", campaign="spring")]
    row = only(reported([sold("100 EUR")], [touched("4 EUR"), touched("1 EUR"), touched(None)], costs))
    assert row.cost == Money.parse("25 EUR")
    assert row.roi == Figure(3)


def test_a_cost_counts_for_its_campaign_and_for_its_channel() -> None:
    costs = [campaign("20 EUR", channel="mail", campaign="spring")]
    found = reported([sold("10 EUR", campaign="spring")], costs=costs, group=Group.CAMPAIGN)
    assert (only(found).key, only(found).roi) == ("spring", Figure(-0.5))
    assert only(reported([sold("10 EUR")], costs=costs)).roi == Figure(-0.5)


def test_a_cost_counts_for_the_days_of_the_range() -> None:
    costs = [campaign("20 EUR", channel="mail")]
    report = reported(costs=costs, since=NOW.replace(day=6, hour=0))
    assert report.total.cost == Money.parse("10 EUR")
    assert reported(costs=costs, since=NOW.replace(day=11, hour=0)).total.cost is None


def test_without_a_cost_there_is_no_return_and_the_report_says_why() -> None:
    assert only(reported([sold("10 EUR")])).roi == Figure(reason=NO_COST)
    assert only(reported([sold("10 EUR")], [touched(None)])).roi == Figure(reason=NO_COST)
    free = only(reported([sold("10 EUR")], [touched("0 EUR")]))
    assert (free.cost, free.roi) == (Money.parse("0 EUR"), Figure(reason=COST_IS_ZERO))
    mixed = reported([sold("10 EUR")], [touched("1 EUR"), touched("1 USD")])
    assert only(mixed).roi == Figure(reason=OTHER_CURRENCY)
    assert mixed.costs_left_out == (LeftOut("USD", 1, Money.parse("1 USD")),)


def test_what_has_no_channel_has_no_return_of_its_own() -> None:
    report = reported([sold("10 EUR", None), sold("10 EUR")], costs=[campaign("5 EUR", campaign="spring")])
    mail, none = report.rows
    assert (mail.roi, none.key) == (Figure(reason=NO_COST), None)
    assert (none.cost, none.roi) == (Money.parse("5 EUR"), Figure(reason=NO_KEY))
    assert report.total.roi == Figure(3)


def test_a_source_has_a_return_while_no_campaign_has_a_cost() -> None:
    conversions, contacts = [sold("10 EUR", source="shop")], [touched("5 EUR")]
    assert only(reported(conversions, contacts, group=Group.SOURCE)).roi == Figure(1)
    report = reported(conversions, contacts, [campaign("1 EUR", campaign="spring")], group=Group.SOURCE)
    assert [row.roi for row in report.rows] == [Figure(reason=NOT_BY_SOURCE), Figure(reason=NO_KEY)]


def test_some_journeys_have_no_return_while_a_campaign_has_a_cost() -> None:
    conversions, contacts = [sold("10 EUR")], [touched("5 EUR")]
    some: dict[str, Any] = {"filter": JourneyFilter(template_id="fibre")}
    assert only(reported(conversions, contacts, **some)).roi == Figure(1)
    report = reported(conversions, contacts, [campaign("1 EUR", channel="mail")], **some)
    assert (only(report).roi, report.total.roi) == (Figure(reason=NOT_BY_JOURNEY),) * 2
    assert report.total.cost == Money.parse("6 EUR")


def test_a_tenant_without_conversions_has_no_figures_and_says_why() -> None:
    for group in Group:
        report = reported(group=group)
        assert (report.rows, report.left_out, report.costs_left_out) == ((), (), ())
        assert (report.total.conversions, report.total.value, report.total.cost) == (0, Money(0, "EUR"), None)
        assert report.total.average == Figure(reason=NO_VALUE)
        assert report.total.roi == Figure(reason=NO_COST)


keys = st.sampled_from(("mail", "search", "shop", None))
currencies = st.sampled_from(("EUR", "USD", None))


@st.composite
def rows(draw: st.DrawFn) -> MoneyRow:
    currency = draw(currencies)
    units = 0 if currency is None else draw(st.integers(0, 10**8))
    return MoneyRow(draw(keys), currency, draw(st.integers(1, 50)), units)


costs = st.builds(
    CampaignCost,
    campaign=st.just("spring"),
    channel=st.sampled_from(("mail", "radio", None)),
    since=st.dates(date(2026, 4, 1), date(2026, 5, 10)),
    until=st.dates(date(2026, 5, 11), date(2026, 7, 1)),
    amount=st.builds(Money, st.integers(0, 10**8), st.sampled_from(("EUR", "USD"))),
)


@given(st.lists(rows()), st.lists(rows()), st.lists(costs, max_size=4), st.sampled_from(Group))
def test_rows_add_up_to_the_total_and_nothing_is_lost(
    conversions: list[MoneyRow], contacts: list[MoneyRow], costs: list[CampaignCost], group: Group
) -> None:
    report = revenue(conversions, contacts, costs, group=group, currency="EUR", scope=scope())
    total, found = report.total, report.rows
    assert total.conversions == sum(row.conversions for row in found)
    assert total.unvalued == sum(row.unvalued for row in found)
    assert total.value.units == sum(row.value.units for row in found)
    assert (total.cost.units if total.cost else 0) == sum(row.cost.units for row in found if row.cost)
    assert sum(row.count for row in conversions) == (
        total.conversions + total.unvalued + sum(each.count for each in report.left_out)
    )
    for row in (total, *found):
        if row.roi.value is not None:
            assert row.cost is not None
            assert row.roi.value == (row.value.units - row.cost.units) / row.cost.units

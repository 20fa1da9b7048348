"""Attribution through the database agrees with the paths and models by themselves, on the same records."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.analytics.attribution import Model
from domain.analytics.question import By, Question
from domain.analytics.scope import Scope
from domain.journey_filter import JourneyFilter
from domain.record_events import ConversionAdded, TouchpointAdded
from domain.template import Stage
from domain.values import Money
from storage.analytics.attribution import attribution
from storage.mongo import Mongo
from tests.storage.analytics.plain_attribution import Plain, approximate, shown
from tests.storage.analytics.records import Recorded, conversions, day, touchpoints

careful = settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))

ranges = st.builds(lambda first, days: (day(first), day(first + days)), st.integers(0, 12), st.integers(3, 9))
questions = st.builds(
    Question,
    models=st.just(tuple(Model)),
    by=st.sampled_from(By),
    lookback=st.sampled_from((0.1, 3, 8, 30)).map(lambda days: timedelta(days=days)),
    currency=st.sampled_from(("EUR", "EUR", "CHF")),
    kind=st.sampled_from((None, "sale", "$upsell")),
)


@careful
@given(
    st.lists(touchpoints, min_size=8, max_size=25),
    st.lists(conversions, min_size=2, max_size=8),
    st.none() | ranges,
    st.sampled_from((None, "acquisition")),
    questions,
)
async def test_the_database_and_the_pure_algorithm_agree(
    mongo: Mongo,
    contacts: list[TouchpointAdded],
    converted: list[ConversionAdded],
    span: tuple[datetime, datetime] | None,
    template: str | None,
    question: Question,
) -> None:
    recorded = await Recorded.of(mongo, contacts, converted)
    since, until = span or (None, None)
    scope = Scope(
        tenant_id=recorded.tenant,
        now=day(99),
        since=since,
        until=until,
        filter=JourneyFilter(template_id=template),
    )
    plain = Plain(contacts, converted, scope, question)
    found = await attribution(mongo, scope, question)
    expected = plain.report()
    assert shown(found.report) == approximate(shown(expected))
    assert found.valued == plain.valued()
    sums = [found.value, found.unattributed_value]
    assert sums == [
        Money(int(each), str(question.currency)) if found.valued else None
        for each in (expected.value, expected.unattributed_value)
    ]
    assert {each.currency: (each.count, each.value.units) for each in found.left_out} == {
        currency: (len(units), sum(units)) for currency, units in plain.left_out().items()
    }


def contact(at: float, channel: str = "mail", **whose: Any) -> TouchpointAdded:
    whose = whose or {"customer_id": "c1"}
    return TouchpointAdded(
        at=day(at), tenant_id="", kind="call", channel=channel, source="crm", title="", **whose
    )


def sale(at: float, value: str | None = "10 EUR", **whose: Any) -> ConversionAdded:
    money = None if value is None else Money.parse(value)
    whose = whose or {"customer_id": "c1"}
    return ConversionAdded(
        at=day(at), tenant_id="", kind="sale", to_stage=Stage.CUSTOMER, value=money, **whose
    )


LINEAR = Question(models=(Model.LINEAR,))


async def ask(recorded: Recorded, question: Question = LINEAR, **scope: Any) -> Any:
    about = Scope(tenant_id=recorded.tenant, now=day(99), **scope)
    return await attribution(recorded.store.mongo, about, question)


def credited(found: Any) -> dict[str | None, float | None]:
    return {row.key: row.credits[Model.LINEAR].conversions.value for row in found.report.rows}


async def test_a_leads_contacts_earn_what_it_buys_as_a_customer(mongo: Mongo) -> None:
    contacts = [contact(1, "search", lead_id="l1"), contact(2, "mail", customer_id="c1")]
    found = await ask(await Recorded.of(mongo, contacts, [sale(3)]))
    assert credited(found) == {"search": 0.5, "mail": 0.5}


async def test_what_lies_around_the_range_counts_for_what_lies_in_it(mongo: Mongo) -> None:
    contacts = [contact(1, "search"), contact(6, "mail"), contact(14, "shop")]
    recorded = await Recorded.of(mongo, contacts, [sale(5), sale(11), sale(15, "99 EUR")])
    markov = Question(models=(Model.LINEAR, Model.MARKOV), lookback=timedelta(days=7))
    found = await ask(recorded, markov, since=day(2), until=day(12))
    assert credited(found) == {"search": 1.0, "mail": 1.0}
    assert found.value == Money.parse("20 EUR")
    lost = await ask(recorded, markov, since=day(12), until=day(15))
    assert (lost.report.rows, lost.report.conversions) == ((), 0)


async def test_what_is_nobodys_is_left_out(mongo: Mongo) -> None:
    recorded = await Recorded.of(mongo, [contact(1, journey_id="j1")], [sale(2, journey_id="j1")])
    found = await ask(recorded)
    assert (found.report.rows, found.report.conversions, found.currency) == ((), 0, None)


async def test_the_usual_currency_is_that_of_most_conversions(mongo: Mongo) -> None:
    sales = [sale(2, "10 CHF"), sale(3, "20 CHF"), sale(4, "99 EUR"), sale(5, None)]
    found = await ask(await Recorded.of(mongo, [contact(1)], sales))
    assert (found.currency, found.value) == ("CHF", Money.parse("30 CHF"))
    assert found.report.conversions == 3
    assert [(each.currency, each.count, str(each.value)) for each in found.left_out] == [
        ("EUR", 1, "99.00 EUR")
    ]


async def test_a_conversion_without_a_journey_is_left_out_where_journeys_are_filtered(mongo: Mongo) -> None:
    sales = [sale(2), sale(3, customer_id="c1", journey_id="j1"), sale(4, customer_id="c1", journey_id="j2")]
    recorded = await Recorded.of(mongo, [contact(1)], sales)
    found = await ask(recorded, filter=JourneyFilter(template_id="acquisition"))
    assert (found.report.conversions, found.value) == (1, Money.parse("10 EUR"))
    assert (await ask(recorded)).report.conversions == 3


async def test_what_led_to_a_conversion_that_is_not_meant_is_not_lost(mongo: Mongo) -> None:
    markov = Question(models=(Model.MARKOV,), kind="sale", lookback=timedelta(days=1))
    upsell = ConversionAdded(
        at=day(9), tenant_id="", kind="upsell", to_stage=Stage.CUSTOMER, customer_id="c1"
    )
    contacts = [contact(1, "mail"), contact(8.5, "mail"), contact(20, "search")]
    found = await ask(await Recorded.of(mongo, contacts, [sale(1.5), upsell]), markov)
    effects = {row.key: row.credits[Model.MARKOV].removal_effect.value for row in found.report.rows}
    assert effects == pytest.approx({"mail": 1.0, "search": 0.0})


async def test_no_tenant_sees_anothers_records(mongo: Mongo) -> None:
    mine = await Recorded.of(mongo, [contact(1, "search")], [sale(2)])
    other = await Recorded.of(mongo, [contact(1, "mail")], [sale(2)])
    assert credited(await ask(mine)) == {"search": 1.0}
    assert credited(await ask(other)) == {"mail": 1.0}


async def test_a_range_at_the_ends_of_the_calendar_is_a_range(mongo: Mongo) -> None:
    recorded = await Recorded.of(mongo, [contact(1)], [sale(2)])
    first, last = day(0).replace(year=1), day(0).replace(year=9999)
    long = Question(models=(Model.LINEAR,), lookback=timedelta(days=100_000))
    assert (await ask(recorded, long, since=first, until=last)).report.conversions == 1

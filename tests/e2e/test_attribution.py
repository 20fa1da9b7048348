"""Attribution from outside: figures worked out by hand, of empty and foreign tenants, and what is refused."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.identity import Role
from domain.values import timestamp
from tests.e2e.harness import Client, Server, client, fresh

FIGURE = "{ value reason }"
CREDIT = f"model conversions {FIGURE} value {FIGURE} share {FIGURE} removalEffect {FIGURE}"
COMMON = f"""coverage {{ asOf completeUntil reachesBackTo truncated }} by lookback currency conversions unvalued value
  attributed {FIGURE} unattributed unattributedValue unattributedReason leftOut {{ currency count value }}"""
ARGUMENTS = """$by: AttributionKey! = CHANNEL, $lookback: Duration! = "P30D", $currency: String, $kind: String,
  $report: ReportInput"""
GIVEN = "by: $by, lookback: $lookback, currency: $currency, conversionKind: $kind, report: $report"
ONE = f"""query($model: AttributionModel!, {ARGUMENTS}) {{ attribution(model: $model, {GIVEN}) {{
  {COMMON} model rows {{ key conversions credit {{ {CREDIT} }} }} }} }}"""
ALL = f"""query($models: [AttributionModel!], {ARGUMENTS}) {{ compareAttribution(models: $models, {GIVEN}) {{
  {COMMON} models rows {{ key conversions credits {{ {CREDIT} }} }} }} }}"""
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def day(number: float) -> str:
    return timestamp(BEGIN + timedelta(days=number))


async def touch(api: Client, customer: str, *touches: tuple[float, str], **rest: Any) -> None:
    """Contacts on these days, by these channels."""
    given = [
        {"kind": "visit", "channel": channel, "at": day(at), "customerId": customer} | rest
        for at, channel in touches
    ]
    query = "mutation($i: AddTouchpointsInput!) { addTouchpoints(input: $i) { userErrors { message } } }"
    assert (await api.ask(query, i={"touchpoints": given}))["addTouchpoints"]["userErrors"] == []


async def convert(
    api: Client, customer: str | None, at: float, value: str | None = None, **rest: Any
) -> None:
    given = {
        "kind": "sale",
        "toStage": "CUSTOMER",
        "at": day(at),
        "customerId": customer,
        "value": value,
    } | rest
    query = "mutation($i: AddConversionsInput!) { addConversions(input: $i) { userErrors { message } } }"
    assert (await api.ask(query, i={"conversions": [given]}))["addConversions"]["userErrors"] == []


async def one(api: Client, model: str, **given: Any) -> Any:
    return (await api.ask(ONE, model=model, **given))["attribution"]


def credited(report: Any, name: str = "conversions") -> dict[str | None, float]:
    return {row["key"]: row["credit"][name]["value"] for row in report["rows"]}


FIVE = ((0, "a"), (5, "b"), (12, "c"), (30, "d"), (38, "e"))


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("TIME_DECAY", [175.20, 287.44, 574.88, 3417.04, 7545.45]),
        ("FIRST", [12_000, 0, 0, 0, 0]),
        ("LAST", [0, 0, 0, 0, 12_000]),
        ("LINEAR", [2_400] * 5),
        ("POSITION_BASED", [4_800, 800, 800, 800, 4_800]),
        ("SHAPLEY", [2_400] * 5),
    ],
)
async def test_one_conversion_divided_by_hand(api: Client, model: str, expected: list[float]) -> None:
    await touch(api, "c1", *FIVE)
    await convert(api, "c1", 38, "12000 EUR")
    report = await one(api, model, lookback="P40D")
    assert [round(each, 2) for each in credited(report, "value").values()] == expected
    assert sum(credited(report).values()) == pytest.approx(1)
    assert (report["value"], report["currency"], report["lookback"]) == ("12000.00 EUR", "EUR", "P40D")
    assert (report["attributed"]["value"], report["unattributed"], report["unvalued"]) == (1.0, 0, 0)
    month = credited(await one(api, model))
    assert (month["a"], month["b"], sum(month.values())) == (
        0,
        0,
        pytest.approx(1),
    )  # as if they had led to nothing


async def test_the_last_contact_that_was_not_direct(api: Client) -> None:
    await touch(api, "c1", (1, "mail"), (2, "direct"), (3, "web"))
    await convert(api, "c1", 4, "10 EUR")
    assert credited(await one(api, "LAST_NON_DIRECT")) == {"direct": 0, "mail": 0, "web": 1}
    query = """{ attribution(model: LAST_NON_DIRECT, direct: "web", halfLife: "P1D") {
      rows { key credit { conversions { value } } } } }"""
    assert credited((await api.ask(query))["attribution"]) == {"direct": 1, "mail": 0, "web": 0}


async def test_a_markov_chain_worked_out_by_hand(api: Client) -> None:
    await touch(api, "won", (1, "C1"), (2, "C2"), (3, "C3"))
    await convert(api, "won", 4, "100 EUR")
    await touch(api, "lost", (1, "C1"))
    await touch(api, "gone", (1, "C2"), (2, "C3"))
    report = await one(api, "MARKOV")
    assert credited(report, "share") == pytest.approx({"C1": 0.2, "C2": 0.4, "C3": 0.4})
    assert credited(report, "removalEffect") == pytest.approx({"C1": 0.5, "C2": 1.0, "C3": 1.0})
    assert credited(report, "value") == pytest.approx({"C1": 20, "C2": 40, "C3": 40})


async def test_shapley_values_worked_out_by_hand(api: Client) -> None:
    await touch(api, "c1", (1, "a"))
    await touch(api, "c2", (1, "a"), (2, "b"))
    await touch(api, "c3", (1, "b"), (2, "a"), (2.5, "b"))
    for customer in ("c1", "c2", "c3"):
        await convert(api, customer, 3)
    report = await one(api, "SHAPLEY")
    assert credited(report) == {"a": 2.0, "b": 1.0}
    assert (report["currency"], report["value"], report["unvalued"]) == (None, None, 3)
    assert report["rows"][0]["credit"]["value"] == {
        "value": None,
        "reason": "no conversion has a value in this currency",
    }


async def test_models_side_by_side_see_the_same_paths(api: Client) -> None:
    await touch(api, "c1", *FIVE)
    await convert(api, "c1", 38, "12000 EUR")
    report = (await api.ask(ALL, lookback="P40D"))["compareAttribution"]
    assert report["models"] == [
        *("FIRST", "LAST", "LAST_NON_DIRECT", "LINEAR", "TIME_DECAY", "POSITION_BASED", "MARKOV", "SHAPLEY")
    ]
    for n, model in enumerate(report["models"]):
        alone = await one(api, model, lookback="P40D")
        assert [row["credits"][n] for row in report["rows"]] == [row["credit"] for row in alone["rows"]]
        assert sum(row["credits"][n]["value"]["value"] for row in report["rows"]) == pytest.approx(12_000)
    two = (await api.ask(ALL, models=["LAST", "FIRST", "LAST"]))["compareAttribution"]
    assert two["models"] == ["LAST", "FIRST"]


async def test_by_campaign_source_and_type(api: Client) -> None:
    await touch(api, "c1", (1, "mail"), campaign="spring", source="crm")
    await touch(api, "c1", (2, "mail"), source="shop", kind="call")
    await convert(api, "c1", 3, "10 EUR")
    assert credited(await one(api, "LINEAR", by="CAMPAIGN")) == {"spring": 0.5, None: 0.5}
    assert credited(await one(api, "LINEAR", by="SOURCE")) == {"crm": 0.5, "shop": 0.5}
    assert credited(await one(api, "LINEAR", by="TYPE")) == {"call": 0.5, "visit": 0.5}


async def test_kind_range_currency_and_journeys_say_which_conversions_are_meant(api: Client) -> None:
    journey = await api.start(customerId="c1")
    await touch(api, "c1", (1, "mail"))
    await convert(api, "c1", 2, "10 EUR")
    await convert(api, "c1", 3, "20 EUR", kind="upsell")
    await convert(api, "c1", 4, "30 CHF")
    await convert(api, None, 5, "40 EUR", journeyId=journey["id"])
    await convert(api, "c2", 5, "50 EUR")
    everything = await one(api, "LINEAR")
    assert (everything["conversions"], everything["value"]) == (4, "120.00 EUR")
    assert everything["leftOut"] == [{"currency": "CHF", "count": 1, "value": "30.00 CHF"}]
    assert (everything["unattributed"], everything["unattributedValue"]) == (1, "50.00 EUR")
    assert everything["unattributedReason"] == "no touchpoint in the lookback"
    assert everything["attributed"]["value"] == 0.75
    assert (await one(api, "LINEAR", kind="upsell"))["value"] == "20.00 EUR"
    francs = await one(api, "LINEAR", currency="CHF")
    assert (francs["value"], francs["leftOut"][0]["count"]) == ("30.00 CHF", 4)
    span = {"range": {"since": day(3), "until": day(5)}}
    assert (await one(api, "LINEAR", report=span, currency="EUR"))["value"] == "20.00 EUR"
    of_journeys = {"filter": {"templateId": "support_resolution"}}
    assert (await one(api, "LINEAR", report=of_journeys))["value"] == "40.00 EUR"
    assert (await one(api, "LINEAR", report={"filter": {"templateId": "other"}}))["conversions"] == 0


async def test_what_a_lead_was_shown_earns_what_the_customer_buys(api: Client) -> None:
    await api.start(customerId="c1", leadId="l1")
    await touch(api, "ignored", (1, "mail"), customerId=None, leadId="l1")
    await convert(api, "c1", 2, "10 EUR")
    assert credited(await one(api, "LINEAR")) == {"mail": 1.0}


async def test_an_empty_tenant_has_no_figures_and_the_reasons_why(api: Client) -> None:
    for model in ("LINEAR", "MARKOV"):
        report = await one(api, model)
        assert (report["rows"], report["conversions"], report["leftOut"]) == ([], 0, [])
        assert report["attributed"] == {"value": None, "reason": "no conversion"}
        assert (report["currency"], report["value"], report["unattributedReason"]) == (None, None, None)
        coverage = report["coverage"]
        assert coverage["completeUntil"] <= coverage["asOf"]
        assert (coverage["reachesBackTo"], coverage["truncated"]) == (None, False)
    await touch(api, "c1", (1, "mail"))
    [row] = (await api.ask(ALL))["compareAttribution"]["rows"]
    for credit in row["credits"]:
        assert credit["share"] == {"value": None, "reason": "no conversion has a touchpoint in its lookback"}


async def test_another_tenant_sees_nothing_of_it(api: Client, server: Server) -> None:
    await touch(api, "c1", (1, "mail"))
    await convert(api, "c1", 2, "10 EUR")
    async with client(server.url, fresh()) as other:
        await touch(other, "c1", (1, "web"))
        await convert(other, "c1", 2, "99 CHF")
        report = await one(other, "LINEAR")
    assert (credited(report), report["value"]) == ({"web": 1.0}, "99.00 CHF")
    assert credited(await one(api, "LINEAR")) == {"mail": 1.0}


async def test_a_viewer_may_read_it_and_a_stranger_not(server: Server, tenant: str) -> None:
    async with client(server.url, tenant, Role.VIEWER) as viewer:
        assert (await one(viewer, "LINEAR"))["rows"] == []
        viewer.token = None
        body = await viewer.send(ONE, model="LINEAR")
    assert body["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


@pytest.mark.parametrize(
    ("given", "argument"),
    [
        ({"report": {"timeZone": "Mars/Base"}}, "timeZone"),
        ({"report": {"range": {"since": day(2), "until": day(2)}}}, "range.until"),
        ({"lookback": "PT0S"}, "lookback"),
        ({"currency": "eur"}, "currency"),
        ({"models": []}, "models"),
    ],
)
async def test_what_cannot_be_is_refused_with_its_place(
    api: Client, given: dict[str, Any], argument: str
) -> None:
    [error] = (await api.send(ALL, **given))["errors"]
    assert error["extensions"]["code"] == "INVALID_INPUT"
    assert error["extensions"]["argument"] == argument


async def test_a_half_life_of_nothing_is_refused(api: Client) -> None:
    body = await api.send('{ attribution(model: TIME_DECAY, halfLife: "PT0S") { conversions } }')
    assert body["errors"][0]["extensions"]["argument"] == "halfLife"

"""Revenue and costs of campaigns from outside: set, replaced, removed, set against what was earned, and refused."""

from typing import Any

import pytest

from domain.identity import Role
from tests.e2e.harness import Client, Server, client, fresh
from tests.e2e.test_attribution import convert, day, touch

ROW = "key conversions value average { value reason } unvalued cost roi { value reason }"
REVENUE = f"""query($by: RevenueKey! = CAMPAIGN, $currency: String, $report: ReportInput) {{
  revenue(by: $by, currency: $currency, report: $report) {{
    coverage {{ asOf completeUntil }} by currency rows {{ {ROW} }} total {{ {ROW} }}
    leftOut {{ currency count value }} costsLeftOut {{ currency count value }} }} }}"""
COST = "id campaign channel since until amount revision updatedBy { id }"
ERRORS = "userErrors { code message path currentRevision }"
SET = f"""mutation($i: SetCampaignCostInput!) {{ setCampaignCost(input: $i) {{
  campaignCost {{ {COST} }} settled {ERRORS} }} }}"""
REMOVE = f"""mutation($i: RemoveCampaignCostInput!) {{ removeCampaignCost(input: $i) {{
  campaignCost {{ {COST} }} {ERRORS} }} }}"""
LIST = f"""query($f: CampaignCostFilterInput, $first: Int, $after: String) {{
  campaignCosts(filter: $f, first: $first, after: $after) {{
    nodes {{ {COST} }} totalCount pageInfo {{ endCursor hasNextPage }} }} }}"""
JANUARY = {"campaign": "spring", "since": "2026-01-01", "until": "2026-02-01", "amount": "310 EUR"}


async def set_cost(api: Client, **given: Any) -> Any:
    return (await api.ask(SET, i=JANUARY | given))["setCampaignCost"]


async def revenue(api: Client, **given: Any) -> Any:
    return (await api.ask(REVENUE, **given))["revenue"]


async def listed(api: Client, **filter: str) -> list[Any]:
    nodes: list[Any] = (await api.ask(LIST, f=filter))["campaignCosts"]["nodes"]
    return nodes


def refusals(payload: Any) -> list[tuple[str, list[str]]]:
    assert payload["campaignCost"] is None
    return [(error["code"], error["path"]) for error in payload["userErrors"]]


async def test_a_cost_is_set_replaced_found_and_removed(api: Client) -> None:
    first = (await set_cost(api))["campaignCost"]
    assert first | {"id": None} == JANUARY | {
        "id": None,
        "channel": None,
        "amount": "310.00 EUR",
        "revision": 1,
        "updatedBy": {"id": "ann"},
    }
    again = (await set_cost(api, amount="620 EUR"))["campaignCost"]
    assert again == first | {"amount": "620.00 EUR", "revision": 2}
    assert await listed(api) == [again]
    node = f"query($id: ID!) {{ node(id: $id) {{ ... on CampaignCost {{ {COST} }} }} }}"
    assert (await api.ask(node, id=first["id"]))["node"] == again
    removed = (await api.ask(REMOVE, i={"id": first["id"]}))["removeCampaignCost"]
    assert (removed["campaignCost"]["revision"], removed["userErrors"]) == (3, [])
    assert await listed(api) == []
    assert (await api.ask(node, id=first["id"]))["node"] is None
    twice = (await api.ask(REMOVE, i={"id": first["id"]}))["removeCampaignCost"]
    assert refusals(twice) == [("ILLEGAL_TRANSITION", ["id"])]
    history = "query($id: ID!) { events(filter: {subject: $id}) { nodes { type } } }"
    types = [each["type"] for each in (await api.ask(history, id=first["id"]))["events"]["nodes"]]
    assert types == ["campaign_cost:removed", "campaign_cost:set", "campaign_cost:set"]


async def test_a_cost_given_again_with_its_key_is_set_once(api: Client) -> None:
    first = await set_cost(api, idempotencyKey="k")
    await set_cost(api, amount="1 EUR")
    again = await set_cost(api, idempotencyKey="k")
    assert (again["campaignCost"]["amount"], first["campaignCost"]["revision"]) == ("1.00 EUR", 1)
    other = await set_cost(api, idempotencyKey="k", amount="2 EUR")
    assert refusals(other) == [("IDEMPOTENCY_KEY_REUSED", ["idempotencyKey"])]
    stale = await set_cost(api, expectedRevision=1, amount="3 EUR")
    assert (stale["userErrors"][0]["code"], stale["userErrors"][0]["currentRevision"]) == ("CONFLICT", 2)


async def test_costs_are_paged_and_filtered(api: Client) -> None:
    for n in range(3):
        await set_cost(api, campaign=f"c{n}", channel="mail" if n else None)
    page = (await api.ask(LIST, first=2))["campaignCosts"]
    assert ([each["campaign"] for each in page["nodes"]], page["totalCount"]) == (["c2", "c1"], 3)
    rest = (await api.ask(LIST, first=2, after=page["pageInfo"]["endCursor"]))["campaignCosts"]
    assert [each["campaign"] for each in rest["nodes"]] == ["c0"]
    assert [each["campaign"] for each in await listed(api, channel="mail")] == ["c2", "c1"]
    assert await listed(api, campaign="c0", channel="mail") == []


async def test_what_came_back_of_the_costs_worked_out_by_hand(api: Client) -> None:
    await set_cost(api)
    await set_cost(api, since="2026-01-11", until="2026-01-21", amount="100 EUR")  # costs that overlap add up
    await set_cost(api, campaign="free", amount="0 EUR")
    await touch(api, "c1", (2, "mail"), campaign="spring", cost="0.0001 EUR")
    await convert(api, "c1", 3, "0.1 EUR", campaign="spring")
    await convert(api, "c1", 4, "0.2 EUR", campaign="spring")
    await convert(api, "c1", 4, None, campaign="spring")
    await convert(api, "c1", 5, "10 EUR", campaign="free")
    await convert(api, "c1", 5, "7 EUR")
    await convert(api, "c1", 5, "9 CHF", campaign="spring")
    report = await revenue(api)
    free, spring, none = report["rows"]
    assert (spring["key"], spring["value"], spring["cost"]) == ("spring", "0.30 EUR", "410.0001 EUR")
    assert spring["roi"]["value"] == pytest.approx((0.3 - 410.0001) / 410.0001)
    assert (spring["conversions"], spring["unvalued"], spring["average"]["value"]) == (2, 1, 0.15)
    assert (free["cost"], free["roi"]) == ("0.00 EUR", {"value": None, "reason": "the cost is 0"})
    assert (none["key"], none["cost"], none["roi"]["value"]) == (None, None, None)
    assert (report["total"]["value"], report["total"]["cost"]) == ("17.30 EUR", "410.0001 EUR")
    assert report["leftOut"] == [{"currency": "CHF", "count": 1, "value": "9.00 CHF"}]
    some = await revenue(api, report={"range": {"since": day(10), "until": day(15)}})
    assert (some["total"]["value"], some["total"]["cost"]) == ("0.00 EUR", "100.00 EUR")  # 5 days of each
    assert [row["roi"]["value"] for row in some["rows"]] == [None, -1.0]
    by_channel = await revenue(api, by="CHANNEL")
    assert {row["key"]: row["cost"] for row in by_channel["rows"]} == {
        "mail": "0.0001 EUR",
        None: "410.00 EUR",
    }
    unfiltered = await revenue(api, report={"filter": {"createdAt": {}, "lastActivity": {}}})
    assert {**unfiltered, "coverage": None} == {**report, "coverage": None}
    filtered = await revenue(api, report={"filter": {"templateId": "x"}})
    assert filtered["total"]["roi"]["reason"] == (
        "the costs of campaigns are not known by journey, and the journeys are filtered"
    )


async def test_an_empty_tenant_has_no_figures_and_the_reasons_why(api: Client) -> None:
    report = await revenue(api)
    assert (report["rows"], report["currency"], report["leftOut"], report["costsLeftOut"]) == (
        [],
        None,
        [],
        [],
    )
    total = report["total"]
    assert (total["value"], total["cost"], total["conversions"]) == (None, None, 0)
    assert total["roi"] == {"value": None, "reason": "no cost is known"}
    assert total["average"]["reason"] == "no conversion has a value in this currency"


async def test_another_tenant_sees_nothing_of_it(api: Client, server: Server) -> None:
    mine = (await set_cost(api))["campaignCost"]
    async with client(server.url, fresh()) as other:
        assert await listed(other) == []
        assert (await revenue(other))["total"]["cost"] is None
        theirs = (await set_cost(other))["campaignCost"]
        assert theirs["id"] != mine["id"]
        foreign = (await other.ask(REMOVE, i={"id": mine["id"]}))["removeCampaignCost"]
        assert refusals(foreign) == [("NOT_FOUND", ["id"])]
    assert await listed(api) == [mine]


async def test_an_administrator_sets_costs_and_others_read(server: Server, tenant: str) -> None:
    async with client(server.url, tenant, Role.VIEWER, Role.OPERATOR, Role.SERVICE) as user:
        for query, given in ((SET, JANUARY), (REMOVE, {"id": "cst_1"})):
            body = await user.send(query, i=given)
            assert body["errors"][0]["extensions"]["code"] == "FORBIDDEN"
        assert await listed(user) == []
        assert (await revenue(user))["rows"] == []


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"campaign": None}, [("INVALID_INPUT", ["campaign"])]),
        ({"campaign": " "}, [("INVALID_INPUT", ["campaign"])]),
        ({"until": "2026-01-01"}, [("INVALID_INPUT", ["until"])]),
        (
            {"campaign": "", "until": "2025-01-01", "amount": "-1 EUR"},
            [("INVALID_INPUT", [name]) for name in ("campaign", "until", "amount")],
        ),
        ({"channel": "x" * 201}, [("INVALID_INPUT", ["channel"])]),
        ({"idempotencyKey": ""}, [("INVALID_INPUT", ["idempotencyKey"])]),
    ],
)
async def test_a_cost_that_cannot_be_is_refused_with_its_place(
    api: Client, given: dict[str, Any], expected: list[Any]
) -> None:
    assert refusals(await set_cost(api, **given)) == expected
    assert await listed(api) == []


@pytest.mark.parametrize(
    ("given", "argument"),
    [
        ({"currency": "euro"}, "currency"),
        ({"report": {"timeZone": ""}}, "timeZone"),
        ({"report": {"range": {"since": day(2), "until": day(1)}}}, "range.until"),
    ],
)
async def test_a_report_that_cannot_be_is_refused_with_its_place(
    api: Client, given: dict[str, Any], argument: str
) -> None:
    [error] = (await api.send(REVENUE, **given))["errors"]
    assert (error["extensions"]["code"], error["extensions"]["argument"]) == ("INVALID_INPUT", argument)


async def test_a_range_at_the_ends_of_the_calendar_is_a_range(api: Client) -> None:
    await set_cost(api)
    span = {"range": {"since": "0001-01-01T00:00:00Z", "until": "9999-12-31T23:59:59Z"}}
    for zone in ("America/New_York", "Asia/Tokyo"):
        report = await revenue(api, report=span | {"timeZone": zone})
        assert report["total"]["cost"] == "310.00 EUR"

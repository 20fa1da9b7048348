"""Exports from outside: what a file holds, who may fetch it, what is refused."""

import gzip
import json
from typing import Any

import pytest

from domain.identity import Role
from tests.e2e.exporting import REQUEST, SHOW, add_touchpoints, fetched, requested, table, tenant_of
from tests.e2e.harness import BOUND, Client, Server, client, fresh, socket, token

FORMULA = '=HYPERLINK("http://evil.example","click"),\r\n"quoted" ü 漢'


async def test_a_formula_in_any_field_is_harmless_and_comes_whole_through_a_csv_reader(api: Client) -> None:
    names = ("title", "channel", "kind", "source", "campaign", "description", "customerId", "leadId")
    await add_touchpoints(api, dict.fromkeys(names, FORMULA) | {"metadata": {"x": FORMULA}})
    [row] = await table(api, "TOUCHPOINTS")
    assert {row[name] for name in names} == {f"'{FORMULA}"}
    assert json.loads(row["metadata"]) == {"x": FORMULA}
    assert not any(value.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) for value in row.values())


async def test_the_same_rows_come_as_csv_as_one_json_array_and_as_json_lines(api: Client) -> None:
    await add_touchpoints(api, {"title": "one", "cost": "5.00 EUR", "duration": "PT5M"}, {"title": "two"})
    rows = await table(api, "TOUCHPOINTS")
    array = (await fetched(api, await requested(api, "TOUCHPOINTS", format="JSON"))).json()
    lines = (await fetched(api, await requested(api, "TOUCHPOINTS", format="JSONL"))).text.splitlines()
    assert [json.loads(line) for line in lines] == array
    assert [each["id"] for each in array] == [each["id"] for each in rows]
    assert {each["title"]: each["duration"] for each in array} == {"one": "PT5M", "two": None}
    assert {each["title"]: each["cost"] for each in array} == {"one": "5.00 EUR", "two": None}
    names = ("cost.amount", "cost.currency", "addedBy.id")
    assert {each["title"]: tuple(each[name] for name in names) for each in rows} == {
        "one": ("5.00", "EUR", "ann"),
        "two": ("", "", "ann"),
    }


async def test_an_export_of_nothing_is_a_line_of_names_an_empty_array_or_nothing(api: Client) -> None:
    answer = await fetched(api, await requested(api, "HANDOFFS"))
    assert answer.text.startswith("id,revision,")
    assert answer.text.count("\r\n") == 1
    assert (
        await fetched(api, await requested(api, "EVENTS", format="JSON", events={"types": ["x:y"]}))
    ).json() == []
    assert (await fetched(api, await requested(api, "HANDOFFS", format="JSONL"))).text == ""


async def test_a_filter_means_in_an_export_what_it_means_in_the_query(api: Client) -> None:
    kept = await api.start(customerId="c1", priority="HIGH")
    await api.start(customerId="c2")
    rows = await table(api, "JOURNEYS", journeys={"customerId": "c1", "priority": ["HIGH"]})
    assert [row["id"] for row in rows] == [kept["id"]]
    assert rows[0]["priority"] == "HIGH"
    rows = await table(api, "EVENTS", events={"subject": kept["id"], "types": ["journey:started"]})
    assert [row["subject"] for row in rows] == [kept["id"]]


async def test_a_file_is_compressed_for_those_who_take_it(api: Client) -> None:
    await add_touchpoints(api, {"title": "one"})
    export = await requested(api, "TOUCHPOINTS")
    plain = await fetched(api, export, **{"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.headers["content-disposition"] == f'attachment; filename="{export["fileName"]}"'
    assert plain.headers["content-type"].startswith("text/csv")
    base = api.url.removesuffix("/graphql")
    headers = api.headers | {"accept-encoding": "br, gzip;q=0.5"}
    async with api.http.stream("GET", base + export["path"], headers=headers, timeout=BOUND) as packed:
        assert packed.headers["content-encoding"] == "gzip"
        raw = b"".join([piece async for piece in packed.aiter_raw()])
    assert gzip.decompress(raw) == plain.content


async def test_only_viewers_of_the_tenant_may_fetch(api: Client, server: Server) -> None:
    export = await requested(api, "JOURNEYS")
    url = server.url.removesuffix("/graphql") + export["path"]
    async with client(server.url, fresh("stranger"), Role.ADMIN) as stranger:
        answer = await fetched(stranger, export)
        assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (404, "NOT_FOUND")
        assert (await stranger.ask(SHOW, id=export["id"]))["export"] is None
        assert (await stranger.ask("{ exports { totalCount nodes { id } } }"))["exports"]["nodes"] == []
    answer = await api.http.get(url)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    tenant = tenant_of(api)
    answer = await api.http.get(url, headers={"authorization": f"Bearer {token(tenant)}"})
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (403, "FORBIDDEN")
    answer = await api.http.get(url, headers={"authorization": f"Bearer {token(tenant, Role.VIEWER)}"})
    assert answer.status_code == 200
    assert (await api.http.post(url, headers=api.headers)).status_code == 405
    head = await api.http.head(url, headers=api.headers)
    assert (head.status_code, head.headers["content-type"]) == (200, answer.headers["content-type"])
    assert "content-length" not in head.headers
    missing = await fetched(api, {"path": "/exports/exp_unknown"})
    assert missing.status_code == 404


async def test_an_export_is_completed_once_and_can_be_fetched_again(api: Client) -> None:
    await add_touchpoints(api, {"title": "one"})
    export = await requested(api, "TOUCHPOINTS")
    before = (await api.ask(SHOW, id=export["id"]))["export"]
    assert (before["state"], before["progress"]) == ("REQUESTED", None)
    await fetched(api, export)
    await add_touchpoints(api, {"title": "two"})
    again = await fetched(api, export)
    assert again.text.count("\r\n") == 3
    after = (await api.ask(SHOW, id=export["id"]))["export"]
    assert (after["state"], after["revision"]) == ("COMPLETED", 2)
    assert after["progress"] == {"rows": 2, "total": 2, "outcome": "COMPLETED", "reason": None}
    query = "query($s: ID!) { events(filter: { subject: $s }) { nodes { type data actor { id } } } }"
    events = (await api.ask(query, s=export["id"]))["events"]["nodes"]
    assert [each["type"] for each in events] == ["export:completed", "export:requested"]
    listed = (await api.ask("{ exports { totalCount nodes { id } } }"))["exports"]
    assert listed == {"totalCount": 1, "nodes": [{"id": export["id"]}]}
    node = await api.ask("query($id: ID!) { node(id: $id) { id __typename } }", id=export["id"])
    assert node["node"] == {"id": export["id"], "__typename": "Export"}


async def test_changes_of_another_tenants_export_are_not_told(api: Client, server: Server) -> None:
    export, query = (
        await requested(api, "JOURNEYS"),
        "subscription($id: ID!) { exportChanges(id: $id) { id } }",
    )
    async with (
        client(server.url, fresh("stranger"), Role.ADMIN) as stranger,
        socket(server.url, stranger.token) as own,
    ):
        told = await (await own.subscribe(query, id=export["id"])).next()
    assert told["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    assert told["data"] is None


async def test_a_subscriber_hears_when_an_export_is_completed(api: Client, server: Server) -> None:
    export = await requested(api, "JOURNEYS")
    async with socket(server.url, api.token) as connection:
        stream = await connection.subscribe(
            "subscription($id: ID!) { exportChanges(id: $id) { state } }", id=export["id"]
        )
        assert (await stream.next())["data"]["exportChanges"]["state"] == "REQUESTED"
        await fetched(api, export)
        while (told := await stream.next())["data"]["exportChanges"]["state"] != "COMPLETED":
            assert told["data"]["exportChanges"]["state"] in ("REQUESTED", "RUNNING")


async def test_the_same_key_is_the_same_export(api: Client) -> None:
    first = await requested(api, "JOURNEYS", idempotencyKey="k")
    assert (await requested(api, "JOURNEYS", idempotencyKey="k"))["id"] == first["id"]
    payload = (await api.ask(REQUEST, input={"what": "EVENTS", "idempotencyKey": "k"}))["requestExport"]
    assert [each["code"] for each in payload["userErrors"]] == ["IDEMPOTENCY_KEY_REUSED"]
    assert first["asked"] == {"what": "JOURNEYS", "format": "CSV"}


async def test_what_is_asked_is_kept_with_its_nulls_and_is_not_too_large(api: Client) -> None:
    def funnel(text: str) -> dict[str, Any]:
        condition = {"field": "data.x", "operator": "EQUALS", "value": {"a": None, "b": [None, text]}}
        steps = [{"stage": "LEAD"}, {"eventType": "crm:x", "conditions": [condition]}]
        return {"what": "FUNNEL", "format": "JSON", "funnel": {"steps": steps}}

    asked = (await requested(api, **funnel("x")))["asked"]
    condition = asked["funnel"]["steps"][1]["conditions"][0]
    assert condition == {"field": "data.x", "operator": "EQUALS", "value": {"a": None, "b": [None, "x"]}}
    payload = (await api.ask(REQUEST, input=funnel("x" * 65_536)))["requestExport"]
    assert [each["code"] for each in payload["userErrors"]] == ["TOO_LARGE"]


@pytest.mark.parametrize(
    ("input", "path"),
    [
        ({"what": "JOURNEYS", "report": {}}, ["report"]),
        ({"what": "TOUCHPOINTS", "journeys": {}}, ["journeys"]),
        ({"what": "FUNNEL"}, ["funnel"]),
        ({"what": "FUNNEL", "funnel": {"steps": [{}, {"stage": "LEAD"}]}}, ["funnel", "steps", "0"]),
        ({"what": "ATTRIBUTION"}, ["attribution"]),
        (
            {"what": "COMPARE_ATTRIBUTION", "compareAttribution": {"models": []}},
            ["compareAttribution", "models"],
        ),
        ({"what": "EVENTS", "orderBy": "CREATED_AT"}, ["orderBy"]),
        (
            {"what": "JOURNEYS", "funnelStep": {"funnel": {"named": "ACQUISITION"}, "step": 99}},
            ["funnelStep", "step"],
        ),
        ({"what": "STEP_METRICS"}, ["templateId"]),
        ({"what": "REVENUE", "revenue": {"currency": "euro"}}, ["revenue", "currency"]),
        (
            {"what": "ATTRIBUTION", "attribution": {"model": "LINEAR", "lookback": "PT0S"}},
            ["attribution", "lookback"],
        ),
        ({"what": "METRICS", "report": {"timeZone": "Mars/Olympus"}}, ["report", "timeZone"]),
        ({"what": "COHORTS", "cohorts": {"ages": 0}}, ["cohorts", "ages"]),
        ({"what": "JOURNEYS", "journeys": {"customerId": "x" * 201}}, ["journeys", "customerId"]),
        ({"what": "JOURNEYS", "idempotencyKey": ""}, ["idempotencyKey"]),
    ],
)
async def test_what_cannot_be_exported_is_refused_with_its_place(
    api: Client, input: dict[str, Any], path: list[str]
) -> None:
    payload = (await api.ask(REQUEST, input=input))["requestExport"]
    assert payload["export"] is None
    assert [(each["code"], each["path"]) for each in payload["userErrors"]] == [("INVALID_INPUT", path)]
    assert (await api.ask("{ exports { totalCount } }"))["exports"]["totalCount"] == 0

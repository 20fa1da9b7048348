"""Reports of a tenant that does not keep everything: nothing from before the horizon is counted, and they say so."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from app.wiring import new_id, utc_now
from domain.record_events import ConversionAdded
from domain.template import Settings, Stage
from domain.values import Money, timestamp
from storage.indexes import create_indexes
from storage.mongo import connected
from storage.store import Store
from tests.conftest import Servers
from tests.domain.samples import definition, step
from tests.e2e.harness import Client, client, fresh, serving
from tests.e2e.watching import refused, watching
from tests.storage.subjects import cause, follow, start
from tests.workers.keeping import DAY, House
from tests.workers.test_timers import Clock
from workers.retention import RetentionWorker

KEPT, OLD, YOUNG = 365, 730, 100  # days; how many days ago
NOW = utc_now()  # read once, so that what is built and what is asked are of the same day
FIBRE = definition(
    step("call", 1, stage=Stage.LEAD),
    step("sign", 2, stage=Stage.CUSTOMER),
    template_id="fibre",
    settings=Settings(sla_tracking=True, sla=DAY),
)
STEPS = "steps: [{ stage: LEAD }, { stage: CUSTOMER }]"
LOGGED = 'steps: [{ eventType: "journey:started" }, { stage: CUSTOMER }]'
# Each report, where its figure stands, and what that is of the three journeys that are kept whole.
REPORTS: dict[str, tuple[str, str, Any]] = {
    f"funnel({STEPS}, ": ("steps { reached }", "steps.1.reached", 3),
    f"funnel({LOGGED}, ": ("steps { reached }", "steps.0.reached", 3),
    f"timeToConvert({STEPS}, ": ("converted", "converted", 3),
    "dropOff(": ("stages { stage entered }", "stages.1.entered", 3),
    "stageMetrics(": ("stages { entries }", "stages.1.entries", 3),
    'stepMetrics(templateId: "fibre", ': ("steps { entries }", "steps.0.entries", 3),
    "attribution(model: LINEAR, ": ("conversions", "conversions", 3),
    "compareAttribution(": ("conversions", "conversions", 3),
    "revenue(": ("total { value }", "total.value", "30.00 EUR"),
    "cohorts(": ("total { size }", "total.size", 2),  # one of the three was a customer before
    "metrics(": ("journeys { total converted }", "journeys.converted", 3),
    "sla(": ("journeys { compliance { value } }", "journeys.compliance.value", 2 / 3),
    "handoffMetrics(": ("total { total }", "total.total", 0),
    "conversionSummary(": ("revenue { total { conversions } }", "revenue.total.conversions", 3),
    "cohortAnalysis(": ("exact { total { size } }", "exact.total.size", 2),
    "dropOffAnalysis(": ("journeys { stages { entered } }", "journeys.stages.1.entered", 3),
}


def span(since: int | None, until: int | None = None) -> dict[str, Any]:
    """A range that begins and ends so many days ago."""
    ends = {"since": since, "until": until}
    return {"range": {name: ago(days) for name, days in ends.items() if days is not None}}


def ago(days: float) -> str:
    return timestamp(NOW - days * DAY)


def horizon() -> str:
    return timestamp(utc_now() - KEPT * DAY)[:10]


def asked(report: str, selection: str) -> str:
    return f"{report}report: $report) {{ coverage {{ reachesBackTo truncated }} {selection} }}"


def found(answer: Any, path: str) -> Any:
    for name in path.split("."):
        answer = answer[int(name) if name.isdigit() else name]
    return answer


async def sold(house: House, days: float, customer: str, *, late: bool = False, open: bool = False) -> None:
    """A journey that began so many days ago, and ended in time unless it was late or is still open."""
    house.clock.at = NOW - days * DAY
    template = await house.store.templates.newest(house.tenant, FIBRE.template_id)
    journey = await start(house.store, template, at=house.clock(), customer_id=customer)
    await house.contact(customer_id=customer, journey_id=journey.id)
    house.clock.at += 2 * DAY if late else timedelta(hours=1)
    added = ConversionAdded(
        at=house.clock(),
        tenant_id=house.tenant,
        kind="sale",
        to_stage=Stage.CUSTOMER,
        value=Money.parse("10 EUR"),
        journey_id=journey.id,
        customer_id=customer,
    )
    await house.store.conversions.add(f"cnv_{journey.id}", added, cause())
    if not open:
        for _ in FIBRE.steps:
            await house.end(journey)


@pytest.fixture(scope="module")
async def shop(servers: Servers) -> AsyncIterator[Client]:
    """Sales long ago, of which only the one that is still open was not deleted, and three that are kept."""
    own = Servers(servers.mongodb_uri, servers.redis_url, f"horizon_{uuid4().hex[:8]}")
    clock = Clock()
    async with connected(own.mongodb_uri, own.database, "pymongo") as mongo:
        await create_indexes(mongo)
        house = House(Store.of(mongo, clock), clock, fresh("shop"))
        await follow(house.store, house.tenant, FIBRE)
        for customer in "abcde":
            await sold(house, OLD, customer)
        await sold(house, OLD, "f", open=True)
        for customer in "ag":
            await sold(house, YOUNG, customer)
        await sold(house, YOUNG, "h", late=True)
        clock.at = utc_now()
        await house.settle()
        await house.keep(events=KEPT, touchpoints=KEPT, analytics=KEPT)
        clock.at = utc_now()
        assert await RetentionWorker(house.store, clock, new_id).poll() > 0
        with serving(own) as server:
            async with client(server.url, house.tenant) as api:
                yield api


async def test_what_an_open_journey_told_long_ago_is_still_there(shop: Client) -> None:
    left = await shop.ask("{ conversions { totalCount } touchpoints { totalCount } journeys { totalCount } }")
    assert [each["totalCount"] for each in left.values()] == [4, 4, 9]


@pytest.mark.parametrize("report", [None, span(800), span(KEPT + 1, 10)])
@pytest.mark.parametrize("name", REPORTS)
async def test_a_report_begins_at_the_horizon(shop: Client, name: str, report: Any) -> None:
    selection, path, figure = REPORTS[name]
    query = f"query($report: ReportInput) {{ it: {asked(name, selection)} }}"
    it = (await shop.ask(query, report=report))["it"]
    assert found(it, path) == figure
    reach = datetime.fromisoformat(it["coverage"]["reachesBackTo"])
    assert abs(datetime.now(UTC) - KEPT * DAY - reach) < timedelta(minutes=5)
    assert it["coverage"]["truncated"]


@pytest.mark.parametrize("name", REPORTS)
async def test_a_report_of_what_is_kept_is_whole(shop: Client, name: str) -> None:
    selection, path, figure = REPORTS[name]
    query = f"query($report: ReportInput) {{ it: {asked(name, selection)} }}"
    it = (await shop.ask(query, report=span(200)))["it"]
    assert (found(it, path), it["coverage"]["truncated"]) == (figure, False)


async def test_a_report_of_what_is_not_kept_is_null_and_others_are_answered(shop: Client) -> None:
    """Two years ago five promises were kept, and the one that is known was not."""
    names = [f"it{n}" for n in range(len(REPORTS))]
    asked_for = zip(names, REPORTS.items(), strict=True)
    refused = " ".join(f"{name}: {asked(report, told[0])}" for name, (report, told) in asked_for)
    query = (
        f"query($report: ReportInput) {{ {refused} sla {{ journeys {{ met }} }} retention {{ revision }} }}"
    )
    then = horizon()
    body = await shop.send(query, report=span(800, KEPT + 1))
    assert body["data"] == dict.fromkeys(names) | {
        "sla": {"journeys": {"met": 2}},
        "retention": {"revision": 1},
    }
    assert sorted(each["path"][0] for each in body["errors"]) == sorted(names)
    for error in body["errors"]:
        assert (error["extensions"]["code"], error["extensions"]["argument"]) == ("NOT_KEPT", "range.until")
        assert then in error["message"] or horizon() in error["message"]


async def test_periods_before_the_horizon_are_null_and_stand_in_their_trend(shop: Client) -> None:
    query = (
        "query($report: ReportInput) { trends(period: MONTH, report: $report) { coverage { truncated } "
        "stages { stage points { start count value } } } }"
    )
    for report, first, truncated in ((span(800), 800, True), (None, YOUNG, True), (span(200), 200, False)):
        then = horizon()
        it = (await shop.ask(query, report=report))["trends"]
        for stage in it["stages"]:
            assert stage["points"][0]["start"] == f"{ago(first)[:7]}-01"
            known = [each["count"] is not None and each["value"] is not None for each in stage["points"]]
            assert known in [[each["start"] > day for each in stage["points"]] for day in (then, horizon())]
        lead, customer = it["stages"][1], it["stages"][3]
        assert (lead["stage"], customer["stage"]) == ("LEAD", "CUSTOMER")
        assert sum(each["count"] or 0 for each in lead["points"]) == 3
        assert sum(float((each["value"] or "0").split()[0]) for each in customer["points"]) == 30
        assert it["coverage"]["truncated"] == truncated
    [error] = (await shop.send(query, report=span(800, KEPT + 1)))["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["trends"], "NOT_KEPT")


async def test_a_lookback_before_the_horizon_is_told(shop: Client) -> None:
    query = (
        "query($report: ReportInput, $lookback: Duration!) { attribution(model: LINEAR, lookback: $lookback, "
        "report: $report) { coverage { truncated } } }"
    )
    for lookback, truncated in (("P264D", False), ("P266D", True), ("P99999D", True)):
        it = (await shop.ask(query, report=span(YOUNG), lookback=lookback))["attribution"]
        assert it["coverage"]["truncated"] == truncated


async def test_who_is_behind_a_figure_is_counted_in_it(shop: Client) -> None:
    query = (
        "query($report: ReportInput) { journeys(funnelStep: { funnel: { %s }, step: 1, report: $report }) "
        "{ totalCount nodes { id } } }"
    )
    for steps in (STEPS, LOGGED):
        it = (await shop.ask(query % steps))["journeys"]
        assert (it["totalCount"], len(it["nodes"])) == (3, 3)
        [error] = (await shop.send(query % steps, report=span(800, KEPT + 1)))["errors"]
        assert error["extensions"]["code"] == "NOT_KEPT"


async def test_live_figures_of_what_is_not_kept_are_refused(shop: Client) -> None:
    query = "subscription($report: ReportInput) { metricsChanges(report: $report) { steps { completed } } }"
    async with watching("websocket", shop, query, report=span(800, KEPT + 1)) as stream:
        assert await refused(stream) == "NOT_KEPT"


async def test_a_file_of_a_report_begins_at_the_horizon_too(shop: Client) -> None:
    query = (
        "mutation($input: RequestExportInput!) { requestExport(input: $input) "
        "{ export { path } userErrors { message } } }"
    )
    answers = []
    for report in (span(800), span(800, KEPT + 1)):
        asked_for = {"what": "SLA", "format": "JSONL", "report": report}
        made = (await shop.ask(query, input=asked_for))["requestExport"]["export"]
        address = shop.url.removesuffix("/graphql") + made["path"]
        answers.append(await shop.http.get(address, headers=shop.headers))
    whole, refused = answers
    assert [json.loads(line)["met"] for line in whole.text.splitlines()] == [2]
    assert (refused.status_code, refused.json()["errors"][0]["extensions"]["code"]) == (400, "NOT_KEPT")


async def test_a_funnel_of_stages_does_not_depend_on_the_log(api: Client) -> None:
    kept = await api.ask("mutation { setRetention(input: { events: 30 }) { userErrors { message } } }")
    assert kept["setRetention"]["userErrors"] == []
    query = "query($report: ReportInput) { it: funnel(%s, report: $report) { coverage { reachesBackTo } } }"
    it = (await api.ask(query % STEPS, report=span(90, 60)))["it"]
    assert it["coverage"]["reachesBackTo"] is None
    [error] = (await api.send(query % LOGGED, report=span(90, 60)))["errors"]
    assert error["extensions"]["code"] == "NOT_KEPT"
    excluding = f'{STEPS}, exclusions: [{{ eventType: "crm:left" }}]'
    [error] = (await api.send(query % excluding, report=span(90, 60)))["errors"]
    assert error["extensions"]["code"] == "NOT_KEPT"

"""An import adds each case once, whole, with its own times and actors, whoever dies or runs beside it."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.wiring import utc_now
from domain import walk
from domain.errors import InvalidInput
from domain.identity import ActorKind
from domain.journey import Status
from domain.journey_filter import JourneyFilter, JourneyOrder
from domain.mapping import Mapping
from domain.paging import Page
from domain.template import Stage
from storage.indexes import create_indexes
from storage.mongo import Mongo
from storage.store import Store
from tests.conftest import Servers
from tests.domain.samples import NOON, later
from tests.storage.subjects import cause, follow
from tests.workers.imported import (
    CASES,
    ROWS,
    STEPS,
    XES,
    case,
    completed,
    held,
    history,
    journeys,
    many,
    require_whole,
    seen,
)
from tests.workers.logfiles import FORMATS, event, log_of, name, xes
from workers.eventlog import EventLog, Format, LogCase
from workers.imports import BATCH_CASES, Summary, import_log
from workers.relay import Relay


@pytest.fixture(scope="module", params=["motor", "pymongo"])
async def mongo(servers: Servers, request: pytest.FixtureRequest) -> AsyncIterator[Mongo]:
    """A database of its own: these tests sweep what others may leave on purpose."""
    mongo = Mongo(servers.mongodb_uri, f"{servers.database}_imports", request.param)
    await create_indexes(mongo)
    yield mongo
    await mongo.close()


def written(
    cases: list[LogCase], folder: Path, format: Format = Format.XES, mapping: Mapping | None = None
) -> tuple[EventLog, Mapping]:
    """A file of these cases and how it is read."""
    folder.mkdir(exist_ok=True)
    return log_of(FORMATS[format](cases), folder), mapping or (XES if format is Format.XES else ROWS)


async def run(store: Store, tenant: str, source: tuple[EventLog, Mapping], **rest: Any) -> Summary:
    try:
        return await import_log(store, tenant, *source, now=utc_now, **rest)
    finally:
        await store.changes.drain()


@pytest.mark.parametrize("format", list(Format))
async def test_cases_are_journeys_with_their_own_times_and_actors(
    store: Store, tenant: str, tmp_path: Path, format: Format
) -> None:
    summary = await run(store, tenant, written(CASES, tmp_path, format))
    assert (summary.journeys, summary.step_events, summary.rejected, summary.known) == (3, 10, 0, 0)
    await require_whole(store, tenant, CASES)
    found = await journeys(store, tenant)
    first, second, third = (found[each.id] for each in CASES)
    assert [each.status for each in (first, second, third)] == [
        Status.COMPLETED,
        Status.ACTIVE,
        Status.COMPLETED,
    ]
    assert (first.customer_id, first.context) == ("c1", {"plan": "S"})
    assert (first.created_at, first.last_activity, first.ended_at) == (NOON, later(hours=2), later(hours=1))
    assert (second.current_step, second.visit("open").visit, second.stage) == ("work", 2, Stage.SUPPORT)
    assert [each.type for each in await history(store, second.id)] == [
        "journey:started",
        "journey:step_completed",
        "journey:stage_changed",
        "journey:step_completed",
        "journey:stage_changed",
        "journey:step_completed",
        "journey:step_completed",
    ]
    actors = {(each.actor.kind, each.actor.id) for each in await history(store, first.id)}
    assert actors == {(ActorKind.IMPORT, "ann"), (ActorKind.IMPORT, "bob")}


async def test_imported_journeys_are_found_like_others(store: Store, tenant: str, tmp_path: Path) -> None:
    await run(store, tenant, written(CASES, tmp_path))

    async def names(**filter: Any) -> set[str]:
        page = await store.journeys.page(tenant, JourneyFilter(**filter), JourneyOrder.CREATED_AT, Page(10))
        return {each.name for each in page.items}

    assert await names(search="imported 2") == {"Imported history A 2"}
    assert await names(customer_id="c1") == {"Imported history A 1"}
    assert await names(status=(Status.ACTIVE,)) == {"Imported history A 2"}
    assert await store.journeys.count(tenant, JourneyFilter(template_id="imported_history")) == 3


async def test_a_second_time_adds_nothing(store: Store, tenant: str, tmp_path: Path) -> None:
    source = written(CASES, tmp_path)
    await run(store, tenant, source)
    before = await held(store.mongo, tenant)
    summary = await run(store, tenant, source)
    assert (summary.journeys, summary.step_events, summary.known, summary.rejected) == (0, 0, 3, 0)
    assert await held(store.mongo, tenant) == before


async def test_nothing_follows_but_one_event_in_the_feed(store: Store, tenant: str, tmp_path: Path) -> None:
    await run(store, tenant, written(CASES, tmp_path))
    stored = await held(store.mongo, tenant)
    assert {each["origin"] for each in stored["events"] if each["type"].startswith("journey:")} == {"import"}
    pending = [each["type"] for each in stored["events"] if "pending" in each]
    assert sorted(set(pending)) == ["import:completed", "template:created"]
    for each in stored["journeys"]:
        assert not {"reservation", "wakeAt", "outboxAt", "dueAt"} & each.keys()
    [event] = await completed(store, tenant)
    assert event.data == {
        "tenantId": tenant,
        "templateId": "imported_history",
        "file": "log",
        "journeys": 3,
        "stepEvents": 10,
        "rejected": 0,
    }


async def test_a_live_journey_may_start_beside_imported_ones_and_live_changes_are_live(
    store: Store, tenant: str, tmp_path: Path
) -> None:
    await run(store, tenant, written(CASES, tmp_path))
    template = await store.templates.startable(tenant, "imported_history", None)
    why = cause()
    events = walk.start(
        f"jrn_{why.command_id}",
        template.definition,
        template.version,
        walk.Start(customer_id="c1"),
        tenant_id=tenant,
        by=why.actor,
        at=utc_now(),
    )
    await store.journeys.start(f"jrn_{why.command_id}", events, why)
    open = (await journeys(store, tenant))["A 2"]
    changed = await store.journeys.change(
        open.id, tenant, lambda j, d, at: walk.advance(j, d, at=at), cause()
    )
    await store.changes.drain()
    assert (changed.state.current_step, changed.state.current.state.value) == ("close", "active")
    last = (await history(store, open.id))[-1]
    assert (last.revision, last.origin.value) == (2, "live")
    entries = await store.mongo["events"].find({"subject": open.id, "revision": 2}).to_list(None)
    assert any("feed" in each.get("pending", []) for each in entries)


class Stop(Exception):
    """The end of the import, as far as it can tell."""


def stop(after: int) -> Any:
    """Stop an import after so many batches."""
    batches = iter(range(1, 1_000))

    def told(*_: object) -> None:
        if next(batches) == after:
            raise Stop

    return told


async def test_an_interrupted_import_run_again_adds_what_is_missing_and_says_so_once(
    store: Store, tenant: str, tmp_path: Path
) -> None:
    cases = many(2 * BATCH_CASES + 20)
    source = written(cases, tmp_path)
    with pytest.raises(Stop):
        await run(store, tenant, source, told=stop(after=1))
    assert await completed(store, tenant) == []
    some = len(await journeys(store, tenant))
    assert some >= BATCH_CASES
    summary = await run(store, tenant, source)
    assert (summary.journeys, summary.known) == (len(cases) - some, some)
    await require_whole(store, tenant, cases)
    [event] = await completed(store, tenant)
    assert event.data["journeys"] == len(cases)
    assert event.data["stepEvents"] == sum(len(each.events) for each in cases)


async def test_an_import_stopped_before_its_last_word_says_it_the_next_time(
    store: Store, tenant: str, tmp_path: Path
) -> None:
    source = written(CASES, tmp_path)
    with pytest.raises(Stop):
        await run(store, tenant, source, told=stop(after=1))
    summary = await run(store, tenant, source)
    assert (summary.journeys, summary.known) == (0, 3)
    assert [each.data["journeys"] for each in await completed(store, tenant)] == [3]


async def test_two_imports_of_a_file_at_the_same_time_add_it_once(
    store: Store, tenant: str, tmp_path: Path
) -> None:
    cases = many(40)
    source = written(cases, tmp_path)
    other = Store.of(store.mongo, utc_now)
    both = await asyncio.gather(run(store, tenant, source), run(other, tenant, source))
    assert sum(each.journeys for each in both) == 40
    await require_whole(store, tenant, cases)
    assert [each.data["journeys"] for each in await completed(store, tenant)] == [40]


async def test_another_file_adds_only_its_own_cases(store: Store, tenant: str, tmp_path: Path) -> None:
    await run(store, tenant, written(CASES[:2], tmp_path / "one"))
    summary = await run(store, tenant, written(CASES[1:], tmp_path / "two"))
    assert (summary.journeys, summary.known) == (1, 1)
    await require_whole(store, tenant, CASES)
    assert sorted(each.data["journeys"] for each in await completed(store, tenant)) == [1, 2]
    nobody_named = ROWS.model_copy(update={"customer": None})
    summary = await run(store, tenant, written(CASES[1:], tmp_path / "three", Format.CSV, nobody_named))
    assert (summary.journeys, summary.known) == (0, 2)
    assert len(await completed(store, tenant)) == 2


async def test_another_tenant_has_journeys_of_its_own(store: Store, tenant: str, tmp_path: Path) -> None:
    source = written(CASES, tmp_path)
    await run(store, tenant, source)
    assert (await run(store, f"{tenant}x", source)).journeys == 3
    await require_whole(store, tenant, CASES)
    await require_whole(store, f"{tenant}x", CASES)


async def test_what_is_left_out_is_noted_with_line_and_reason(
    store: Store, tenant: str, tmp_path: Path
) -> None:
    log = log_of(
        xes(
            name("1") + "\n" + event("Open") + "\n" + event("Dance") + "\n" + event("Close", at=""),
            name("2") + event("Dance"),
            name("1") + event("Work"),
            name("3") + event("Close"),
        ),
        tmp_path,
    )
    summary = await run(store, tenant, (log, XES))
    assert (summary.journeys, summary.step_events, summary.rejected) == (2, 2, 4)
    assert summary.rejects == tmp_path / "log.rejects.jsonl"
    noted = [json.loads(line) for line in summary.rejects.read_text().splitlines()]
    assert [(each["line"], each["case"]) for each in noted] == [(5, "1"), (4, "1"), (6, "2"), (7, "1")]
    reasons = [each["reason"] for each in noted]
    for reason, said in zip(
        reasons, ("time is missing", "“Dance”", "“Dance”", "has this id too"), strict=True
    ):
        assert said in reason
    assert await history(store, (await journeys(store, tenant))["1"].id)
    [event_] = await completed(store, tenant)
    assert event_.data["rejected"] == 4


async def test_without_rejects_there_is_no_file_and_its_place_can_be_chosen(
    store: Store, tenant: str, tmp_path: Path
) -> None:
    assert (await run(store, tenant, written(CASES, tmp_path))).rejects is None
    assert not (tmp_path / "log.rejects.jsonl").exists()
    place = tmp_path / "left out"
    log = log_of(xes(name("9") + event("Dance")), tmp_path)
    assert (await run(store, tenant, (log, XES), rejects=place)).rejects == place
    assert len(place.read_text().splitlines()) == 1


async def test_a_case_told_differently_is_rejected_and_stays_as_it_was(
    store: Store, tenant: str, tmp_path: Path
) -> None:
    await run(store, tenant, written(CASES, tmp_path / "one"))
    longer = [*CASES[:2], case("A 3", *CASES[2].events, seen("Open", 20))]
    summary = await run(store, tenant, written(longer, tmp_path / "two"))
    assert (summary.journeys, summary.known, summary.rejected) == (0, 2, 1)
    assert summary.rejects is not None
    assert "another history" in summary.rejects.read_text()
    await require_whole(store, tenant, CASES)


async def test_a_case_too_large_for_a_journey_is_rejected_whole(
    store: Store, tenant: str, tmp_path: Path
) -> None:
    heavy = case("heavy", *[seen("Work", plan="x" * 30_000)] * 600)
    summary = await run(store, tenant, written([heavy, CASES[0]], tmp_path))
    assert (summary.journeys, summary.rejected) == (1, 1)
    assert summary.rejects is not None
    assert "too large" in summary.rejects.read_text()
    await require_whole(store, tenant, CASES[:1])


async def test_large_cases_are_written_in_batches_that_a_document_holds(
    store: Store, tenant: str, tmp_path: Path
) -> None:
    cases = [case(f"L {n}", *[seen("Work", plan="x" * 25_000)] * 150) for n in range(6)]
    await run(store, tenant, written(cases, tmp_path))
    await require_whole(store, tenant, cases)


async def test_a_mapping_that_changed_the_steps_makes_a_new_version_and_the_old_one_is_taken_again(
    store: Store, tenant: str, tmp_path: Path
) -> None:
    renamed = (STEPS[0].model_copy(update={"name": "Opened"}), *STEPS[1:])
    versions = [
        (await run(store, tenant, written([each], tmp_path / str(n), mapping=mapping))).template_version
        for n, (each, mapping) in enumerate(
            zip(CASES, (XES, XES.model_copy(update={"steps": renamed}), XES), strict=True)
        )
    ]
    assert versions == [1, 2, 1]


async def test_a_template_that_live_journeys_follow_is_not_taken_over(
    store: Store, tenant: str, tmp_path: Path
) -> None:
    mapping = XES.model_copy(update={"template_id": "support_resolution"})
    with pytest.raises(InvalidInput, match="no import made"):
        await run(store, tenant, written(CASES, tmp_path, mapping=mapping))
    own = await follow(store, tenant)
    mapping = XES.model_copy(update={"template_id": own.definition.template_id})
    with pytest.raises(InvalidInput, match="no import made"):
        await run(store, tenant, written(CASES, tmp_path, mapping=mapping))
    assert (await held(store.mongo, tenant))["journeys"] == []


async def test_a_proposed_mapping_imports_too(store: Store, tenant: str, tmp_path: Path) -> None:
    for n, format in enumerate(Format):
        log, _ = written(many(30), tmp_path / format, format)
        mapping = log.mapping(Mapping(template_id=f"proposed_{n}"))
        summary = await run(store, tenant, (log, mapping))
        assert (summary.journeys, summary.rejected) == (30, 0)
        assert mapping.closing == ("Close",)


POINTS = ("batch", "subjects", "facts")


def dying(mongo: Mongo, point: str) -> Store:
    """The store of a process that ends behind this write of a batch."""

    async def passed(write: str) -> None:
        if write == point:
            raise Stop

    store = Store.of(mongo, utc_now)
    store.changes.batches.passed = passed
    return store


@pytest.mark.parametrize("point", POINTS)
async def test_a_batch_left_half_done_is_completed_by_the_sweep(
    store: Store, tenant: str, tmp_path: Path, point: str
) -> None:
    source = written(CASES, tmp_path)
    with pytest.raises(Stop):
        await run(dying(store.mongo, point), tenant, source)
    assert len((await held(store.mongo, tenant))["batches"]) == 1
    await Relay(store, nobody, lambda: utc_now() + timedelta(minutes=1)).sweep_once()
    await require_whole(store, tenant, CASES)
    assert (await run(store, tenant, source)).journeys == 0
    assert len(await completed(store, tenant)) == 1


@pytest.mark.parametrize("point", POINTS)
async def test_a_batch_left_half_done_is_completed_by_the_next_run(
    store: Store, tenant: str, tmp_path: Path, point: str
) -> None:
    source = written(CASES, tmp_path)
    with pytest.raises(Stop):
        await run(dying(store.mongo, point), tenant, source)
    summary = await run(store, tenant, source)
    assert (summary.journeys, summary.known) == (0, 3)
    await require_whole(store, tenant, CASES)
    assert [each.data["journeys"] for each in await completed(store, tenant)] == [3]


async def test_what_another_import_holds_is_not_mixed_with_a_batch_left_half_done(
    store: Store, tenant: str, tmp_path: Path
) -> None:
    """One import dies before it has written a journey; another one writes it with another history first."""
    with pytest.raises(Stop):
        await run(dying(store.mongo, "batch"), tenant, written(CASES, tmp_path / "one"))
    [batch] = (await held(store.mongo, tenant))["batches"]
    await store.mongo["batches"].delete_one({"_id": batch["_id"]})
    other = [case("A 1", seen("Open"), seen("Close", 3))]
    await run(store, tenant, written(other, tmp_path / "two"))
    await store.mongo["batches"].insert_one(batch)
    await Relay(store, nobody, lambda: utc_now() + timedelta(minutes=1)).sweep_once()
    await require_whole(store, tenant, [*other, *CASES[1:]])


class Published:
    outcome, last = "published", None


async def nobody(_: object, __: object) -> Published:
    """Publishes to nobody."""
    return Published()

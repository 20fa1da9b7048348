"""XES: its types, lines and lifecycle, and the irregularities of real logs."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from domain.mapping import Mapping
from tests.workers.logfiles import NOON, activities, event, log_of, name, read, xes
from workers.eventlog import Format, LogCase, LogEvent


def test_xes_is_read_with_its_types_and_lines(tmp_path: Path) -> None:
    log = log_of(
        xes(
            name("c1")
            + '<string key="city" value="Rome"/>'
            + event(
                "Open",
                '\n<int key="n" value="3"/><float key="f" value="0.5"/><boolean key="b" value="true"/>',
            )
            + "\n"
            + event("Close", '<string key="org:resource" value="Ada"/><date key="due" value="2012-10-10"/>')
        ),
        tmp_path,
    )
    assert log.format is Format.XES
    assert read(log, Mapping()) == (
        [
            LogCase(
                id="c1",
                events=[
                    LogEvent("Open", NOON, None, {"n": 3, "f": 0.5, "b": True}, line=2),
                    LogEvent("Close", NOON, "Ada", {"due": "2012-10-10"}, line=4),
                ],
                position=1,
                attributes={"city": "Rome"},
            )
        ],
        [],
    )


@pytest.mark.parametrize(
    "dress",
    [
        lambda log: log.replace("<log>", '<log xmlns="http://www.xes-standard.org/">'),
        lambda log: (
            log.replace("<", "<x:").replace("<x:/", "</x:").replace("<x:log>", '<x:log xmlns:x="urn:x">')
        ),
        lambda log: "\ufeff" + log,
        lambda log: '<?xml version="1.0" encoding="UTF-8"?>\n<!-- a comment -->\n' + log,
        lambda log: ('<?xml version="1.0" encoding="UTF-16"?>' + log).encode("utf-16"),
        lambda log: ('<?xml version="1.0" encoding="ISO-8859-1"?>' + log).encode("latin-1"),
        lambda log: gzip.compress(log.encode()),
    ],
)
def test_xes_is_the_same_in_every_dress(tmp_path: Path, dress: Callable[[str], str | bytes]) -> None:
    cases, rejects = read(log_of(dress(xes(name("città") + event("Open"))), tmp_path), Mapping())
    assert [(case.id, activities(case)) for case in cases] == [("città", ["Open"])]
    assert not rejects


def test_nested_attributes_and_lists_are_passed_over(tmp_path: Path) -> None:
    nested = '<string key="a" value="1"><string key="b" value="2"/></string><list key="l"><values>' + name(
        "x"
    )
    cases, _ = read(log_of(xes(name("c") + event("Open", nested + "</values></list>")), tmp_path), Mapping())
    assert cases[0].events[0].attributes == {"a": "1"}


def test_a_case_may_be_named_after_its_events(tmp_path: Path) -> None:
    cases, _ = read(log_of(xes(event("Open") + name("c1")), tmp_path), Mapping())
    assert cases[0].id == "c1"


def test_a_bad_event_costs_that_event_only(tmp_path: Path) -> None:
    bad = [
        event("").replace(name(""), ""),
        event("No time", at=""),
        event("Odd time", at='<date key="time:timestamp" value="yesterday"/>'),
        event("Odd number", '<int key="n" value="many"/>'),
        event("Huge number", f'<int key="n" value="{2**63}"/>'),
        event("Huge value", f'<string key="v" value="{"x" * (32 * 1024 + 1)}"/>'),
        event("Crowded", "".join(f'<int key="{n}" value="1"/>' for n in range(1001))),
        event(" "),
    ]
    cases, rejects = read(
        log_of(xes(name("c1") + "\n".join([event("Open"), *bad, event("Close")])), tmp_path), Mapping()
    )
    assert [activities(case) for case in cases] == [["Open", "Close"]]
    assert [(reject.line, reject.case) for reject in rejects] == [(line, "c1") for line in range(3, 11)]
    assert [reject.reason for reject in rejects] == [
        "The activity is missing (concept:name).",
        "The time is missing (time:timestamp).",
        "The time “yesterday” is not ISO 8601; a mapping can give its timeFormat.",
        "The value of n, “many”, is not of its type (int).",
        "The number in n is too large: “9223372036854775808”.",
        "The value of v is larger than 32 KiB.",
        "There are more than 1,000 attributes.",
        "The activity is missing (concept:name).",
    ]


def test_what_the_context_does_not_name_need_not_be_valid(tmp_path: Path) -> None:
    log = log_of(
        xes(name("c") + event("Open", '<int key="n" value="many"/><string key="city" value="Rome"/>')),
        tmp_path,
    )
    cases, rejects = read(log, Mapping(context={"city": "city"}))
    assert cases[0].events[0].attributes == {"city": "Rome"}
    assert not rejects


def test_events_without_a_case_are_rejected_each(tmp_path: Path) -> None:
    cases, rejects = read(
        log_of(xes(event("Open") + "\n" + event("Close"), name("empty")), tmp_path), Mapping()
    )
    assert not cases
    assert [reject.line for reject in rejects] == [2, 3, 4]
    assert rejects[2].reason == "The case has no events."


def test_an_event_outside_any_trace_is_rejected(tmp_path: Path) -> None:
    _, rejects = read(log_of(f"<log>{event('Open')}</log>", tmp_path), Mapping())
    assert [reject.reason for reject in rejects] == ["The event is in no trace, so its case is not known."]


def test_only_completions_are_steps_unless_the_mapping_says_otherwise(tmp_path: Path) -> None:
    moved = [
        event(f"Open {how}", f'<string key="lifecycle:transition" value="{how}"/>')
        for how in ("start", "complete", "COMPLETE", "suspend")
    ]
    log = log_of(xes(name("c1") + event("Seen") + "".join(moved)), tmp_path)
    cases, rejects = read(log, Mapping())
    assert activities(cases[0]) == ["Seen", "Open complete", "Open COMPLETE"]
    assert (log.progress.skipped, rejects) == (2, [])
    cases, _ = read(log, Mapping(lifecycle=("start",)))
    assert activities(cases[0]) == ["Seen", "Open start"]


def test_what_json_cannot_hold_is_null(tmp_path: Path) -> None:
    cases, _ = read(
        log_of(xes(name("c") + event("Open", '<float key="f" value="NaN"/>')), tmp_path), Mapping()
    )
    assert cases[0].events[0].attributes == {"f": None}


def test_two_traces_may_bear_one_name_and_differ_in_position(tmp_path: Path) -> None:
    cases, _ = read(log_of(xes(name("c") + event("a"), name("c") + event("b")), tmp_path), Mapping())
    assert [(case.id, case.position) for case in cases] == [("c", 1), ("c", 2)]


def test_an_attribute_of_a_case_that_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    cases, rejects = read(
        log_of(xes(name("c") + '<int key="n" value="x"/>' + event("a")), tmp_path), Mapping()
    )
    assert cases[0].attributes == {}
    assert rejects[0].reason.startswith("An attribute of the case is left out: ")

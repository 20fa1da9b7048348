"""Tables, CSV and JSON Lines: rows of a case anywhere in the file, and rows that break."""

import json
from pathlib import Path

import pytest

from domain.errors import InvalidInput
from domain.mapping import Mapping
from tests.workers.logfiles import NOBODY, NOON, TABLE, activities, log_of, read
from workers.eventlog import Format, LogCase, LogEvent


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_csv_is_read_whatever_its_delimiter(tmp_path: Path, delimiter: str, bom: str, end: str) -> None:
    rows = [
        "case;activity;time;actor;note",
        'c1;Open;2012-10-09T12:00:00Z;Ada;"a;b, ""c"""',
        "",
        "c1;Close;2012-10-09 14:00+02:00;;",
    ]
    log = log_of((bom + end.join(rows).replace(";", delimiter)), tmp_path)
    cases, rejects = read(log, TABLE)
    assert log.format is Format.CSV
    assert log.columns == ("case", "activity", "time", "actor", "note")
    assert cases == [
        LogCase(
            "c1",
            [
                LogEvent("Open", NOON, "Ada", {"note": f'a{delimiter}b, "c"'}, 2),
                LogEvent("Close", NOON, None, {}, 4),
            ],
            1,
        )
    ]
    assert not rejects


def test_json_lines_are_read(tmp_path: Path) -> None:
    rows: list[object] = [
        {
            "case": 7,
            "activity": "Open",
            "time": "2012-10-09T12:00:00Z",
            "actor": "Ada",
            "n": 1,
            "x": {"y": 1},
            "z": None,
        },
        "",
        {"case": "7", "activity": "Close", "time": "2012-10-09T12:00:00Z", "b": False, "list": [1]},
    ]
    log = log_of("\ufeff" + "\n".join(json.dumps(row) if row else "" for row in rows), tmp_path)
    assert log.format is Format.JSONL
    assert read(log, TABLE) == (
        [
            LogCase(
                "7",
                [
                    LogEvent("Open", NOON, "Ada", {"n": 1, "z": None}, 1),
                    LogEvent("Close", NOON, None, {"b": False}, 3),
                ],
                1,
            )
        ],
        [],
    )


def test_scattered_rows_come_together_in_the_order_of_their_cases_first_rows(tmp_path: Path) -> None:
    rows = ["b,1,2013", "a,1,2012", "b,2,2011", "c,1,2010", "a,2,2012", "b,3,2012"]
    log = log_of("case,activity,time\n" + "\n".join(f"{row}-01-01" for row in rows), tmp_path)
    cases, _ = read(log, NOBODY)
    assert [(case.id, activities(case), case.position) for case in cases] == [
        ("b", ["1", "2", "3"], 1),
        ("a", ["1", "2"], 2),
        ("c", ["1"], 3),
    ]


def test_a_bad_row_costs_that_row_only(tmp_path: Path) -> None:
    rows = [
        b"case,activity,time,note",
        b"c1,Open,2012-10-09,",
        b",Open,2012-10-09,",
        b"c1,,2012-10-09,",
        b"c1,Open,09/10/2012,",
        b"c1,Open,2012-10-09",
        b"c1,Open,2012-10-09,a,b",
        b'c1,Open,2012-10-09,"never closed',
        b"c1,Wait,2012-10-09,",
        b'c1,Open,2012-10-09,"closed" too early',
        b"c1,Open,2012-10-09,citt\xe0",
        b"c\xe0,Open,2012-10-09,",
        b"c1,Open,1349784000," + b"x" * (32 * 1024 + 1),
        b'c1,Pause,2012-10-09,"two\nlines"',
        b"c1,Close,2012-10-09,",
    ]
    cases, rejects = read(log_of(b"\n".join(rows), tmp_path), NOBODY)
    assert [(one.activity, one.line) for one in cases[0].events] == [
        ("Open", 2),
        ("Wait", 9),
        ("Pause", 14),
        ("Close", 16),
    ]
    assert [(reject.line, reject.case) for reject in rejects] == [
        (3, None), (4, "c1"), (5, "c1"), (6, None), (7, None),
        (8, None), (10, None), (11, "c1"), (12, None), (13, "c1"),
    ]  # fmt: skip
    assert all(reject.reason.endswith(".") and "Error" not in reject.reason for reject in rejects)


def test_a_bad_line_of_json_costs_that_line_only(tmp_path: Path) -> None:
    good = '{"case": "c", "activity": "Open", "time": "2012-10-09"}'
    bad = [
        "{",
        "[1]",
        '{"case": true, "activity": "a"}',
        good.replace('"2012-10-09"', "1349784000"),
        good[:-1] + ', "n": 1e999}',
    ]
    long = '{"case": "' + "x" * (5 * 1024 * 1024) + '"}'
    cases, rejects = read(log_of("\n".join([good, *bad, long, good]), tmp_path), TABLE)
    assert [one.line for one in cases[0].events] == [1, 8]
    assert [reject.line for reject in rejects] == [2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("said", "mapping"),
    [
        ("2012-10-09T12:00:00.000999999Z", Mapping()),
        ("2012-10-09 12:00", Mapping()),
        ("2012/10/09 12:00:00.000", Mapping()),
        ("2012-10-09 14:00", Mapping(time_zone="Europe/Rome")),
        ("2012-10-09T12:00:00Z", Mapping(time_zone="Europe/Rome")),
        ("09.10.2012 14:00", Mapping(time_zone="Europe/Rome", time_format="%d.%m.%Y %H:%M")),
        ("9 Oct 2012 05:00 -0700", Mapping(time_format="%d %b %Y %H:%M %z")),
        ("1349784000", Mapping(time_format="epoch_seconds")),
        ("1349784000000", Mapping(time_format="epoch_millis")),
    ],
)
def test_times_become_utc_with_milliseconds(tmp_path: Path, said: str, mapping: Mapping) -> None:
    mapping = mapping.model_copy(update={"case": "case", "activity": "activity", "time": "time"})
    cases, rejects = read(log_of(f"case,activity,time\nc,Open,{said}", tmp_path), mapping)
    assert not rejects
    assert cases[0].events[0].at == NOON


@pytest.mark.parametrize("said", ["9", "20121009", "1010101012345", "0001-01-01T00:00+14:00", "12:00", "nan"])
def test_what_is_no_time_is_rejected(tmp_path: Path, said: str) -> None:
    _, rejects = read(log_of(f"case,activity,time\nc,Open,{said}", tmp_path), NOBODY)
    assert len(rejects) == 1


def test_a_csv_without_the_columns_of_the_mapping_is_refused(tmp_path: Path) -> None:
    log = log_of("case,activity,time\nc,Open,2012-10-09", tmp_path)
    with pytest.raises(InvalidInput) as refused:
        read(log, Mapping(case="ticket", activity="activity", time="time", actor="who", context={"x": "y"}))
    assert [problem.path for problem in refused.value.problems] == [("case",), ("actor",), ("context", "x")]

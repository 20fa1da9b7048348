"""Event logs as they come: written and read again, too large, damaged, or meaning harm."""

import gzip
import io
import tempfile
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import InvalidInput
from domain.mapping import Mapping
from tests.workers.logfiles import FORMATS, NOBODY, NOON, TABLE, event, log_of, name, read, xes
from workers.eventlog import EventLog, Format, LogCase, LogEvent, Reject

HELPDESK = Path(__file__).parents[3] / "shared" / "data" / "helpdesk.xes.gz"
MIB = 1024 * 1024

TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Cn", "Co"], include_characters="\n\r\t"),
    min_size=1,
    max_size=20,
)
NAME = TEXT.filter(str.strip)
TIMES = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)).map(  # noqa: DTZ001 - Hypothesis wants naive bounds
    lambda at: at.replace(tzinfo=UTC, microsecond=at.microsecond // 1000 * 1000)
)
VALUES = (
    TEXT | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.booleans()
)
KEYS = st.sampled_from(["city", "two words", "Größe", "a,b", 'quo"ted', "x;y", "n.m", "<&>"])
EVENTS = st.builds(
    LogEvent,
    activity=NAME,
    at=TIMES,
    actor=st.none() | NAME,
    attributes=st.dictionaries(KEYS, VALUES, max_size=3),
    line=st.just(0),
)
CASE = st.builds(LogCase, id=NAME, events=st.lists(EVENTS, min_size=1, max_size=4), position=st.just(0))
CASES = st.lists(CASE, min_size=1, max_size=4, unique_by=lambda case: case.id)


@pytest.mark.parametrize("format", list(Format))
@given(cases=CASES)
@settings(deadline=None)
def test_what_is_written_is_read(format: Format, cases: list[LogCase]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        path.write_bytes(FORMATS[format](cases).encode())
        found, rejects = read(EventLog(path), TABLE if format is not Format.XES else Mapping())
    assert not rejects
    assert [case.id for case in found] == [case.id for case in cases]
    assert [case.position for case in found] == list(range(1, len(cases) + 1))
    for was, now in zip(cases, found, strict=True):
        as_text = format is Format.CSV
        assert [(one.activity, one.at, one.actor, one.attributes) for one in now.events] == [
            (
                one.activity,
                one.at,
                one.actor,
                {k: str(v) if as_text else v for k, v in one.attributes.items()},
            )
            for one in was.events
        ]


@given(st.binary(max_size=200) | st.text(alphabet='<>/"{}:,\n logtracevn=1', max_size=60).map(str.encode))
@settings(deadline=None)
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        path.write_bytes(content)
        try:
            log = EventLog(path)
            assert all(isinstance(one, LogCase | Reject) for one in log.read(log.mapping()))
        except InvalidInput:
            pass


@pytest.mark.parametrize("format", list(Format))
def test_a_case_of_more_than_ten_thousand_events_is_left_out_whole(tmp_path: Path, format: Format) -> None:
    for events, whole in ((10_000, True), (10_001, False)):
        one = LogEvent("a", NOON, None, {}, 0)
        log = log_of(
            FORMATS[format]([LogCase("long", [one] * events, 1), LogCase("short", [one], 2)]), tmp_path
        )
        cases, rejects = read(log, TABLE if format is not Format.XES else Mapping())
        assert [case.id for case in cases] == ["long", "short"] if whole else ["short"]
        assert [reject.case for reject in rejects] == ([] if whole else ["long"])


BOMB = '<!DOCTYPE log [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><log><trace>&b;</trace></log>'


def zipped(content: bytes) -> bytes:
    """Without the time: every process that collects these tests names them alike."""
    return gzip.compress(content, mtime=0)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"\n \n", "blanks"),
        (b"\x89PNG\r\n\x1a\n\0\0", "neither XES, nor JSON Lines, nor CSV"),
        (b"PK\x03\x04\x14\0", "neither"),
        (b"just a text\nof two lines", "neither"),
        (b"case,activity\nc,Open", "neither"),
        ("città,b,c".encode("latin-1"), "neither"),
        ("case,activity,time".encode("utf-16"), "neither"),
        (b"a,b,c,a\n", "Two columns"),
        (b"[1, 2]", "JSON array"),
        (b'{\n"case": 1\n}', "no object on a line"),
        (b"<html></html>", "not XES: it holds “html”"),
        (b"<log><trace></log>", "not well-formed at line 1: mismatched tag"),
        (b"<log><trace>\n", "not well-formed at line 2"),
        (b"<log>&nbsp;</log>", "not well-formed"),
        (b'<?xml version="1.0" encoding="klingon"?><log/>', "encoding"),
        (BOMB.encode(), "DTD"),
        (b'<!DOCTYPE log SYSTEM "file:///etc/passwd"><log/>', "DTD"),
        (zipped(BOMB.encode()), "DTD"),
        (zipped(b"<log></log>")[:-9], "cut short"),
        (zipped(b"a,b,c\n" * 1000)[:-9], "cut short"),
        (zipped(b"<log></log>")[:-8] + bytes(8), "damaged"),
        (zipped(b"")[:10] + b"\xff" * 20, "damaged"),
        (zipped(zipped(b"<log></log>")), "neither"),
    ],
)
def test_a_file_that_is_no_log_or_damaged_is_refused_in_one_line(
    tmp_path: Path, content: bytes, said: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        read(log_of(content, tmp_path), Mapping(case="a", activity="b", time="c"))
    assert said in refused.value.message
    assert "\n" not in refused.value.message


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be opened"):
        EventLog(tmp_path / "nowhere.csv")


def test_the_cases_before_the_damage_come_first(tmp_path: Path) -> None:
    whole = gzip.compress(xes(*(name(str(n)) + event(f"a{n * n}") for n in range(5000))).encode())
    cases = log_of(whole[: len(whole) // 2], tmp_path).read(Mapping())
    assert next(cases) == LogCase("0", [LogEvent("a0", NOON, None, {}, 2)], 1)
    with pytest.raises(InvalidInput, match="cut short"):
        list(cases)


def packed(start: bytes, part: bytes, times: int) -> bytes:
    """A small gzip file that unpacks to a large one."""
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=1) as file:
        file.write(start)
        for _ in range(times):
            file.write(part)
    return out.getvalue()


@pytest.mark.parametrize(
    ("start", "part"),
    [
        (b'<log><trace><string key="concept:name" value="', b"a" * MIB),
        (b"<log>", b" " * MIB),
        (b"<log>", b"<a>" * (MIB // 3)),
        (b"<log><!--", b"a" * MIB),
        (b"case,activity,time\n", b"a" * MIB),
        (b"case,activity,time\n", b'"\n","' * (MIB // 5)),
        (b"", b" " * MIB),
    ],
)
def test_a_bomb_is_refused_before_it_takes_memory(tmp_path: Path, start: bytes, part: bytes) -> None:
    content = packed(start, part, times=64)
    tracemalloc.start()
    with pytest.raises(InvalidInput):
        read(log_of(content, tmp_path), TABLE)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 32 * MIB


NOTE = "x" * 2_000
LARGE = {
    Format.XES: (
        "<log>",
        xes(name("%d") + event("a", f'<string key="note" value="{NOTE}"/>') * 2)[5:-6],
        "</log>",
    ),
    Format.CSV: ("case,activity,time,note\n", f"%d,a,2012-10-09,{NOTE}\n" * 2, ""),
    Format.JSONL: ("", f'{{"case": %d, "activity": "a", "time": "2012-10-09", "note": "{NOTE}"}}\n' * 2, ""),
}


@pytest.mark.parametrize("format", list(Format))
def test_memory_does_not_grow_with_the_file(tmp_path: Path, format: Format) -> None:
    path = tmp_path / "log"
    start, case, end = LARGE[format]
    with path.open("w") as file:
        file.write(start)
        file.writelines(case.replace("%d", str(n)) for n in range(4_000))
        file.write(end)
    assert path.stat().st_size > 15 * MIB
    tracemalloc.start()
    cases = sum(
        isinstance(one, LogCase) for one in EventLog(path).read(Mapping() if format is Format.XES else NOBODY)
    )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert cases == 4_000
    assert peak < 4 * MIB


@pytest.mark.parametrize("format", list(Format))
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_progress_grows_until_the_whole_file_is_read(
    tmp_path: Path, format: Format, pack: Callable[[bytes], bytes]
) -> None:
    one = LogEvent("a", NOON, None, {"note": "x" * 100}, 0)
    content = FORMATS[format]([LogCase(str(n), [one] * 5, 1) for n in range(500)])
    log = log_of(pack(content.encode()), tmp_path)
    seen = [log.progress.read for _ in log.read(log.mapping())]
    assert seen == sorted(seen)
    assert 0 < seen[0] <= seen[-1] <= log.progress.total == log.progress.read


@pytest.mark.skipif(not HELPDESK.exists(), reason="the log is no part of the project")
def test_a_real_log_is_read_whole_and_gets_a_mapping() -> None:
    log = EventLog(HELPDESK)
    mapping = log.mapping()
    cases, rejects = read(log, mapping)
    events = [one for case in cases for one in case.events]
    assert (len(cases), len(events), rejects, log.progress.skipped) == (4580, 21348, [], 0)
    assert len({one.activity for one in events}) == len(mapping.steps) == 14
    assert len({tuple(one.activity for one in case.events) for case in cases}) == 226
    assert len({one.actor for one in events}) == 22
    assert mapping.closing == ("Closed",)
    assert [step.id for step in mapping.steps][:3] == [
        "insert_ticket",
        "assign_seriousness",
        "take_in_charge_ticket",
    ]
    assert mapping.context["responsible_section"] == "responsibleSection"

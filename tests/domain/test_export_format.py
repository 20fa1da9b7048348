"""What any row looks like in a file, and that nothing of it stays in memory."""

import csv
import io
import json
import tracemalloc
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.export import Format
from domain.export_format import Row, cell, writer
from domain.values import Json, Money

GUARDED = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
texts = st.text(st.characters(exclude_categories=["Cs"]))
texts |= st.from_regex(r"[=+\-@\t\r'\",\n\x00ü漢\uff1d\uff0b\uff0d\uff20]{1,8}")
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | texts
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=5)


def whole(format: Format, rows: list[Row], *names: str) -> bytes:
    written = writer(format, [(name,) for name in names])
    return written.begin() + b"".join(map(written.row, rows)) + written.end()


def read(file: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(file.decode(), newline=""), strict=True))


@given(st.lists(st.tuples(texts, texts)))
def test_every_text_survives_the_csv_with_an_apostrophe_before_what_could_be_a_formula(
    pairs: list[tuple[str, str]],
) -> None:
    [_, *found] = read(whole(Format.CSV, [{"a": a, "b": b} for a, b in pairs], "a", "b"))
    guarded = [[f"'{each}" if each.startswith(GUARDED) else each for each in pair] for pair in pairs]
    assert found == guarded


@given(values)
def test_no_cell_that_is_no_number_begins_as_a_formula_does(value: Json) -> None:
    [[_, _], [found, other]] = read(whole(Format.CSV, [{"a": value, "b": 1}], "a", "b"))
    assert other == "1"
    if isinstance(value, int | float) and not isinstance(value, bool):
        assert float(found) == float(value)
    else:
        assert not found.startswith(GUARDED)


@given(st.lists(st.dictionaries(texts, values, max_size=4), max_size=4))
def test_json_and_json_lines_are_exact(rows: list[Row]) -> None:
    assert json.loads(whole(Format.JSON, rows)) == rows
    lines = whole(Format.JSONL, rows).decode().split("\n")
    assert lines.pop() == ""
    assert [json.loads(line) for line in lines] == rows


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ""),
        ("", '""'),
        (-1, "-1"),
        (-0.5, "-0.5"),
        ("-1", "'-1"),
        (True, "true"),
        ("a,b", '"a,b"'),
        ('say "x"', '"say ""x"""'),
        ("=1\r\n+1", '"\'=1\r\n+1"'),
        ("\n=1", '"\'\n=1"'),
        ("\uff1d1", "'\uff1d1"),
        ("two\n- points", '"two\n- points"'),
        ({"a": [1, None]}, '"{""a"":[1,null]}"'),
        ([], "[]"),
    ],
)
def test_a_cell(value: Json, expected: str) -> None:
    assert cell(value) == expected


def test_a_column_inside_an_object_is_named_by_its_path_and_empty_where_there_is_none() -> None:
    written = writer(Format.CSV, [("a",), ("by", "id")])
    assert written.begin() == b"a,by.id\r\n"
    assert written.row({"a": 1, "by": {"id": "x"}}) == b"1,x\r\n"
    assert written.row({"a": 1, "by": None}) == b"1,\r\n"


@given(st.integers(-(10**15), 10**15))
def test_money_is_a_number_and_a_currency_in_csv_and_a_text_in_json(units: int) -> None:
    money = Money(units, "EUR")
    row: Row = {"value": str(money)}
    written = writer(Format.CSV, [("value", "amount"), ("value", "currency")])
    assert written.begin() == b"value.amount,value.currency\r\n"
    amount, currency = written.row(row).decode().strip().split(",")
    assert (Decimal(amount), currency) == (money.amount, "EUR")
    assert written.row({"value": None}) == b",\r\n"
    assert json.loads(writer(Format.JSONL, []).row(row)) == row


def test_an_amount_below_zero_has_no_apostrophe() -> None:
    written = writer(Format.CSV, [("value", "amount"), ("value", "currency")])
    assert written.row({"value": "-5.00 EUR"}) == b"-5.00,EUR\r\n"


@pytest.mark.parametrize("format", Format)
def test_however_many_rows_are_written_memory_holds_one(format: Format) -> None:
    written = writer(format, [("text",), ("data",)])
    row: Row = {"text": "x" * 1_000, "data": {"list": [*range(100)]}}
    written.begin()
    written.row(row)
    tracemalloc.start()
    for _ in range(3_000):
        written.row(row)
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 20_000
    assert peak < 200_000

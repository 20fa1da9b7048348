"""What a CloudEvent makes of a report, and each way in which it can be none; CloudEvents' own library writes them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from app.modes import Mode, found_in, mode_of
from domain.cloudevent import Malformed, as_cloud_event, read
from domain.errors import InvalidInput
from domain.external import Report, envelope
from domain.storable import json_problems
from tests.domain.samples import ANNA, NOON

GOOD: dict[str, Any] = {
    "specversion": "1.0",
    "id": "1",
    "source": "/shop",
    "type": "com.example.order.created",
    "data": {"total": 5},
}
LEAD = GOOD | {"type": "crm:lead_qualified"}

names = st.text(min_size=1, max_size=30).filter(str.strip)
keys = st.text(min_size=1, max_size=5).filter(lambda key: "\0" not in key and not key.startswith("$"))
numbers = st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(-1e18, 1e18)
values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=10,
)
extensions = st.dictionaries(
    st.from_regex(r"x[a-z0-9]{1,10}", fullmatch=True),
    st.text(min_size=1, max_size=9) | st.booleans() | st.integers(-(2**31), 2**31 - 1),
    max_size=3,
)
reports = st.builds(
    Report,
    type=st.from_regex(r"com[.]example[A-Za-z0-9._:/-]{0,40}", fullmatch=True),
    source=names.filter(lambda name: name.strip().lower() not in ("journeys", "/journeys")),
    id=names,
    data=st.dictionaries(keys, values, max_size=3),
    occurred_at=st.datetimes(NOON.replace(year=1900, tzinfo=None), NOON.replace(tzinfo=None)).map(
        lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000, tzinfo=UTC)
    ),
    customer_id=st.none() | names,
    lead_id=st.none() | names,
    correlation_id=st.none() | names,
    attributes=extensions,
)


def written(report: Report) -> CloudEvent:
    """The report in the library's own shape."""
    named = {
        "customerid": report.customer_id,
        "leadid": report.lead_id,
        "correlationid": report.correlation_id,
    }
    attributes = {"id": report.id, "source": report.source, "type": report.type, "time": report.occurred_at}
    given = {name: value for name, value in named.items() if value is not None}
    return CloudEvent({**attributes, "specversion": "1.0", **given, **report.attributes}, report.data)


@given(reports)
def test_a_report_survives_structured_mode(report: Report) -> None:
    message = to_structured_event(written(report))
    headers = Headers(message.headers)
    assert mode_of(headers) is Mode.STRUCTURED
    [found] = found_in(Mode.STRUCTURED, headers, message.body)
    assert read(found.event, now=NOON, also=found.problems) == report  # type: ignore[arg-type]  # it is an object


@given(reports)
def test_a_report_survives_binary_mode_where_every_attribute_is_a_text(report: Report) -> None:
    message = to_binary_event(written(report))
    headers = Headers(message.headers)
    assert mode_of(headers) is Mode.BINARY
    [found] = found_in(Mode.BINARY, headers, message.body)
    back = read(found.event, now=NOON, also=found.problems)  # type: ignore[arg-type]  # it is an object
    texts = {name: str(value) for name, value in report.attributes.items()}
    assert (back.attributes, back.data, back.occurred_at) == (texts, report.data, report.occurred_at)
    assert (back.type, back.source, back.id) == (report.type, report.source, report.id)
    assert (back.customer_id, back.lead_id) == (report.customer_id, report.lead_id)


@given(reports)
def test_what_is_told_on_can_be_read_again(report: Report) -> None:
    kept = envelope(report, tenant_id="acme", by=ANNA, now=NOON, command_id="c", correlation_id="request")
    again = read(orjson.loads(orjson.dumps(as_cloud_event(kept))), now=NOON)
    assert (again.type, again.data, again.occurred_at) == (report.type, report.data, report.occurred_at)
    assert report.attributes.items() <= again.attributes.items()


def refused(event: dict[str, Any], **rest: Any) -> tuple[bool, set[tuple[str, ...]]]:
    """Whether it is no CloudEvent, and every path."""
    with pytest.raises(InvalidInput) as error:
        read(event, now=NOON, **rest)
    assert "cloudevents" not in str([each.message for each in error.value.problems])
    return isinstance(error.value, Malformed), {each.path for each in error.value.problems}


@pytest.mark.parametrize(
    ("paths", "change"),
    [
        ("specversion", {"specversion": None}),
        ("specversion", {"specversion": "0.3"}),
        ("specversion", {"specversion": 1.0}),
        ("id", {"id": None}),
        ("id", {"id": ""}),
        ("id", {"id": 7}),
        ("source", {"source": None}),
        ("source", {"source": ["x"]}),
        ("type", {"type": None}),
        ("type", {"type": {}}),
        ("time", {"time": "yesterday"}),
        ("time", {"time": "2026-01-31"}),
        ("time", {"time": "2026-01-31T12:00:00"}),
        ("time", {"time": "2026-02-30T12:00:00Z"}),
        ("time", {"time": "0001-01-01T00:00:00+14:00"}),
        ("time", {"time": 5}),
        ("subject", {"subject": ""}),
        ("subject", {"subject": 5}),
        ("dataschema", {"dataschema": []}),
        ("datacontenttype", {"datacontenttype": 5}),
        ("customerid", {"customerid": {}}),
        ("customerid", {"customerid": True}),
        ("Upper", {"Upper": "x"}),
        ("with_line", {"with_line": "x"}),
        ("line\n", {"line\n": "x"}),
        ("weight", {"weight": 1.5}),
        ("count", {"count": 2**31}),
        ("list", {"list": [1]}),
        ("id source type specversion", dict.fromkeys(("id", "source", "type", "specversion"))),
    ],
)
def test_what_is_no_cloudevent_is_refused_with_every_path(paths: str, change: dict[str, Any]) -> None:
    assert refused(GOOD | change) == (True, {(path,) for path in paths.split(" ")})


@pytest.mark.parametrize(
    ("paths", "change"),
    [
        ("type", {"type": "journey:started"}),
        ("type", {"type": "Journey:Started"}),
        ("type", {"type": "order created"}),
        ("source", {"source": "journeys"}),
        ("source", {"source": "x" * 201}),
        ("time", {"time": "2026-01-31T12:05:00.001Z"}),
        ("customerid", {"customerid": ""}),
        ("leadid", {"leadid": " "}),
        ("correlationid", {"correlationid": "x" * 201}),
        ("data", {"data": "text"}),
        ("data", {"data": [1]}),
        ("data", {"data": 0}),
        ("data_base64", {"data": None, "data_base64": "e30="}),
        ("data data_base64", {"data": 1, "data_base64": "e30="}),
        ("datacontenttype", {"datacontenttype": "application/xml"}),
        ("datacontenttype data", {"datacontenttype": "text/plain", "data": "x"}),
        ("data.$x data.a.1", {"data": {"$x": 1, "a": [0, 2**64], "b": 1}}),
    ],
)
def test_what_cannot_be_taken_is_refused_with_every_path(paths: str, change: dict[str, Any]) -> None:
    assert refused(GOOD | change) == (False, {tuple(path.split(".")) for path in paths.split(" ")})


def test_every_reason_of_either_sort_is_told_at_once() -> None:
    wrong = LEAD | {
        "id": None,
        "time": "x",
        "source": "journeys",
        "Odd": 1,
        "leadid": "",
        "data": {"services": 1},
    }
    paths = {("id",), ("time",), ("source",), ("Odd",), ("leadid",), ("data", "score"), ("data", "services")}
    assert refused(wrong) == (True, paths)
    assert refused(LEAD | {"data": {"a": 2**64}}) == (False, {("data", "a"), ("data", "score")})


def test_only_the_one_source_may_be_named() -> None:
    assert refused(GOOD, only="/other") == (False, {("source",)})
    assert refused(GOOD | {"source": 5}, only="/other") == (True, {("source",)})
    assert read(GOOD, now=NOON, only="/shop").source == "/shop"


def test_what_a_report_does_not_know_is_kept() -> None:
    more = {
        "subject": "order-7",
        "dataschema": "https://example.com/s.json",
        "traceparent": "00-1",
        "sampled": False,
    }
    event = GOOD | more | {"customerid": 42, "leadid": "l", "correlationid": "k", "unset": None}
    report = read(event, now=NOON)
    assert report.attributes == more
    assert (report.customer_id, report.lead_id, report.correlation_id) == ("42", "l", "k")
    assert (report.data, report.occurred_at) == ({"total": 5}, None)


def test_a_json_type_that_says_nothing_new_is_not_kept() -> None:
    for implied in ("application/json", "Application/JSON; charset=utf-8"):
        assert read(GOOD | {"datacontenttype": implied}, now=NOON).attributes == {}
    own = {"datacontenttype": "application/vnd.shop+json"}
    assert read(GOOD | own, now=NOON).attributes == own


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-01-31T12:00:00Z", NOON),
        ("2026-01-31t12:00:00z", NOON),
        ("2026-01-31T14:00:00+02:00", NOON),
        ("2026-01-31T06:30:00.123456789-05:30", NOON + timedelta(milliseconds=123)),
    ],
)
def test_a_time_is_an_instant_in_any_zone(text: str, at: datetime) -> None:
    assert read(GOOD | {"time": text}, now=NOON).occurred_at == at


def test_data_may_be_absent() -> None:
    assert read({name: value for name, value in GOOD.items() if name != "data"}, now=NOON).data == {}


@given(values)
def test_what_can_be_kept_has_no_problems(value: Any) -> None:
    assert json_problems(value) == []


def test_json_that_the_database_cannot_keep_is_told_with_its_path() -> None:
    deep: Any = 1
    for _ in range(31):
        deep = [deep]
    assert json_problems(deep) == []
    assert [each.path for each in json_problems([deep])] == [("0",) * 32]
    odd = {"a": {"": 1, "x\0": 2, "$y": 3}, "b": [2**63, -(2**63), 1.5, True]}
    paths = [each.path for each in json_problems(odd, ("data",))]
    assert paths == [
        ("data", "a", ""),
        ("data", "a", "x\0"),
        ("data", "a", "$y"),
        ("data", "b", "0"),
        ("data", "b", "1"),
    ]

"""Whatever the domain can say comes back from the database, and from JSON, as it was."""

import sys
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import bson
import orjson
import pytest
from bson.codec_options import CodecOptions, TypeRegistry
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.catalogue import own_types
from domain.events import Envelope, Event
from domain.identity import Actor
from domain.journey import Journey
from domain.template import Definition, Template
from domain.touchpoint import Conversion, Touchpoint
from domain.values import milliseconds
from storage.codec import data_schema, dump, event_data, field_names, load, load_event, plain
from storage.entries import entry_documents, entry_envelope

CODEC: CodecOptions[dict[str, Any]] = CodecOptions(
    tz_aware=True, type_registry=TypeRegistry(fallback_encoder=plain)
)

texts = st.text(max_size=5)
keys = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5)
whole = st.integers(-(2**63), 2**63 - 1)
real = st.floats(allow_nan=False, allow_infinity=False)
instants = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)).map(milliseconds)  # noqa: DTZ001
lengths = st.integers(0, 10**11).map(lambda ms: timedelta(milliseconds=ms))
json: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | whole | real | texts | st.just("2026-01-31T12:00:00Z"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=5,
)
PLAIN: dict[object, st.SearchStrategy[Any]] = {
    str: texts,
    int: whole,
    float: real,
    bool: st.booleans(),
    NoneType: st.none(),
    datetime: instants,
    timedelta: lengths,
    date: st.dates(),
    Any: json,
}


def of(hint: Any) -> st.SearchStrategy[Any]:
    """Every value of a type, and of each field, those with a default too."""
    if hint in PLAIN:
        return PLAIN[hint]
    if is_dataclass(hint) and isinstance(hint, type):
        hints = get_type_hints(hint)
        return st.builds(hint, **{field.name: of(hints[field.name]) for field in fields(hint)})
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(hint)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return st.one_of([of(each) for each in arguments])
    if origin is tuple:
        return st.lists(of(arguments[0]), max_size=2).map(tuple)
    if origin is dict:
        return st.dictionaries(keys, of(arguments[1]), max_size=3)
    raise AssertionError(f"say here what a {hint} is made of")


def _kinds(kind: type) -> Iterator[type]:
    for each in kind.__subclasses__():
        if getattr(sys.modules[each.__module__], each.__name__) is each:  # not the one that slots replaced
            yield each
        yield from _kinds(each)


EVENTS = list(_kinds(Event))
STATES = [Journey, Template, Definition, Touchpoint, Conversion, Envelope, Actor]
careful = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))


def through_bson(document: dict[str, Any]) -> dict[str, Any]:
    return bson.decode(bson.encode(document, codec_options=CODEC), CODEC)


@pytest.mark.parametrize("kind", [*STATES, *EVENTS], ids=lambda kind: kind.__name__)
@careful
@given(data=st.data())
def test_a_value_comes_back_from_a_document_as_it_was(kind: type, data: st.DataObject) -> None:
    value = data.draw(of(kind))
    assert load(kind, through_bson(dump(value))) == value
    assert dump(value).keys() == field_names(kind)


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
@careful
@given(data=st.data())
def test_an_event_comes_back_from_its_data_and_envelope_as_it_was(kind: type, data: st.DataObject) -> None:
    event = data.draw(of(kind))
    said = orjson.loads(orjson.dumps(event_data(event)))
    assert load_event(kind, said, at=event.at, by=event.by) == event
    assert load_event(kind, through_bson(event_data(event)), at=event.at, by=event.by) == event


KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (NoneType,),
}


def misfit(value: Any, schema: Any, place: str = "data") -> str | None:
    """Where a value is not as a JSON Schema says; of that, only what ours use."""
    unknown = schema.keys() - {
        *(
            "type",
            "enum",
            "const",
            "anyOf",
            "properties",
            "required",
            "additionalProperties",
            "items",
            "format",
        )
    }
    assert not unknown, f"teach this test {unknown}"
    if "anyOf" in schema:
        return None if any(misfit(value, each) is None for each in schema["anyOf"]) else place
    if value not in schema.get("enum", [value]) or value != schema.get("const", value):
        return place
    if "type" in schema:
        fits = isinstance(value, KINDS[schema["type"]])
        if not fits or (isinstance(value, bool) and schema["type"] != "boolean"):
            return place
    if isinstance(value, list):
        return next((bad for each in value if (bad := misfit(each, schema.get("items", {}), place))), None)
    if isinstance(value, dict):
        if missing := set(schema.get("required", ())) - value.keys():
            return f"{place} lacks {missing}"
        others = schema.get("additionalProperties", True)
        for name, each in value.items():
            inner = schema.get("properties", {}).get(name, others)
            bad = place if inner is False else misfit(each, {} if inner is True else inner, f"{place}.{name}")
            if bad:
                return bad
    return None


@pytest.mark.parametrize("kind", own_types().values(), ids=lambda kind: kind.__name__)
@careful
@given(data=st.data())
def test_an_events_data_is_as_its_schema_says(kind: type[Event], data: st.DataObject) -> None:
    event = data.draw(of(kind))
    assert misfit(orjson.loads(orjson.dumps(event_data(event))), data_schema(kind)) is None


@pytest.mark.parametrize("kind", own_types().values(), ids=lambda kind: kind.__name__)
def test_a_schema_needs_no_other_and_tells_nothing_of_the_envelope(kind: type[Event]) -> None:
    assert b'"$' not in orjson.dumps(data_schema(kind))
    assert {"at", "by"}.isdisjoint(data_schema(kind)["properties"])  # type: ignore[arg-type]  # names


@careful
@given(envelope=of(Envelope))
def test_an_envelope_comes_back_from_the_log_as_it_was(envelope: Envelope) -> None:
    revision = abs(envelope.revision) % 10**9
    envelope = Envelope(
        **{field.name: getattr(envelope, field.name) for field in fields(Envelope)}
        | {"revision": revision, "n": abs(envelope.n) % 10**6}
    )
    [entry] = entry_documents([envelope])
    assert entry_envelope(through_bson(entry)) == envelope


def test_event_types_are_told_apart_by_their_names() -> None:
    names = [each.type for each in EVENTS]
    assert len(names) == len(set(names))
    assert all(name.count(":") == 1 for name in names)


def test_what_a_later_version_wrote_is_passed_over() -> None:
    assert load(Actor, {"kind": "user", "id": "ann", "somethingNew": 1}) == Actor(
        **{"kind": "user", "id": "ann"}
    )  # type: ignore[arg-type]  # an Enum of texts


def test_what_has_no_place_in_a_document_is_no_silent_loss() -> None:
    with pytest.raises(TypeError):
        bson.encode({"x": object()}, codec_options=CODEC)

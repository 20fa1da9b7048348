"""The catalogue of event types: every class of event is in it, and what is known of others' events is checked."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import domain
from domain.catalogue import own_types
from domain.external import OWN_AREAS, TYPE
from domain.isp.event_types import EVENT_TYPES, FieldType, data_problems
from domain.isp.templates import ISP_TEMPLATES
from domain.isp.triggers import ISP_TRIGGERS

KNOWN = sorted(EVENT_TYPES)
WRONG: dict[FieldType, list[Any]] = {
    FieldType.TEXT: [1, True, ["x"], {}],
    FieldType.NUMBER: ["85", True, [], {}],
    FieldType.LIST: ["fiber", 1, {"a": 1}],
}


def test_every_class_of_event_is_in_the_catalogue() -> None:
    sources = [path.read_text() for path in Path(*domain.__path__).rglob("*.py")]
    written = {name for text in sources for name in re.findall(r"^class (\w+)\(Event\):", text, re.MULTILINE)}
    assert {kind.__name__ for kind in own_types().values()} == written
    assert len(own_types()) == len(written)


def test_every_class_of_event_says_what_it_means() -> None:
    """`dataclass` writes a docstring of its own where there is none."""
    assert [
        kind.__name__
        for kind in own_types().values()
        if not kind.__doc__ or kind.__doc__.startswith(f"{kind.__name__}(")
    ] == []


def test_own_events_lie_in_areas_that_nobody_else_may_use() -> None:
    assert {type.partition(":")[0] for type in own_types()} <= OWN_AREAS
    assert {type.partition(":")[0] for type in EVENT_TYPES}.isdisjoint(OWN_AREAS)


def test_what_built_in_triggers_wait_for_is_known() -> None:
    awaited = {rule.event for rule in ISP_TRIGGERS.values()}
    awaited |= {trigger.event for template in ISP_TEMPLATES for trigger in template.triggers}
    assert {type for type in awaited if type is not None} <= EVENT_TYPES.keys()


@pytest.mark.parametrize("type", KNOWN)
def test_an_example_is_as_its_type_promises(type: str) -> None:
    known = EVENT_TYPES[type]
    assert TYPE.fullmatch(type)
    assert data_problems(type, known.example) == []
    assert set(known.schema["properties"]) == set(known.example)  # type: ignore[arg-type]  # an object's names
    assert known.description


@pytest.mark.parametrize("type", KNOWN)
def test_what_is_missing_or_null_is_named_and_so_is_what_has_the_wrong_type(type: str) -> None:
    known = EVENT_TYPES[type]
    required = [("data", field.name) for field in known.fields if field.required]
    assert [each.path for each in data_problems(type, {})] == required
    nothing = {field.name: None for field in known.fields}
    assert [each.path for each in data_problems(type, {**nothing})] == required
    for field in known.fields:
        for value in WRONG[field.type]:
            found = data_problems(type, known.example | {field.name: value})
            assert [each.path for each in found] == [("data", field.name)], (field.name, value)
            assert found[0].message


def test_every_wrong_path_is_named_at_once() -> None:
    found = data_problems("crm:lead_qualified", {"services": "fiber", "leadId": 7})
    assert {each.path for each in found} == {("data", "score"), ("data", "services"), ("data", "leadId")}


@given(st.dictionaries(st.text(min_size=1).map("x-{}".format), st.integers() | st.text() | st.none()))
def test_unknown_fields_are_nobodys_business(more: dict[str, Any]) -> None:
    assert data_problems("crm:lead_qualified", {"score": 85} | more) == []


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.none()))
def test_unknown_types_are_nobodys_business(data: dict[str, Any]) -> None:
    assert data_problems("weather:storm_coming", data) == []

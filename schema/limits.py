"""How much each field of an input holds, whatever the input: whoever sends more learns of every field that does.

A text that is not named here is a name of at most 200 characters. A journey's context is measured as it would be
after the change (`domain/walk.py`).
"""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Final

import orjson
from pydantic.alias_generators import to_camel

from domain.errors import InvalidInput, Problem, TooLarge
from domain.journey import MAX_CONTEXT_BYTES
from domain.touchpoint import MAX_METADATA_BYTES

MAX_NAME: Final = 200
TEXTS: Final = {
    "reason": 2_000,
    "comment": 2_000,
    "resolution": 2_000,
    "description": 10_000,
    "title": 500,
    "field": 500,
    "value": 10_000,
    "address": 500,
    "path": 500,
}
OBJECTS: Final = {
    "context": MAX_CONTEXT_BYTES,
    "changes": MAX_CONTEXT_BYTES,
    "data": MAX_CONTEXT_BYTES,
    "default_context": MAX_CONTEXT_BYTES,
    "metadata": MAX_METADATA_BYTES,
    "params": 16 * 1024,
    "ui": 16 * 1024,
    "context_mapping": 16 * 1024,
    "output_mapping": 16 * 1024,
    "mapping": 16 * 1024,
    "step_map": 64 * 1024,
}
VALUES: Final = {"output": 64 * 1024}  # any JSON
JSONS: Final = OBJECTS | VALUES
MAPS: Final = ("context_mapping", "output_mapping", "mapping", "step_map")  # objects of texts


def require(input: object) -> None:
    """Raises InvalidInput for texts that are too long and JSON that is no object, TooLarge for objects that are."""
    if found := [*_problems(input, ())]:
        raise InvalidInput(found[0].message, problems=found)
    if found := [*_too_large(input, ())]:
        raise TooLarge(found[0].message, problems=found)


def _values(input: object, path: tuple[str, ...]) -> Iterator[tuple[str, object, tuple[str, ...]]]:
    """Every field that is given, with its path; those in lists and in inputs inside this one too."""
    if not is_dataclass(input):
        return
    for field in fields(input):
        value, where = getattr(input, field.name), (*path, to_camel(field.name))
        values = enumerate(value) if isinstance(value, list) else ()
        each = [(item, (*where, str(n))) for n, item in values] or [(value, where)]
        for item, place in each if field.name not in JSONS else [(value, where)]:
            if is_dataclass(item):
                yield from _values(item, place)
            elif item is not None:
                yield field.name, item, place


def _problems(input: object, path: tuple[str, ...]) -> Iterator[Problem]:
    for name, value, place in _values(input, path):
        longest = TEXTS.get(name, MAX_NAME)
        if name in OBJECTS and not isinstance(value, dict):
            yield Problem("A JSON object is needed here.", place)
        elif name in MAPS and isinstance(value, dict):
            odd = [key for key, text in value.items() if not isinstance(text, str)]
            yield from (Problem("A text is needed here.", (*place, key)) for key in odd)
        elif name in VALUES:
            continue
        elif isinstance(value, str) and not isinstance(value, Enum) and len(value) > longest:
            yield Problem(f"It has at most {longest:,} characters.", place)
        elif name == "idempotency_key" and value == "":
            yield Problem("A key is not empty.", place)


def _too_large(input: object, path: tuple[str, ...]) -> Iterator[Problem]:
    for name, value, place in _values(input, path):
        if name in JSONS and len(orjson.dumps(value)) > JSONS[name]:
            yield Problem(f"It has at most {JSONS[name]:,} bytes of JSON.", place)

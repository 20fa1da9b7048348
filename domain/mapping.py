"""A mapping says how an event log reads as journeys: where case, activity and time stand, and what is a step.

One that a person wrote is taken whole, or refused with every problem in it. What it may leave out is proposed
from the log (`domain/proposal.py`).
"""

import json
import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from typing import Annotated
from zoneinfo import ZoneInfo

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from domain.errors import InvalidInput, Problem
from domain.template import Category, Stage

EPOCHS = {"epoch_seconds": 1.0, "epoch_millis": 1000.0}  # how many of the unit are one second
LONGEST_MAPPING = 1024 * 1024  # characters

_SAMPLE = datetime(2012, 11, 25, 14, 50, 17, tzinfo=UTC)
_SAID = {
    "missing": "is required",
    "extra_forbidden": "is no field of a mapping",
    "model_type": "has to be a set of named fields",
    "dict_type": "has to be a set of names and values",
    "tuple_type": "has to be a list",
    "string_type": "has to be a text; put it in quotation marks",
    "string_too_short": "must not be empty",
    "int_type": "has to be a whole number",
    "int_parsing": "has to be a whole number",
}


def _time_zone(name: str) -> str:
    try:
        _zone(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{name!r} is no time zone; one is written like Europe/Rome") from None
    return name


def _time_format(form: str) -> str:
    if form in EPOCHS:
        return form
    try:
        whole = datetime.strptime(_SAMPLE.strftime(form), form).replace(tzinfo=UTC).date() == _SAMPLE.date()
    except (ValueError, re.error):  # a directive given twice is a pattern that does not compile
        whole = False
    if not whole:
        known = " or ".join(EPOCHS)
        raise ValueError(f"{form!r} does not give a whole date; write it like %d/%m/%Y %H:%M:%S, or {known}")
    return form


def _zone(name: str) -> tzinfo:
    return UTC if name == "UTC" else ZoneInfo(name)


def _key(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,63}", text):
        raise ValueError(f"{text!r} is no context key: a letter, then letters, digits and _")
    return text


def _slug(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9_]{1,64}", text):
        raise ValueError(f"{text!r} is no id: lower-case letters, digits and _, at most 64")
    return text


Text = Annotated[str, StringConstraints(min_length=1)]
Slug = Annotated[str, AfterValidator(_slug)]
Key = Annotated[str, AfterValidator(_key)]
TimeFormat = Annotated[str, AfterValidator(_time_format)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class MappedStep(_Said):
    """The step that an activity of the log is. `order` is the template's; a log may jump and go back."""

    activity: Text
    id: Slug
    name: Text
    stage: Stage = Stage.SUPPORT
    order: int


class Mapping(_Said):
    """Names are those of columns, in XES of attributes, where `case` is the trace's. The defaults are XES's.

    `model_fields_set` tells what was said, so that a proposal changes nothing of it.
    """

    case: Text = "concept:name"
    activity: Text = "concept:name"
    time: Text = "time:timestamp"
    actor: Text | None = "org:resource"
    customer: Text | None = None  # whose journey it is; the last value of a case counts
    lead: Text | None = None
    time_format: TimeFormat | None = None  # None: ISO 8601
    time_zone: TimeZone = "UTC"  # of times that do not tell theirs
    lifecycle: tuple[Text, ...] = ("complete",)  # the `lifecycle:transition`s that make an event a step
    context: dict[Text, Key] = Field(default_factory=dict)  # the key in the context by column
    template_id: Slug = "imported_history"
    template_name: Text = "Imported history"
    category: Category = Category.SUPPORT
    steps: tuple[MappedStep, ...] = ()
    closing: tuple[Text, ...] = ()  # the activities that end a case; other cases stay active

    @property
    def zone(self) -> tzinfo:
        return _zone(self.time_zone)

    @property
    def complete(self) -> bool:
        """Whether journeys can be made by it; otherwise a proposal has to add the steps."""
        return bool(self.steps)

    def step(self, activity: str) -> MappedStep | None:
        return next((step for step in self.steps if step.activity == activity), None)


def parse_mapping(text: str) -> Mapping:
    """A mapping as a person writes it, in YAML or JSON. A step needs no more than its activity.

    Raises InvalidInput with a problem for each thing to mend, its path given.
    """
    said = _load(text)
    steps = said.get("steps")
    if isinstance(steps, list):
        said = {**said, "steps": [_filled(step, n) for n, step in enumerate(steps, 1)]}
    problems = list(_conflicts(said))
    try:
        mapping = Mapping.model_validate(said)
    except ValidationError as error:
        problems = [*map(_problem, error.errors(include_url=False, include_input=False)), *problems]
    if problems:
        raise InvalidInput(_headline(problems), problems=problems)
    return mapping


def _load(text: str) -> dict[str, object]:
    if len(text) > LONGEST_MAPPING:
        raise InvalidInput("The mapping is longer than 1 MiB.")
    try:
        said: object = json.loads(text)
    except (ValueError, RecursionError):
        try:
            said = yaml.safe_load(text)
        except yaml.MarkedYAMLError as error:
            line = f" at line {error.problem_mark.line + 1}" if error.problem_mark else ""
            raise InvalidInput(f"The mapping is neither YAML nor JSON{line}: {error.problem}.") from None
        except (yaml.YAMLError, RecursionError, ValueError):
            raise InvalidInput("The mapping is neither YAML nor JSON.") from None
    if not isinstance(said, dict):
        raise InvalidInput("The mapping has to be a set of named fields, such as `case: ticket_id`.")
    return {str(name): value for name, value in said.items()}


def _filled(step: object, order: int) -> object:
    """A step with what follows from its activity and its place in the list."""
    if not isinstance(step, dict) or not isinstance(activity := step.get("activity"), str):
        return step
    return {"id": slug(activity) or f"step_{order}", "name": activity, "order": order, **step}


def _conflicts(said: dict[str, object]) -> Iterator[Problem]:
    """What no single field shows: the same thing said twice, and ends that no step has."""
    steps = said.get("steps")
    listed = [step if isinstance(step, dict) else {} for step in steps] if isinstance(steps, list) else []
    for name in ("activity", "id", "order"):
        seen: set[object] = set()
        for n, step in enumerate(listed):
            value = step.get(name)
            if not isinstance(value, str | int):
                continue
            if value in seen:
                yield Problem(f"{value!r} is another step's {name} already", ("steps", str(n), name))
            seen.add(value)
    activities = {step.get("activity") for step in listed if isinstance(step.get("activity"), str)}
    closing = said.get("closing")
    if listed and "closing" not in said:
        yield Problem("is required with steps: the activities that end a case, or none: []", ("closing",))
    for n, activity in enumerate(closing if isinstance(closing, list) else ()):
        if listed and isinstance(activity, str) and activity not in activities:
            yield Problem(f"no step has the activity {activity!r}", ("closing", str(n)))
    context = said.get("context")
    taken: set[str] = set()
    for column, key in context.items() if isinstance(context, dict) else ():
        if isinstance(key, str) and key in taken:
            yield Problem(f"{key!r} is another column's key already", ("context", str(column)))
        taken.add(str(key))


def _problem(error: ErrorDetails) -> Problem:
    """What pydantic found, in words for whoever wrote the mapping."""
    said = _SAID.get(error["type"]) or error["msg"].removeprefix("Value error, ")
    if error["type"] == "enum":
        said = f"has to be one of {error['ctx']['expected']}"
    return Problem(said, tuple(str(part) for part in error["loc"] if part != "[key]"))


def _headline(problems: list[Problem]) -> str:
    first = f"{'.'.join(problems[0].path)} {problems[0].message}"
    more = f" And {len(problems) - 1} more." if len(problems) > 1 else ""
    return f"The mapping cannot be used: {first}.{more}"


def words(text: str) -> list[str]:
    """The words of a name in plain lower-case letters and digits: `Città ID` is citta, id."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.findall(r"[a-z0-9]+", re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", plain).lower())


def slug(text: str) -> str:
    """An id made from a name; empty if the name has no letter or digit that could stand in one."""
    return "_".join(words(text))[:64]

"""Writing templates: check a definition, make a version of it, switch versions on and off.

A check finds every error with its path, not the first only.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, assert_never

from domain.authoring_work import ID, data_path, work_problems
from domain.condition import Condition, Operator
from domain.errors import IllegalTransition, InvalidInput, Problem
from domain.external import ODD_TYPE, TYPE
from domain.identity import Actor
from domain.schedule import problems_with
from domain.template import Definition, Step, Template, Trigger, TriggerType
from domain.template_events import (
    TemplateActivated,
    TemplateCreated,
    TemplateDeactivated,
    TemplateEvent,
)

MAX_STEPS: Final = 200
LONGEST: Final = timedelta(days=3653)  # ten years: what lies further ahead is a slip of the pen


def create(definition: Definition, version: int, *, tenant_id: str, at: datetime) -> list[TemplateEvent]:
    """A new version, active at once. Raises InvalidInput with every error."""
    found = problems(definition)
    if found:
        raise InvalidInput("The template is not valid.", problems=found)
    ordered = replace(definition, steps=tuple(sorted(definition.steps, key=lambda step: step.order)))
    return [TemplateCreated(at=at, tenant_id=tenant_id, version=version, definition=ordered)]


def activate(template: Template, *, at: datetime) -> list[TemplateEvent]:
    """Let journeys start from this version. The highest active version is taken where none is named."""
    if template.active:
        raise IllegalTransition("This version is active already.", "version")
    return [TemplateActivated(at=at)]


def deactivate(template: Template, *, at: datetime) -> list[TemplateEvent]:
    """Let no journey start from this version any more. Those in flight go on."""
    if not template.active:
        raise IllegalTransition("This version is inactive already.", "version")
    return [TemplateDeactivated(at=at)]


def begin(id: str, event: TemplateCreated, by: Actor) -> Template:
    return Template(
        id=id,
        tenant_id=event.tenant_id,
        version=event.version,
        definition=event.definition,
        created_at=event.at,
        created_by=event.by or by,
    )


def evolve(template: Template, event: TemplateEvent) -> Template:
    match event:
        case TemplateCreated():
            raise AssertionError("a version is created once: see begin")
        case TemplateActivated():
            return replace(template, active=True)
        case TemplateDeactivated():
            return replace(template, active=False)
        case _:
            assert_never(event)


def problems(definition: Definition) -> list[Problem]:
    """Every error of a definition, with its path (`steps.2.entryConditions.0.value`)."""
    return list(_problems(definition))


def _problems(definition: Definition) -> Iterator[Problem]:
    if not ID.fullmatch(definition.template_id):
        yield Problem("An id is 1 to 64 lower-case letters, digits, _ and -.", ("id",))
    yield from _name(definition.name, "name")
    if not definition.steps:
        yield Problem("A template needs at least one step.", ("steps",))
    if len(definition.steps) > MAX_STEPS:
        yield Problem(f"A template has at most {MAX_STEPS} steps.", ("steps",))
    yield from _twice((step.id for step in definition.steps), "steps", "id")
    yield from _twice((str(step.order) for step in definition.steps), "steps", "order")
    orders = {step.id: step.order for step in definition.steps}
    for n, step in enumerate(definition.steps):
        yield from _step(step, orders, ("steps", str(n)))
        yield from work_problems(step, definition, ("steps", str(n)))
    yield from _twice((trigger.id for trigger in definition.triggers), "triggers", "id")
    for n, trigger in enumerate(definition.triggers):
        yield from _trigger(trigger, ("triggers", str(n)))
    key = definition.settings.entry_key
    if key is not None:
        yield from data_path(key, "settings", "entryKey")
    yield from _promise(definition.settings.sla, "settings", "sla")


def _name(name: str, *path: str) -> Iterator[Problem]:
    if not 1 <= len(name.strip()) <= 200:  # noqa: PLR2004
        yield Problem("A name is 1 to 200 characters.", path)


def _promise(promise: timedelta | None, *path: str) -> Iterator[Problem]:
    if promise is not None and not timedelta() < promise <= LONGEST:
        yield Problem("A promise is longer than nothing and at most ten years.", path)


def _twice(values: Iterable[str], *where: str) -> Iterator[Problem]:
    seen: Counter[str] = Counter()
    for n, value in enumerate(values):
        seen[value] += 1
        if seen[value] == 2:  # noqa: PLR2004
            yield Problem(f"{value!r} is there more than once.", (where[0], str(n), *where[1:]))


def _step(step: Step, orders: dict[str, int], path: tuple[str, ...]) -> Iterator[Problem]:
    if not ID.fullmatch(step.id):
        yield Problem("An id is 1 to 64 lower-case letters, digits, _ and -.", (*path, "id"))
    yield from _name(step.name, *path, "name")
    if not 0 <= step.estimated_minutes <= LONGEST / timedelta(minutes=1):
        yield Problem("A duration is not negative and at most ten years.", (*path, "estimatedMinutes"))
    if step.max_duration is not None and not timedelta() < step.max_duration <= LONGEST:
        yield Problem("A time limit is longer than nothing and at most ten years.", (*path, "maxDuration"))
    for n, needed in enumerate(step.dependencies):
        where = (*path, "dependencies", str(n))
        if needed not in orders:
            yield Problem(f"There is no step {needed!r}.", where)
        elif orders[needed] >= step.order:
            yield Problem(f"{needed!r} does not come before this step.", where)
    for name, paths in (("requiredData", step.required_data), ("outputData", step.output_data)):
        for n, data in enumerate(paths):
            yield from data_path(data, *path, name, str(n))
    yield from _conditions(step.entry_conditions, (*path, "entryConditions"))
    yield from _conditions(step.exit_conditions, (*path, "exitConditions"))
    yield from _promise(step.sla, *path, "sla")


def _conditions(conditions: tuple[Condition, ...], path: tuple[str, ...]) -> Iterator[Problem]:
    for n, condition in enumerate(conditions):
        where = (*path, str(n))
        yield from data_path(condition.field, *where, "field")
        if condition.operator in (Operator.IN, Operator.NOT_IN) and not isinstance(condition.value, list):
            yield Problem(f"{condition.operator.value} needs a list of values.", (*where, "value"))
        elif condition.operator in (Operator.GREATER_THAN, Operator.LESS_THAN) and condition.value is None:
            yield Problem(f"{condition.operator.value} needs a value.", (*where, "value"))


def _trigger(trigger: Trigger, path: tuple[str, ...]) -> Iterator[Problem]:
    if not ID.fullmatch(trigger.id):
        yield Problem("An id is 1 to 64 lower-case letters, digits, _ and -.", (*path, "id"))
    yield from _name(trigger.name, *path, "name")
    match trigger.type:
        case TriggerType.EVENT:
            if not TYPE.fullmatch(trigger.event or ""):
                yield Problem(f"An event trigger names an event type. {ODD_TYPE}", (*path, "event"))
        case TriggerType.SCHEDULED:
            zone = "UTC" if trigger.time_zone is None else trigger.time_zone
            for odd in problems_with(trigger.schedule or "", zone):
                yield replace(odd, path=(*path, *odd.path))
        case TriggerType.CONDITIONAL:
            if not trigger.conditions:
                yield Problem("A conditional trigger has at least one condition.", (*path, "conditions"))
        case TriggerType.MANUAL | TriggerType.AUTOMATED:
            pass
    yield from _conditions(trigger.conditions, (*path, "conditions"))
    for name, data in trigger.context_mapping.items():
        yield from data_path(data, *path, "contextMapping", name)

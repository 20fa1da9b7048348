"""The types of event that this service makes itself: every class of them there is, by its type."""

from collections.abc import Iterator
from typing import Final

from domain import (
    calendar,
    campaign_cost,
    customer,
    export,
    firing,
    handoff_events,
    incident,
    journey_events,
    package,
    record_events,
    retention,
    source,
    template_events,
    trigger,
    webhook_events,
    work_events,
)
from domain.events import Event

MODULES: Final = (
    calendar,
    campaign_cost,
    customer,
    export,
    firing,
    handoff_events,
    incident,
    journey_events,
    package,
    record_events,
    retention,
    source,
    template_events,
    trigger,
    webhook_events,
    work_events,
)


def own_types() -> dict[str, type[Event]]:
    """The classes by type, in the types' order."""
    names = {module.__name__ for module in MODULES}
    found = {kind.type: kind for kind in _below(Event) if kind.__module__ in names}
    return dict(sorted(found.items()))


def _below(kind: type[Event]) -> Iterator[type[Event]]:
    for each in kind.__subclasses__():
        if "__slots__" in vars(each):  # without, it is what `dataclass` made the class with slots of
            yield each
        yield from _below(each)

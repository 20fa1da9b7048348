"""The facts of a template: each version is created, and may be switched off and on."""

from dataclasses import dataclass
from typing import ClassVar

from domain.events import Event
from domain.template import Definition


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateCreated(Event):
    """A template has a new version."""

    type: ClassVar[str] = "template:created"
    tenant_id: str
    version: int
    definition: Definition


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateActivated(Event):
    """Journeys may start from the template again."""

    type: ClassVar[str] = "template:activated"


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateDeactivated(Event):
    """No journey starts from the template any more."""

    type: ClassVar[str] = "template:deactivated"


TemplateEvent = TemplateCreated | TemplateActivated | TemplateDeactivated

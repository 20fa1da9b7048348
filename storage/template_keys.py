"""What the versions of templates are found by: each is one document."""

from typing import Final

from domain import authoring
from domain.identity import Actor
from domain.isp.templates import ISP_TEMPLATES
from domain.rule import FACTS_UPDATED
from domain.template import Template, Trigger, TriggerType
from domain.template_events import TemplateCreated, TemplateEvent
from storage.codec import Document
from storage.subject import Kind


def _begin(id: str, event: TemplateEvent, by: Actor) -> Template:
    if not isinstance(event, TemplateCreated):
        raise TypeError("a template begins with its creation")
    return authoring.begin(id, event, by)


def _keys(template: Template) -> Document:
    return {
        "templateId": template.definition.template_id,
        "listKey": f"{template.definition.template_id}|{template.version:09d}",
        "activeKey": active_key(template.tenant_id, template.definition.template_id)
        if template.active
        else None,
        "triggerKeys": [event_key(template.tenant_id, type) for type in _awaited(template)] or None,
    }


def event_key(tenant_id: str, type: str) -> str:
    """What a trigger is found by when an event comes."""
    return f"{tenant_id}|{type}"


def active_key(tenant_id: str, template_id: str) -> str:
    """What a template's active versions are found by."""
    return f"{tenant_id}|{template_id}"


def _awaited(template: Template) -> list[str]:
    """The event types that its triggers wait for, while it is active."""
    on = {_waits(each) for each in template.definition.triggers if each.active}
    return sorted(each for each in on if each) if template.active else []


def _waits(trigger: Trigger) -> str | None:
    return trigger.event or (FACTS_UPDATED if trigger.type is TriggerType.CONDITIONAL else None)


AWAITED_BY_BUILT_IN: Final = {_waits(trigger) for each in ISP_TEMPLATES for trigger in each.triggers}
TEMPLATE: Final = Kind("templates", Template, _begin, authoring.evolve, _keys)

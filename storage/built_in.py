"""Triggers that came with the service, or with the newest active versions of templates, as these have them: whether a
document says otherwise is not looked at here."""

from collections.abc import Collection, Mapping
from typing import Final

from domain.isp.triggers import ISP_TRIGGERS, SHIPPED, of_template
from domain.rule import Rule, awaited
from domain.template import Template
from domain.trigger import Trigger
from storage.subject import digest
from storage.templates import SYSTEM, Templates

_OF_SERVICE: Final[Mapping[str, Rule]] = {f"isp:{name}": rule for name, rule in ISP_TRIGGERS.items()}


def built_in_id(tenant_id: str, name: str) -> str:
    return f"trg_{digest('built-in', tenant_id, name)}"


def of_version(template: Template) -> list[Trigger]:
    """A template's own triggers that are switched on."""
    tenant_id, definition = template.tenant_id, template.definition
    return [
        _built_in(
            tenant_id,
            f"template:{definition.template_id}:{each.id}",
            of_template(definition.template_id, each),
            definition.template_id,
        )
        for each in definition.triggers
        if each.active
    ]


class BuiltIn:
    def __init__(self, templates: Templates) -> None:
        self._templates = templates

    async def all(self, tenant_id: str) -> dict[str, Trigger]:
        """Every one, by its id."""
        of_templates = await self._templates.with_triggers(tenant_id)
        found = _of_service(tenant_id) + [each for version in of_templates for each in of_version(version)]
        return {each.id: each for each in found}

    async def waiting_for(self, pairs: Collection[tuple[str, str]]) -> dict[str, Trigger]:
        """Those that wait for these (tenant, event type) pairs, by their ids."""
        waiting = await self._templates.waiting_for(pairs)
        found = [each for tenant_id in {tenant for tenant, _ in pairs} for each in _of_service(tenant_id)]
        for version in await self._templates.newest_active(waiting):
            found += of_version(version)
        return {each.id: each for each in found if (each.tenant_id, awaited(each.rule)) in pairs}


def _of_service(tenant_id: str) -> list[Trigger]:
    return [_built_in(tenant_id, name, rule) for name, rule in _OF_SERVICE.items()]


def _built_in(tenant_id: str, name: str, rule: Rule, follows: str | None = None) -> Trigger:
    return Trigger(
        id=built_in_id(tenant_id, name),
        tenant_id=tenant_id,
        rule=rule,
        follows=follows,
        created_at=SHIPPED,
        created_by=SYSTEM,
        updated_at=SHIPPED,
    )

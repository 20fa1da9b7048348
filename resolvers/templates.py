"""Queries and mutations on templates."""

from collections.abc import Awaitable
from typing import Annotated

import strawberry

from domain import authoring
from domain.errors import DomainError, InvalidInput, NotFound
from domain.template import Template as State
from schema import limits
from schema.arguments import Given, TemplateId
from schema.errors import user_errors
from schema.info import Info
from schema.paging import After, Before, Connection, First, Last, connect
from schema.permissions import CanAdminister, CanView
from schema.template import Template, TemplatePayload, TemplateValidation
from schema.template_inputs import SwitchTemplateInput, TemplateInput
from storage.subject import Changed
from storage.templates import template_key


@strawberry.type
class TemplateQueries:
    @strawberry.field(
        description="A version of a template, the newest where none is named; null where none is known.",
        permission_classes=[CanView],
    )
    async def template(
        self,
        info: Info,
        id: TemplateId,
        version: Annotated[
            int | None, strawberry.argument(description="The version; the newest where none is given.")
        ] = None,
    ) -> Template | None:
        templates, tenant = info.context.store.templates, info.context.identity.tenant_id
        try:
            if version is None:
                return Template.of(await templates.newest(tenant, id))
            return Template.of(await templates.get(template_key(tenant, id, version), tenant))
        except NotFound:
            return None

    @strawberry.field(
        description="Every version of every template, by id and version.", permission_classes=[CanView]
    )
    async def templates(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Template]:
        page = info.context.page(first, after, last, before)
        rows = await info.context.store.templates.page(info.context.identity.tenant_id, page)
        return connect(Connection[Template], rows, Template.of)

    @strawberry.field(description="A template's versions, the newest first.", permission_classes=[CanView])
    async def template_versions(
        self,
        info: Info,
        id: TemplateId,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Template]:
        page = info.context.page(first, after, last, before)
        rows = await info.context.store.templates.versions(info.context.identity.tenant_id, id, page)
        return connect(Connection[Template], rows, Template.of)

    @strawberry.field(
        description="Check a template without creating it: every error with its path.",
        permission_classes=[CanView],
    )
    async def validate_template(self, input: Given[TemplateInput]) -> TemplateValidation:
        try:
            limits.require(input)
            found = authoring.problems(input.to_domain())
            errors = user_errors(InvalidInput("", problems=found)) if found else []
        except DomainError as error:
            errors = user_errors(error)
        return TemplateValidation(valid=not errors, errors=errors)


async def _payload(work: Awaitable[Changed[State]]) -> TemplatePayload:
    try:
        changed = await work
    except DomainError as error:
        return TemplatePayload(template=None, settled=True, user_errors=user_errors(error))
    return TemplatePayload(template=Template.of(changed.state), settled=changed.settled, user_errors=[])


@strawberry.type
class TemplateMutations:
    @strawberry.mutation(
        description="Create a template: its version 1, active.", permission_classes=[CanAdminister]
    )
    async def create_template(self, info: Info, input: Given[TemplateInput]) -> TemplatePayload:
        return await _payload(_create(info, input))

    @strawberry.mutation(
        description="Make a new version of a template, active. Journeys in flight stay on theirs.",
        permission_classes=[CanAdminister],
    )
    async def create_template_version(self, info: Info, input: Given[TemplateInput]) -> TemplatePayload:
        return await _payload(_create_version(info, input))

    @strawberry.mutation(
        description="Let journeys start from a version. The newest active one is taken where none is named.",
        permission_classes=[CanAdminister],
    )
    async def activate_template(self, info: Info, input: Given[SwitchTemplateInput]) -> TemplatePayload:
        return await _payload(_switch(info, "activateTemplate", input, active=True))

    @strawberry.mutation(
        description="Let no journey start from a version any more. Those in flight go on.",
        permission_classes=[CanAdminister],
    )
    async def deactivate_template(self, info: Info, input: Given[SwitchTemplateInput]) -> TemplatePayload:
        return await _payload(_switch(info, "deactivateTemplate", input, active=False))


async def _create(info: Info, input: TemplateInput) -> Changed[State]:
    limits.require(input)
    context = info.context
    cause = context.cause("createTemplate", input, input.idempotency_key)
    return await context.store.templates.create(context.identity.tenant_id, input.to_domain(), cause)


async def _create_version(info: Info, input: TemplateInput) -> Changed[State]:
    limits.require(input)
    context = info.context
    cause = context.cause("createTemplateVersion", input, input.idempotency_key)
    return await context.store.templates.create_version(context.identity.tenant_id, input.to_domain(), cause)


async def _switch(info: Info, mutation: str, input: SwitchTemplateInput, *, active: bool) -> Changed[State]:
    limits.require(input)
    context = info.context
    cause = context.cause(mutation, input, input.idempotency_key)
    tenant = context.identity.tenant_id
    return await context.store.templates.switch(tenant, input.id, input.version, active=active, cause=cause)

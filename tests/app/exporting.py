"""Exports inside a process: one that is asked for, and what is told of it."""

from app.wiring import new_id
from domain.export import Export, ExportRequested, Format, Progress, What
from domain.values import JsonObject
from resolvers.context import Context
from storage.subject import Cause
from tests.e2e.exporting import ANN, AT


async def exported(context: Context, what: What, given: JsonObject | None = None) -> Export:
    whole: JsonObject = {"what": what.name, "format": "JSONL"} | (given or {})
    tenant = context.identity.tenant_id
    event = ExportRequested(at=AT, tenant_id=tenant, what=what, format=Format.JSONL, asked=whole)
    return (await context.store.exports.request(event, Cause(ANN, new_id(), new_id()))).state


async def again(context: Context, export: Export) -> Export:
    return await context.store.exports.get(export.id, export.tenant_id)


async def told(context: Context, export: Export) -> Progress:
    """What is told of a download."""
    progress = (await again(context, export)).progress
    assert progress is not None
    return progress


async def noted(context: Context, export: Export, rows: int) -> Progress:
    """The progress once it tells of so many rows."""
    while True:
        found = (await again(context, export)).progress
        if found is not None and found.rows >= rows:
            return found

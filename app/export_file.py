"""`journeys export`: an export is requested as by the API, and written to a file as it is read."""

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final

import orjson

from app.export import Download
from app.graphql import build
from app.settings import Settings
from app.wiring import new_id, running
from domain.errors import InvalidInput
from domain.export import Format, What
from domain.identity import Identity, Role

REQUEST: Final = """mutation($input: RequestExportInput!) {
  requestExport(input: $input) { export { id } userErrors { message path } }
}"""
WHO: Final = "journeys export"


async def write(
    configured: Settings, tenant: str, what: What, format: Format, ask: str, out: Path | None
) -> int:
    """How many rows are written; to standard output without a file. Raises InvalidInput, in one line, before there is
    any."""
    given = {**_object(ask), "what": what.name, "format": format.name}
    schema = build()
    async with running(configured, serve=False) as runtime:
        context = runtime.context(new_id())
        context.known = Identity(tenant, WHO, frozenset((Role.SERVICE,)))
        answer: Any = await schema.execute(REQUEST, {"input": given}, context)
        if answer.errors:
            raise InvalidInput(answer.errors[0].message)
        payload = answer.data["requestExport"]
        for error in payload["userErrors"]:
            raise InvalidInput(f"{'.'.join(error['path'])}: {error['message']}".removeprefix(": "))
        export = await context.store.exports.get(payload["export"]["id"], tenant)
        download = await Download.of(schema, context, export)
        with nullcontext(sys.stdout.buffer) if out is None else out.open("wb") as file:
            async for piece in download.read():
                file.write(piece)
    return download.rows


def _object(text: str) -> dict[str, Any]:
    """Raises InvalidInput for what is no JSON object."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise InvalidInput("--ask is a JSON object.")
    return found

"""`journeys export`: an export is requested as by the API, and written to a file as it is read."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson

from app.auth import _is_tenant  # whom a token may name, the command line may
from app.export_download import downloading
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
    if not _is_tenant(tenant):
        raise InvalidInput("A tenant is 1 to 64 letters, digits, `_`, `.` or `-`.")
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
        async with downloading(schema, context, export) as download:
            with _target(out) as file:
                async for piece in download.read():
                    file.write(piece)
    return download.rows


@contextmanager
def _target(out: Path | None) -> Iterator[BinaryIO]:
    """What is written to. A file appears under its name when it is whole; before that it stands beside it."""
    if out is None or (
        out.exists() and not out.is_file()
    ):  # a pipe or a device has no part that stands beside it
        with nullcontext(sys.stdout.buffer) if out is None else out.open("wb") as file:
            yield file
        return
    whole = out.resolve()
    part = whole.with_name(f".{whole.name}.{new_id()}.part")
    try:
        with part.open("xb") as file:
            yield file
        os.replace(part, whole)
    finally:
        part.unlink(missing_ok=True)


def _object(text: str) -> dict[str, Any]:
    """Raises InvalidInput for what is no JSON object."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise InvalidInput("--ask is a JSON object.")
    return found

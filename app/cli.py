"""The command line: serve, work, and what an operator needs beside."""

import asyncio
import logging
import os
import socket
import sys
from collections.abc import Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Final

import typer
import uvicorn
from pydantic import SecretStr, ValidationError
from rich.console import Console

from app.asyncapi import printed
from app.auth import check_production, development_token
from app.demo import Partner, load
from app.embedded import EmbeddedError, embedded
from app.example_partner import example_partner
from app.graphql import build
from app.own_key import own_key
from app.settings import Mode, Settings
from app.wiring import running, utc_now
from domain.errors import DomainError, InvalidInput
from domain.export import Format, What
from domain.identity import Role
from storage.indexes import create_indexes
from storage.mongo import connected

app = typer.Typer(
    help="Run customer journeys for internet service providers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
out, err = Console(), Console(stderr=True, highlight=False)

LOOPBACK: Final = (ip_network("127.0.0.0/8"), ip_network("::1/128"))

Embedded = Annotated[
    bool,
    typer.Option(
        "--embedded", help="Start a database and a Redis of its own, for trying out and developing."
    ),
]


class Refused(Exception):
    """What cannot be done, in one line."""


def main() -> None:
    """Every error is one line, and an exit code that is not zero."""
    try:
        sys.exit(app(standalone_mode=False))
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(130)
    except typer.TyperException as error:
        fail(getattr(error, "format_message", error.__str__)())
    except (Refused, DomainError, EmbeddedError, OSError) as error:
        fail(str(error))


def fail(message: str) -> None:
    err.print(f"journeys: {message}", soft_wrap=True, markup=False)
    sys.exit(1)


def settings(**changes: Any) -> Settings:
    """The environment's settings, with what the command line says instead."""
    try:
        return Settings().model_copy(
            update={key: value for key, value in changes.items() if value is not None}
        )
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise Refused(f"The setting {name} is not valid: {first['msg']}.") from None


@contextmanager
def servers(configured: Settings, *, start: bool) -> Iterator[Settings]:
    """The settings with addresses of MongoDB and Redis: given ones, or those of servers of our own."""
    if not start:
        missing = [name for name in ("mongodb_uri", "redis_url") if getattr(configured, name) is None]
        if missing:
            names = " and ".join(name.upper() for name in missing)
            raise Refused(f"Set {names}, or use --embedded.")
        yield configured
        return
    with embedded(configured.data_dir) as own:
        known = {"mongodb_uri": own.mongodb_uri, "redis_url": own.redis_url}
        key = configured.secrets_key or SecretStr(own_key(configured.data_dir))
        yield configured.model_copy(update=known | {"secrets_key": key})


def demonstrating(configured: Settings) -> Settings:
    """The settings for a demonstration: in development mode, partners to try out run on the same machine."""
    if configured.mode is not Mode.DEVELOPMENT:
        return configured
    networks = dict.fromkeys([*configured.target_networks, *LOOPBACK])
    return configured.model_copy(update={"target_networks": list(networks)})


def check(configured: Settings) -> None:
    """In production mode, refuse to start before anything is bound or reached."""
    reasons = check_production(configured)
    if reasons:
        raise Refused(" ".join(reasons))


def listen(host: str, port: int) -> socket.socket:
    """The socket to serve on, bound before anything else is started."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        bound.listen(socket.SOMAXCONN)
    except OSError as error:
        bound.close()
        raise Refused(f"Port {port} on {host} cannot be used: {error.strerror}.") from None
    return bound


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="The port to listen on; 0 takes a free one.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="How many server processes.")] = 1,
    own: Embedded = False,
    demo: Annotated[bool, typer.Option("--demo", help="Load a small demonstration tenant.")] = False,
    work: Annotated[
        bool, typer.Option("--work", help="Do the background work here too; always with --embedded.")
    ] = False,
) -> None:
    """Serve GraphQL."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    configured = settings(host=host, port=port, work=work or own or None)
    configured = demonstrating(configured) if demo else configured
    check(configured)
    if own and workers > 1:
        raise Refused("The embedded database serves one process; use --workers with MONGODB_URI.")
    bound = listen(configured.host, configured.port)
    with bound, servers(configured, start=own) as ready, ExitStack() as demonstration:
        if demo:
            callback = f"http://{ready.host}:{bound.getsockname()[1]}/graphql"
            partner = demonstration.enter_context(example_partner(ready, callback))
            asyncio.run(_load_demo(ready, partner))
        out.print(
            f"GraphQL and GraphiQL: http://{ready.host}:{bound.getsockname()[1]}/graphql", soft_wrap=True
        )
        _serve(ready, bound, workers)


def _serve(configured: Settings, bound: socket.socket, workers: int) -> None:
    os.environ.update(environment(configured))
    config = uvicorn.Config(
        "app.asgi:create",
        factory=True,
        workers=workers,
        ws="websockets-sansio",
        ws_max_size=configured.max_body_bytes,
        ws_per_message_deflate=False,
        log_level="warning",
        timeout_graceful_shutdown=5,
    )
    if workers > 1:
        from uvicorn.supervisors import Multiprocess  # noqa: PLC0415  # only where it is asked for

        Multiprocess(config, sockets=[bound]).run()
    else:
        uvicorn.Server(config).run(sockets=[bound])


def environment(configured: Settings) -> dict[str, str]:
    """What a server process needs to come to the same settings."""
    values = {"JOURNEYS_WORK": str(configured.work).lower(), "JOURNEYS_MODE": configured.mode.value}
    values |= {"JOURNEYS_HOST": configured.host, "JOURNEYS_PORT": str(configured.port)}
    values |= {"JOURNEYS_TARGET_NETWORKS": ",".join(map(str, configured.target_networks))}
    values |= {"JOURNEYS_SECRETS_KEY": ",".join(configured.secrets_keys)}
    return values | {"MONGODB_URI": configured.mongodb_uri or "", "REDIS_URL": configured.redis_url or ""}


async def _load_demo(configured: Settings, partner: Partner | None) -> None:
    async with running(configured, serve=False) as runtime:
        await load(runtime.store, runtime.vault, runtime.now, partner)


@app.command()
def work() -> None:
    """Do the background work: relay what was left behind, watch timers. Any number of these may run."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    configured = settings()
    with servers(configured, start=False) as ready:
        run(_work(ready))


async def _work(configured: Settings) -> None:
    async with running(configured, serve=False, work=True):
        out.print("Working.")
        await asyncio.Event().wait()


@app.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(help="An event log: XES, CSV or JSON Lines; gzip or not.")],
    tenant: Annotated[str, typer.Option(help="The tenant whose journeys they are.")] = "demo",
    mapping: Annotated[
        Path | None, typer.Option(help="Says how the log reads as journeys; without it, that is proposed.")
    ] = None,
    save_mapping: Annotated[
        Path | None, typer.Option(help="Write the mapping that is used to this file, to be edited.")
    ] = None,
    rejects: Annotated[
        Path | None, typer.Option(help="Where to note what is left out; FILE.rejects.jsonl by default.")
    ] = None,
    own: Embedded = False,
) -> None:
    """Import the cases of another system's event log as journeys. A second time adds nothing."""
    from app.imports import load, one_line, report, source  # noqa: PLC0415  # only where it is asked for

    try:
        read = source(file, mapping, save_mapping)
        with servers(settings(), start=own) as ready:
            summary = run(load(ready, read, tenant, rejects, err))
    except InvalidInput as error:
        raise Refused(one_line(error)) from None
    for line in report(summary):
        out.print(line, soft_wrap=True, markup=False, highlight=False)


@app.command()
def export(
    what: Annotated[What, typer.Option(help="What it has rows of.")],
    tenant: Annotated[str, typer.Option(help="The tenant whose rows they are.")],
    format: Annotated[Format, typer.Option(help="How it is written.")] = Format.CSV,
    ask: Annotated[
        str, typer.Option(help='The rest of the input of `requestExport`, as JSON: {"journeys": {...}}.')
    ] = "{}",
    out_file: Annotated[
        Path | None,
        typer.Option("--out", help="The file to write, new or anew, once it is whole; else standard output."),
    ] = None,
    own: Embedded = False,
) -> None:
    """Write rows of a list or a report. Of a failed one standard output has a part only: the exit code tells."""
    from app.export_file import write  # noqa: PLC0415  # only where it is asked for

    with servers(settings(), start=own) as ready:
        rows = run(write(ready, tenant, what, format, ask, out_file))
    err.print(f"{rows:,} rows.")


@app.command()
def sdl() -> None:
    """Print the schema."""
    sys.stdout.write(build().as_str() + "\n")


@app.command()
def asyncapi() -> None:
    """Print the AsyncAPI document: every event that is taken and sent."""
    sys.stdout.write(printed().decode())


@app.command()
def indexes() -> None:
    """Create the indexes that are not there yet."""
    with servers(settings(), start=False) as ready:
        out.print(f"{run(_indexes(ready))} indexes are there.")


async def _indexes(configured: Settings) -> int:
    async with connected(configured.mongodb_uri or "", configured.database, configured.driver.value) as mongo:
        return await create_indexes(mongo)


@app.command()
def rebuild(tenant: Annotated[str, typer.Option(help="The tenant whose reports are meant.")]) -> None:
    """Make anew from the log what the reports count of journeys; they go on counting meanwhile."""
    from app.rebuild import anew  # noqa: PLC0415  # only where it is asked for

    with servers(settings(), start=False) as ready:
        out.print(f"{run(anew(ready, tenant)):,} entries of the log were read.")


@app.command()
def token(
    tenant: Annotated[str, typer.Option(help="The tenant.")] = "demo",
    user: Annotated[str, typer.Option(help="The user.")] = "developer",
    role: Annotated[list[Role] | None, typer.Option(help="A role; may be given more than once.")] = None,
    hours: Annotated[float, typer.Option(help="How long it is valid.")] = 24.0,
) -> None:
    """Make a development token, signed with JOURNEYS_JWT_SECRET."""
    roles = [Role.ADMIN] if role is None else role
    lifetime = timedelta(hours=hours)
    made = development_token(
        settings(), tenant=tenant, user=user, roles=roles, lifetime=lifetime, now=utc_now()
    )
    sys.stdout.write(made + "\n")


@app.command()
def doctor() -> None:
    """Say what is reached, in which version, and what is misconfigured."""
    from app.doctor import examine  # noqa: PLC0415  # only where it is asked for

    findings = run(examine(settings()))
    for finding in findings:
        out.print(
            f"{'ok ' if finding.ok else 'BAD'} {finding.text}",
            style=None if finding.ok else "red",
            soft_wrap=True,
        )
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)

"""`journeys import`: propose or read a mapping, import, and say on the terminal how it goes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from app.settings import Settings
from app.wiring import running
from domain.errors import DomainError, InvalidInput
from domain.mapping import Mapping, parse_mapping
from workers.eventlog import EventLog
from workers.imports import Summary, Told, import_log

SHOWN_PROBLEMS = 3


@dataclass(frozen=True, slots=True)
class Source:
    """A file that can be read, and how."""

    log: EventLog
    mapping: Mapping


def source(file: Path, mapping: Path | None, save: Path | None) -> Source:
    """Open the file, complete its mapping, and save that where asked. Raises InvalidInput, OSError."""
    said = None if mapping is None else parse_mapping(_text(mapping))
    log = EventLog(file)
    complete = log.mapping(said)
    if save is not None:
        save.write_text(as_yaml(complete), encoding="utf-8")
    return Source(log, complete)


async def load(
    configured: Settings, source: Source, tenant: str, rejects: Path | None, err: Console
) -> Summary:
    """Import what is not there yet."""
    async with running(configured, serve=False) as runtime:
        with _bar(err, source.log.path.name) as told:
            return await import_log(
                runtime.store,
                tenant,
                source.log,
                source.mapping,
                now=runtime.now,
                rejects=rejects,
                told=told,
            )


def as_yaml(mapping: Mapping) -> str:
    """A mapping as a person may edit it."""
    said = mapping.model_dump(mode="json", by_alias=True)
    return yaml.safe_dump(said, sort_keys=False, allow_unicode=True)


def report(summary: Summary) -> list[str]:
    """What an import did, in lines."""
    added = f"{summary.journeys:,} journeys with {summary.step_events:,} step events"
    lines = [
        f"{added if summary.journeys else 'Nothing'} added to the template {summary.template_id} "
        f"in {summary.seconds:.1f} s."
    ]
    if summary.known:
        lines.append(f"{summary.known:,} journeys were there already.")
    if summary.skipped:
        lines.append(f"{summary.skipped:,} events skipped: their lifecycle transition makes them no step.")
    if summary.rejects is not None:
        lines.append(f"{summary.rejected:,} rejected; line and reason are in {summary.rejects}.")
    return lines


def one_line(error: DomainError) -> str:
    """A refusal with the first of the problems that its message does not tell."""
    untold = [each for each in error.problems if each.message not in error.message]
    shown = [
        f"{'.'.join(each.path)}: {each.message}" if each.path else each.message
        for each in untold[:SHOWN_PROBLEMS]
    ]
    more = [f"and {len(untold) - SHOWN_PROBLEMS} more"] if len(untold) > SHOWN_PROBLEMS else []
    return " ".join([error.message, "; ".join(shown + more)]).strip()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidInput("The mapping is not UTF-8 text.") from None


@contextmanager
def _bar(err: Console, name: str) -> Iterator[Told]:
    """A progress bar where somebody looks on."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as shown:
        task = shown.add_task(f"Importing {name}", total=None)

        def told(read: int, total: int, _: Summary) -> None:
            shown.update(task, completed=read, total=total)

        yield told

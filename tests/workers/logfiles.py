"""Small event logs in each format, for the tests of reading them."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from xml.sax.saxutils import quoteattr

from domain.mapping import Mapping
from workers.eventlog import EventLog, Format, LogCase, LogEvent, Reject, Scalar

TABLE = Mapping(case="case", activity="activity", time="time", actor="actor")
NOBODY = Mapping(case="case", activity="activity", time="time", actor=None)
NOON = datetime(2012, 10, 9, 12, tzinfo=UTC)

_AT = '<date key="time:timestamp" value="2012-10-09T14:00:00+02:00"/>'
_XES_TYPES = {str: "string", int: "int", float: "float", bool: "boolean"}


def log_of(content: str | bytes, folder: Path) -> EventLog:
    """A file of this content, whose name does not tell the format."""
    path = folder / "log"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return EventLog(path)


def read(log: EventLog, mapping: Mapping) -> tuple[list[LogCase], list[Reject]]:
    found = list(log.read(mapping))
    return [one for one in found if isinstance(one, LogCase)], [
        one for one in found if isinstance(one, Reject)
    ]


def activities(case: LogCase) -> list[str]:
    return [one.activity for one in case.events]


def xes(*traces: str) -> str:
    return "<log>\n" + "\n".join(f"<trace>{trace}</trace>" for trace in traces) + "\n</log>"


def name(text: str) -> str:
    return f'<string key="concept:name" value={quoteattr(text)}/>'


def event(activity: str, more: str = "", *, at: str = _AT) -> str:
    return f"<event>{name(activity)}{at}{more}</event>"


def rows(cases: list[LogCase]) -> Iterator[dict[str, Scalar]]:
    """Their events with the cases dealt out in turns, so that each is scattered."""
    for n in range(max(len(case.events) for case in cases)):
        for case in cases:
            if n < len(case.events):
                one = case.events[n]
                roles = {"case": case.id, "activity": one.activity, "time": one.at.isoformat()}
                yield {**roles, **({"actor": one.actor} if one.actor else {}), **one.attributes}


def as_csv(cases: list[LogCase]) -> str:
    out = io.StringIO(newline="")
    columns = dict.fromkeys(
        ["case", "activity", "time", "actor"] + [column for row in rows(cases) for column in row]
    )
    writer = csv.DictWriter(out, list(columns))
    writer.writeheader()
    writer.writerows(rows(cases))
    return out.getvalue()


def as_json(cases: list[LogCase]) -> str:
    return "\n".join(json.dumps(row) for row in rows(cases))


def as_xes(cases: list[LogCase]) -> str:
    def values(one: LogEvent) -> str:
        found = {**one.attributes, **({"org:resource": one.actor} if one.actor else {})}
        return (
            "".join(
                f"<{_XES_TYPES[type(value)]} key={quoteattr(key)} "
                f"value={quoteattr(str(value).lower() if isinstance(value, bool) else str(value))}/>"
                for key, value in found.items()
            )
            + f'<date key="time:timestamp" value="{one.at.isoformat()}"/>'
        )

    return xes(
        *(
            name(case.id)
            + "".join(f"<event>{name(one.activity)}{values(one)}</event>" for one in case.events)
            for case in cases
        )
    )


FORMATS: dict[Format, Callable[[list[LogCase]], str]] = {
    Format.XES: as_xes,
    Format.CSV: as_csv,
    Format.JSONL: as_json,
}

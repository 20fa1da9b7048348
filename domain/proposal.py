"""A log without a mapping gets one proposed: the usual columns, and steps in the order in which they are met.

One pass over the cases feeds a Summary, which is bounded by the number of names and never by that of events.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from domain.errors import InvalidInput
from domain.mapping import MappedStep, Mapping, slug, words
from domain.template import Stage

MAX_ACTIVITIES = 1_000
MAX_COLUMNS = 200
CLOSES_CASES = 0.05  # an activity closes if at least this share of all cases ends with it

# The first that a log has is taken. Compared without case, spaces and punctuation.
_CASE = (
    "case concept name", "case id", "case", "case no", "case number", "case key", "trace id", "trace",
    "ticket id", "ticket", "ticket number", "incident id", "request id", "order id", "process id",
    "process instance id", "instance id", "journey id",
)  # fmt: skip
_ACTIVITY = (
    "concept name", "activity", "activity name", "activity id", "event", "event name", "event type", "action",
    "task", "task name", "step", "step name", "status", "state",
)  # fmt: skip
_TIME = (
    "time timestamp", "timestamp", "complete timestamp", "end timestamp", "event time", "time", "date time",
    "date", "occurred at", "completed at", "end time", "end date", "created at", "updated at",
    "start timestamp", "start time", "start date",
)  # fmt: skip
_ACTOR = (
    "org resource", "resource", "actor", "agent", "agent id", "user", "user id", "user name", "assigned to",
    "assignee", "owner", "employee", "operator", "performed by", "handled by",
)  # fmt: skip

# A stage is proposed where a word of the activity begins like this; everything else is support.
_STAGES = (
    ("winback", Stage.WIN_BACK), ("reactivat", Stage.WIN_BACK), ("churn", Stage.CHURN),
    ("renew", Stage.RENEWAL), ("activat", Stage.ACTIVE_SERVICE), ("install", Stage.ACTIVE_SERVICE),
    ("onboard", Stage.CUSTOMER), ("qualif", Stage.QUALIFIED), ("lead", Stage.LEAD),
    ("prospect", Stage.PROSPECT),
)  # fmt: skip


@dataclass(slots=True)
class _Activity:
    cases: int = 0  # in which it occurs
    ends: int = 0  # cases that end with it
    position: float = 0.0  # sum over its cases of where it first occurs, 0 at the start, 1 at the end


@dataclass(slots=True)
class Summary:
    """What a proposal needs to know about a log; one pass feeds it case by case."""

    cases: int = 0
    activities: dict[str, _Activity] = field(default_factory=dict)
    columns: dict[str, None] = field(default_factory=dict)  # a set that keeps the order of the log

    def add(self, activities: Sequence[str], columns: Iterable[str] = ()) -> None:
        """Count one case: its activities in order, and the names of its further columns.

        Raises InvalidInput when there are more different names than any process has.
        """
        if not activities:
            return
        self.cases += 1
        first: dict[str, int] = {}
        for n, name in enumerate(activities):
            first.setdefault(name, n)
        for name, n in first.items():
            activity = self.activities.setdefault(name, _Activity())
            activity.cases += 1
            activity.position += n / max(len(activities) - 1, 1)
        self.activities[activities[-1]].ends += 1
        self.columns.update(dict.fromkeys(columns))
        if len(self.activities) > MAX_ACTIVITIES:
            raise _too_many("activities", MAX_ACTIVITIES, "Is `activity` the right column?")
        if len(self.columns) > MAX_COLUMNS:
            raise _too_many("columns", MAX_COLUMNS, "Name the ones to keep under `context`.")


def guess_columns(columns: Sequence[str], *, base: Mapping | None = None) -> Mapping:
    """Which columns of a table are case, activity, time and actor; what `base` says is kept.

    Raises InvalidInput with the columns that exist if one that is needed goes by no usual name.
    """
    base = base or Mapping()
    named = {"".join(words(column)): column for column in reversed(columns)}
    found: dict[str, str | None] = {}
    for role, names in (("case", _CASE), ("activity", _ACTIVITY), ("time", _TIME), ("actor", _ACTOR)):
        if role not in base.model_fields_set:
            fits = (named.get(name.replace(" ", "")) for name in names)
            found[role] = next((column for column in fits if column), None)
    missing = [role for role, column in found.items() if column is None and role != "actor"]
    if missing:
        raise InvalidInput(
            f"No column goes by a usual name for the {' or the '.join(missing)}. "
            f"Write a mapping file that names it. The columns are: {_listed(columns)}."
        )
    return base.model_copy(update=found)


def propose(summary: Summary, base: Mapping) -> Mapping:
    """`base` with steps, closing activities and context from the log, as far as it does not give them.

    Steps are in order of the mean relative position at which cases first meet them. An activity closes if
    most of the cases that have it end with it, and at least 5% of all cases do: so neither a step on which
    some cases happen to stand still nor a rare last one counts. Raises InvalidInput if the log has no events.
    """
    if not summary.cases:
        raise InvalidInput("The log has no case with an event that can be read.")
    found: dict[str, object] = {}
    if not base.steps:
        found["steps"] = _steps(summary)
        if "closing" not in base.model_fields_set:
            found["closing"] = tuple(
                name
                for name, activity in summary.activities.items()
                if activity.ends * 2 > activity.cases and activity.ends >= CLOSES_CASES * summary.cases
            )
    if "context" not in base.model_fields_set:
        keys: set[str] = set()
        found["context"] = {column: _unique(_camel(column), keys, "") for column in summary.columns}
    return base.model_copy(update=found)


def _steps(summary: Summary) -> tuple[MappedStep, ...]:
    ids: set[str] = set()
    ranked = sorted(summary.activities.items(), key=lambda item: item[1].position / item[1].cases)
    return tuple(
        MappedStep(
            activity=name, id=_unique(slug(name) or "step", ids, "_"), name=name, stage=_stage(name), order=n
        )
        for n, (name, _) in enumerate(ranked, 1)
    )


def _stage(activity: str) -> Stage:
    told = words(activity)
    pairs = [first + second for first, second in pairwise(told)]  # `win back` is winback too
    return next(
        (stage for start, stage in _STAGES if any(word.startswith(start) for word in told + pairs)),
        Stage.SUPPORT,
    )


def _camel(column: str) -> str:
    first, *rest = words(column) or ["field"]
    key = (first + "".join(word.capitalize() for word in rest))[:64]
    return key if key[0].isalpha() else f"_{key}"[:64]


def _unique(name: str, taken: set[str], joint: str) -> str:
    """The name, or the first of name2, name3 … that is free, which is then taken. At most 64 characters."""
    n, free = 1, name
    while free in taken:
        n += 1
        free = f"{name[:59]}{joint}{n}"
    taken.add(free)
    return free


def _too_many(what: str, limit: int, advice: str) -> InvalidInput:
    return InvalidInput(f"The log has more than {limit:,} different {what}. {advice}")


def _listed(columns: Sequence[str]) -> str:
    more = f" and {len(columns) - 30} more" if len(columns) > 30 else ""  # noqa: PLR2004 - as many as are still read
    return ", ".join(columns[:30]) + more

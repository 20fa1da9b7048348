"""Funnels to ask about histories, and the same histories as the domain's units, found by one loop after the other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from domain.analytics.funnel import Unit
from domain.analytics.funnel_question import (
    Breakdown,
    EventOccurred,
    FunnelQuestion,
    Happening,
    StageEntered,
    StepEntered,
)
from domain.analytics.funnel_walk import Moment, OrderMode
from domain.analytics.scope import Scope, UnitKind
from domain.condition import Condition, Operator, ValueType, unmet
from domain.journey_filter import JourneyFilter
from domain.template import Stage
from storage.milestones import MILESTONES
from tests.storage.analytics.histories import LIVE, Way, World, hour
from tests.storage.analytics.records import LINKED


@dataclass(frozen=True)
class Row:
    """One moment as it is told, whosever it is."""

    at: datetime
    key: str
    name: str
    journey: str | None
    owner: str | None
    data: Mapping[str, Any]


plain: st.SearchStrategy[Happening] = st.sampled_from(
    (
        StageEntered(Stage.LEAD),
        StageEntered(Stage.CUSTOMER),
        StepEntered("a", "one"),
        StepEntered("a", "two"),
    )
)
reported: st.SearchStrategy[Happening] = st.sampled_from(
    (
        EventOccurred("crm:met"),
        EventOccurred("crm:sold"),
        EventOccurred("journey:noted"),
        EventOccurred("com.example.seen"),
    )
)
judged: st.SearchStrategy[Happening] = st.builds(
    lambda least: EventOccurred(
        "crm:met", (Condition("data.score", Operator.GREATER_THAN, least, ValueType.NUMBER),)
    ),
    st.integers(0, 1),
)


def questions(steps: st.SearchStrategy[Happening]) -> st.SearchStrategy[FunnelQuestion]:
    return st.builds(
        FunnelQuestion,
        steps=st.lists(steps, min_size=1, max_size=3).map(tuple),
        window=st.none() | st.integers(1, 5).map(lambda hours: timedelta(hours=hours)),
        unit=st.sampled_from(UnitKind),
        order=st.sampled_from(OrderMode),
        exclusions=st.just(()) | st.lists(steps, max_size=1).map(tuple),
        breakdown=st.none() | st.sampled_from((Breakdown.TEMPLATE, Breakdown.PRIORITY, Breakdown.STATUS)),
    )


@st.composite
def scopes(draw: st.DrawFn) -> dict[str, Any]:
    since, length = draw(st.none() | st.integers(0, 4)), draw(st.none() | st.integers(1, 4))
    filter = st.builds(
        JourneyFilter,
        template_id=st.sampled_from((None, None, "a")),
        status=st.sampled_from((None, None, ("active", "completed"))),
    )
    return {
        "now": hour(draw(st.integers(3, 9))),
        "since": None if since is None else hour(since),
        "until": None if length is None else hour((since or 0) + length),
        "filter": draw(st.just(JourneyFilter()) | filter),
    }


def rows(world: World) -> list[Row]:
    """Every document as one row, in no order."""
    documents = world.documents()
    found = []
    for each in documents[MILESTONES]:
        found.append(Row(each["at"], each["timeKey"], each["name"], each["journeyId"], _owner(each), {}))
    for each in documents["events"]:
        own = each["type"].startswith("journey:")
        journey = each["subject"] if own else each["data"].get("journeyId")
        journey = journey if isinstance(journey, str) else None
        name = f"event:{each['type']}"
        found.append(Row(each["occurredAt"], each["timeKey"], name, journey, _owner(each), each["data"]))
    return found


def units(world: World, scope: Scope, question: FunnelQuestion) -> list[Unit]:
    """What the domain is to be given."""
    ids = {world.id(n): n for n in range(len(world.ways))}
    meant = {id for id, n in ids.items() if _meant(world.ways[n], scope.filter)}
    everything = scope.filter == JourneyFilter()
    own = question.unit is UnitKind.JOURNEY
    told_of = [
        each
        for each in rows(world)
        if (each.journey in meant or (everything and not own))
        and scope.begins <= each.at <= scope.now
        and (_read(each, question) or _ends(each))
    ]
    owners = {each.journey if own else each.owner for each in told_of} - {None}
    theirs = [world.ways[n] for id, n in ids.items() if id in meant]
    having = {_whose(*each.person) for each in theirs}
    live = {_whose(*each.person) for each in theirs if each.status in LIVE}
    found = []
    for owner in owners:
        mine = [each for each in told_of if (each.journey if own else each.owner) == owner]
        told = [each for each in mine if _asked(each, question)]
        keys = sorted({each.key for each in told})
        moments = [_moment([each for each in told if each.key == key], question) for key in keys]
        entered = next(
            (n for n, each in enumerate(moments) if 1 in each.steps and _in_range(each.at, scope)), None
        )
        first = [each for each in told if entered is not None and each.key == keys[entered]]
        over = any(map(_ends, mine)) if own else owner in having - live
        found.append(
            Unit(str(owner), moments, scope.now if over else None, _value(world, first, question, ids))
        )
    return found


def journeys(
    world: World, behind_them: Sequence[Unit], question: FunnelQuestion, wanted: JourneyFilter
) -> list[str]:
    """The journeys of these units that are wanted, from new to old."""
    if question.unit is UnitKind.JOURNEY:
        behind = {each.id for each in behind_them}
    else:
        keys = {(each.id, moment.order) for each in behind_them for moment in each.moments}
        behind = {str(each.journey) for each in rows(world) if (each.owner, each.key) in keys}
    return [
        world.id(n)
        for n, way in reversed([*enumerate(world.ways)])
        if world.id(n) in behind and _meant(way, wanted)
    ]


def _value(world: World, first: list[Row], question: FunnelQuestion, ids: dict[str, int]) -> str | None:
    if question.breakdown is None or not first or first[0].journey not in ids:
        return None
    field = {"templateId": "template"}.get(question.breakdown.value, question.breakdown.value)
    return str(getattr(world.ways[ids[first[0].journey]], field))


def _meant(way: Way, filter: JourneyFilter) -> bool:
    return filter.template_id in (None, way.template) and (
        filter.status is None or way.status in filter.status
    )


def _in_range(at: datetime, scope: Scope) -> bool:
    return scope.begins <= at < scope.ends


def _ends(row: Row) -> bool:
    return row.name in ("status:completed", "status:abandoned")


def _owner(document: Mapping[str, Any]) -> str | None:
    return _whose(document.get("customerId"), document.get("leadId"))


def _whose(customer: str | None, lead: str | None) -> str | None:
    if customer is not None:
        return f"c:{customer}"
    return None if lead is None else f"c:{LINKED[lead]}" if lead in LINKED else f"l:{lead}"


def _matches(row: Row, asked: Happening) -> bool:
    match asked:
        case StageEntered(stage):
            return row.name == f"stage:{stage.value}"
        case StepEntered(template, step):
            return row.name == f"step:{template}/{step}"
        case EventOccurred(type, conditions):
            return row.name == f"event:{type}" and not unmet(conditions, {"data": dict(row.data)})


def _read(row: Row, question: FunnelQuestion) -> bool:
    """Whether it is looked at, conditions aside."""
    types = {each.type for each in (*question.steps, *question.exclusions) if isinstance(each, EventOccurred)}
    return _asked(row, question) or row.name.removeprefix("event:") in types


def _asked(row: Row, question: FunnelQuestion) -> bool:
    """Whether it is a moment that the funnel is about; in strict order, also what may stand between."""
    prefixes = {StageEntered: "stage:", StepEntered: "step:"}
    if question.order is OrderMode.STRICT:
        for each in question.steps:
            if isinstance(each, EventOccurred):
                area, colon, _ = each.type.partition(":")
                if row.name == f"event:{each.type}" or (colon and row.name.startswith(f"event:{area}:")):
                    return True
            elif row.name.startswith(prefixes[type(each)]):
                return True
    return any(_matches(row, each) for each in (*question.steps, *question.exclusions))


def _moment(rows: list[Row], question: FunnelQuestion) -> Moment:
    return Moment(
        rows[0].at,
        rows[0].key,
        frozenset(n for n, each in enumerate(question.steps, 1) if any(_matches(row, each) for row in rows)),
        any(_matches(row, each) for row in rows for each in question.exclusions),
    )

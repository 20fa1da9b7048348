"""What journeys and customers did, as documents that the service writes, and as the domain's units."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

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
from domain.values import timestamp
from storage.milestones import LEADS, MILESTONES
from storage.mongo import Mongo
from tests.domain.samples import NOON
from tests.storage.analytics.records import LINKED, PEOPLE

LIVE = ("active", "paused", "failed")
NO_ID = 7  # a number where an id should be
STATES = (*LIVE, "completed", "abandoned")


def hour(number: int) -> datetime:
    return NOON + timedelta(hours=number)


@dataclass(frozen=True)
class Way:
    """A journey: whose it is, what it is like, and its milestones and own events in its order."""

    person: tuple[str | None, str | None]
    template: str
    priority: str
    status: str
    told: tuple[tuple[int, str], ...]  # hours and names


@dataclass(frozen=True)
class Fact:
    """An event from elsewhere."""

    at: int
    type: str
    person: tuple[str | None, str | None]
    score: int
    journey: int | str | None


@dataclass(frozen=True)
class Row:
    """One moment as it is told, whosever it is."""

    at: datetime
    key: str
    name: str
    journey: str | None
    owner: str | None
    data: Mapping[str, Any]


names = st.sampled_from(("stage:lead", "stage:customer", "step:a/one", "step:a/two", "journey:noted"))
ways = st.builds(
    Way,
    st.sampled_from(PEOPLE),
    st.sampled_from("ab"),
    st.sampled_from(("low", "high")),
    st.sampled_from(STATES),
    st.lists(st.tuples(st.integers(0, 6), names), max_size=5).map(tuple),
)
facts = st.builds(
    Fact,
    st.integers(0, 6),
    st.sampled_from(("crm:met", "crm:sold", "web:seen")),
    st.sampled_from(PEOPLE),
    st.integers(0, 2),
    st.sampled_from((None, None, 0, 1, "elsewhere", NO_ID)),
)
plain: st.SearchStrategy[Happening] = st.sampled_from(
    (
        StageEntered(Stage.LEAD),
        StageEntered(Stage.CUSTOMER),
        StepEntered("a", "one"),
        StepEntered("a", "two"),
    )
)
reported: st.SearchStrategy[Happening] = st.sampled_from(
    (EventOccurred("crm:met"), EventOccurred("crm:sold"), EventOccurred("journey:noted"))
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


@dataclass(repr=False)  # Hypothesis would print it all
class World:
    """A tenant of its own with these histories, and another with the same ones."""

    tenant: str
    ways: Sequence[Way]
    facts: Sequence[Fact]
    neighbour: str  # another tenant, whose journeys may be named

    @classmethod
    async def of(cls, mongo: Mongo, ways: Sequence[Way], facts: Sequence[Fact]) -> "World":
        neighbour = await cls(f"t{uuid4().hex[:12]}", ways, facts, "nobody")._insert(mongo)
        return await cls(f"t{uuid4().hex[:12]}", ways, facts, neighbour.tenant)._insert(mongo)

    async def _insert(self, mongo: Mongo) -> "World":
        for collection, documents in self.documents().items():
            if documents:
                await mongo[collection].insert_many(documents)
        return self

    def id(self, journey: int | str) -> str:
        return f"{self.tenant}{journey}"

    def documents(self) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = {
            "journeys": [self._journey(n) for n in range(len(self.ways))],
            MILESTONES: [],
            "events": [],
            LEADS: [
                {"_id": f"{self.tenant}|{lead}", "tenantId": self.tenant, "customerId": customer}
                for lead, customer in LINKED.items()
            ],
        }
        for n, way in enumerate(self.ways):
            for place, (at, name) in enumerate(self._told(way)):
                common = self._common(at, f"{self.id(n)}:{place:010}:000000", way.person)
                if name == "journey:noted":
                    found["events"].append(
                        common | {"type": name, "subject": self.id(n), "occurredAt": hour(at), "data": {}}
                    )
                if name == "journey:noted" and place % 2:
                    name = "stage:lead"  # noqa: PLW2901  # the same event is a milestone, too
                if name != "journey:noted":
                    kind = name.partition(":")[0]
                    row = {"kind": kind, "name": name, "journeyId": self.id(n), "templateId": way.template}
                    found[MILESTONES].append(common | row | {"category": "custom", "at": hour(at)})
        for n, fact in enumerate(self.facts):
            common = self._common(fact.at, f"{self.tenant}e{n:04}:0000000001:000000", fact.person)
            data = {"score": fact.score} | (
                {} if fact.journey is None else {"journeyId": self._named(fact.journey)}
            )
            told: dict[str, Any] = {"type": fact.type, "subject": f"{self.tenant}e{n}"}
            told["occurredAt"] = hour(fact.at)
            found["events"].append(common | told | {"data": data, "source": "test"})
        return found

    def _named(self, journey: int | str) -> Any:
        if journey == NO_ID:
            return journey
        return f"{self.neighbour}0" if journey == "elsewhere" else self.id(journey)

    def _told(self, way: Way) -> list[tuple[int, str]]:
        end = [(max((at for at, _ in way.told), default=0), f"status:{way.status}")]
        return [*way.told, *(end if way.status not in LIVE else [])]

    def _common(self, at: int, place: str, person: tuple[str | None, str | None]) -> dict[str, Any]:
        key = f"{timestamp(hour(at))}|{place}"
        made = {"_id": f"{self.tenant}{place}|{uuid4().hex[:4]}", "tenantId": self.tenant, "timeKey": key}
        named = {"customerId": person[0], "leadId": person[1]}
        return made | {name: value for name, value in named.items() if value is not None}

    def _journey(self, n: int) -> dict[str, Any]:
        way = self.ways[n]
        made = {
            "_id": self.id(n),
            "tenantId": self.tenant,
            "templateId": way.template,
            "category": "custom",
            "priority": way.priority,
            "status": way.status,
            "createdKey": f"{timestamp(hour(n))}|{self.id(n)}",
            "createdAt": hour(n),
            "customerId": way.person[0],
            "leadId": way.person[1],
        }
        return {name: value for name, value in made.items() if value is not None}

    def rows(self) -> list[Row]:
        """Every document as one row, in no order."""
        documents = self.documents()
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

    def units(self, scope: Scope, question: FunnelQuestion) -> list[Unit]:
        """What the domain is to be given."""
        ids = {self.id(n): n for n in range(len(self.ways))}
        meant = {id for id, n in ids.items() if _meant(self.ways[n], scope.filter)}
        everything = scope.filter == JourneyFilter()
        rows = [
            each
            for each in self.rows()
            if (everything or each.journey in meant)
            and scope.begins <= each.at <= scope.now
            and (_read(each, question) or _ends(each))
        ]
        own = question.unit is UnitKind.JOURNEY
        owners = {each.journey if own else each.owner for each in rows} - {None}
        live = {
            _whose(*self.ways[n].person)
            for id, n in ids.items()
            if self.ways[n].status in LIVE and id in meant
        }
        found = []
        for owner in owners:
            mine = [each for each in rows if (each.journey if own else each.owner) == owner]
            told = [each for each in mine if _asked(each, question)]
            keys = sorted({each.key for each in told})
            moments = [_moment([each for each in told if each.key == key], question) for key in keys]
            entered = next(
                (n for n, each in enumerate(moments) if 1 in each.steps and _in_range(each.at, scope)), None
            )
            first = [each for each in told if entered is not None and each.key == keys[entered]]
            over = (
                any(map(_ends, mine))
                if own
                else owner not in live and any(each.journey for each in mine if not _ends(each))
            )
            found.append(
                Unit(str(owner), moments, scope.now if over else None, self._value(first, question, ids))
            )
        return found

    def journeys(self, units: Sequence[Unit], question: FunnelQuestion, wanted: JourneyFilter) -> list[str]:
        """The journeys of these units that are wanted, from new to old."""
        if question.unit is UnitKind.JOURNEY:
            behind = {each.id for each in units}
        else:
            keys = {(each.id, moment.order) for each in units for moment in each.moments}
            behind = {str(each.journey) for each in self.rows() if (each.owner, each.key) in keys}
        return [
            self.id(n)
            for n, way in reversed([*enumerate(self.ways)])
            if self.id(n) in behind and _meant(way, wanted)
        ]

    def _value(self, first: list[Row], question: FunnelQuestion, ids: dict[str, int]) -> str | None:
        if question.breakdown is None or not first or first[0].journey not in ids:
            return None
        field = {"templateId": "template"}.get(question.breakdown.value, question.breakdown.value)
        return str(getattr(self.ways[ids[first[0].journey]], field))


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
            area = (
                f"event:{each.type.partition(':')[0]}:"
                if isinstance(each, EventOccurred)
                else prefixes[type(each)]
            )
            if row.name.startswith(area):
                return True
    return any(_matches(row, each) for each in (*question.steps, *question.exclusions))


def _moment(rows: list[Row], question: FunnelQuestion) -> Moment:
    return Moment(
        rows[0].at,
        rows[0].key,
        frozenset(n for n, each in enumerate(question.steps, 1) if any(_matches(row, each) for row in rows)),
        any(_matches(row, each) for row in rows for each in question.exclusions),
    )

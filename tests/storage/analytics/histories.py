"""What journeys and customers did, as documents that the service writes, and as Hypothesis makes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from hypothesis import strategies as st

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


names = st.sampled_from(
    ("stage:lead", "stage:lead", "stage:customer", "step:a/one", "step:a/two", "journey:noted")
)
ways = st.builds(
    Way,
    st.sampled_from(PEOPLE),
    st.sampled_from("ab"),
    st.sampled_from(("low", "high")),
    st.sampled_from(STATES),
    st.lists(st.tuples(st.integers(0, 6), names), min_size=1, max_size=7).map(tuple),
)
facts = st.builds(
    Fact,
    st.integers(0, 6),
    st.sampled_from(("crm:met", "crm:sold", "com.example.seen", "com.example.seen:by")),
    st.sampled_from(PEOPLE),
    st.integers(0, 2),
    st.sampled_from((None, None, 0, 1, "elsewhere", NO_ID)),
)


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

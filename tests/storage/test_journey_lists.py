"""Lists of journeys: what the database finds is what the filter says, in order, without doubles or gaps."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain import steer, walk
from domain.events import Priority
from domain.journey import Journey, Status
from domain.journey_filter import JourneyFilter, JourneyOrder, TimeRange
from domain.template import Category, Definition, Reentry, Settings, Stage
from domain.values import timestamp
from storage.journey_match import ORDER_KEYS
from storage.mongo import Mongo
from storage.reach import Reach
from storage.store import Store
from tests.domain.samples import NOON, definition, step
from tests.storage.subjects import all_pages, cause, follow, starting

NAMES = ("Müller & Söhne", "Ørsted A/S", "Straße 5", "MULLER", "東京 fiber", "Ana Núñez", "x")
CUSTOMERS = ("cust-1", "cust-2", None)
TIMES = [NOON + timedelta(hours=hour) for hour in range(4)]


@dataclass(repr=False)  # Hypothesis would print it all
class Population:
    store: Store
    tenant: str
    journeys: list[Journey]
    guesses: list[Reach]  # nothing is known, and a page is looked for close by


def _template(n: int) -> Definition:
    stage, category = (Stage.LEAD, Category.ACQUISITION) if n else (Stage.SUPPORT, Category.SUPPORT)
    steps = [step("one", 1, stage=stage), step("two", 2, stage=Stage.CUSTOMER)]
    anybody = Settings(reentry=Reentry.ANY_TIME)
    return replace(definition(*steps, template_id=f"t{n}", settings=anybody), category=category)


@pytest.fixture(scope="module")
async def population(mongo: Mongo) -> AsyncIterator[Population]:
    """Journeys of two tenants in every state and stage, several at the same instant."""
    at = [NOON]
    store, tenant = Store.of(mongo, lambda: at[0]), f"t{uuid4().hex[:12]}"
    journeys = []
    for owner in (tenant, tenant + "x"):
        templates = [await follow(store, owner, _template(n)) for n in range(2)]
        for n in range(40):
            at[0] = TIMES[n % 3]
            changed = await starting(
                store,
                templates[n % 2],
                at=at[0],
                name=NAMES[n % len(NAMES)],
                lead_id=f"lead-{n % 5}" if n % 3 else None,
                priority=list(Priority)[n % 4],
                assigned_to="ann" if n % 4 == 0 else None,
                assigned_team="south" if n % 5 == 0 else None,
                context={"note": f"ticket {n}"},
                tags=("vip",) if n % 6 == 0 else (),
            )
            journeys.append(await _moved(store, changed.state, n, at))
    guesses = [Reach(mongo, "journeys"), Reach(mongo, "journeys", apart=1, wide=3)]
    for key in ORDER_KEYS.values():
        guesses[1].learn(tenant, key, failed=True)
    await guesses[1].settled()
    yield Population(store, tenant, [each for each in journeys if each.tenant_id == tenant], guesses)
    await store.changes.drain()


async def _moved(store: Store, journey: Journey, n: int, at: list[datetime]) -> Journey:
    commands = {
        1: lambda j, d, now: steer.pause(j, at=now),
        2: lambda j, d, now: walk.advance(j, d, at=now),
        3: lambda j, d, now: steer.abandon(j, at=now),
        4: lambda j, d, now: walk.fail(j, reason="it broke", at=now),
        5: lambda j, d, now: steer.update_context(j, d, changes={}, customer_id="cust-1", at=now),
        6: lambda j, d, now: steer.update_context(j, d, changes={}, customer_id="cust-2", at=now),
        7: lambda j, d, now: steer.complete(j, d, at=now),
    }
    if n % 8 not in commands:
        return journey
    at[0] = TIMES[n % 4]
    return (await store.journeys.change(journey.id, journey.tenant_id, commands[n % 8], cause())).state


def few(values: object) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(st.sampled_from(list(values)), max_size=3, unique=True).map(tuple)  # type: ignore[call-overload]


def seldom(values: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.none() | st.none() | values


times = st.sampled_from([*TIMES, NOON - timedelta(days=1), NOON + timedelta(milliseconds=1)])
ranges = st.builds(TimeRange, since=st.none() | times, until=st.none() | times)
words = st.sampled_from(
    (
        "mull",
        "MÜLLER",
        "sohne",
        "ticket 1",
        "ticket",
        "strasse",
        "vip",
        "cust",
        "東京",
        "mu x",
        "a",
        "-",
        "zzz",
    )
)
filters = st.builds(
    JourneyFilter,
    status=seldom(few(Status)),
    stage=seldom(few((Stage.LEAD, Stage.SUPPORT, Stage.CUSTOMER, Stage.CHURN))),
    category=seldom(few((Category.ACQUISITION, Category.SUPPORT, Category.CUSTOM))),
    priority=seldom(few(Priority)),
    template_id=seldom(st.sampled_from(("t0", "t1", "t2"))),
    assigned_to=seldom(st.just("ann")),
    assigned_team=seldom(st.sampled_from(("south", "north"))),
    customer_id=seldom(st.sampled_from(("cust-1", "cust-2"))),
    lead_id=seldom(st.sampled_from(("lead-1", "lead-2"))),
    search=seldom(words | st.text(max_size=6)),
    created_at=seldom(ranges),
    last_activity=seldom(ranges),
)


@settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    wanted=filters,
    order=st.sampled_from(JourneyOrder),
    size=st.sampled_from((1, 3, 7, 40)),
    backwards=st.booleans(),
    guess=st.sampled_from((0, 1)),
)
async def test_a_list_holds_what_its_filter_says_in_order_page_by_page(
    population: Population, wanted: JourneyFilter, order: JourneyOrder, size: int, backwards: bool, guess: int
) -> None:
    store, tenant = population.store, population.tenant
    store.journeys.reach = population.guesses[guess]
    expected = [each for each in population.journeys if wanted.matches(each.facets)]
    expected.sort(key=lambda each: _key(each, order), reverse=True)
    found = await all_pages(
        lambda page: store.journeys.page(tenant, wanted, order, page), size, backwards=backwards
    )
    assert [each.id for each in found] == [each.id for each in expected]
    assert found == expected
    assert await store.journeys.count(tenant, wanted) == len(expected)


def _key(journey: Journey, order: JourneyOrder) -> tuple[str, str]:
    at = journey.created_at if order is JourneyOrder.CREATED_AT else journey.last_activity
    return timestamp(at), journey.id


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("muller", {"Müller & Söhne", "MULLER"}),
        ("MÜLL", {"Müller & Söhne", "MULLER"}),
        ("sohne mu", {"Müller & Söhne"}),
        ("strasse", {"Straße 5"}),
        ("nunez", {"Ana Núñez"}),
        ("東京", {"東京 fiber"}),
        ("ticket", set(NAMES)),
        ("m", set()),
        ("ller", set()),
        ("", set()),
        ("  &", set()),
    ],
)
async def test_a_search_finds_words_by_their_beginning_whatever_their_accents(
    population: Population, text: str, names: set[str]
) -> None:
    found = await all_pages(
        lambda page: population.store.journeys.page(
            population.tenant, JourneyFilter(search=text), JourneyOrder.CREATED_AT, page
        ),
        100,
    )
    assert {each.name for each in found} == names

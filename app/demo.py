"""A small demonstration tenant, the same every time: loading it again adds nothing."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from domain import walk
from domain.errors import JourneyExists
from domain.events import Outcome, Priority, TouchpointAdded
from domain.identity import Actor, ActorKind
from storage.change import Cause, digest
from storage.store import Store

TENANT: Final = "demo"
ACTOR: Final = Actor(ActorKind.USER, "demo")

JOURNEYS: Final = (
    (
        "customer_acquisition",
        walk.Start(name="Ada Rossi wants fiber", lead_id="lead_ada", context={"leadScore": 85}),
    ),
    (
        "customer_acquisition",
        walk.Start(name="Bruno Weiss asks for a price", lead_id="lead_bruno", context={}),
    ),
    ("customer_onboarding", walk.Start(name="Chiara Conti moves in", customer_id="cust_chiara")),
    (
        "support_resolution",
        walk.Start(
            name="No connection in the morning",
            customer_id="cust_dario",
            priority=Priority.HIGH,
            context={"ticketId": "tick_1", "issue": "Internet connectivity"},
            assigned_team="support",
        ),
    ),
)


async def load(store: Store, now: Callable[[], datetime]) -> None:
    """Start the journeys and record a touchpoint of each lead."""
    for number, (template_id, request) in enumerate(JOURNEYS):
        template = await store.templates.startable(TENANT, template_id, None)
        name = digest("demo", str(number))
        cause = Cause(ACTOR, name, name, input_hash=name, keyed=True)
        id = f"jrn_{name}"
        started = walk.start(
            id, template.definition, template.version, request, tenant_id=TENANT, by=ACTOR, at=now()
        )
        try:
            await store.journeys.start(id, started, cause)
        except JourneyExists:
            continue
        if request.lead_id is not None:
            event = TouchpointAdded(
                at=now(),
                tenant_id=TENANT,
                kind="web_visit",
                channel="organic_search",
                source="website",
                title="Looked at the fiber plans",
                journey_id=id,
                lead_id=request.lead_id,
                outcome=Outcome.POSITIVE,
            )
            name = digest("demo-touchpoint", str(number))
            cause = Cause(ACTOR, name, name, input_hash=name, keyed=True)
            await store.touchpoints.add(f"tch_{name}", event, cause)

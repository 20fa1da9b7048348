"""A small demonstration tenant, the same every time: loading it again adds nothing.

Its packages are at an example partner, so that a newcomer sees journeys cross systems and an approval that waits.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from domain import walk
from domain.approval import ApprovalPolicy
from domain.errors import AlreadyExists, JourneyExists
from domain.events import Outcome, Priority
from domain.identity import Actor, ActorKind
from domain.isp.packages import ISP_PACKAGES
from domain.package import Package, PackageEvent, configure, rotate_secret
from domain.record_events import TouchpointAdded
from domain.template import Category, Definition, Settings, Stage, Step, StepType
from storage.secrets import Vault
from storage.store import Store
from storage.subject import Cause, digest

TENANT: Final = "demo"
ACTOR: Final = Actor(ActorKind.USER, "demo")

UPGRADE: Final = Definition(
    template_id="speed_upgrade",
    name="Speed Upgrade",
    description="A customer gets a faster line: somebody approves it, then a technician comes.",
    category=Category.UPGRADE,
    steps=(
        Step(
            id="approve_upgrade",
            name="Approve the upgrade",
            description="Somebody else than who asked decides.",
            stage=Stage.ACTIVE_SERVICE,
            order=1,
            type=StepType.APPROVAL,
            required_data=("plan",),
            approval=ApprovalPolicy(due=timedelta(days=7)),
        ),
        Step(
            id="order_work",
            name="Order the work",
            description="Field operations get a work order.",
            stage=Stage.ACTIVE_SERVICE,
            order=2,
            type=StepType.INTEGRATION,
            package="field-ops",
            action="create_work_order",
            output_data=("workOrderId",),
        ),
    ),
    settings=Settings(auto_progress=True),
)

JOURNEYS: Final = (
    (
        "customer_acquisition",
        walk.Start(
            name="Ada Rossi wants fiber",
            lead_id="lead_ada",
            context={"leadScore": 85, "serviceType": "fiber"},
        ),
    ),
    (
        "speed_upgrade",
        walk.Start(name="Elio Bruni wants 2.5 Gbit/s", customer_id="cust_elio", context={"plan": "2500"}),
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


@dataclass(frozen=True, slots=True)
class Partner:
    """Where the example partner is, and the secret that its calls are signed with."""

    url: str
    secret: str | None


async def load(store: Store, vault: Vault, now: Callable[[], datetime], partner: Partner | None) -> None:
    """Start the journeys and record a touchpoint of each lead."""
    if partner is not None:
        for name in ISP_PACKAGES:
            await _reach(store, vault, name, partner)
    with suppress(AlreadyExists):
        await store.templates.create(TENANT, UPGRADE, _once("template"))
    for number, (template_id, request) in enumerate(JOURNEYS):
        template = await store.templates.startable(TENANT, template_id, None)
        cause = _once("journey", str(number))
        id = f"jrn_{cause.command_id}"
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
            cause = _once("touchpoint", str(number))
            await store.touchpoints.add(f"tch_{cause.command_id}", event, cause)


async def _reach(store: Store, vault: Vault, name: str, partner: Partner) -> None:
    """Set a package's address, and its secret once."""
    address = f"{partner.url}/{name}"
    found = await store.packages.find(TENANT, name)
    if found is None or found.address != address:

        def move(package: Package, at: datetime) -> list[PackageEvent]:
            return configure(package, address=address, at=at)

        await store.packages.change(TENANT, name, move, _once("address", name, address))
    if partner.secret is None or (found is not None and found.secrets):
        return
    cause = _once("secret", name)
    secret_id = f"sec_{cause.command_id}"
    await vault.put(TENANT, secret_id, partner.secret)

    def sign(_: Package, at: datetime) -> list[PackageEvent]:
        return rotate_secret(secret_id=secret_id, overlap=timedelta(0), at=at)

    await store.packages.change(TENANT, name, sign, cause)


def _once(*part: str) -> Cause:
    name = digest("demo", *part)
    return Cause(ACTOR, name, name, input_hash=name, keyed=True)

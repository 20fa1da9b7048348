"""Who asks, and anything by its id."""

import strawberry

from domain.errors import InvalidInput, NotFound
from schema.arguments import ObjectId, ObjectIds
from schema.campaign_cost import CampaignCost
from schema.delivery import WebhookDelivery
from schema.export import Export
from schema.firing import Firing
from schema.handoff import Handoff
from schema.identity import Viewer
from schema.incident import Incident
from schema.info import Info
from schema.journey import Journey
from schema.node import Node
from schema.package import Package
from schema.permissions import CanView
from schema.source import Source
from schema.template import Template
from schema.touchpoint import Conversion, Touchpoint
from schema.trigger import Trigger
from schema.webhook import Webhook

MAX_NODES = 100
MANY = ("jrn_", "hof_")  # read in one go


@strawberry.type
class NodeQueries:
    @strawberry.field(description="Who is asking, by the token.", permission_classes=[CanView])
    def viewer(self, info: Info) -> Viewer:
        return Viewer.of(info.context.identity)

    @strawberry.field(
        description="The object with this id; null where none is known.", permission_classes=[CanView]
    )
    async def node(self, info: Info, id: ObjectId) -> Node | None:
        return await _find(info, id)

    @strawberry.field(
        description="The objects with these ids, at most 100, in that order; null where none is known.",
        permission_classes=[CanView],
    )
    async def nodes(self, info: Info, ids: ObjectIds) -> list[Node | None]:
        if len(ids) > MAX_NODES:
            raise InvalidInput(f"At most {MAX_NODES} ids at a time.", "ids")
        store, tenant = info.context.store, info.context.identity.tenant_id
        known: dict[str, Node] = {}
        wanted = [id for id in ids if id.startswith("jrn_")]
        for journey in await store.journeys.many(wanted, tenant) if wanted else ():
            known |= {journey.id: Journey.of(journey)} if journey is not None else {}
        wanted = [id for id in ids if id.startswith("hof_")]
        for handoff in await store.handoffs.many(wanted, tenant) if wanted else ():
            known |= {handoff.id: Handoff.of(handoff)} if handoff is not None else {}
        return [known.get(id) if id.startswith(MANY) else await _find(info, id) for id in ids]


async def _find(info: Info, id: str) -> Node | None:  # noqa: PLR0912  # a branch for each type
    store, tenant = info.context.store, info.context.identity.tenant_id
    try:
        match id.partition("_")[0]:
            case "jrn":
                return Journey.of(await store.journeys.get(id, tenant))
            case "tpl":
                return Template.of(await store.templates.get(id, tenant))
            case "tch":
                return Touchpoint.of(await store.touchpoints.get(id, tenant))
            case "cnv":
                return Conversion.of(await store.conversions.get(id, tenant))
            case "hof":
                return Handoff.of(await store.handoffs.get(id, tenant))
            case "inc":
                return Incident.of(await store.incidents.get(id, tenant))
            case "pkg":
                return Package.of(await store.packages.get(id, tenant))
            case "src":
                return Source.of(await store.sources.get(id, tenant))
            case "trg":
                trigger = await store.triggers.get(id, tenant)
                return None if trigger.deleted else Trigger.of(trigger)
            case "fir":
                return Firing.of(await store.firings.get(id, tenant))
            case "exp":
                return Export.of(await store.exports.get(id, tenant))
            case "cst":
                return CampaignCost.of(await store.costs.get(id, tenant))
            case "whk":
                return Webhook.of(await store.webhooks.get(id, tenant))
            case "dlv":
                return WebhookDelivery.of(await store.deliveries.get(id, tenant))
            case _:
                return None
    except NotFound:
        return None

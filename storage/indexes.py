"""Every index, in one place: a query without one here does not pass the tests.

Lists run from new to old on one key that is time and id together; each filter has an index with each order.
"""

from typing import Any, Final

from storage.mongo import Collection, Mongo, translated

Keys = list[tuple[str, int]]
Index = tuple[Keys, dict[str, Any]]

JOURNEY_FILTERS: Final = (
    "status",
    "stage",
    "category",
    "priority",
    "templateId",
    "assignedTo",
    "assignedTeam",
    "customerId",
    "leadId",
)
HANDOFF_FILTERS: Final = ("assignedTo", "toPackage", "status")
FEW_HANDOFFS: Final = (
    "journeyId",
    "customerId",
    "leadId",
)  # few handoffs have the same: they are sorted when read
FIRING_FILTERS: Final = ("triggerId", "eventId", "status")
COST_FILTERS: Final = ("campaign", "channel")
INCIDENT_FILTERS: Final = ("journeyId", "status", "kind")
RECORD_FILTERS: Final = ("journeyId", "customerId", "leadId", "kind", "channel", "source", "campaign")


def _by(*fields: str) -> Keys:
    return [(field, 1) for field in fields]


def _outbox() -> list[Index]:
    return [(_by("outboxAt"), {"sparse": True})]


def _listed(filters: tuple[str, ...], *orders: str) -> list[Index]:
    alone: list[Index] = [(_by("tenantId", order), {}) for order in orders]
    return alone + [(_by("tenantId", field, order), {}) for field in filters for order in orders]


INDEXES: Final[dict[str, list[Index]]] = {
    "journeys": [
        *_outbox(),
        *_listed(JOURNEY_FILTERS, "createdKey", "activityKey"),
        (_by("tenantId", "templateId", "templateVersion"), {}),
        (_by("tenantId", "templateId", "entryKey"), {}),
        (_by("searchTokens"), {}),
        (_by("wakeAt"), {"sparse": True}),
        (_by("reservation"), {"sparse": True, "unique": True}),
        (_by("tenantId", "parentId", "createdKey"), {}),
    ],
    "templates": [
        *_outbox(),
        (_by("tenantId", "listKey"), {}),
        (_by("tenantId", "templateId", "version"), {"unique": True}),
        (_by("triggerKeys"), {"sparse": True}),
        (_by("activeKey", "version"), {}),
    ],
    "handoffs": [
        *_outbox(),
        *_listed(HANDOFF_FILTERS, "createdKey", "activityKey"),
        *((_by("tenantId", field, "createdKey"), {}) for field in FEW_HANDOFFS),
        (_by("wakeAt"), {"sparse": True}),
        (_by("queue", "wakeAt"), {"sparse": True}),
        (_by("pendingFor", "dueKey"), {"sparse": True}),
    ],
    "packages": [*_outbox(), (_by("tenantId"), {})],
    "sources": [
        *_outbox(),
        (_by("listedFor"), {"sparse": True}),
        (_by("nameKey"), {"sparse": True, "unique": True}),
    ],
    "triggers": [
        *_outbox(),
        (_by("listedFor"), {"sparse": True}),
        (_by("wakeAt"), {"sparse": True}),
        (_by("eventKey"), {"sparse": True}),
        (_by("followKey"), {"sparse": True}),
    ],
    "firings": [*_outbox(), *_listed(FIRING_FILTERS, "createdKey")],
    "truths": [],
    "customers": [*_outbox()],
    "incidents": [*_outbox(), *_listed(INCIDENT_FILTERS, "createdKey")],
    "touchpoints": [*_outbox(), *_listed(RECORD_FILTERS, "timeKey")],
    "conversions": [*_outbox(), *_listed(RECORD_FILTERS, "timeKey")],
    "exports": [*_outbox(), (_by("tenantId", "createdKey"), {})],
    "costs": [*_outbox(), *_listed(COST_FILTERS, "createdKey")],
    "milestones": [
        (_by("tenantId", "name", "timeKey"), {}),
        (_by("tenantId", "kind", "timeKey"), {}),
        (_by("tenantId", "timeKey"), {}),
    ],
    "leads": [(_by("tenantId"), {})],
    "first_conversions": [(_by("tenantId"), {})],
    "imports": [*_outbox()],
    "batches": [*_outbox(), (_by("tenantId"), {})],
    "retentions": [*_outbox(), (_by("wakeAt"), {"sparse": True})],
    "calendars": [*_outbox()],
    "webhooks": [
        *_outbox(),
        (_by("listedFor"), {"sparse": True}),
        (_by("eventKeys"), {"sparse": True}),
    ],
    "deliveries": [
        (_by("webhookId", "createdKey"), {}),
        (_by("webhookId", "status", "createdKey"), {}),
        (_by("wakeAt"), {"sparse": True}),
        (_by("queue", "wakeAt"), {"sparse": True}),
        (_by("expiresAt"), {"sparse": True}),
    ],
    "tenants": [],
    "secrets": [],
    "events": [
        (_by("subject", "position"), {}),
        (_by("commandId"), {}),
        (_by("tenantId", "timeKey"), {}),
        (_by("tenantId", "type", "timeKey"), {}),
        (_by("tenantId", "source", "timeKey"), {}),
        (_by("customerId", "tenantId", "timeKey"), {"sparse": True}),
        (_by("tenantId", "recordedAt", "subject", "position"), {}),
        (_by("pendingAt"), {"sparse": True}),
        (_by("attempts"), {"sparse": True}),
    ],
}

WITH_OUTBOX: Final = tuple(name for name, indexes in INDEXES.items() if _outbox()[0] in indexes)


async def create_indexes(mongo: Mongo) -> int:
    """Make every index that is not there yet; how many there are in all. Safe to run again and side by side."""
    made = 0
    for name, indexes in INDEXES.items():
        for keys, options in indexes:
            with translated():
                await mongo[name].create_index(keys, **options)
            made += 1
    return made


async def missing_indexes(mongo: Mongo) -> list[str]:
    """The names of indexes that are not there, as `collection.index`."""
    missing = []
    for name, indexes in INDEXES.items():
        present = await _present(mongo[name])
        missing += [f"{name}.{_name(keys)}" for keys, _ in indexes if _name(keys) not in present]
    return missing


async def _present(collection: Collection) -> set[str]:
    with translated():
        return set(await collection.index_information())


def _name(keys: Keys) -> str:
    return "_".join(f"{field}_{direction}" for field, direction in keys)

"""Everything that is stored, behind one name."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from domain.record_events import ConversionAdded, TouchpointAdded
from domain.touchpoint import Conversion, Touchpoint
from storage.calendars import Calendars
from storage.change import Changes
from storage.costs import Costs
from storage.customers import Customers
from storage.deliveries import Deliveries
from storage.events import EventLog
from storage.expiry import Expiry
from storage.exports import Exports
from storage.firings import Firings
from storage.handoffs import Handoffs
from storage.incidents import Incidents
from storage.journeys import Journeys
from storage.mongo import Mongo
from storage.packages import Packages
from storage.retention import Retentions
from storage.sources import Sources
from storage.templates import Templates
from storage.touchpoints import CONVERSION, TOUCHPOINT, Records
from storage.triggers import Triggers
from storage.webhooks import Webhooks


@dataclass(frozen=True, slots=True)
class Store:
    mongo: Mongo
    reports: Mongo  # the same database, with more patience
    changes: Changes
    events: EventLog
    templates: Templates
    journeys: Journeys
    handoffs: Handoffs
    packages: Packages
    sources: Sources
    incidents: Incidents
    triggers: Triggers
    firings: Firings
    customers: Customers
    touchpoints: Records[Touchpoint, TouchpointAdded]
    conversions: Records[Conversion, ConversionAdded]
    costs: Costs
    exports: Exports
    retention: Retentions
    calendars: Calendars
    expiry: Expiry
    webhooks: Webhooks
    deliveries: Deliveries

    @classmethod
    def of(cls, mongo: Mongo, now: Callable[[], datetime], reports: Mongo | None = None) -> "Store":
        """`now` gives the time in UTC, cut to milliseconds. Without a client of their own, reports have as much time as
        other queries."""
        events = EventLog(mongo)
        changes = Changes(mongo, events, now)
        templates = Templates(mongo, changes, now)
        return cls(
            mongo,
            reports or mongo,
            changes,
            events,
            templates,
            Journeys(mongo, changes, templates),
            Handoffs(mongo, changes),
            Packages(mongo, changes, now),
            Sources(mongo, changes, now),
            Incidents(mongo, changes),
            Triggers(mongo, changes, templates, now),
            Firings(mongo, changes),
            Customers(changes),
            Records(mongo, changes, TOUCHPOINT),
            Records(mongo, changes, CONVERSION),
            Costs(mongo, changes),
            Exports(mongo, changes),
            Retentions(mongo, changes, now),
            Calendars(mongo, changes, now),
            Expiry(mongo),
            Webhooks(mongo, changes),
            Deliveries(mongo),
        )

"""What the reports count of journeys, made anew from the log as far as that reaches back."""

from datetime import timedelta
from typing import Final

from app.settings import Settings
from app.wiring import utc_now
from domain.retention import Part
from storage.mongo import connected
from storage.store import Store

MEANWHILE: Final = timedelta(days=1)  # a rebuild takes less: what the log forgets during it is not missed


async def anew(settings: Settings, tenant_id: str) -> int:
    """How many entries of the log were read."""
    database = (settings.mongodb_uri or "", settings.database, settings.driver.value)
    async with connected(*database, timeout=settings.report_timeout) as mongo:
        store, read = Store.of(mongo, utc_now), 0
        since = (await store.retention.get(tenant_id)).span(Part.EVENTS).since(utc_now() + MEANWHILE)
        async for read in store.events.milestones.rebuild(tenant_id, since):  # noqa: B007
            pass
        return read

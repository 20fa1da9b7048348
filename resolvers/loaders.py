"""Reads that many rows of one answer ask for at the same moment, made once."""

from collections.abc import Sequence

from strawberry.dataloader import DataLoader

from domain.errors import NotFound
from domain.events import Envelope
from domain.handoff import Handoff
from domain.journey import Journey
from domain.template import Template
from storage.store import Store
from storage.templates import template_key


class Loaders:
    """Batches, keeps nothing: a subscription's context may live for days."""

    def __init__(self, store: Store, tenant_id: str) -> None:
        self._store, self._tenant_id = store, tenant_id
        self.template: DataLoader[tuple[str, int], Template] = DataLoader(
            self._templates, cache=False, max_batch_size=100
        )
        self.journey: DataLoader[str, Journey | None] = DataLoader(
            self._journeys, cache=False, max_batch_size=100
        )
        self.handoff: DataLoader[str, Handoff | None] = DataLoader(
            self._handoffs, cache=False, max_batch_size=100
        )
        self.event: DataLoader[str, Envelope | None] = DataLoader(
            self._events, cache=False, max_batch_size=100
        )

    async def _templates(self, wanted: Sequence[tuple[str, int]]) -> list[Template | NotFound]:
        """Template versions as they are now, by template id and version."""
        ids = [template_key(self._tenant_id, id, version) for id, version in wanted]
        found = await self._store.templates.many(list(dict.fromkeys(ids)), self._tenant_id)
        return [found.get(id) or NotFound(id) for id in ids]

    async def _journeys(self, wanted: Sequence[str]) -> list[Journey | None]:
        return await self._store.journeys.many(wanted, self._tenant_id)

    async def _handoffs(self, wanted: Sequence[str]) -> list[Handoff | None]:
        return await self._store.handoffs.many(wanted, self._tenant_id)

    async def _events(self, wanted: Sequence[str]) -> list[Envelope | None]:
        found = await self._store.events.many(wanted, self._tenant_id)
        return [found.get(id) for id in wanted]

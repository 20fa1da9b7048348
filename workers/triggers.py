"""Triggers at work: which of them an event fires, once each, and what came of it.

The id of a firing is made from the trigger and the event, and the command it gives from the firing: two workers that
see the event together, or one that died in between, do it once.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from domain import rule as rules
from domain.errors import DomainError, NotFound, QueryTimeout, Unavailable
from domain.events import Envelope
from domain.firing import Firing, FiringStatus, TriggerFired, TriggerFiredAgain, require_failed
from domain.incident import IncidentKind, IncidentRaised
from domain.rehearsal import Rehearsal
from domain.template import TriggerType
from domain.trigger import DEPTH, Trigger, TriggerDue, come_due
from domain.values import Json
from storage.firings import firing_id
from storage.incidents import incident_id
from storage.store import Store
from storage.subject import Cause, Changed, digest
from storage.templates import SYSTEM
from workers.actions import Actions, refusal
from workers.finding import NothingToDo, filled

log = logging.getLogger(__name__)

POLL_SECONDS: Final = 1.0
BATCH: Final = 200
LATE_SECONDS: Final = 60.0  # a firing that is later than this was missed


class TriggerWorker:
    def __init__(self, store: Store, actions: Actions, now: Callable[[], datetime]) -> None:
        self._store, self._actions, self._now = store, actions, now

    async def fire(self, changes: Sequence[Sequence[Envelope]]) -> list[Exception | None]:
        """Fire whatever waits for the events of these changes; for each what went wrong. Twice is once."""
        events = [each for change in changes for each in change]
        pairs = {(each.tenant_id, each.type) for each in events if not each.type.startswith("trigger:")}
        waiting = await self._store.triggers.concerning(pairs)
        outcomes: list[Exception | None] = []
        for change in changes:
            try:
                for envelope in change:
                    await self._fire_all(envelope, waiting.get((envelope.tenant_id, envelope.type), []))
                outcomes.append(None)
            except Exception as error:
                outcomes.append(error)
        return outcomes

    async def _fire_all(self, envelope: Envelope, waiting: Sequence[Trigger]) -> None:
        if envelope.type == TriggerDue.type and not envelope.data.get("skipped"):
            trigger = await self._store.triggers.get(envelope.subject, envelope.tenant_id)
            waiting = [] if trigger.deleted else [trigger]
        if waiting and envelope.depth >= DEPTH:
            await self._cut_off(envelope)
            return
        for trigger in waiting:
            await self._fire(trigger, envelope)

    async def run(self) -> None:
        """Watch the clock for scheduled triggers, for ever. One firing in the whole fleet: the event of the time that
        has come is a change of the trigger."""
        while True:
            try:
                await self.poll()
            except DomainError as error:
                log.warning("The scheduled triggers are looked for again: %s", error.message)
            except Exception:
                log.exception("The scheduled triggers are looked for again")
            await asyncio.sleep(POLL_SECONDS)

    async def poll(self) -> None:
        """Tell of those whose time has come."""
        for trigger in await self._store.triggers.due(self._now(), BATCH):
            name = digest("due", trigger.id, str(trigger.next_at))
            try:
                await self._store.triggers.change(
                    trigger.id,
                    trigger.tenant_id,
                    lambda current, at: come_due(current, late=LATE_SECONDS, at=at),
                    Cause(SYSTEM, name, name),
                )
            except Unavailable:
                raise
            except Exception:
                log.exception("The trigger %s is left for the next time", trigger.id)

    async def again(self, id: str, tenant_id: str, cause: Cause) -> Changed[Firing]:
        """Do a firing anew that failed. Raises NotFound, IllegalTransition."""
        if done := await self._store.firings.outcome(id, cause):
            return done
        firing = await self._store.firings.get(id, tenant_id)
        require_failed(firing)  # before anything is done
        trigger = await self._store.triggers.get(firing.trigger_id, tenant_id)
        envelope = await self._store.events.get(firing.event_id, tenant_id)
        if envelope is None:
            raise NotFound(firing.event_id, "id")
        status, result, reason = await self._outcome(trigger, envelope, id)
        event = TriggerFiredAgain(at=self._now(), status=status, result=result, reason=reason)
        return await self._store.firings.again(id, tenant_id, event, cause)

    async def rehearse(self, trigger: Trigger, envelope: Envelope) -> Rehearsal:
        """What the trigger would do with this event: nothing is changed."""
        rule = trigger.rule
        awaited = rules.awaited(rule) or TriggerDue.type
        seen = rules.scope(envelope)
        if rule.type is TriggerType.CONDITIONAL:
            seen = await self._with_facts(envelope)
        unmet = rules.why_not(rule, seen)
        reason = None
        if envelope.type != awaited:
            reason = f"it waits for {awaited}"
        elif unmet:
            reason = "its conditions do not hold"
        elif not trigger.active or trigger.deleted:
            reason = "it is switched off"
        elif rule.type is TriggerType.CONDITIONAL:
            reason = await self._why_not_turned(trigger, envelope)
        if reason is not None:
            given = filled(rule.action, seen)
            return Rehearsal(fires=False, reason=reason, unmet=unmet, values=given)
        cause = caused_by(envelope, "fire", firing_id(trigger.id, envelope.id))
        try:
            try:
                return await self._actions.rehearse(rule.action, seen, envelope.tenant_id, cause)
            except NothingToDo as error:
                if rule.otherwise is None or error.met:
                    raise
                return await self._actions.rehearse(rule.otherwise, seen, envelope.tenant_id, cause)
        except NothingToDo as error:
            why = error.reason
        except (Unavailable, QueryTimeout):
            raise
        except DomainError as error:
            why = refusal(error)
        return Rehearsal(fires=False, reason=why, values=filled(rule.action, seen))

    async def _why_not_turned(self, trigger: Trigger, envelope: Envelope) -> str | None:
        customer = envelope.customer_id
        if customer is None:
            return "no customer is named"
        held = await self._store.firings.holds(envelope.tenant_id, trigger.id, customer)
        return "its conditions held already" if held else None

    async def _fire(self, trigger: Trigger, envelope: Envelope) -> None:
        id = firing_id(trigger.id, envelope.id)
        if await self._store.firings.known(id) or not await self._holds(trigger, envelope):
            return
        status, result, reason = await self._outcome(trigger, envelope, id)
        fired = TriggerFired(
            at=self._now(),
            tenant_id=envelope.tenant_id,
            trigger_id=trigger.id,
            event_id=envelope.id,
            status=status,
            result=result,
            reason=reason,
        )
        await self._store.firings.add(id, fired, caused_by(envelope, "fired", id))

    async def _holds(self, trigger: Trigger, envelope: Envelope) -> bool:
        """Whether the conditions hold; those of a conditional trigger must have turned true, for this customer."""
        if trigger.rule.type is not TriggerType.CONDITIONAL:
            return not rules.why_not(trigger.rule, rules.scope(envelope))
        if envelope.customer_id is None:
            return False
        holds = not rules.why_not(trigger.rule, await self._with_facts(envelope))
        return await self._store.firings.turned(
            envelope.tenant_id, trigger.id, envelope.customer_id, envelope.id, holds=holds
        )

    async def _with_facts(self, envelope: Envelope) -> dict[str, Json]:
        customer = await self._store.customers.find(envelope.tenant_id, envelope.customer_id or "")
        return rules.scope(envelope, customer.facts if customer is not None else {})

    async def _outcome(
        self, trigger: Trigger, envelope: Envelope, id: str
    ) -> tuple[FiringStatus, str | None, str | None]:
        """What came of it: its status, the id of what was made or changed, why not."""
        rule, tenant = trigger.rule, envelope.tenant_id
        seen = rules.scope(envelope)
        if rule.type is TriggerType.CONDITIONAL:
            seen = await self._with_facts(envelope)
        cause, other = caused_by(envelope, "fire", id), caused_by(envelope, "otherwise", id)
        since = envelope.recorded_at
        try:
            done = await self._actions.finding.done(rule.otherwise, seen, tenant, other, since)
            if done is not None:
                return FiringStatus.FIRED, done, None
            try:
                result = await self._actions.perform(rule.action, seen, tenant, cause, since)
            except NothingToDo as error:
                if rule.otherwise is None or error.met:
                    raise
                result = await self._actions.perform(rule.otherwise, seen, tenant, other, since)
        except NothingToDo as error:
            return FiringStatus.SKIPPED, None, error.reason
        except (Unavailable, QueryTimeout):
            raise  # it is tried later
        except DomainError as error:
            return FiringStatus.FAILED, None, refusal(error)
        return FiringStatus.FIRED, result, None

    async def _cut_off(self, envelope: Envelope) -> None:
        raised = IncidentRaised(
            at=self._now(),
            tenant_id=envelope.tenant_id,
            kind=IncidentKind.LOOP,
            reason=f"A chain of triggers was cut off after {DEPTH} events.",
            event_id=envelope.id,
        )
        cause = caused_by(envelope, "loop", envelope.id)
        await self._store.incidents.open(
            incident_id("loop", envelope.tenant_id, envelope.correlation_id), raised, cause
        )


def caused_by(envelope: Envelope, part: str, id: str) -> Cause:
    name = digest(part, id)
    return Cause(
        SYSTEM,
        name,
        envelope.correlation_id,
        envelope.id,
        input_hash=name,
        keyed=True,
        requester=envelope.person,
        depth=envelope.depth + 1,
    )

"""Figures of a template's steps from the database, which tells each journey's way; they are counted here."""

import asyncio
from collections.abc import Sequence
from typing import Final

from domain.analytics.scope import Scope
from domain.analytics.step_metrics import Deed, Done, StepRow, StepTally, step_visits
from domain.journey import Status
from storage.analytics.scope import Stages
from storage.analytics.ways import Milestone, since, ways
from storage.milestones import MilestoneKind, named
from storage.mongo import Mongo

ENDED: Final = tuple(named(MilestoneKind.STATUS, each) for each in (Status.COMPLETED, Status.ABANDONED))
BEHIND_SLASH: Final = "0"  # the character after it


async def step_metrics(
    mongo: Mongo, scope: Scope, template_id: str, steps: Sequence[str]
) -> tuple[StepRow, ...]:
    """Of the visits that began in the range: how many, how they ended until now, and how long they took.

    These steps in their order, then others of earlier versions.
    """
    tally = StepTally(scope.until)
    async for [way] in ways(mongo, scope, _wanted(scope, template_id)):
        tally.add(step_visits(_done(each, template_id) for each in way))
    return await asyncio.to_thread(tally.report, steps)  # sorting many takes a moment


def _wanted(scope: Scope, template_id: str) -> list[Stages]:
    found: list[Stages] = []
    for kind in Deed:
        if kind is not Deed.ENDED:
            names = {"$gte": f"{kind}:{template_id}/", "$lt": f"{kind}:{template_id}{BEHIND_SLASH}"}
            served = {"tenantId": scope.tenant_id, "name": names}
            found.append([{"$match": served}, {"$match": {"timeKey": since(scope)}}])
    for name in ENDED:
        served = {"tenantId": scope.tenant_id, "name": name, "timeKey": since(scope)}
        found.append([{"$match": served}, {"$match": {"templateId": template_id}}])
    return found


def _done(milestone: Milestone, template_id: str) -> Done:
    if milestone.name in ENDED:
        return Done(milestone.at, milestone.event, Deed.ENDED)
    kind, _, place = milestone.name.partition(":")
    step = place.removeprefix(f"{template_id}/")
    return Done(milestone.at, milestone.event, Deed(kind), step, milestone.automatic)

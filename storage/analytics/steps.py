"""Figures of a template's steps from the database, which tells each journey's way; they are counted here."""

import asyncio
from collections.abc import Sequence
from typing import Final

from domain.analytics.scope import Scope
from domain.analytics.step_metrics import Deed, Done, StepRow, StepTally, step_visits
from domain.journey import Status
from storage.analytics.ways import Milestone, ways
from storage.codec import Document
from storage.milestones import MilestoneKind, named
from storage.mongo import Mongo

ENDED: Final = tuple(named(MilestoneKind.STATUS, each) for each in (Status.COMPLETED, Status.ABANDONED))
KINDS: Final = (*(MilestoneKind(each) for each in Deed if each is not Deed.ENDED), MilestoneKind.STATUS)


async def step_metrics(
    mongo: Mongo, scope: Scope, template_id: str, steps: Sequence[str]
) -> tuple[StepRow, ...]:
    """Of the visits that began in the range: how many, how they ended until now, and how long they took.

    These steps in their order, then others of earlier versions.
    """
    tally = StepTally(scope.until)
    async for [way] in ways(mongo, scope, KINDS, _wanted(template_id)):
        tally.add(step_visits(_done(each, template_id) for each in way))
    return await asyncio.to_thread(tally.report, steps)  # sorting many takes a moment


def _wanted(template_id: str) -> Document:
    of_steps = {"kind": {"$ne": MilestoneKind.STATUS.value}}
    return {"templateId": template_id, "$or": [of_steps, {"name": {"$in": list(ENDED)}}]}


def _done(milestone: Milestone, template_id: str) -> Done:
    if milestone.name in ENDED:
        return Done(milestone.at, milestone.event, Deed.ENDED)
    kind, _, place = milestone.name.partition(":")
    step = place.removeprefix(f"{template_id}/")
    return Done(milestone.at, milestone.event, Deed(kind), step, milestone.automatic)

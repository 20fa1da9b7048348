"""What a journey did, told as its stays in stages, for the drop-off report.

A stay ends well with another stage or the completed journey. A journey that is abandoned or fails drops off in its
stage; one that failed and is retried comes back to it, which is a new stay.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from domain.analytics.dropoff import Ending, StageVisit
from domain.template import Stage


class Turn(StrEnum):
    """What happened to a journey, as far as its stays are concerned."""

    ENTERED = "entered"
    COMPLETED = "completed"
    FAILED = "failed"
    RETRIED = "retried"
    ABANDONED = "abandoned"


ENDS = (Turn.COMPLETED, Turn.ABANDONED)


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that happened to a journey. `stage`: the one it entered; `reason`: why it failed or was abandoned."""

    at: datetime
    turn: Turn
    stage: Stage | None = None
    reason: str | None = None


def stays(told: Iterable[Told]) -> list[StageVisit]:
    """The stays of one journey from what happened to it, in the order of time.

    What came before the first stage that is told of is passed over. A stage that imported history tells of behind the
    journey's end was left at once.
    """
    found: list[StageVisit] = []
    ended = False
    for each in told:
        ended = ended or each.turn in ENDS
        if each.turn is Turn.ENTERED and each.stage is not None:
            _end(found, each.at, Ending.WENT_ON)
            found.append(StageVisit(each.stage, each.at))
        elif each.turn is Turn.RETRIED:
            if found and found[-1].ending is not Ending.OPEN:
                found.append(StageVisit(found[-1].stage, each.at))
        elif each.turn is Turn.COMPLETED:
            _end(found, each.at, Ending.WENT_ON)
        else:
            _end(found, each.at, Ending.DROPPED, each.reason)
    if ended and found:
        _end(found, found[-1].entered_at, Ending.WENT_ON)
    return found


def _end(found: list[StageVisit], at: datetime, ending: Ending, reason: str | None = None) -> None:
    if found and found[-1].ending is Ending.OPEN:
        found[-1] = replace(found[-1], left_at=at, ending=ending, reason=reason)

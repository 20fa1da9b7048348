"""The walk of one unit through a funnel, in the database: what `domain.analytics.funnel_walk` does, as one expression.

Each moment here has one name, so that steps of different names never compete for it: in any order a count for each name
is then a maximum matching. Where one event may match several steps, the walk is the domain's own.
"""

from collections import Counter
from datetime import timedelta
from typing import Any, Final

from domain.analytics.funnel_question import FunnelQuestion, Outcome, Pick
from domain.analytics.funnel_walk import OrderMode, Stop
from domain.analytics.scope import Scope
from storage.analytics.funnel_units import NO_MOMENTS, name_of
from storage.analytics.scope import Stages
from storage.codec import Document

MILLISECOND: Final = timedelta(milliseconds=1)
SO_FAR: Final = "$$value"
NEXT: Final = "$$this"


def walked(scope: Scope, question: FunnelQuestion) -> Stages:
    """Rows of units become rows of those that entered: `at` when each step was reached, `reached` how many were, `b`
    the breakdown's value, and whether the unit `dropped` and was `excluded`."""
    last = len(question.steps)
    over: Any = False
    if question.window is not None:
        over = {"$gt": [{"$subtract": [scope.now, {"$arrayElemAt": ["$way.at", 0]}]}, _length(question)]}
    dropped = {"$and": [{"$lt": ["$reached", last]}, {"$or": ["$ended", over, {"$ne": ["$way.stop", None]}]}]}
    return [
        {"$set": {"way": _walk(scope, question)}},
        {"$set": {"reached": {"$size": "$way.at"}}},
        {"$match": {"reached": {"$gte": 1}}},
        {
            "$set": {
                "at": "$way.at",
                "b": "$way.b",
                "dropped": {"$cond": [dropped, 1, 0]},
                "excluded": {"$cond": [{"$eq": ["$way.stop", Stop.EXCLUDED.value]}, 1, 0]},
            }
        },
    ]


def picked(question: FunnelQuestion, pick: Pick) -> Document:
    """A query for the walked units behind one figure."""
    no_further: Document = {"reached": {"$eq": pick.step, "$lt": len(question.steps)}}
    match pick.outcome:
        case Outcome.REACHED:
            what: Document = {"reached": {"$gte": pick.step}}
        case Outcome.DROPPED:
            what = no_further | {"dropped": 1}
        case Outcome.EXCLUDED:
            what = no_further | {"excluded": 1}
        case Outcome.PENDING:
            what = no_further | {"dropped": 0}
    return what | ({} if pick.rows is None else {"b": {"$in": list(pick.rows)}})


def _walk(scope: Scope, question: FunnelQuestion) -> Document:
    start: Document = {"at": [], "stop": None, "b": None, "held": []}
    return {"$reduce": {"input": "$moments", "initialValue": start, "in": _went_on(scope, question)}}


def _went_on(scope: Scope, question: FunnelQuestion) -> Document:
    """The state after one moment more. The first case that holds decides."""
    names = [name_of(each) for each in question.steps]
    reached = {"$size": f"{SO_FAR}.at"}
    stands: list[Any] = [{"$ne": [f"{SO_FAR}.stop", None]}, {"$eq": [reached, len(names)]}]
    if question.order is OrderMode.STRICT:  # elsewhere they match nothing anyway
        stands.append({"$in": [f"{NEXT}.n", list(NO_MOMENTS)]})
    entering: list[Any] = [{"$eq": [f"{NEXT}.n", names[0]]}]
    if scope.until is not None:
        entering.append({"$lt": [f"{NEXT}.t", scope.until]})
    cases: list[tuple[Any, Any]] = [
        (_any(stands), SO_FAR),
        (_all([{"$eq": [reached, 0]}, *entering]), _taken(question, b={"$ifNull": [f"{NEXT}.b", None]})),
        ({"$eq": [reached, 0]}, SO_FAR),
    ]
    if question.window is not None:
        passed = {"$subtract": [f"{NEXT}.t", {"$arrayElemAt": [f"{SO_FAR}.at", 0]}]}
        cases.append(({"$gt": [passed, _length(question)]}, SO_FAR))
    if question.exclusions:
        excluded = {"$in": [f"{NEXT}.n", [name_of(each) for each in question.exclusions]]}
        cases.append((excluded, _stopped(Stop.EXCLUDED)))
    cases.append((_matches(question, names, reached), _taken(question)))
    otherwise = _stopped(Stop.INTERRUPTED) if question.order is OrderMode.STRICT else SO_FAR
    branches = [{"case": case, "then": then} for case, then in cases]
    return {"$switch": {"branches": branches, "default": otherwise}}


def _matches(question: FunnelQuestion, names: list[str], reached: Document) -> Document:
    """Whether the moment takes a step."""
    if question.order is not OrderMode.ANY:
        return {"$eq": [f"{NEXT}.n", {"$arrayElemAt": [names, reached]}]}
    held = {
        "$size": {"$filter": {"input": f"{SO_FAR}.held", "as": "h", "cond": {"$eq": ["$$h", f"{NEXT}.n"]}}}
    }
    return _any(
        [
            {"$and": [{"$eq": [f"{NEXT}.n", name]}, {"$lt": [held, steps]}]}
            for name, steps in Counter(names).items()
        ]
    )


def _taken(question: FunnelQuestion, **more: Any) -> Document:
    taken: Document = {"at": {"$concatArrays": [f"{SO_FAR}.at", [f"{NEXT}.t"]]}, **more}
    if question.order is OrderMode.ANY:
        taken["held"] = {"$concatArrays": [f"{SO_FAR}.held", [f"{NEXT}.n"]]}
    return {"$mergeObjects": [SO_FAR, taken]}


def _stopped(why: Stop) -> Document:
    return {"$mergeObjects": [SO_FAR, {"stop": why.value}]}


def _any(conditions: list[Any]) -> Document:
    return {"$or": conditions}


def _all(conditions: list[Any]) -> Document:
    return {"$and": conditions}


def _length(question: FunnelQuestion) -> int:
    """The window in whole milliseconds: what lies between two stored times is a number of these."""
    if question.window is None:
        raise ValueError("a funnel without a window has no length")
    return question.window // MILLISECOND

"""What a funnel reads: each journey, or customer, with its moments in the order of time.

A moment is `k` its time key, `t` its time, `n` the name of what happened; `j` the journey, `b` the breakdown's value
and `d` an event's data stand there only where they are needed. `ended` of a journey: completed or abandoned, for a
failed one can be retried. Of a customer: they have journeys, and all have ended.

An event from elsewhere is of a customer or lead and of no journey, unless its data has a `journeyId`. With a filter
only what happened in the journeys that it means counts, so what is of no journey does not.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from domain.analytics.funnel_question import (
    EventOccurred,
    FunnelQuestion,
    Happening,
    StageEntered,
    StepEntered,
)
from domain.analytics.funnel_walk import OrderMode
from domain.analytics.scope import Scope, UnitKind
from domain.journey import Status
from domain.values import timestamp
from storage.analytics.scope import (
    JOURNEY,
    STEADY,
    Source,
    Stages,
    changing,
    concatenated,
    customers,
    joined,
    served,
    steady,
    unit_key,
    whole,
)
from storage.codec import Document
from storage.milestones import MILESTONES, MilestoneKind, named

INSTANT: Final = timedelta(milliseconds=1)  # as exact as stored times are
ENDED: Final = tuple(named(MilestoneKind.STATUS, each) for each in (Status.COMPLETED, Status.ABANDONED))
LIVE_STATES: Final = (Status.ACTIVE, Status.PAUSED, Status.FAILED)
LIVE, OVER = (
    "live",
    "over",
)  # names of rows that only say that a customer has a journey that goes on, or has ended
NO_MOMENTS: Final = (*ENDED, LIVE, OVER)
EVENT: Final = "event"  # what the names of events begin with
OWN_AREA: Final = "journey:"
SEEN: Final = ("source", "subject", "customerId", "leadId", "data")  # of an event, by its conditions


def name_of(happening: Happening) -> str:
    """The name of such moments."""
    match happening:
        case StageEntered(stage):
            return named(MilestoneKind.STAGE, stage)
        case StepEntered(template_id, step):
            return named(MilestoneKind.STEP, template_id, step)
        case EventOccurred(type):
            return f"{EVENT}:{type}"


def units(scope: Scope, question: FunnelQuestion, *, journeys: bool = False) -> Source:
    """The collection to ask, and the pipeline: a row for each unit with `_id`, `moments` and `ended`. `journeys`:
    whether each moment is to say its journey."""
    collection, pipeline = joined(_sources(scope, question))
    return collection, pipeline + _grouped(scope, question, journeys=journeys)


def _sources(scope: Scope, question: FunnelQuestion) -> list[Source]:
    asked = happenings(question)
    between = what_interrupts(question)
    areas = tuple(each for each in between if each.endswith(":"))
    named_ones = [each for each in dict.fromkeys(map(name_of, asked)) if not each.startswith(areas)]
    types = [each.removeprefix(f"{EVENT}:") for each in named_ones if each.startswith(EVENT)]
    names = [each for each in named_ones if not each.startswith(EVENT)]
    names += ENDED if question.unit is UnitKind.JOURNEY else ()
    kinds = [each.removesuffix(":") for each in areas if not each.startswith(EVENT)]
    keys = _span(scope, question)
    found: list[Source] = []
    found += [_milestones(scope, question, served(scope, "name", names, keys))] if names else []
    found += [_milestones(scope, question, served(scope, "kind", kinds, keys))] if kinds else []
    found += [_event_rows(question, served(scope, "type", each, keys), each) for each in _alike(types)]
    of_events = [each.removeprefix(f"{EVENT}:") for each in areas if each.startswith(EVENT)]
    found += [_events_of_area(scope, question, each, keys) for each in of_events]
    if question.unit is UnitKind.CUSTOMER:
        found.append(_standing(scope, question))
    return found


def _alike(types: list[str]) -> list[list[str]]:
    """The types of journeys' own events, and those of others, whose journey stands elsewhere in them."""
    own = [each for each in types if each.startswith(OWN_AREA)]
    return [each for each in (own, [each for each in types if each not in own]) if each]


def what_interrupts(question: FunnelQuestion) -> tuple[str, ...]:
    """How the names begin of what may not stand between the steps: nothing but in strict order; there other moments of
    the kinds that the steps are of, stages, steps of templates, and events of an area, or, where a type has none, of
    the very type: its name stands here without a colon at the end."""
    if question.order is not OrderMode.STRICT:
        return ()
    return tuple(dict.fromkeys(_area(name_of(each)) for each in question.steps))


def interrupts(name: str, between: Sequence[str]) -> bool:
    """Whether what is called so is among `what_interrupts`."""
    return any(name.startswith(each) if each.endswith(":") else name == each for each in between)


def _area(name: str) -> str:
    kind, _, rest = name.partition(":")
    if kind != EVENT:
        return f"{kind}:"
    area, colon, _ = rest.partition(":")
    return f"{EVENT}:{area}{colon}"


def _span(scope: Scope, question: FunnelQuestion) -> Document:
    """From the range's begin until now, or until the last window is over."""
    bounds = {"$gte": "" if scope.since is None else timestamp(scope.since)}
    end = scope.now
    if scope.until is not None and question.window is not None and scope.until < end:
        end = scope.until + min(question.window, end - scope.until)
    return bounds | {"$lt": timestamp(end + INSTANT)}


def _milestones(scope: Scope, question: FunnelQuestion, found: Stages) -> Source:
    row = _row(question, "$journeyId", "$at", "$name")
    if question.breakdown in STEADY:
        row["b"] = f"${question.breakdown}"
    return MILESTONES, [*found, *steady(scope), {"$project": row}]


def _events_of_area(scope: Scope, question: FunnelQuestion, area: str, keys: Document) -> Source:
    behind = area[:-1] + chr(ord(area[-1]) + 1)
    found = {"tenantId": scope.tenant_id, "type": {"$gte": area, "$lt": behind}}
    types = [each.type for each in happenings(question) if isinstance(each, EventOccurred)]
    known = [each for each in types if each.startswith(area)]
    return _event_rows(question, [{"$match": found}, {"$match": {"timeKey": keys}}], known)


def _event_rows(question: FunnelQuestion, found: Stages, types: Sequence[str]) -> Source:
    journey: Any = "$subject" if types[0].startswith(OWN_AREA) else "$data.journeyId"
    named_one: Any = {"$eq": [{"$type": journey}, "string"]}
    if question.unit is UnitKind.JOURNEY:
        found = [*found, {"$match": {journey[1:]: {"$type": "string"}}}]
    else:
        journey = {"$cond": [named_one, journey, None]}
    row = _row(question, journey, "$occurredAt", {"$concat": [f"{EVENT}:", "$type"]})
    judged = {
        each.type for each in happenings(question) if isinstance(each, EventOccurred) and each.conditions
    }
    if judged.intersection(types):
        row["d"] = {name: f"${name}" for name in SEEN} | {"id": {"$ifNull": ["$externalId", "$_id"]}}
    return "events", [*found, {"$project": row}]


def _standing(scope: Scope, question: FunnelQuestion) -> Source:
    live = {"$in": ["$status", [each.value for each in LIVE_STATES]]}
    row = _row(question, "$_id", "$createdAt", {"$cond": [live, LIVE, OVER]})
    found = {"$match": {"tenantId": scope.tenant_id}}
    return "journeys", [found, *steady(scope), {"$project": row | {"k": {"$literal": ""}}}]


def _row(question: FunnelQuestion, journey: Any, at: str, name: Any) -> Document:
    row: Document = {"_id": 0, "k": "$timeKey", "t": at, "n": name}
    if question.unit is UnitKind.JOURNEY:
        return row | {"u": journey}
    return row | {"u": unit_key(question.unit), "j": journey}


def _grouped(scope: Scope, question: FunnelQuestion, *, journeys: bool) -> Stages:
    types = [each.type for each in happenings(question) if isinstance(each, EventOccurred)]
    looked_up = question.breakdown is not None and (bool(types) or question.breakdown not in STEADY)
    moment = {"k": "$k", "t": "$t", "n": "$n"}
    moment |= {"d": "$d"} if any(map(_conditions, happenings(question))) else {}
    moment |= {"b": "$b"} if question.breakdown is not None and not looked_up else {}
    moment |= {"j": "$j"} if journeys else {}
    own = question.unit is UnitKind.JOURNEY
    local = "_id" if own else "_id.j"
    if types:  # what comes from elsewhere may name a journey that is none
        named = own and not all(each.startswith(OWN_AREA) for each in types)
        filtered = whole(scope, local, always=named)
    else:
        filtered = changing(scope, local)
    more = [*filtered, *(_told_apart(scope, question, local, known=bool(filtered)) if looked_up else [])]
    merged: Document = {"moments": {"$push": "$moments"}}
    key: Any = "$u" if own or not more else {"u": "$u", "j": "$j"}
    stages: Stages = [{"$group": {"_id": key, "moments": {"$push": moment}}}, *more]
    if not own:
        if more:
            stages += [{"$group": {"_id": "$_id.u", **merged}}, {"$set": concatenated("moments")}]
        stages += [*customers(scope, merged), {"$set": concatenated("moments")}]
    in_order = {"$sortArray": {"input": "$moments", "sortBy": {"k": 1}}}
    return [*stages, {"$project": {"moments": in_order, "ended": _ended(own=own)}}]


def _ended(*, own: bool) -> Document:
    names: Document = {"$map": {"input": "$moments", "in": "$$this.n"}}
    if own:
        return {"$ne": [{"$setIntersection": [names, list(ENDED)]}, []]}
    return {"$eq": [{"$setIntersection": [names, [LIVE, OVER]]}, [OVER]]}


def _conditions(asked: Happening) -> bool:
    return isinstance(asked, EventOccurred) and bool(asked.conditions)


def _told_apart(scope: Scope, question: FunnelQuestion, local: str, *, known: bool) -> Stages:
    """The breakdown's value on each moment, from its journey. An event may name another tenant's: that has none."""
    found: Document = {
        "$lookup": {"from": "journeys", "localField": local, "foreignField": "_id", "as": JOURNEY}
    }
    maybe: Document = {"$unwind": {"path": f"${JOURNEY}", "preserveNullAndEmptyArrays": True}}
    own = {"$eq": [f"${JOURNEY}.tenantId", scope.tenant_id]}
    value = {"$cond": [own, {"$ifNull": [f"${JOURNEY}.{question.breakdown}", None]}, None]}
    told: Document = {"$map": {"input": "$moments", "in": {"$mergeObjects": ["$$this", {"b": "$value"}]}}}
    return [
        *([] if known else [found, maybe]),
        {"$set": {"value": value}},
        {"$unset": JOURNEY},
        {"$set": {"moments": told}},
    ]


def happenings(question: FunnelQuestion) -> tuple[Happening, ...]:
    """What the funnel asks about, as a step or as an exclusion."""
    return (*question.steps, *question.exclusions)

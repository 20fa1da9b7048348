"""Figures of handoffs from the database, by package and action."""

from collections import Counter, defaultdict

from domain.analytics.handoff_metrics import HandoffReport, HandoffTally, handoff_report
from domain.analytics.scope import Scope
from domain.events import HandoffStatus
from storage.analytics.lengths import PART, length, seconds
from storage.analytics.metrics import handoffs
from storage.analytics.scope import Stages, read
from storage.codec import Document
from storage.mongo import Mongo


async def handoff_metrics(mongo: Mongo, scope: Scope) -> HandoffReport:
    """The handoffs created in the scope's range, as they are now."""
    groups: defaultdict[tuple[str, str | None], HandoffTally] = defaultdict(HandoffTally)
    async for row in read(mongo, "handoffs", _pipeline(scope)):
        key = (row["_id"]["package"], row["_id"].get("action"))
        groups[key].merge(_tally(row))
    return handoff_report(groups)


def _pipeline(scope: Scope) -> Stages:
    tried = {"$size": {"$ifNull": ["$attempts", []]}}
    group = {"package": "$toPackage", "action": "$action", "status": "$status", "part": PART}
    return [
        *handoffs(scope),
        {
            "$group": {
                "_id": group,
                "count": {"$sum": 1},
                "attempts": {"$sum": tried},
                "attempted": {"$sum": {"$cond": [{"$gt": [tried, 0]}, 1, 0]}},
                "lengths": {"$push": length("$createdAt", "$endedAt")},
            }
        },
    ]


def _tally(row: Document) -> HandoffTally:
    status = HandoffStatus(row["_id"]["status"])
    completed = status is HandoffStatus.COMPLETED
    return HandoffTally(
        Counter({status: row["count"]}),
        row["attempts"],
        row["attempted"],
        list(seconds([row["lengths"]])) if completed else [],
    )

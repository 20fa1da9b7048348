"""When customers converted first, of conversions that are not kept any more: else a customer of old would seem new.

One document for each customer or lead and journey, shaped as a conversion without a value.
"""

from collections.abc import Iterable
from typing import Final

from pymongo import UpdateOne

from storage.codec import Document
from storage.mongo import Mongo, translated
from storage.subject import digest

FIRST_CONVERSIONS: Final = "first_conversions"
WHOSE: Final = ("tenantId", "customerId", "leadId", "journeyId")


async def remember(mongo: Mongo, conversions: Iterable[Document]) -> None:
    """Keep the earliest times of these conversions, before they go. Doing it again changes nothing; what is nobody's
    is passed over."""
    updates = [
        UpdateOne(
            {"_id": _id(each)},
            {
                "$min": {"added.at": each["added"]["at"]},
                "$setOnInsert": {name: each[name] for name in WHOSE if each.get(name) is not None},
            },
            upsert=True,
        )
        for each in conversions
        if _unit(each) is not None
    ]
    if updates:
        with translated():
            await mongo[FIRST_CONVERSIONS].bulk_write(updates, ordered=False)


def _id(conversion: Document) -> str:
    journey = conversion.get("journeyId") or ""
    return f"fst_{digest('first', conversion['tenantId'], _unit(conversion) or '', journey)}"


def _unit(conversion: Document) -> str | None:
    """The customer, else the lead, told apart by a letter; None for what is nobody's."""
    if conversion.get("customerId") is not None:
        return f"c:{conversion['customerId']}"
    return None if conversion.get("leadId") is None else f"l:{conversion['leadId']}"

"""What a bulk write says about itself."""

from typing import Final

from pymongo.errors import BulkWriteError

DUPLICATE_KEY: Final = 11000


def only_duplicates(error: BulkWriteError) -> bool:
    """Whether all that failed of a bulk write is there already."""
    return all(each["code"] == DUPLICATE_KEY for each in error.details["writeErrors"])

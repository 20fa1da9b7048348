"""Secrets that sign: what the calls of one side are signed with, and for how long an older one still is.

Only their names are here; the texts lie encrypted elsewhere.
"""

import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from domain.errors import InvalidInput

MAX_SECRETS: Final = 3
LONGEST_OVERLAP: Final = timedelta(days=30)
TEXT: Final = re.compile(r"whsec_([A-Za-z0-9+/]+=*)")  # as Standard Webhooks writes them
TEXT_BYTES: Final = range(24, 65)


@dataclass(frozen=True, slots=True)
class Secret:
    """The name of a secret, and from when on it signs no more."""

    id: str
    created_at: datetime
    until: datetime | None = None


def signing(secrets: Sequence[Secret], at: datetime) -> list[str]:
    """The ids of the secrets that sign now, the newest first."""
    return [each.id for each in reversed(secrets) if each.until is None or each.until > at]


def rotated(secrets: Sequence[Secret], id: str, *, older_until: datetime, at: datetime) -> tuple[Secret, ...]:
    """The secrets with a new one; the older ones sign until then at the latest. At most three are kept."""
    older = [
        replace(each, until=older_until if each.until is None else min(each.until, older_until))
        for each in secrets
    ]
    kept = [each for each in older if each.until is not None and each.until > at]
    return (*kept[1 - MAX_SECRETS :], Secret(id, at))


def require_overlap(overlap: timedelta) -> None:
    """Raises InvalidInput for an overlap that is negative or over 30 days."""
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise InvalidInput(f"An overlap is at most {LONGEST_OVERLAP.days} days.", "overlap")


def require_secret(text: str) -> None:
    """Raises InvalidInput for what is no secret, without showing it."""
    found = TEXT.fullmatch(text)
    try:
        length = len(b64decode(found[1], validate=True)) if found else 0
    except NotBase64:
        length = 0
    if length not in TEXT_BYTES:
        raise InvalidInput("A secret is whsec_ and the base64 of 24 to 64 random bytes.", "secret")

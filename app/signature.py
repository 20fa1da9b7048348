"""Whether a request was signed as Standard Webhooks has it (https://www.standardwebhooks.com), by the passed clock.

The signature is over the webhook-id, the webhook-timestamp and the body, and over nothing else of the request.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hmac import compare_digest
from typing import Final

from standardwebhooks import Webhook

TOLERANCE: Final = timedelta(minutes=5)
_SECONDS: Final = re.compile(r"[0-9]{1,12}")


def is_signed(headers: Mapping[str, str], body: str, secrets: Sequence[str], now: datetime) -> bool:
    """Whether one of the secrets made one of the signatures, at most five minutes from now. Takes as long for any
    signature."""
    id, stamp, signatures = (headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not id or not _SECONDS.fullmatch(stamp):
        return False
    seconds = int(stamp)
    if abs(seconds - now.timestamp()) > TOLERANCE.total_seconds():
        return False
    at = datetime.fromtimestamp(seconds, UTC)
    expected = [Webhook(secret).sign(id, at, body).encode() for secret in secrets]
    given = [each.encode() for each in signatures.split()]
    return sum(compare_digest(ours, theirs) for ours in expected for theirs in given) > 0

"""What a partner's answer says, read by somebody who trusts none of it: bounded in size, plain in the end."""

import re
import zlib
from collections.abc import AsyncIterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import orjson

from domain.values import Json

LARGEST: Final = 64 * 1024  # bytes of a body, packed and unpacked
MAX_DEPTH: Final = 32  # levels of JSON, as in the API

_SECONDS = re.compile(r"\d{1,9}", re.ASCII)
_UNPACKED: Final = ("", "identity")
_PACKED: Final = ("gzip", "x-gzip", "deflate")


class Unreadable(Exception):
    """No use can be made of the body; the argument is a sentence for a person."""


async def read_body(chunks: AsyncIterable[bytes], headers: Mapping[str, str]) -> bytes:
    """The whole body, unpacked. Raises Unreadable."""
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > LARGEST:
            raise Unreadable(_TOO_LARGE)
    encoding = headers.get("content-encoding", "").strip().lower()
    if encoding in _UNPACKED or not body:
        return bytes(body)
    if encoding not in _PACKED:
        raise Unreadable("The partner's answer is packed in a way that was not asked for.")
    return _unpacked(bytes(body))


_TOO_LARGE: Final = f"The partner's answer is too large: more than {LARGEST // 1024} KiB."


def _unpacked(body: bytes) -> bytes:
    """Some pack their answers though asked not to. No more is unpacked than may be kept."""
    inflating = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # gzip or zlib, as the first bytes say
    try:
        plain = inflating.decompress(body, LARGEST + 1)
    except zlib.error:
        raise Unreadable("The partner's answer cannot be unpacked.") from None
    if len(plain) > LARGEST:
        raise Unreadable(_TOO_LARGE)
    return plain


def parse_body(body: bytes) -> Json:
    """JSON; a text where it is none, or none that the database could keep; None where there is nothing."""
    if not body.strip():
        return None
    try:
        value: Json = orjson.loads(body)
    except orjson.JSONDecodeError:
        value = None
    else:
        if _fits(value, MAX_DEPTH):
            return value
    return body.decode(errors="replace").replace("\0", "")


def _fits(value: Json, depth: int) -> bool:
    match value:
        case dict():
            keys = all(key and "\0" not in key and not key.startswith("$") for key in value)
            return depth > 0 and keys and all(_fits(inner, depth - 1) for inner in value.values())
        case list():
            return depth > 0 and all(_fits(inner, depth - 1) for inner in value)
        case int() | float():
            return -(2**63) <= value < 2**63
        case _:
            return True


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds until one may ask again (RFC 9110, 10.2.3); None where nothing of the kind is said."""
    text = (value or "").strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return max(0.0, (at - now).total_seconds())

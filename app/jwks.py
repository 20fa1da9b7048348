"""The public keys of the tokens' issuer, read from its JWKS URL: bounded in time and size, and seldom.

They are kept for KEYS_KEPT. A key that is unknown makes us ask earlier, every ASK_AGAIN at most. Requests
share one fetch, and one that gives up does not end it; while the endpoint is away the keys known hold.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

import httpx
import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from domain.errors import Unauthenticated

logger = logging.getLogger(__name__)

KEYS_KEPT = timedelta(minutes=5)
ASK_AGAIN = timedelta(seconds=10)
JWKS_BYTES = 256 * 1024


class RemoteKeys:
    """The keys at `url`. `timeout` bounds one reading, in seconds."""

    def __init__(self, url: str, now: Callable[[], datetime], timeout: float) -> None:
        self._url, self._now, self._timeout = url, now, timeout
        self._tls = httpx.create_ssl_context()  # takes 30 ms, so not at every fetch
        self._keys: list[jwt.PyJWK] = []
        self._asked_at: datetime | None = None
        self._read_at: datetime | None = None
        self._away = False
        self._fetch: asyncio.Task[None] | None = None

    async def find(self, algorithm: str, kid: str | None) -> jwt.PyJWK:
        """The key of this name; without a `kid`, the only one for the algorithm. Raises Unauthenticated."""
        key = self._known(algorithm, kid)
        if key is None or self._passed(KEYS_KEPT, self._read_at):
            fetch = self._ask()
            if fetch and not (key and self._away):  # a known key does not wait for an issuer that was away
                await asyncio.shield(fetch)
            key = self._known(algorithm, kid)
        if key:
            return key
        if self._away:
            raise Unauthenticated("The token cannot be checked just now, for its issuer is away; try again.")
        raise Unauthenticated("The token is signed with a key that is not known here.")

    def _known(self, algorithm: str, kid: str | None) -> jwt.PyJWK | None:
        keys = [key for key in self._keys if key.algorithm_name == algorithm and kid in (None, key.key_id)]
        return keys[0] if len(keys) == 1 else None

    def _passed(self, span: timedelta, since: datetime | None) -> bool:
        """Whether so much time lies between; a clock that was set back a long way counts as well."""
        return since is None or abs(self._now() - since) >= span

    def _ask(self) -> asyncio.Task[None] | None:
        """The fetch under way, one begun now, or none: we asked only just now."""
        if self._fetch and not self._fetch.done():
            return self._fetch
        if not self._passed(ASK_AGAIN, self._asked_at):
            return None
        self._asked_at = self._now()
        self._fetch = asyncio.create_task(self._refresh())
        return self._fetch

    async def _refresh(self) -> None:
        try:
            async with asyncio.timeout(self._timeout):
                self._keys = _public_keys(await self._read())
        except Exception as error:  # whatever is wrong over there, the keys known here hold
            self._away = True
            logger.warning("The JWKS cannot be read, so the %d keys known hold: %r", len(self._keys), error)
        else:
            self._away, self._read_at = False, self._asked_at

    async def _read(self) -> bytes:
        plain = {"Accept-Encoding": "identity"}  # and read raw: no small answer unpacks into a large one
        proxied = self._url.startswith("https:")  # a loopback address is never asked for through a proxy
        body = bytearray()
        async with (
            httpx.AsyncClient(verify=self._tls, trust_env=proxied, headers=plain) as client,
            client.stream("GET", self._url) as response,
        ):
            response.raise_for_status()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > JWKS_BYTES:
                    raise ValueError(f"it is larger than {JWKS_BYTES} bytes")
        return bytes(body)


def _public_keys(document: bytes) -> list[jwt.PyJWK]:
    """The keys that can check a token; others are passed over. Raises ValueError if none is left."""
    parsed = orjson.loads(document)
    listed = parsed.get("keys") if isinstance(parsed, dict) else None
    keys = [key for entry in listed if (key := _public_key(entry))] if isinstance(listed, list) else []
    if not keys:
        raise ValueError("it holds no key that can be used")
    return keys


def _public_key(entry: object) -> jwt.PyJWK | None:
    if not isinstance(entry, dict) or entry.get("use") == "enc":
        return None
    try:
        key = jwt.PyJWK(entry)
    except (jwt.PyJWTError, LookupError, TypeError, ValueError):
        return None
    # A secret that is published (`oct`, or the private half of a pair) is none.
    return key if isinstance(key.key, RSAPublicKey | EllipticCurvePublicKey) else None

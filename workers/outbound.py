"""Calls to partner systems: the one place that speaks HTTP to them.

A call ends in a Reply, whatever its status, or in NoReply. It takes no longer than its time limit, waits for nobody
else's partner, and tells the partner nothing but what is in it: no cookies, no proxy, no redirect to elsewhere.
"""

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import IPv4Network, IPv6Network
from typing import Final
from weakref import WeakValueDictionary

import httpcore
import httpx
from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook

from domain.values import Json
from workers.answer import Unreadable, parse_body, read_body, retry_after
from workers.network import Network, Unreachable

LONGEST_URL: Final = 2_000  # characters
REDIRECTS: Final = 3
LAST_PORT: Final = 65_535
KEEP_SECONDS: Final = 4.0  # an idle connection; many servers end theirs after 5
_HOST = re.compile(rb"[\w.:-]+")  # what is not ASCII is encoded by now
SHARE: Final = 4  # one partner has at most a quarter of the connections


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One attempt. `url` has its path parameters filled in, `body` is JSON, of the media type where it is a special
    one, `timeout` are seconds for it all.

    `message_id` is the same for all attempts that mean the same. There is a signature for each of `secrets`
    (`whsec_…`, the newest first), so that a partner may go over from one to the next; none: unsigned.
    """

    url: str
    body: bytes = field(repr=False)
    message_id: str
    secrets: tuple[str, ...] = field(repr=False)
    at: datetime
    timeout: float
    media_type: str = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the partner answered: the body as JSON, as a text where it is none; seconds of Retry-After."""

    status: int
    body: Json
    retry_after: float | None


class NoReply(Exception):
    """No answer, or none that can be used. `message` is for people, and shows nothing of the inside."""

    def __init__(self, message: str, timed_out: bool) -> None:
        super().__init__(message)
        self.message, self.timed_out = message, timed_out


class Outbound:
    """`networks`: where partners may be beside public addresses. `connections`: at most, in all."""

    def __init__(
        self,
        networks: Sequence[IPv4Network | IPv6Network],
        now: Callable[[], datetime],
        *,
        connections: int = 256,
    ) -> None:
        self._now = now
        self._network = Network(networks)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=httpx.create_ssl_context(),
            max_connections=connections,
            keepalive_expiry=KEEP_SECONDS,
            network_backend=self._network,
        )
        self._places = asyncio.Semaphore(connections)
        self._most = max(1, connections // SHARE)
        self._origins: WeakValueDictionary[tuple[bytes, bytes, int | None], asyncio.Semaphore]
        self._origins = WeakValueDictionary()

    async def close(self) -> None:
        """End every connection. Calls that are under way fail."""
        await self._pool.aclose()
        self._network.close()

    async def send(self, call: Call) -> Reply:
        """Make the call. Raises NoReply."""
        if problem := problem_with(call.url):
            raise NoReply(problem, timed_out=False)
        headers = _headers(call)
        try:
            async with asyncio.timeout(call.timeout):
                return await self._followed(httpx.URL(call.url), headers, call.body)
        except (TimeoutError, httpcore.TimeoutException):
            message = f"No whole answer came within {call.timeout:g} seconds."
            raise NoReply(message, timed_out=True) from None
        except (Unreachable, Unreadable) as error:
            raise NoReply(str(error), timed_out=False) from None
        except httpcore.ConnectError:
            raise NoReply("No secure connection to the partner could be made.", timed_out=False) from None
        except (httpcore.NetworkError, httpcore.ProtocolError):
            raise NoReply("The partner gave no proper answer.", timed_out=False) from None

    async def _followed(self, url: httpx.URL, headers: dict[str, str], body: bytes) -> Reply:
        origin = (url.raw_scheme, url.raw_host, url.port)
        places = self._origins.setdefault(origin, asyncio.Semaphore(self._most))
        async with places, self._places:  # so the pool itself never makes anybody wait
            for _ in range(REDIRECTS):
                reply, elsewhere = await self._exchange(url, headers, body)
                target = _redirected(url, reply.status, elsewhere)
                if target is None:
                    return reply
                url = target
            reply, _ = await self._exchange(url, headers, body)
            return reply

    async def _exchange(
        self, url: httpx.URL, headers: dict[str, str], body: bytes
    ) -> tuple[Reply, str | None]:
        """One request, its reply, and where that points to."""
        where = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        sent = [(b"Host", url.netloc)] + [(name.encode(), value.encode()) for name, value in headers.items()]
        async with self._pool.stream("POST", where, headers=sent, content=body) as response:
            got = httpx.Headers(response.headers)
            content = await read_body(response.aiter_stream(), got)
        again = retry_after(got.get("retry-after"), self._now())
        return Reply(status=response.status, body=parse_body(content), retry_after=again), got.get("location")


def _headers(call: Call) -> dict[str, str]:
    headers = {
        "Content-Type": call.media_type,
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "User-Agent": "journeys",
        "Idempotency-Key": call.message_id,
        "webhook-id": call.message_id,
        "webhook-timestamp": str(int(call.at.timestamp())),
    }
    if call.secrets:
        headers["webhook-signature"] = _signatures(call)
    return headers


def _signatures(call: Call) -> str:
    at, text = call.at.astimezone(UTC), call.body.decode()
    try:
        return " ".join(Webhook(secret).sign(call.message_id, at, text) for secret in call.secrets)
    except (ValueError, EmptyWebhookSecretError):
        raise NoReply("A secret for the partner is not of the form whsec_….", timed_out=False) from None


def _redirected(url: httpx.URL, status: int, location: str | None) -> httpx.URL | None:
    """Where to send the same again: on the same server only, for the signature and the data are for it alone."""
    if status not in (httpx.codes.TEMPORARY_REDIRECT, httpx.codes.PERMANENT_REDIRECT) or not location:
        return None
    try:
        target = url.join(location)
    except (httpx.InvalidURL, UnicodeError):
        return None
    same = (target.scheme, target.host, target.port) == (url.scheme, url.host, url.port)
    return target if same and problem_with(str(target)) is None else None


def problem_with(url: str) -> str | None:
    """Why this cannot be the address of a partner; None where it can. Names are looked up when it is called."""
    if len(url) > LONGEST_URL:
        return f"An address has at most {LONGEST_URL:,} characters."
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError):
        return "This is not an address that can be read."
    if parsed.scheme not in ("http", "https"):
        return "An address begins with https:// or http://."
    if not _HOST.fullmatch(parsed.raw_host):
        return "An address names a host, by a name or a number."
    if parsed.userinfo:
        return "An address holds no user and no password."
    if "#" in url:
        return "An address holds no fragment: nothing after a `#` is ever sent."
    if parsed.port is not None and not 1 <= parsed.port <= LAST_PORT:
        return f"A port lies between 1 and {LAST_PORT}."
    return None

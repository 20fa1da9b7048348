"""A bearer token becomes an Identity, or is refused in words that show nothing of the inside.

An algorithm belongs to one kind of key: HS256 is checked with the secret and nothing else, RS256 and ES256
with a public key of that very algorithm from the JWKS. Time is the passed clock's, never the system's.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import httpx
import jwt

from app.jwks import RemoteKeys
from app.settings import Mode, Settings
from domain.errors import InvalidInput, Unauthenticated
from domain.identity import Identity, Role

if TYPE_CHECKING:
    from jwt.types import Options

DEVELOPER = Identity(tenant_id="demo", user_id="developer", roles=frozenset(Role))
SECRET_BYTES = 32  # RFC 7518, 3.2: an HS256 key is at least as long as the hash
AUTHORIZATION_CHARACTERS = 16 * 1024
NOT_BEFORE_LEEWAY = timedelta(seconds=30)  # `exp` has none: an identity is never over before it is used
LAST_SECOND = 253_402_300_799  # 9999-12-31T23:59:59Z, as far as a datetime goes
LONGEST_LIFETIME = timedelta(days=366)
USER_CHARACTERS = 128
GROUPS = 200

_BEARER = re.compile(r"(?i:bearer) +([\w-]+\.[\w-]+\.[\w-]+)", re.ASCII)
_TENANT = re.compile(r"[\w.-]{1,64}", re.ASCII)


class Authenticator:
    """Says who is asking. `fetch_timeout` bounds the reading of the JWKS, in seconds."""

    def __init__(
        self, settings: Settings, now: Callable[[], datetime], *, fetch_timeout: float = 3.0
    ) -> None:
        self._now = now
        self._mode = settings.mode
        self._secret = _secret(settings)
        self._keys = RemoteKeys(settings.jwks_url, now, fetch_timeout) if settings.jwks_url else None
        self._issuer = settings.jwt_issuer or None
        self._audience = settings.jwt_audience or None
        self._options: Options = {
            "verify_aud": self._audience is not None,
            "enforce_minimum_key_length": True,
            # The system's clock would judge these, and `_identity` has its own words for the rest.
            "verify_exp": False,
            "verify_nbf": False,
            "verify_iat": False,
            "verify_sub": False,
            "verify_jti": False,
        }

    async def identify(self, authorization: str | None) -> Identity:
        """Whom the value of an Authorization header stands for. Raises Unauthenticated and nothing else.

        None means that there is no header: in development mode that is the developer.
        """
        if authorization is None:
            if self._mode is Mode.DEVELOPMENT:
                return DEVELOPER
            raise Unauthenticated("A token is needed: `Authorization: Bearer <token>`.")
        if len(authorization) > AUTHORIZATION_CHARACTERS:
            raise Unauthenticated("The token is too long.")
        if (bearer := _BEARER.fullmatch(authorization)) is None:
            raise Unauthenticated("The authorization is not of the form `Bearer <token>`.")
        return _identity(await self._claims(bearer[1]), self._now())

    async def _claims(self, token: str) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
            algorithm, key = await self._key(header.get("alg"), header.get("kid"))
            return jwt.decode(
                token, key, [algorithm], self._options, audience=self._audience, issuer=self._issuer
            )
        except (jwt.InvalidIssuerError, jwt.InvalidAudienceError, jwt.MissingRequiredClaimError) as error:
            raise Unauthenticated("The token was not issued for this service.") from error
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:  # older PyJWTs let some by
            raise Unauthenticated("The token is not valid.") from error

    async def _key(self, algorithm: object, kid: str | None) -> tuple[str, bytes | jwt.PyJWK]:
        match algorithm:
            case "HS256" if self._secret:
                return "HS256", self._secret
            case "RS256" | "ES256" as asymmetric if self._keys:
                return asymmetric, await self._keys.find(asymmetric, kid)
        raise Unauthenticated("The token is signed with an algorithm that is not accepted here.")


def development_token(
    settings: Settings, *, tenant: str, user: str, roles: Iterable[Role], lifetime: timedelta, now: datetime
) -> str:
    """An HS256 token that this service accepts. Raises InvalidInput, also where there is no secret for it."""
    secret = _secret(settings)
    if secret is None or len(secret) < SECRET_BYTES:
        raise InvalidInput(f"Set JOURNEYS_JWT_SECRET to at least {SECRET_BYTES} bytes to make tokens.")
    if not _is_tenant(tenant):
        raise InvalidInput("A tenant is 1 to 64 letters, digits, `_`, `.` or `-`.", "tenant")
    if not _is_user(user):
        raise InvalidInput("A user is 1 to 128 printable characters.", "user")
    if not timedelta(seconds=1) <= lifetime <= LONGEST_LIFETIME:
        raise InvalidInput(f"A token lives for 1 second to {LONGEST_LIFETIME.days} days.", "lifetime")
    times = {"iat": int(now.timestamp()), "exp": int((now + lifetime).timestamp())}
    meant = {"iss": settings.jwt_issuer, "aud": settings.jwt_audience}
    claims = {"tenant": tenant, "sub": user, "roles": sorted(set(roles))} | times
    claims |= {name: value for name, value in meant.items() if value}
    try:
        return jwt.encode(claims, secret, "HS256")
    except jwt.InvalidKeyError as error:  # it is a PEM file or a JWK, say
        raise InvalidInput("JOURNEYS_JWT_SECRET is a public or private key, not a secret.") from error


def check_production(settings: Settings) -> list[str]:
    """Every reason why the server must not start, a sentence each.

    Development mode knows one: what needs no token there must be out of others' reach.
    """
    if settings.mode is Mode.DEVELOPMENT:
        exposed = (
            "In development mode whoever reaches the server may do anything without a token, so "
            f"JOURNEYS_HOST must be a loopback address such as 127.0.0.1, not {settings.host!r}."
        )
        return [] if _is_loopback(settings.host) else [exposed]
    secret = _secret(settings)
    reasons = {
        "Set JOURNEYS_JWT_SECRET or JOURNEYS_JWKS_URL: without either no token can be checked.": (
            secret is None and not settings.jwks_url
        ),
        f"JOURNEYS_JWT_SECRET must be at least {SECRET_BYTES} bytes long, or it can be guessed.": (
            secret is not None and len(secret) < SECRET_BYTES
        ),
        "JOURNEYS_JWKS_URL must begin with https://, or be on this machine, or others can put keys there.": (
            bool(settings.jwks_url) and not _is_trustworthy(settings.jwks_url or "")
        ),
        "Set MONGODB_URI: the embedded database is for development.": not settings.mongodb_uri,
        "Set REDIS_URL: the embedded Redis is for development.": not settings.redis_url,
        "JOURNEYS_ALLOWED_ORIGINS must name each origin: `*` would let in every page on the web.": (
            any("*" in origin for origin in settings.allowed_origins)
        ),
    }
    return [reason for reason, holds in reasons.items() if holds]


def _identity(claims: Mapping[str, Any], now: datetime) -> Identity:
    expires_at = _time(claims, "exp")
    if now >= expires_at:
        raise Unauthenticated("The token has expired.")
    if "nbf" in claims and now + NOT_BEFORE_LEEWAY < _time(claims, "nbf"):
        raise Unauthenticated("The token is not valid yet.")
    tenant, user, names = claims.get("tenant"), claims.get("sub"), claims.get("roles")
    if not isinstance(tenant, str) or not _is_tenant(tenant):
        raise Unauthenticated("The token's `tenant` must be 1 to 64 letters, digits, `_`, `.` or `-`.")
    if not isinstance(user, str) or not _is_user(user):
        raise Unauthenticated("The token's `sub` must be 1 to 128 printable characters.")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise Unauthenticated("The token's `roles` must be a list of names.")
    roles = frozenset(role for role in Role if role in names)
    groups = frozenset(name for name in names[:GROUPS] if name not in set(Role) and _is_user(name))
    return Identity(tenant, user, roles, expires_at, groups)


def _time(claims: Mapping[str, Any], name: str) -> datetime:
    seconds = claims.get(name)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= LAST_SECOND:
        raise Unauthenticated(f"The token's `{name}` must be a time in seconds since 1970.")
    return datetime.fromtimestamp(seconds, UTC)


def _is_tenant(name: str) -> bool:
    return _TENANT.fullmatch(name) is not None


def _is_user(name: str) -> bool:
    """Printable rules out NUL and lone surrogates, which nothing could store."""
    return 1 <= len(name) <= USER_CHARACTERS and name.isprintable()


def _secret(settings: Settings) -> bytes | None:
    """An empty one is none. The environment may hold bytes that are no UTF-8."""
    secret = settings.jwt_secret.get_secret_value() if settings.jwt_secret else ""
    return secret.encode("utf-8", "surrogateescape") or None


def _is_loopback(host: str) -> bool:
    try:
        return host.lower() == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _is_trustworthy(url: str) -> bool:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    return parsed.scheme == "https" or (parsed.scheme == "http" and _is_loopback(parsed.host))

"""Tokens checked with the keys of a real HTTP server that rotates them, dawdles, errs and leaves."""

import asyncio
import gzip
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from app.auth import Authenticator
from app.settings import Mode, Settings
from domain.errors import Unauthenticated
from domain.identity import Role

START = datetime(2031, 5, 4, 12, 0, tzinfo=UTC)
CLAIMS = {"tenant": "acme", "sub": "ada", "roles": ["viewer"], "exp": int(START.timestamp()) + 86_400}
SECRET = "a secret that is long enough to be one"
RSA_KEY = rsa.generate_private_key(65537, 2048)
OTHER_RSA_KEY = rsa.generate_private_key(65537, 2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
UNKNOWN = "The token is signed with a key that is not known here."
AWAY = "The token cannot be checked just now, for its issuer is away; try again."

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def jwk(kid: str | None, key: PrivateKey, **fields: object) -> dict[str, Any]:
    public = key.public_key()
    shown = (
        RSAAlgorithm.to_jwk(public, as_dict=True)
        if isinstance(public, rsa.RSAPublicKey)
        else ECAlgorithm.to_jwk(public, as_dict=True)
    )
    return shown | ({"kid": kid} if kid else {}) | fields


def token(kid: str | None, key: PrivateKey, algorithm: str = "RS256", **changes: object) -> str:
    return "Bearer " + jwt.encode(CLAIMS | changes, key, algorithm, {"kid": kid} if kid else None)


class Clock:
    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at

    def forward(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class Issuer:
    """The JWKS endpoint. It answers `body` with `status` as soon as `open` is set, and counts how often."""

    def __init__(self) -> None:
        self.status, self.body, self.headers = 200, b"", dict[str, str]()
        self.open, self.asked, self.requests = threading.Event(), threading.Event(), 0
        self.open.set()
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.requests += 1
                issuer.asked.set()
                issuer.open.wait(10)
                self.send_response(issuer.status)
                for name, value in issuer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    self.wfile.write(issuer.body)
                except OSError:  # the service has hung up
                    self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/keys"

    def publish(self, *keys: object) -> None:
        self.body = json.dumps({"keys": keys}).encode()

    def leave(self) -> None:
        self.open.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    async def is_asked(self) -> None:
        assert await asyncio.to_thread(self.asked.wait, 10)


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    issuer = Issuer()
    issuer.publish(jwk("one", RSA_KEY), jwk("two", EC_KEY))
    yield issuer
    issuer.leave()


elsewhere = issuer  # another one


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def service(issuer: Issuer, clock: Clock) -> Authenticator:
    return authenticator(issuer, clock)


def authenticator(issuer: Issuer, clock: Clock, *, fetch_timeout: float = 10, **values: Any) -> Authenticator:
    plain = {"mode": Mode.PRODUCTION, "jwt_secret": None, "jwt_issuer": None, "jwt_audience": None}
    settings = Settings(**(plain | {"jwks_url": issuer.url} | values))
    return Authenticator(settings, clock, fetch_timeout=fetch_timeout)


async def refusal(service: Authenticator, authorization: str) -> str:
    with pytest.raises(Unauthenticated) as refused:
        await service.identify(authorization)
    return refused.value.message


async def test_keys_of_both_kinds_are_read_once(service: Authenticator, issuer: Issuer) -> None:
    for _ in range(3):
        for good in (token("one", RSA_KEY), token("two", EC_KEY, "ES256")):
            assert (await service.identify(good)).roles == {Role.VIEWER}
    assert issuer.requests == 1


async def test_a_token_of_another_key_under_a_known_name_is_refused(service: Authenticator) -> None:
    assert await refusal(service, token("one", OTHER_RSA_KEY)) == "The token is not valid."


async def test_the_expiry_holds_for_these_tokens_too(service: Authenticator, clock: Clock) -> None:
    clock.forward(86_400)
    assert await refusal(service, token("one", RSA_KEY)) == "The token has expired."


@pytest.mark.parametrize("secret", [None, SECRET])
@pytest.mark.parametrize("form", ["pem", "der", "jwk", "modulus"])
async def test_a_public_key_is_no_secret(issuer: Issuer, clock: Clock, secret: str | None, form: str) -> None:
    """The confusion of algorithms: HS256 keyed with what everyone may read."""
    public = RSA_KEY.public_key()
    info = serialization.PublicFormat.SubjectPublicKeyInfo
    known = {
        "pem": public.public_bytes(serialization.Encoding.PEM, info),
        "der": public.public_bytes(serialization.Encoding.DER, info),
        "jwk": json.dumps(jwk("one", RSA_KEY)).encode(),
        "modulus": public.public_numbers().n.to_bytes(256),
    }[form]
    signer = jwt.PyJWS(algorithms=[])
    signer.register_algorithm("HS256", Careless(Careless.SHA256))
    service = authenticator(issuer, clock, jwt_secret=secret)
    forged = "Bearer " + signer.encode(json.dumps(CLAIMS).encode(), known, "HS256", {"kid": "one"})
    assert await service.identify(token("one", RSA_KEY))
    await refusal(service, forged)


class Careless(jwt.algorithms.HMACAlgorithm):
    """An attacker's HS256, which minds no kind of key."""

    def prepare_key(self, key: str | bytes) -> bytes:
        return key if isinstance(key, bytes) else key.encode()


async def test_secret_and_keys_serve_side_by_side(issuer: Issuer, clock: Clock) -> None:
    service = authenticator(issuer, clock, jwt_secret=SECRET)
    assert await service.identify("Bearer " + jwt.encode(CLAIMS, SECRET, "HS256"))
    assert await service.identify("Bearer " + jwt.encode(CLAIMS, SECRET, "HS256", {"kid": "one"}))
    assert issuer.requests == 0
    assert await service.identify(token("one", RSA_KEY))


async def test_a_key_serves_only_its_own_algorithm(service: Authenticator, issuer: Issuer) -> None:
    issuer.publish(jwk("one", RSA_KEY, alg="RS512"), jwk("two", EC_KEY))
    assert await refusal(service, token("one", RSA_KEY)) == UNKNOWN
    assert await refusal(service, token("two", RSA_KEY)) == UNKNOWN
    assert "algorithm" in await refusal(service, token("one", RSA_KEY, "RS512"))
    assert "algorithm" in await refusal(service, token("one", RSA_KEY, "PS256"))


async def test_keys_that_cannot_check_tokens_are_passed_over(service: Authenticator, issuer: Issuer) -> None:
    private = RSAAlgorithm.to_jwk(OTHER_RSA_KEY, as_dict=True)
    secret = {"kty": "oct", "k": "c2VjcmV0" * 8, "kid": "shared", "alg": "HS256"}
    encrypts = jwk("encrypts", OTHER_RSA_KEY, use="enc")
    useless = [7, None, {}, {"kty": "oct"}, {"kty": "RSA"}, {"kty": "EC", "crv": "P-9"}, {"kty": ["RSA"]}]
    curve = jwk("curve", ec.generate_private_key(ec.SECP384R1()), alg="ES256")
    issuer.publish(private | {"kid": "private"}, secret, encrypts, curve, *useless, jwk("one", RSA_KEY))
    assert await service.identify(token("one", RSA_KEY))
    for kid in ("private", "encrypts"):
        assert await refusal(service, token(kid, OTHER_RSA_KEY)) == UNKNOWN
    assert "algorithm" in await refusal(service, "Bearer " + jwt.encode(CLAIMS, b"secret" * 8, "HS256"))
    await refusal(service, token("curve", EC_KEY, "ES256"))


async def test_a_short_rsa_key_opens_nothing(service: Authenticator, issuer: Issuer) -> None:
    short = rsa.generate_private_key(65537, 1024)
    issuer.publish(jwk("short", short))
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        authorization = token("short", short)
    assert await refusal(service, authorization) == "The token is not valid."


async def test_a_token_that_names_no_key_needs_the_only_one(service: Authenticator, issuer: Issuer) -> None:
    issuer.publish(jwk(None, RSA_KEY), jwk("two", EC_KEY), jwk("three", EC_KEY))
    assert await service.identify(token(None, RSA_KEY))
    assert await refusal(service, token("one", RSA_KEY)) == UNKNOWN
    assert await refusal(service, token(None, EC_KEY, "ES256")) == UNKNOWN


async def test_a_rotated_key_is_fetched_when_it_is_first_seen(
    service: Authenticator, issuer: Issuer, clock: Clock
) -> None:
    assert await service.identify(token("one", RSA_KEY))
    issuer.publish(jwk("next", OTHER_RSA_KEY))
    clock.forward(10)
    assert await service.identify(token("next", OTHER_RSA_KEY))
    assert await refusal(service, token("one", RSA_KEY)) == UNKNOWN
    assert issuer.requests == 2


async def test_a_withdrawn_key_is_forgotten_after_five_minutes(
    service: Authenticator, issuer: Issuer, clock: Clock
) -> None:
    assert await service.identify(token("one", RSA_KEY))
    issuer.publish(jwk("two", EC_KEY))
    clock.forward(299)
    assert await service.identify(token("one", RSA_KEY))
    clock.forward(1)
    assert await refusal(service, token("one", RSA_KEY)) == UNKNOWN
    assert issuer.requests == 2


async def test_a_storm_of_unknown_keys_asks_once_in_ten_seconds(
    service: Authenticator, issuer: Issuer, clock: Clock
) -> None:
    assert await service.identify(token("one", RSA_KEY))
    strangers = [token(f"stranger {n}", OTHER_RSA_KEY) for n in range(20)]
    clock.forward(9.9)
    for stranger in strangers:
        assert await refusal(service, stranger) == UNKNOWN
    assert issuer.requests == 1
    clock.forward(0.1)
    assert set(await asyncio.gather(*(refusal(service, stranger) for stranger in strangers))) == {UNKNOWN}
    assert issuer.requests == 2
    assert await service.identify(token("one", RSA_KEY))


async def test_a_clock_that_was_set_back_does_not_stop_the_fetching(
    service: Authenticator, issuer: Issuer, clock: Clock
) -> None:
    assert await service.identify(token("one", RSA_KEY))
    issuer.publish(jwk("next", OTHER_RSA_KEY))
    clock.forward(-3600)
    assert await service.identify(token("next", OTHER_RSA_KEY))


async def test_requests_share_a_fetch_and_one_that_gives_up_does_not_end_it(
    service: Authenticator, issuer: Issuer
) -> None:
    issuer.open.clear()
    first = asyncio.create_task(service.identify(token("one", RSA_KEY)))
    await issuer.is_asked()
    others = [asyncio.create_task(service.identify(token("two", EC_KEY, "ES256"))) for _ in range(20)]
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    issuer.open.set()
    assert len(await asyncio.gather(*others)) == 20
    assert issuer.requests == 1


async def test_while_the_issuer_dawdles_others_are_served(issuer: Issuer, clock: Clock) -> None:
    service = authenticator(issuer, clock, jwt_secret=SECRET)
    issuer.open.clear()
    waiting = asyncio.create_task(service.identify(token("one", RSA_KEY)))
    await issuer.is_asked()
    assert await service.identify("Bearer " + jwt.encode(CLAIMS, SECRET, "HS256"))
    assert not waiting.done()
    issuer.open.set()
    assert await waiting


async def test_an_issuer_that_never_answers_is_given_up(issuer: Issuer, clock: Clock) -> None:
    issuer.open.clear()
    service = authenticator(issuer, clock, fetch_timeout=0.05)
    assert await refusal(service, token("one", RSA_KEY)) == AWAY


async def test_the_time_limit_is_for_the_whole_of_a_fetch(issuer: Issuer, clock: Clock) -> None:
    service = authenticator(issuer, clock, fetch_timeout=0)
    assert await refusal(service, token("one", RSA_KEY)) == AWAY


async def test_an_answer_that_is_too_large_is_not_read(service: Authenticator, issuer: Issuer) -> None:
    issuer.body += b" " * 256 * 1024
    assert await refusal(service, token("one", RSA_KEY)) == AWAY


async def test_known_keys_hold_while_the_issuer_is_away(
    service: Authenticator, issuer: Issuer, clock: Clock
) -> None:
    assert await service.identify(token("one", RSA_KEY))
    issuer.leave()
    for _ in range(3):
        clock.forward(3600)
        assert await service.identify(token("one", RSA_KEY))
        assert await refusal(service, token("next", OTHER_RSA_KEY)) == AWAY


async def test_a_known_key_does_not_wait_for_an_issuer_that_was_away(
    service: Authenticator, issuer: Issuer, clock: Clock
) -> None:
    assert await service.identify(token("one", RSA_KEY))
    issuer.status = 503
    clock.forward(300)
    assert await service.identify(token("one", RSA_KEY))
    issuer.status = 200
    issuer.open.clear()
    issuer.asked.clear()
    issuer.publish(jwk("next", OTHER_RSA_KEY))
    clock.forward(10)
    assert await service.identify(token("one", RSA_KEY))
    await issuer.is_asked()
    issuer.open.set()
    assert await service.identify(token("next", OTHER_RSA_KEY))
    assert issuer.requests == 3


async def test_an_issuer_that_comes_back_is_believed_again(
    service: Authenticator, issuer: Issuer, clock: Clock
) -> None:
    issuer.status = 500
    assert await refusal(service, token("one", RSA_KEY)) == AWAY
    issuer.status = 200
    assert await refusal(service, token("one", RSA_KEY)) == AWAY
    clock.forward(10)
    assert await service.identify(token("one", RSA_KEY))
    assert issuer.requests == 2


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"\xff",
        b"[]",
        b"{}",
        b'{"keys": null}',
        b'{"keys": []}',
        b'{"keys": {"one": 1}}',
        b"[" * 100_000,
        b'{"keys": [{"kty": "RSA", "kid": "one", "n": "AA", "e": "AA"}]}',
    ],
)
async def test_nonsense_from_the_issuer_does_no_harm(
    service: Authenticator, issuer: Issuer, clock: Clock, body: bytes
) -> None:
    good, issuer.body = issuer.body, body
    assert await refusal(service, token("one", RSA_KEY)) == AWAY
    issuer.body = good
    clock.forward(10)
    assert await service.identify(token("one", RSA_KEY))
    issuer.body = body
    clock.forward(300)
    assert await service.identify(token("one", RSA_KEY))
    assert issuer.requests == 3


async def test_a_packed_answer_is_not_unpacked(service: Authenticator, issuer: Issuer) -> None:
    issuer.body, issuer.headers = gzip.compress(issuer.body), {"Content-Encoding": "gzip"}
    assert await refusal(service, token("one", RSA_KEY)) == AWAY


async def test_the_keys_are_not_fetched_from_where_an_answer_points(
    service: Authenticator, issuer: Issuer, elsewhere: Issuer
) -> None:
    elsewhere.body = issuer.body
    issuer.status, issuer.headers = 302, {"Location": elsewhere.url}
    assert await refusal(service, token("one", RSA_KEY)) == AWAY
    assert elsewhere.requests == 0

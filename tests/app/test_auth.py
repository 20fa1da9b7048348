"""What is a token worth, by its secret and its claims? Keys from a JWKS are in test_jwks.py."""

import base64
import contextlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import hypothesis
import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.auth import DEVELOPER, Authenticator, check_production, development_token
from app.settings import Mode, Settings
from domain.errors import InvalidInput, Unauthenticated
from domain.identity import Identity, Role

NOW = datetime(2031, 5, 4, 12, 0, tzinfo=UTC)
SECRET = "a secret that is long enough to be one"
CLAIMS: dict[str, Any] = {
    "tenant": "acme",
    "sub": "ada",
    "roles": ["operator"],
    "exp": int((NOW + timedelta(hours=1)).timestamp()),
}
NOTHING: dict[str, Any] = {
    "mode": Mode.PRODUCTION,
    "host": "0.0.0.0",
    "mongodb_uri": None,
    "redis_url": None,
    "jwt_secret": None,
    "jwks_url": None,
    "jwt_issuer": None,
    "jwt_audience": None,
    "allowed_origins": [],
}
untimed = hypothesis.settings(deadline=None)  # a busy machine is no failure
READY: dict[str, Any] = {"jwt_secret": SECRET, "mongodb_uri": "mongodb://db", "redis_url": "redis://cache"}


def settings(**values: Any) -> Settings:
    return Settings(**(NOTHING | {"jwt_secret": SECRET} | values))


def authenticator(at: datetime = NOW, **values: Any) -> Authenticator:
    return Authenticator(settings(**values), lambda: at)


def bearer(claims: object = None, *, secret: str = SECRET, algorithm: str = "HS256", **changes: Any) -> str:
    payload = json.dumps(CLAIMS | changes if claims is None else claims).encode()
    return "Bearer " + jwt.PyJWS().encode(payload, secret, algorithm)


def garbled(header: object, payload: object = CLAIMS, signature: bytes = b"signed") -> str:
    """A token of which only the form is right."""
    parts = (json.dumps(header).encode(), json.dumps(payload).encode(), signature)
    return "Bearer " + ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


async def refusal(authorization: str | None, at: datetime = NOW, **values: Any) -> str:
    with pytest.raises(Unauthenticated) as refused:
        await authenticator(at, **values).identify(authorization)
    return refused.value.message


async def test_a_good_token_names_tenant_user_roles_and_expiry() -> None:
    identity = await authenticator().identify(bearer(roles=["approver", "operator"]))
    assert identity == Identity(
        "acme", "ada", frozenset({Role.APPROVER, Role.OPERATOR}), NOW + timedelta(hours=1)
    )


async def test_the_word_bearer_may_be_written_in_any_case() -> None:
    assert await authenticator().identify(bearer().replace("Bearer", "bEARER "))


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer ", "Basic YTpi", "Bearer a.b", "a.b.c"]
)
async def test_without_a_token_there_is_no_identity(authorization: str | None) -> None:
    assert "Bearer <token>" in await refusal(authorization)


async def test_in_development_no_token_means_the_developer_who_never_expires() -> None:
    identity = await authenticator(mode=Mode.DEVELOPMENT, jwt_secret=None).identify(None)
    assert identity is DEVELOPER
    assert (identity.tenant_id, identity.user_id, identity.expires_at) == ("demo", "developer", None)
    assert identity.roles == frozenset(Role)


@pytest.mark.parametrize("authorization", ["", "Bearer ", "Bearer undefined", bearer(secret=SECRET[::-1])])
async def test_in_development_a_bad_token_is_still_refused(authorization: str) -> None:
    await refusal(authorization, mode=Mode.DEVELOPMENT)


async def test_a_token_too_long_to_be_one_is_not_looked_at() -> None:
    assert await refusal(bearer(other="x" * 20_000)) == "The token is too long."


async def test_a_token_signed_with_another_secret_is_refused() -> None:
    assert await refusal(bearer(secret=SECRET[::-1])) == "The token is not valid."


async def test_a_changed_token_is_refused() -> None:
    head, _, signature = bearer().split(".")
    payload = bearer(roles=["admin"]).split(".")[1]
    assert await refusal(f"{head}.{payload}.{signature}") == "The token is not valid."


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "HS384", "RS256", "ES256", "PS256", "", None, 1, [], {}]
)
async def test_only_algorithms_with_a_key_are_accepted(algorithm: object) -> None:
    assert "algorithm" in await refusal(garbled({"alg": algorithm}))


async def test_a_token_that_is_truly_signed_with_another_hash_is_refused() -> None:
    assert "algorithm" in await refusal(bearer(algorithm="HS512", secret=SECRET * 2), jwt_secret=SECRET * 2)


async def test_without_a_secret_no_hs256_token_is_accepted_even_one_signed_with_nothing() -> None:
    unsigned = garbled({"alg": "HS256"}, signature=b"")
    for secret in (None, ""):
        assert "algorithm" in await refusal(bearer(), jwt_secret=secret)
        await refusal(unsigned, jwt_secret=secret)


async def test_a_secret_that_can_be_guessed_opens_nothing() -> None:
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        token = bearer(secret="secret")
    assert await refusal(token, jwt_secret="secret") == "The token is not valid."


@pytest.mark.parametrize(
    "header", [[], "alg", {}, {"alg": "HS256", "kid": 7}, {"alg": "HS256", "crit": ["x"]}]
)
async def test_a_header_of_the_wrong_form_is_refused(header: object) -> None:
    await refusal(garbled(header))


@pytest.mark.parametrize("payload", ["[" * 5000, "1" * 5000, "null", "[]", '"text"', "{", "\0"])
async def test_a_signed_payload_that_is_no_object_is_refused(payload: str) -> None:
    token = "Bearer " + jwt.PyJWS().encode(payload.encode(), SECRET)
    assert await refusal(token) == "The token is not valid."
    deep = base64.urlsafe_b64encode(payload.encode()).rstrip(b"=").decode()
    await refusal(f"Bearer {deep}.e30.e30")


async def test_a_token_is_good_until_the_passed_clock_reaches_its_expiry() -> None:
    expiry = NOW + timedelta(hours=1)
    assert await authenticator(expiry - timedelta(microseconds=1)).identify(bearer())
    assert await refusal(bearer(), at=expiry) == "The token has expired."
    assert await refusal(bearer(), at=expiry + timedelta(days=9000)) == "The token has expired."


async def test_a_token_from_the_past_is_good_by_a_clock_of_the_past() -> None:
    past = datetime(1999, 1, 1, tzinfo=UTC)
    identity = await authenticator(past).identify(bearer(exp=past.timestamp() + 0.5))
    assert identity.expires_at == past + timedelta(seconds=0.5)


async def test_a_token_may_start_half_a_minute_ahead_of_our_clock_and_no_more() -> None:
    assert await authenticator().identify(bearer(nbf=NOW.timestamp() + 30))
    assert await refusal(bearer(nbf=NOW.timestamp() + 31)) == "The token is not valid yet."


async def test_when_a_token_was_issued_and_its_other_claims_do_not_matter() -> None:
    assert await authenticator().identify(bearer(iat="long ago", jti=3, aud=["anyone"], iss=4))


@pytest.mark.parametrize("time", [None, True, "1", [], {}, -1, 10**12, 10**400, float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["exp", "nbf"])
async def test_a_time_that_is_none_is_refused(name: str, time: Any) -> None:
    assert f"`{name}`" in await refusal(bearer(**{name: time}))


@pytest.mark.parametrize(
    "tenant", [None, "", "a" * 65, "a b", "a/b", "ü", "a\n", "a\0", 7, ["acme"], {"a": 1}]
)
async def test_a_tenant_is_64_plain_characters_at_most(tenant: object) -> None:
    assert "`tenant`" in await refusal(bearer(tenant=tenant))


@pytest.mark.parametrize("user", [None, "", "a" * 129, "a\0", "a\n", "\ud800", 7, ["ada"], {"a": 1}])
async def test_a_user_is_128_printable_characters_at_most(user: object) -> None:
    assert "`sub`" in await refusal(bearer(sub=user))


@pytest.mark.parametrize("roles", [None, "admin", 7, {"admin": True}, ["admin", 7], [["admin"]], [{}]])
async def test_roles_are_a_list_of_names(roles: object) -> None:
    assert "`roles`" in await refusal(bearer(roles=roles))


@pytest.mark.parametrize("missing", CLAIMS)
async def test_every_claim_is_needed(missing: str) -> None:
    claims = {name: value for name, value in CLAIMS.items() if name != missing}
    assert f"`{missing}`" in await refusal(bearer(claims))


async def test_the_longest_names_are_accepted() -> None:
    identity = await authenticator().identify(bearer(tenant="A-z_0." + "9" * 58, sub="Zoë Ł. 王" * 16))
    assert (len(identity.tenant_id), len(identity.user_id)) == (64, 128)


@pytest.mark.parametrize("roles", [[], ["Admin"], ["root", "", "admin "]])
async def test_unknown_roles_are_nothing(roles: list[str]) -> None:
    assert (await authenticator().identify(bearer(roles=roles))).roles == frozenset()
    assert (await authenticator().identify(bearer(roles=[*roles, "viewer"]))).roles == {Role.VIEWER}


@pytest.mark.parametrize(("setting", "claim"), [("jwt_issuer", "iss"), ("jwt_audience", "aud")])
@pytest.mark.parametrize("wrong", [None, "them", "u", "", 7, [], ["them"], [7], {"us": 1}])
async def test_a_token_for_someone_else_is_refused(setting: str, claim: str, wrong: Any) -> None:
    elsewhere = "The token was not issued for this service."
    named: dict[str, Any] = {setting: "us"}
    unnamed: dict[str, Any] = {setting: ""}
    ours: dict[str, Any] = {claim: "us"}
    assert await refusal(bearer(**{claim: wrong}), **named) == elsewhere
    assert await refusal(bearer(), **named) == elsewhere
    assert await authenticator(**named).identify(bearer(**ours))
    assert await authenticator(**unnamed).identify(bearer(**{claim: wrong}))


async def test_one_audience_of_several_may_be_ours() -> None:
    assert await authenticator(jwt_audience="us").identify(bearer(aud=["them", "us"]))


@untimed
@given(st.text() | st.text().map("Bearer {}".format) | st.from_regex(r"Bearer [\w-]+\.[\w-]*\.[\w-]*"))
async def test_no_text_raises_anything_but_a_refusal(authorization: str) -> None:
    await refusal(authorization)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
header_names = st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk", "jku", "x5c"])


@untimed
@given(
    st.dictionaries(header_names, json_values | st.sampled_from(["HS256", "RS256", "none"])) | json_values,
    json_values,
    st.binary(),
)
async def test_no_forgery_raises_anything_but_a_refusal(
    header: object, payload: object, signature: bytes
) -> None:
    await refusal(garbled(header, payload, signature))


@untimed
@given(st.dictionaries(st.sampled_from([*CLAIMS, "nbf", "iat", "jti"]), json_values) | json_values)
async def test_no_claims_raise_anything_but_a_refusal(claims: object) -> None:
    whole = CLAIMS | claims if isinstance(claims, dict) else claims
    with contextlib.suppress(Unauthenticated):
        assert isinstance(await authenticator().identify(bearer(whole)), Identity)


async def test_a_refusal_shows_nothing_of_the_inside() -> None:
    for authorization in ("Bearer !.!.!", "Bearer a.b.c", garbled([]), garbled({"alg": "HS256"}), bearer([])):
        message = await refusal(authorization)
        assert message.endswith(".")
        assert not any(
            word in message for word in ("Error", "padding", "segment", "json", "header", "Python")
        )


async def test_the_development_token_is_accepted_where_it_was_made() -> None:
    here: dict[str, Any] = {"jwt_issuer": "https://issuer", "jwt_audience": "journeys"}
    token = development_token(
        settings(**here),
        tenant="acme",
        user="ada",
        roles=[Role.ADMIN, Role.VIEWER],
        lifetime=timedelta(minutes=5),
        now=NOW,
    )
    identity = await authenticator(**here).identify(f"Bearer {token}")
    assert identity == Identity(
        "acme", "ada", frozenset({Role.ADMIN, Role.VIEWER}), NOW + timedelta(minutes=5)
    )


@pytest.mark.parametrize(
    ("values", "changes", "word"),
    [
        ({"jwt_secret": None}, {}, "JOURNEYS_JWT_SECRET"),
        ({"jwt_secret": ""}, {}, "JOURNEYS_JWT_SECRET"),
        ({"jwt_secret": "a" * 31}, {}, "32 bytes"),
        ({"jwt_secret": json.dumps({"kty": "oct", "k": "a" * 43})}, {}, "not a secret"),
        ({}, {"tenant": "a b"}, "tenant"),
        ({}, {"user": ""}, "user"),
        ({}, {"lifetime": timedelta(milliseconds=999)}, "1 second"),
        ({}, {"lifetime": timedelta.max}, "366 days"),
    ],
)
def test_no_token_is_made_that_would_be_refused(
    values: dict[str, Any], changes: dict[str, Any], word: str
) -> None:
    wanted = dict[str, Any](tenant="acme", user="ada", roles=[], lifetime=timedelta(hours=1), now=NOW)
    with pytest.raises(InvalidInput, match=word):
        development_token(settings(**values), **(wanted | changes))


def test_a_complete_setting_may_go_into_production() -> None:
    assert check_production(settings(**READY)) == []


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"jwt_secret": None}, "JOURNEYS_JWT_SECRET or JOURNEYS_JWKS_URL"),
        ({"jwt_secret": "", "jwks_url": ""}, "JOURNEYS_JWT_SECRET or JOURNEYS_JWKS_URL"),
        ({"jwt_secret": "a" * 31}, "32 bytes"),
        ({"mongodb_uri": None}, "MONGODB_URI"),
        ({"redis_url": ""}, "REDIS_URL"),
        ({"jwks_url": "http://issuer/keys"}, "https"),
        ({"jwks_url": "http://localhost.issuer/keys"}, "https"),
        ({"jwks_url": "http://127.0.0.1@issuer/keys"}, "https"),
        ({"jwks_url": "ftp://localhost/keys"}, "https"),
        ({"jwks_url": "file:///etc/keys"}, "https"),
        ({"jwks_url": "https://\0"}, "https"),
        ({"allowed_origins": ["https://a.example", "*"]}, "JOURNEYS_ALLOWED_ORIGINS"),
        ({"allowed_origins": ["https://*.example"]}, "JOURNEYS_ALLOWED_ORIGINS"),
    ],
)
def test_production_is_refused_for_one_reason(changes: dict[str, Any], word: str) -> None:
    [reason] = check_production(settings(**(READY | changes)))
    assert word in reason
    assert reason.endswith(".")


def test_production_is_refused_for_every_reason_at_once() -> None:
    wrong = {"jwt_secret": "short", "jwks_url": "http://issuer", "allowed_origins": ["*"]}
    assert len(check_production(settings(**wrong))) == 5


@pytest.mark.parametrize(
    "url", ["https://issuer/keys", "http://127.0.0.1:8/k", "http://[::1]/k", "http://LOCALHOST/k"]
)
def test_keys_come_over_https_or_from_this_machine(url: str) -> None:
    assert check_production(settings(**(READY | {"jwt_secret": None, "jwks_url": url}))) == []


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_development_needs_nothing_on_this_machine(host: str) -> None:
    wrong = {"jwt_secret": "short", "jwks_url": "http://issuer", "allowed_origins": ["*"]}
    assert check_production(settings(mode=Mode.DEVELOPMENT, host=host, **wrong)) == []


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "10.0.0.1", "example.com", "localhost.example.com"])
def test_development_is_kept_from_others(host: str) -> None:
    [reason] = check_production(settings(mode=Mode.DEVELOPMENT, host=host))
    assert "JOURNEYS_HOST" in reason

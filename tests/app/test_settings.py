"""Settings for calls to partners: what is accepted, what reaches a server process, and the embedded key."""

from ipaddress import ip_network
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr, ValidationError

from app.cli import demonstrating, environment, servers
from app.doctor import examine
from app.embedded import EmbeddedError
from app.own_key import FILE, own_key
from app.settings import Mode, Settings
from tests.app.test_cli import journeys

ONE, TWO = Fernet.generate_key().decode(), Fernet.generate_key().decode()
LOOPBACK = [ip_network("127.0.0.0/8"), ip_network("::1/128")]


def settings(**values: object) -> Settings:
    plain = {"secrets_key": None, "target_networks": []}
    return Settings.model_validate(plain | values)


def test_keys_and_networks_are_written_with_commas() -> None:
    given = settings(secrets_key=f" {ONE}, {TWO},", target_networks="10.0.0.0/8, fd00::/8")
    assert given.secrets_keys == [ONE, TWO]
    assert given.target_networks == [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


@pytest.mark.parametrize("none", ["", " , "])
def test_an_empty_setting_is_none(none: str) -> None:
    given = settings(secrets_key=none, target_networks=none)
    assert (given.secrets_key, given.secrets_keys, given.target_networks) == (None, [], [])


@pytest.mark.parametrize(
    "wrong", [ONE[:-4], f"{ONE},hush", "hush", "é" * 44], ids=["short", "one of two", "word", "other letters"]
)
def test_what_is_no_key_is_refused_and_not_shown(wrong: str) -> None:
    with pytest.raises(ValidationError) as refused:
        settings(secrets_key=wrong)
    assert wrong not in refused.value.errors()[0]["msg"]
    line = journeys("doctor", JOURNEYS_SECRETS_KEY=wrong).stderr
    assert "secrets_key" in line
    assert "44 characters" in line
    assert line.count("\n") == 1
    assert wrong not in line


@pytest.mark.parametrize("wrong", ["10.0.0.1/8", "everywhere", "10.0.0.0/33"])
def test_what_is_no_network_is_named(wrong: str) -> None:
    line = journeys("doctor", JOURNEYS_TARGET_NETWORKS=wrong).stderr
    assert "target_networks" in line
    assert wrong in line
    assert line.count("\n") == 1


@pytest.mark.parametrize("name", ["JOURNEYS_LEASE_SECONDS", "JOURNEYS_WORKER_SLOTS"])
def test_limits_are_more_than_nothing(name: str) -> None:
    assert "greater than 0" in journeys("doctor", **{name: "0"}).stderr


def test_a_server_process_comes_to_the_same_settings() -> None:
    given = settings(secrets_key=f"{ONE},{TWO}", target_networks="10.0.0.0/8,::1/128")
    passed = environment(given)
    again = settings(
        secrets_key=passed["JOURNEYS_SECRETS_KEY"], target_networks=passed["JOURNEYS_TARGET_NETWORKS"]
    )
    assert (again.secrets_keys, again.target_networks) == (given.secrets_keys, given.target_networks)


def test_a_demonstration_calls_partners_on_this_machine_in_development_only() -> None:
    own = settings(mode=Mode.DEVELOPMENT, target_networks="10.0.0.0/8,::1/128")
    assert set(demonstrating(own).target_networks) == {ip_network("10.0.0.0/8"), *LOOPBACK}
    assert demonstrating(settings(mode=Mode.PRODUCTION)).target_networks == []


def test_an_embedded_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    key = own_key(tmp_path)
    Fernet(key)
    assert own_key(tmp_path) == key
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


@pytest.mark.parametrize("content", [b"", b"hush", b"\xff"])
def test_a_damaged_key_is_named_and_never_replaced(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(EmbeddedError, match=FILE) as refused:
        own_key(tmp_path)
    assert "hush" not in str(refused.value)
    assert (tmp_path / FILE).read_bytes() == content


def test_a_key_that_cannot_be_kept_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError, match="cannot keep a key"):
        own_key(tmp_path / "missing")


def test_embedded_servers_come_with_a_key_unless_one_is_given(tmp_path: Path) -> None:
    with servers(settings(data_dir=tmp_path), start=True) as ready:
        assert ready.secrets_keys == [own_key(tmp_path)]
    with servers(settings(data_dir=tmp_path, secrets_key=ONE), start=True) as ready:
        assert ready.secrets_keys == [ONE]


@pytest.mark.parametrize(
    ("key", "expected"),
    [(None, "no JOURNEYS_SECRETS_KEY is set"), (ONE, "rest encrypted")],
    ids=["none", "one"],
)
async def test_the_doctor_says_whether_a_key_is_set(key: str | None, expected: str) -> None:
    secret = None if key is None else SecretStr(key)
    found = await examine(settings(secrets_key=secret, MONGODB_URI=None, REDIS_URL=None))
    (said,) = [finding for finding in found if expected in finding.text]
    assert said.ok
    assert ONE not in str(found)

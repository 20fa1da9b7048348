"""Secrets rest encrypted, open for their tenant under their id only, and outlive a change of keys."""

import logging

import pytest
from cryptography.fernet import Fernet

from domain.errors import AlreadyExists, InvalidInput
from storage.mongo import Mongo
from storage.secrets import SECRETS, Vault

SECRET = "whsec_a+secret/that=nobody"
OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


@pytest.fixture
def vault(mongo: Mongo) -> Vault:
    return Vault(mongo, [OLD])


@pytest.fixture
def ids(tenant: str) -> list[str]:
    return [f"{tenant}_{n}" for n in range(3)]


async def test_secrets_come_back_in_the_order_of_their_ids(vault: Vault, tenant: str, ids: list[str]) -> None:
    for id in ids:
        await vault.put(tenant, id, f"{SECRET} {id} ü")
    assert await vault.open(tenant, ids[::-1]) == [f"{SECRET} {id} ü" for id in ids[::-1]]
    assert await vault.open(tenant, []) == []


async def test_a_secret_is_replaced_under_its_id(vault: Vault, tenant: str, ids: list[str]) -> None:
    for secret in ("one", "two"):
        await vault.put(tenant, ids[0], secret)
    assert await vault.open(tenant, ids[:1]) == ["two"]


async def test_what_is_removed_is_left_out_and_named_in_the_log(
    vault: Vault, tenant: str, ids: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    for id in ids:
        await vault.put(tenant, id, id)
    await vault.remove([ids[1], "unknown"])
    assert await vault.open(tenant, ids) == [ids[0], ids[2]]
    assert caplog.messages == [f"The secret {ids[1]} is not there"]


async def test_nothing_of_the_secret_is_readable_in_the_document(
    vault: Vault, mongo: Mongo, tenant: str, ids: list[str]
) -> None:
    await vault.put(tenant, ids[0], SECRET)
    stored = await mongo[SECRETS].find_one({"_id": ids[0]})
    assert stored is not None
    assert set(stored) == {"_id", "tenantId", "sealed"}
    assert SECRET not in str(stored)
    assert SECRET.removeprefix("whsec_") not in str(stored)


async def test_a_key_is_replaced_by_putting_another_in_front(
    mongo: Mongo, tenant: str, ids: list[str]
) -> None:
    old, both, new = Vault(mongo, [OLD]), Vault(mongo, [NEW, OLD]), Vault(mongo, [NEW])
    await old.put(tenant, ids[0], "before")
    await both.put(tenant, ids[1], "after")
    assert await both.open(tenant, ids[:2]) == ["before", "after"]
    assert await new.open(tenant, ids[:2]) == ["after"]
    assert await old.open(tenant, ids[:2]) == ["before"]


async def test_a_secret_that_does_not_open_is_told_to_the_log_by_its_id_alone(
    vault: Vault, mongo: Mongo, tenant: str, ids: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    await vault.put(tenant, ids[0], SECRET)
    stored = await mongo[SECRETS].find_one({"_id": ids[0]})
    with caplog.at_level(logging.DEBUG, "storage"):
        assert await Vault(mongo, [NEW]).open(tenant, ids[:1]) == []
    assert caplog.messages == [f"The secret {ids[0]} cannot be opened with the keys that are set"]
    assert stored is not None
    assert stored["sealed"] not in caplog.text


async def test_another_tenant_neither_opens_nor_replaces_a_secret(
    vault: Vault, tenant: str, ids: list[str]
) -> None:
    await vault.put(tenant, ids[0], SECRET)
    assert await vault.open("another", ids[:1]) == []
    with pytest.raises(AlreadyExists):
        await vault.put("another", ids[0], "mine")
    assert await vault.open(tenant, ids[:1]) == [SECRET]


@pytest.mark.parametrize("change", ["id", "tenant"])
async def test_what_is_encrypted_opens_nowhere_else(
    vault: Vault, mongo: Mongo, tenant: str, ids: list[str], change: str
) -> None:
    await vault.put(tenant, ids[0], SECRET)
    stored = await mongo[SECRETS].find_one({"_id": ids[0]})
    assert stored is not None
    thief = tenant if change == "id" else "thief"
    await mongo[SECRETS].insert_one({"_id": ids[1], "tenantId": thief, "sealed": stored["sealed"]})
    if change == "tenant":
        await mongo[SECRETS].update_one({"_id": ids[0]}, {"$set": {"tenantId": thief}})
    assert await vault.open(thief, [ids[1]]) == []
    assert await vault.open("thief", ids[:1]) == []


async def test_without_a_key_nothing_is_kept_and_nothing_opens(
    vault: Vault, mongo: Mongo, tenant: str, ids: list[str]
) -> None:
    keyless = Vault(mongo, [])
    assert vault.available
    assert not keyless.available
    with pytest.raises(InvalidInput, match="JOURNEYS_SECRETS_KEY"):
        await keyless.put(tenant, ids[0], SECRET)
    await vault.put(tenant, ids[0], SECRET)
    assert await keyless.open(tenant, ids[:1]) == []

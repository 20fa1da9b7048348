"""Secrets of partners, which rest encrypted: a copy of the database tells nobody any of them.

The newest key encrypts, every key decrypts; so a key is replaced by putting another in front of it. What is encrypted
names its tenant and its id: moved to another document, it opens no more.
"""

import logging
from collections.abc import Sequence
from typing import Final

import orjson
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from domain.errors import AlreadyExists, InvalidInput
from storage.codec import Document
from storage.mongo import DuplicateKeyError, Mongo, translated

log = logging.getLogger(__name__)

SECRETS: Final = "secrets"


class Vault:
    """`keys` are Fernet keys, the newest first; without any, nothing can be put in or taken out."""

    def __init__(self, mongo: Mongo, keys: Sequence[str]) -> None:
        self._secrets = mongo[SECRETS]
        self._cipher = MultiFernet([Fernet(key) for key in keys]) if keys else None

    @property
    def available(self) -> bool:
        """Whether a key is set."""
        return self._cipher is not None

    async def put(self, tenant_id: str, id: str, secret: str) -> None:
        """Keep a secret under an id, instead of what was there. Raises InvalidInput where no key is set."""
        if self._cipher is None:
            raise InvalidInput(
                "A secret cannot be kept here before an operator sets JOURNEYS_SECRETS_KEY.", "secret"
            )
        sealed = self._cipher.encrypt(orjson.dumps([tenant_id, id, secret])).decode()
        own = {"_id": id, "tenantId": tenant_id}
        with translated():
            try:
                await self._secrets.update_one(own, {"$set": {"sealed": sealed}}, upsert=True)
            except DuplicateKeyError:
                raise AlreadyExists("A secret with this id is there already.", "id") from None

    async def open(self, tenant_id: str, ids: Sequence[str]) -> list[str]:
        """The secrets in the order of the ids; those that are not there, or do not open, are left out."""
        if not ids:
            return []
        with translated():
            found = await self._secrets.find({"_id": {"$in": list(ids)}}).to_list(None)
        sealed = {each["_id"]: each for each in found if each["tenantId"] == tenant_id}
        opened = [self._opened(tenant_id, id, sealed.get(id)) for id in ids]
        return [each for each in opened if each is not None]

    async def remove(self, ids: Sequence[str]) -> None:
        """Forget these secrets, as far as they are there."""
        with translated():
            await self._secrets.delete_many({"_id": {"$in": list(ids)}})

    def _opened(self, tenant_id: str, id: str, document: Document | None) -> str | None:
        if document is None:
            log.warning("The secret %s is not there", id)
            return None
        try:
            plain = self._cipher.decrypt(document["sealed"]) if self._cipher else b"[]"
        except InvalidToken:
            plain = b"[]"
        match orjson.loads(plain):
            case [str() as whose, str() as name, str() as secret] if (whose, name) == (tenant_id, id):
                return secret
        log.warning("The secret %s cannot be opened with the keys that are set", id)
        return None

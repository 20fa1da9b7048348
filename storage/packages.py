"""A tenant's packages. The built-in ones are there without a document, until the tenant sets something."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from domain import package as fold
from domain.errors import Conflict, InvalidInput, LimitExceeded, NotFound
from domain.identity import Actor, ActorKind
from domain.isp.packages import ISP_PACKAGES
from domain.package import NAME, Package, PackageAdded, PackageEvent
from storage.change import Changes
from storage.codec import Document
from storage.mongo import DuplicateKeyError, Mongo, translated
from storage.subject import (
    Cause,
    Changed,
    Kind,
    digest,
)

Command = Callable[[Package, datetime], Sequence[PackageEvent]]

SYSTEM: Final = Actor(ActorKind.SYSTEM, "journeys")
SHIPPED: Final = datetime(2026, 1, 1, tzinfo=UTC)
MOST: Final = 200


def _keys(_: Package) -> Document:
    return {}


PACKAGE: Final = Kind("packages", Package, fold.begin, fold.evolve, _keys)


def package_id(tenant_id: str, name: str) -> str:
    return f"pkg_{digest('package', tenant_id, name)}"


class Packages:
    def __init__(self, mongo: Mongo, changes: Changes, now: Callable[[], datetime]) -> None:
        self._mongo, self._changes, self._now = mongo, changes, now
        self._packages = mongo[PACKAGE.collection]

    async def find(self, tenant_id: str, name: str) -> Package | None:
        """The tenant's package, or the built-in one."""
        with translated():
            found = await self._packages.find_one({"_id": package_id(tenant_id, name)})
        return PACKAGE.read(found) if found else _built_in(tenant_id, name)

    async def get(self, id: str, tenant_id: str) -> Package:
        """By id. Raises NotFound."""
        built_in = (_built_in(tenant_id, name) for name in ISP_PACKAGES)
        found = next((each for each in built_in if each is not None and each.id == id), None)
        try:
            return await self._changes.load(PACKAGE, id, tenant_id)
        except NotFound:
            if found is None:
                raise
            return found

    async def all(self, tenant_id: str) -> list[Package]:
        """All packages by name; a tenant has at most 200 of its own."""
        with translated():
            found = await self._packages.find({"tenantId": tenant_id}).limit(MOST).to_list(None)
        built_in = [_built_in(tenant_id, name) for name in ISP_PACKAGES]
        known = {each.name: each for each in built_in if each is not None}
        known |= {each.name: each for each in map(PACKAGE.read, found)}
        return [known[name] for name in sorted(known)]

    async def outcome(self, tenant_id: str, name: str, cause: Cause) -> Changed[Package] | None:
        """What a command did that is given again; None where it was not given before."""
        return await self._changes.outcome(PACKAGE, package_id(tenant_id, name), cause)

    async def change(
        self, tenant_id: str, name: str, command: Command, cause: Cause, *, expected: int | None = None
    ) -> Changed[Package]:
        """Carry a command out on a package, which is added where there is none. Raises InvalidInput for a name that is
        none, LimitExceeded for one package too many."""
        if added := await self._add(tenant_id, name, command, cause, expected):
            return added

        async def run(package: Package, now: datetime) -> Sequence[PackageEvent]:
            return [replace(event, by=event.by or cause.actor) for event in command(package, now)]

        id = package_id(tenant_id, name)
        return await self._changes.change(PACKAGE, id, tenant_id, run, cause, expected=expected)

    async def _add(
        self, tenant_id: str, name: str, command: Command, cause: Cause, expected: int | None
    ) -> Changed[Package] | None:
        """The package with the command carried out; None where it is there already. What is refused adds none."""
        if not NAME.fullmatch(name):
            raise InvalidInput("A package's name has 1 to 64 of a-z, 0-9, _ and -.", "name")
        id = package_id(tenant_id, name)
        with translated():
            if await self._packages.find_one({"_id": id}, {"_id": 1}):
                return None
            if await self._packages.count_documents({"tenantId": tenant_id}, limit=MOST) >= MOST:
                raise LimitExceeded(f"A tenant has at most {MOST} packages.", "name")
        if expected:
            raise Conflict(0)
        description, actions = ISP_PACKAGES.get(name, ("", ()))
        now = self._now()
        added = PackageAdded(at=now, tenant_id=tenant_id, name=name, description=description, actions=actions)
        events = [added, *command(fold.begin(id, added, cause.actor), now)]
        try:
            return await self._changes.create(PACKAGE, id, events, cause)
        except DuplicateKeyError:
            return None  # somebody else added it a moment ago


def _built_in(tenant_id: str, name: str) -> Package | None:
    if name not in ISP_PACKAGES:
        return None
    description, actions = ISP_PACKAGES[name]
    added = PackageAdded(at=SHIPPED, tenant_id=tenant_id, name=name, description=description, actions=actions)
    return fold.begin(package_id(tenant_id, name), added, SYSTEM)

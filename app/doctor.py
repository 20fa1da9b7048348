"""What the service reaches, in which version, and what is misconfigured."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from app.auth import check_production
from app.settings import Settings
from domain.errors import DomainError
from storage.indexes import missing_indexes
from storage.mongo import connected
from subscriptions.broker import Broker


@dataclass(frozen=True, slots=True)
class Finding:
    ok: bool
    text: str


async def examine(settings: Settings) -> list[Finding]:
    """Every finding, good ones too. Never shows a secret or a password."""
    found = [Finding(True, f"mode: {settings.mode.value}, driver: {settings.driver.value}")]
    found += [Finding(False, reason) for reason in check_production(settings)]
    found += await _mongodb(settings)
    found += await _redis(settings)
    return found


async def _mongodb(settings: Settings) -> list[Finding]:
    if settings.mongodb_uri is None:
        return [Finding(False, "MONGODB_URI is not set (serve --embedded starts a database of its own)")]
    where = _host(settings.mongodb_uri)
    try:
        async with connected(settings.mongodb_uri, settings.database, settings.driver.value) as mongo:
            version = await mongo.version()
            missing = await missing_indexes(mongo)
    except DomainError as error:
        return [Finding(False, f"MongoDB at {where}: {error.message}")]
    except Exception as error:  # noqa: BLE001  # a URI can be wrong in many ways; say so instead of a trace
        return [Finding(False, f"MongoDB at {where}: {type(error).__name__}: {error}")]
    reached = Finding(True, f"MongoDB {version} at {where}, database {settings.database}")
    if missing:
        return [
            reached,
            Finding(False, f"{len(missing)} indexes are missing (run `journeys indexes`): {missing[0]} …"),
        ]
    return [reached, Finding(True, "every index is there")]


async def _redis(settings: Settings) -> list[Finding]:
    if settings.redis_url is None:
        return [Finding(False, "REDIS_URL is not set (serve --embedded starts a Redis of its own)")]
    where = _host(settings.redis_url)
    try:
        broker = Broker(settings.redis_url)
    except ValueError as error:
        return [Finding(False, f"Redis at {where}: {error}")]
    try:
        return [Finding(True, f"Redis {await broker.version()} at {where}")]
    except DomainError as error:
        return [Finding(False, f"Redis at {where}: {error.message}")]
    finally:
        await broker.close()


def _host(uri: str) -> str:
    return urlsplit(uri).netloc.rpartition("@")[2]

"""What the service reaches, in which version, and what is misconfigured."""

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from app.auth import check_production
from app.settings import Settings
from app.wiring import utc_now
from domain.errors import DomainError
from storage.indexes import missing_indexes
from storage.mongo import connected
from storage.store import Store
from subscriptions.broker import Broker

OVERDUE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Finding:
    ok: bool
    text: str


async def examine(settings: Settings) -> list[Finding]:
    """Every finding, good ones too. Never shows a secret or a password."""
    found = [Finding(True, f"mode: {settings.mode.value}, driver: {settings.driver.value}")]
    found += [Finding(False, reason) for reason in check_production(settings)]
    found.append(_keys(settings))
    found += await _mongodb(settings)
    found += await _redis(settings)
    return found


def _keys(settings: Settings) -> Finding:
    """Without a key the service does well, as long as no partner's calls are to be signed."""
    count = len(settings.secrets_keys)
    if not count:
        return Finding(True, "no JOURNEYS_SECRETS_KEY is set: secrets of partners cannot be kept or used")
    return Finding(True, f"secrets of partners rest encrypted; keys that open them: {count}")


async def _mongodb(settings: Settings) -> list[Finding]:
    if settings.mongodb_uri is None:
        return [Finding(False, "MONGODB_URI is not set (serve --embedded starts a database of its own)")]
    where = _host(settings.mongodb_uri)
    try:
        async with connected(settings.mongodb_uri, settings.database, settings.driver.value) as mongo:
            version = await mongo.version()
            missing = await missing_indexes(mongo)
            relay = await _relay(Store.of(mongo, utc_now))
    except DomainError as error:
        return [Finding(False, f"MongoDB at {where}: {error.message}")]
    except Exception as error:  # a URI can be wrong in many ways; say so instead of a trace
        return [Finding(False, f"MongoDB at {where}: {type(error).__name__}: {error}")]
    reached = Finding(True, f"MongoDB {version} at {where}, database {settings.database}")
    if missing:
        return [
            reached,
            Finding(False, f"{len(missing)} indexes are missing (run `journeys indexes`): {missing[0]} …"),
        ]
    return [reached, Finding(True, "every index is there"), relay]


async def _relay(store: Store) -> Finding:
    """Whether somebody does the background work."""
    backlog = await store.events.backlog()
    unlogged = await store.changes.outboxes.waiting(utc_now() - OVERDUE)
    lag = utc_now() - backlog.oldest if backlog.oldest else timedelta()
    text = f"the relay has {backlog.entries} changes to tell, the oldest since {lag.total_seconds():.0f} s"
    text += f", {unlogged} outboxes are overdue and {len(backlog.failing)} entries fail"
    well = lag < OVERDUE and not unlogged and not backlog.failing
    return Finding(well, text if well else f"{text} (does `journeys work` run?)")


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

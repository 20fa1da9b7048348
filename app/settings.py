"""Everything an operator can set, read once from the environment; the README's table lists the same names."""

from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated

from cryptography.fernet import Fernet
from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class Mode(StrEnum):
    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Driver(StrEnum):
    """Which MongoDB client storage runs on (docs/decisions/driver.md)."""

    MOTOR = "motor"
    PYMONGO = "pymongo"


class Settings(BaseSettings):
    """The environment variables are these names in capitals with the prefix `JOURNEYS_`, unless said otherwise."""

    model_config = SettingsConfigDict(
        env_prefix="JOURNEYS_", frozen=True, extra="ignore", populate_by_name=True
    )

    mode: Mode = Mode.PRODUCTION
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    mongodb_uri: str | None = Field(default=None, validation_alias="MONGODB_URI")
    redis_url: str | None = Field(default=None, validation_alias="REDIS_URL")
    database: str = "journeys"
    driver: Driver = Driver.MOTOR
    data_dir: Path = Path(".journeys")
    query_timeout: float = Field(default=5.0, gt=0, validation_alias="QUERY_TIMEOUT")  # seconds
    report_timeout: float = Field(default=60.0, gt=0, validation_alias="REPORT_TIMEOUT")  # seconds

    jwt_secret: SecretStr | None = None  # HS256
    jwks_url: str | None = None  # RS256 and ES256
    jwt_issuer: str | None = None
    jwt_audience: str | None = None

    allowed_origins: Annotated[list[str], NoDecode] = Field(default_factory=list)
    max_body_bytes: int = Field(default=4 * 1024 * 1024, gt=0)
    max_concurrent_journeys: int = Field(default=10_000, gt=0)  # per tenant
    feed_length: int = Field(default=10_000, gt=0)  # changes kept per tenant for resuming
    work: bool = False  # run the background sweeps inside `serve`

    secrets_key: SecretStr | None = None  # Fernet keys with commas; the first encrypts, all decrypt
    # Private and loopback networks in which addresses of partner systems may lie.
    target_networks: Annotated[list[IPv4Network | IPv6Network], NoDecode] = Field(default_factory=list)
    lease_seconds: float = Field(default=15.0, gt=0)  # until a call of a worker that died is taken over
    worker_slots: int = Field(default=64, gt=0)  # calls to partners, and to webhooks, of one worker

    @field_validator("allowed_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        """A list in the environment is written with commas."""
        return _parts(value) if isinstance(value, str) else value

    @field_validator("target_networks", mode="before")
    @classmethod
    def _networks(cls, value: object) -> object:
        return [ip_network(part) for part in _parts(value)] if isinstance(value, str) else value

    @field_validator("secrets_key")
    @classmethod
    def _keys(cls, value: SecretStr | None) -> SecretStr | None:
        """An empty one is none."""
        keys = _parts(value.get_secret_value()) if value else []
        require_keys(keys)
        return value if keys else None

    @property
    def secrets_keys(self) -> list[str]:
        """The keys that partners' secrets rest under, the newest first."""
        return _parts(self.secrets_key.get_secret_value()) if self.secrets_key else []


def _parts(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]


def require_keys(keys: list[str]) -> None:
    """Raises ValueError, which shows none of them."""
    try:
        for key in keys:
            Fernet(key)
    except ValueError:
        raise ValueError("a key is 32 random bytes in URL-safe base64, 44 characters") from None

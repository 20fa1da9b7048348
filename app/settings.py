"""Everything an operator can set, read once from the environment; the README's table lists the same names."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

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

    jwt_secret: SecretStr | None = None  # HS256
    jwks_url: str | None = None  # RS256 and ES256
    jwt_issuer: str | None = None
    jwt_audience: str | None = None

    allowed_origins: Annotated[list[str], NoDecode] = Field(default_factory=list)
    max_body_bytes: int = Field(default=4 * 1024 * 1024, gt=0)
    max_concurrent_journeys: int = Field(default=10_000, gt=0)  # per tenant
    feed_length: int = Field(default=10_000, gt=0)  # changes kept per tenant for resuming
    work: bool = False  # run the background sweeps inside `serve`

    @field_validator("allowed_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        """A list in the environment is written with commas."""
        return (
            [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
        )

"""Settings of one process: from arguments, the environment, a YAML file, then defaults, in that order."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

STORE_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"


class SettingsError(ValueError):
    """Settings that cannot be used: which field, why, and what to do. Never holds the value of a secret."""


def default_data_dir() -> Path:
    """``$XDG_DATA_HOME/aisle``, or ``~/.local/share/aisle``."""
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "aisle"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens on ``host``."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Settings(BaseSettings):
    """What a process needs to know about its shop, its servers and its rules.

    Environment variables have the prefix ``AISLE_`` (``AISLE_PORT=9000``); ``REDIS_URL`` and ``DATABASE_URL`` are read
    too. ``config`` (or ``AISLE_CONFIG``) names a YAML file with the same fields. Use ``load_settings`` for errors in
    plain words.
    """

    model_config = SettingsConfigDict(
        env_prefix="AISLE_", extra="forbid", frozen=True, hide_input_in_errors=True, env_ignore_empty=True
    )

    config: Path | None = Field(default=None, description="YAML file with these fields")
    store: str = Field(default="shop", pattern=STORE_PATTERN, description="name of the shop")
    data_dir: Path = Field(default_factory=default_data_dir, description="where records and pictures are kept")
    models: Path | None = Field(default=None, description="the registry of trained models; none: models in data_dir")
    guards: dict[str, Path] = Field(default_factory=dict, description="by role, the dataset that guards promotions")
    cameras: dict[str, SecretStr] = Field(
        default_factory=dict, description="by name, the addresses of the cameras that `aisle worker` watches"
    )
    redis_url: SecretStr | None = Field(default=None, description="Redis or Valkey server; none: an embedded one")
    database_url: SecretStr | None = Field(default=None, description="PostgreSQL; none: SQLite in data_dir")
    host: str = Field(default="127.0.0.1", description="address that the pages and the API listen on")
    port: int = Field(default=8700, ge=0, le=65535, description="port of the pages and the API; 0: any free one")
    allow_remote: bool = Field(default=False, description="permit a host that other machines can reach")
    rate_limit: str = Field(default="600/minute", pattern=r"^\d+/(second|minute|hour|day)$")
    min_visitors: int = Field(default=3, ge=1, description="a heatmap cell with fewer visitors is not shown")
    retention_days: int = Field(default=30, ge=1, description="age at which facts and counts are deleted")
    receipt_days: int = Field(default=3_650, ge=1, description="age at which receipts and payments are deleted")
    hand_over: Literal["picker_pays", "holder_pays", "group"] = Field(
        default="holder_pays", description="who pays for what one shopper gives another"
    )
    settle_s: float = Field(default=120.0, ge=0, description="seconds after which a receipt is issued, sure or not")
    review_below: float = Field(default=0.8, ge=0.5, le=1, description="lines less sure than this go to the reviews")
    review_share: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="the share of lines that may go to the reviews; none: review_below decides",
    )
    code_s: int = Field(default=60, ge=5, le=3600, description="seconds for which an entry code is good")
    code_secret: SecretStr | None = Field(default=None, description="signs entry codes; none: a file in data_dir")
    evidence_hours: int = Field(default=72, ge=1, description="age at which blurred pictures are deleted")
    stream_length: int = Field(default=2_000, ge=100, description="handled events that the bus keeps for a replay")
    lag_limit: int = Field(default=2_000, ge=1, description="unhandled events at which publishing waits")

    @field_validator("data_dir", "config", "models")
    @classmethod
    def _expand(cls, value: Path | None) -> Path | None:
        return None if value is None else value.expanduser()

    @field_validator("redis_url")
    @classmethod
    def _redis_scheme(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("must begin with redis://, rediss:// or unix://")
        return value

    @field_validator("database_url")
    @classmethod
    def _database_scheme(cls, value: SecretStr | None) -> SecretStr | None:
        schemes = ("postgresql://", "postgres://", "postgresql+psycopg://", "sqlite:///")
        if value is not None and not value.get_secret_value().startswith(schemes):
            raise ValueError("must begin with postgresql:// or sqlite:///")
        return value

    @field_validator("code_secret")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value().encode()) < 32:
            raise ValueError("must have 32 bytes at least; make one with `openssl rand -hex 32`")
        return value

    @model_validator(mode="after")
    def _safe(self) -> Self:
        if not self.allow_remote and not is_loopback(self.host):
            raise ValueError(
                f"host {self.host} can be reached from other machines: set allow_remote (AISLE_ALLOW_REMOTE=true) if "
                "that is meant, and put TLS in front, or leave host at 127.0.0.1"
            )
        return self

    @property
    def models_dir(self) -> Path:
        """The registry folder: candidates, which of them are active, and the history of promotions."""
        return self.models or self.data_dir / "models"

    @property
    def previews_dir(self) -> Path:
        """Where blurred preview pictures are kept, one file a camera."""
        return self.data_dir / "previews"

    @property
    def evidence_dir(self) -> Path:
        """Where blurred evidence pictures are kept."""
        return self.data_dir / "evidence"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, ``AISLE_*``, the two plain variables, the YAML file."""
        given = init_settings.init_kwargs if isinstance(init_settings, InitSettingsSource) else {}
        config = given.get("config") or os.environ.get("AISLE_CONFIG")
        plain = {
            name: os.environ[name.upper()] for name in ("redis_url", "database_url") if os.environ.get(name.upper())
        }
        from_file = _read_yaml(Path(config).expanduser()) if config else {}
        return (
            init_settings,
            env_settings,
            InitSettingsSource(settings_cls, plain),
            InitSettingsSource(settings_cls, from_file),
        )


def load_settings(config: Path | None = None, **values: Any) -> Settings:
    """Read the settings; ``values`` that are not None win over the environment and the file ``config``.

    Raises ``SettingsError`` naming each field that is wrong; secrets are never shown.
    """
    given = {name: value for name, value in values.items() if value is not None}
    if config is not None:
        given["config"] = config
    try:
        return Settings(**given)
    except ValidationError as error:
        problems = [
            f"{'.'.join(str(part) for part in item['loc']) or 'settings'}: {item['msg'].removeprefix('Value error, ')}"
            for item in error.errors(include_input=False, include_url=False)
        ]
        raise SettingsError("; ".join(problems)) from None


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"settings file {path}: {error.strerror or error}; check AISLE_CONFIG") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise SettingsError(f"settings file {path}{where}: not YAML ({getattr(error, 'problem', error)})") from None
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise SettingsError(
            f"settings file {path}: expected fields such as 'store: shop', found a {type(document).__name__}"
        )
    return document

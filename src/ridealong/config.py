"""Settings, from the environment alone (`RIDEALONG_*`). Secrets are never written anywhere by this module."""

from __future__ import annotations

from pathlib import Path

import platformdirs
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from ridealong.core.errors import InvalidSettings


def _data_dir() -> Path:
    return Path(platformdirs.user_data_dir("ridealong"))


class Settings(BaseSettings):
    """Everything an operator can set. Each field is the variable `RIDEALONG_` + its name in capitals."""

    model_config = SettingsConfigDict(env_prefix="RIDEALONG_", extra="ignore", frozen=True)

    data_dir: Path = Field(default_factory=_data_dir)
    """Where the embedded database and the recordings live."""
    database_url: SecretStr | None = None
    """An external PostgreSQL >= 16 with pgvector, as its owner; without it the embedded one is used."""
    host: str = "127.0.0.1"
    port: int = Field(default=8790, ge=0, le=65535)
    transcriber: str = "local"
    """What hears one-channel audio: `local`, or `replay` (plays the words of the transcript file in `replay`)."""
    replay: Path | None = None
    models_dir: Path | None = None
    """Where built models are kept; without it in the virtual environment, or in the user's cache."""
    threads: int = Field(default=0, ge=0)
    """Threads for speech and models; 0: one per core."""
    resume_grace_s: float = Field(default=300.0, ge=0)
    """How long a call waits for its dropped sender before it is ended."""
    max_call_hours: float = Field(default=4.0, gt=0)
    log_level: str = "info"
    log_json: bool = False

    @property
    def recordings_dir(self) -> Path:
        return self.data_dir / "recordings"

    @property
    def database_dir(self) -> Path:
        return self.data_dir / "postgres"


def load_settings(**overrides: object) -> Settings:
    """The settings of this process. Raises InvalidSettings naming each variable that cannot work."""
    try:
        return Settings(**overrides)  # pyright: ignore[reportArgumentType]
    except ValidationError as error:
        wrong = "; ".join(
            f"RIDEALONG_{'_'.join(str(part) for part in e['loc']).upper()}: {e['msg']}" for e in error.errors()
        )
        raise InvalidSettings(wrong) from None

"""Settings, from the environment alone (`RIDEALONG_*`). Secrets are never written anywhere by this module."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

import platformdirs
from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from ridealong.core.errors import InvalidSettings

DEFAULT_LIVE_MODEL: Final = "groq:openai/gpt-oss-20b"


def _key(*usual: str) -> AliasChoices:
    """Ridealong's own name of a vendor's key first, then the names that the vendor's tools read."""
    return AliasChoices(f"RIDEALONG_{usual[0]}", *usual)


def _data_dir() -> Path:
    return Path(platformdirs.user_data_dir("ridealong"))


class Settings(BaseSettings):
    """Everything an operator can set. Each field is the variable `RIDEALONG_` + its name in capitals."""

    model_config = SettingsConfigDict(
        env_prefix="RIDEALONG_", extra="ignore", frozen=True, populate_by_name=True, env_ignore_empty=True
    )

    data_dir: Path = Field(default_factory=_data_dir)
    """Where the embedded database and the recordings live."""
    database_url: SecretStr | None = None
    """An external PostgreSQL >= 16 with pgvector, as its owner; without it the embedded one is used."""
    secret_key: SecretStr | None = None
    """Encrypts what tenants entrust to us (their vendors' keys). Without it the embedded database has a key file."""
    secret_keys_old: SecretStr | None = None
    """Earlier values of `secret_key`, between commas: what they encrypted can still be read."""
    public_url: str | None = None
    """The address that people open, for example `https://calls.example`; without it, whatever they opened."""
    oidc_issuer: str | None = None
    """The company's OpenID Connect provider; None: people sign in with a password alone."""
    oidc_client_id: str | None = None
    oidc_client_secret: SecretStr | None = None
    oidc_name: str = "your company account"
    """What the sign-in button says."""
    oidc_tenant: str = "default"
    """The slug of the tenant whose people the provider knows."""
    oidc_domains: str = ""
    """Domains of e-mail addresses, between commas: who is no member yet and has an address of one becomes a rep."""
    oidc_trust_email: bool = False
    """Whether an address counts of which the provider does not say that it is verified (some never say so)."""
    webhooks_private: bool = False
    """Whether tenants' webhooks may lie inside the server's own network, and be spoken to by http."""
    crm_private: bool = False
    """Whether tenants' CRMs and calendars may lie inside the server's own network, and be spoken to by http."""
    smtp_private: bool = False
    """Whether tenants' own mail servers may lie inside the server's own network."""
    smtp_host: str | None = None
    """The server that takes our mail; None: this server sends none."""
    smtp_port: int | None = Field(default=None, ge=1, le=65535)
    """None: the usual one of `smtp_security` (587, 465 or 25)."""
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    """How mail is encrypted on its way to that server; `none` is for one on this machine."""
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    smtp_from: str | None = None
    """The address that mail comes from, for example `Ridealong <reviews@calls.example>`."""
    host: str = "127.0.0.1"
    port: int = Field(default=8790, ge=0, le=65535)
    transcriber: str = "local"
    """What hears a call: `local`, `deepgram`, or `replay` (plays the words of the transcript file in `replay`).

    Several, in order and separated by commas (`deepgram,local`): the next one hears while the one before is away.
    """
    deepgram_api_key: SecretStr | None = Field(
        default=None, validation_alias=AliasChoices("RIDEALONG_DEEPGRAM_API_KEY", "DEEPGRAM_API_KEY")
    )
    deepgram_url: str = "wss://api.deepgram.com"
    deepgram_model: str = "nova-3"
    deepgram_endpointing_ms: int = Field(default=300, ge=10)
    """Silence after which Deepgram calls a turn final."""
    deepgram_utterance_end_ms: int = Field(default=1_000, ge=1_000)
    """Gap between words after which Deepgram calls an utterance ended."""
    deepgram_diarize_model: str = "latest"
    deepgram_batch_diarize_model: str = "v2"
    replay: Path | None = None
    retranscriber: str | None = None
    """What hears an ended call's recording again, before its review: a transcriber's name; None: nothing does."""
    models_dir: Path | None = None
    """Where built models are kept; without it in the virtual environment, or in the user's cache."""
    threads: int = Field(default=0, ge=0)
    """Threads for speech and models; 0: one per core."""
    resume_grace_s: float = Field(default=300.0, ge=0)
    """How long a call waits for its dropped sender before it is ended."""
    max_call_hours: float = Field(default=4.0, gt=0)
    log_level: str = "info"
    log_json: bool = False

    live_model: str | None = None
    """`vendor:model` that is asked during a call, or `none`. Without it a Groq key alone chooses Groq's small model."""
    live_deadline_ms: int = Field(default=900, ge=100, le=10_000)
    """After so much time from the finished utterance the local decision stands."""
    live_in_flight: int = Field(default=2, ge=1, le=16)
    """Questions that one call may have open at once."""
    live_wording: Literal["never", "asked", "always"] = "asked"
    """Whose words a nudge has: the taxonomy's, the model's where it is asked anyway, or the model's wherever it can."""
    review_models: str = ""
    """`vendor:model` of each that may review a call, in the order in which they are tried, between commas."""
    verify_model: str | None = None
    """`vendor:model` that reads a review's claims a second time. Without it the live model, else the reviewing one."""
    review_budget_s: float = Field(default=30.0, ge=2)
    """How long hosted models may take over one review, all their answers together."""
    review_lead_s: float = Field(default=1.0, ge=0)
    """How long a review's questions wait at most for the first of them to be in the vendor's prompt cache."""
    review_stand_in: bool = True
    """Whether the local reviewer makes a review for which no hosted model answered; else that review fails."""
    models_file: Path | None = None
    """A YAML file whose entries take the place of those of `llm/capabilities.yaml`."""
    models_private: bool = False
    """Whether a tenant's own model address may lie inside the server's own network, this machine included."""
    models_allow_http: bool = False
    """Whether a model's address may be plain http outside this machine."""
    tenant_tokens_per_minute: int = Field(default=0, ge=0)
    """Tokens that one tenant may use of all models together, in this process; 0: no limit."""
    tenant_tokens_per_day: int = Field(default=0, ge=0)
    """The same from midnight to midnight UTC, in all processes together: what a tenant has that chose no less."""
    tenant_live_tokens_per_day: int = Field(default=0, ge=0)
    """So many of them are for questions during calls, and no more; 0: calls and reviews share them all."""
    groq_api_key: SecretStr | None = Field(default=None, validation_alias=_key("GROQ_API_KEY"))
    openai_api_key: SecretStr | None = Field(default=None, validation_alias=_key("OPENAI_API_KEY"))
    anthropic_api_key: SecretStr | None = Field(default=None, validation_alias=_key("ANTHROPIC_API_KEY"))
    google_api_key: SecretStr | None = Field(
        default=None, validation_alias=_key("GOOGLE_API_KEY", "RIDEALONG_GEMINI_API_KEY", "GEMINI_API_KEY")
    )
    compatible_api_key: SecretStr | None = None
    """The key of an endpoint of your own that speaks OpenAI's chat completions; many want none."""
    groq_url: str | None = None
    openai_url: str | None = None
    anthropic_url: str | None = None
    google_url: str | None = None
    compatible_url: str | None = None
    """Base URLs; without one the vendor's own. `compatible` has none of its own."""

    @field_validator("public_url")
    @classmethod
    def _plain_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value.strip())
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/") or parts.query:
            raise ValueError("write it as https://calls.example, without a path")
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def live_model_name(self) -> str | None:
        """The model to ask during calls, or None for the local classifier alone."""
        if self.live_model is not None:
            return None if self.live_model.strip().lower() in ("", "none") else self.live_model.strip()
        return DEFAULT_LIVE_MODEL if self.groq_api_key is not None else None

    @property
    def review_model_names(self) -> tuple[str, ...]:
        """The models to ask after a call, best first; empty for the local reviewer alone."""
        return tuple(name for part in self.review_models.split(",") if (name := part.strip()) and name != "none")

    def model_key(self, vendor: str) -> str | None:
        """The key of that vendor (a name of `llm.VENDORS`)."""
        found: object = getattr(self, f"{vendor}_api_key", None)
        return found.get_secret_value() if isinstance(found, SecretStr) else None

    def model_url(self, vendor: str) -> str | None:
        """The base URL set for that vendor."""
        found: object = getattr(self, f"{vendor}_url", None)
        return found if isinstance(found, str) else None

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
            f"RIDEALONG_{'_'.join(str(part) for part in e['loc']).upper().removeprefix('RIDEALONG_')}: {e['msg']}"
            for e in error.errors()
        )
        raise InvalidSettings(wrong) from None

"""A rep's enrolled voice, and the tenant's models."""

from __future__ import annotations

from datetime import datetime

from ridealong.web.answers import Answer


class VoiceEnrolled(Answer):
    rep_id: str
    enrolled: bool


class VendorAccount(Answer):
    """A tenant's account with a vendor. The key itself never leaves the server."""

    url: str | None
    key_set: bool
    key_set_at: datetime | None
    key_ends_with: str | None
    key_readable: bool | None


class ModelsInUse(Answer):
    live_model: str | None
    review_models: list[str]
    verify_models: list[str]


class TokenLimit(Answer):
    """Tokens that the tenant may use of all models within a time, and those that are left of them now."""

    limit: int
    left: int


class TokenLimits(Answer):
    """What holds now; null: without a limit. A minute is counted by each server process alone, a day by all of them."""

    per_minute: TokenLimit | None
    per_day: TokenLimit | None
    live_per_day: TokenLimit | None
    """For questions during calls."""
    day_ends_at: datetime
    """When a new day's tokens begin: midnight UTC."""


class TokensAllowed(Answer):
    """The most that the tenant may choose, as the operator says; null: no limit."""

    tokens_per_day: int | None
    live_tokens_per_day: int | None


class ModelsAnswer(Answer):
    """What the tenant chose (null: as the server's settings) and what its calls ask now."""

    live_model: str | None
    review_models: list[str] | None
    verify_model: str | None
    tokens_per_day: int | None
    live_tokens_per_day: int | None
    allowed: TokensAllowed
    vendors: dict[str, VendorAccount]
    in_use: ModelsInUse
    tokens: TokenLimits
    warnings: list[str]

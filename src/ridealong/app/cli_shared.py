"""What every command needs: the settings, an event loop, and whose tenant it is."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Annotated, Any, TypeVar

import typer

from ridealong import telemetry
from ridealong.config import Settings, load_settings
from ridealong.core.errors import RidealongError

T = TypeVar("T")

DEFAULT_TENANT = "default"

Tenant = Annotated[str, typer.Option("--tenant", help="The tenant's short name.")]


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` to its end. Of several errors the first is raised."""
    import uvloop  # noqa: PLC0415 - only commands that run something pay for it

    try:
        return uvloop.run(work)
    except* RidealongError as group:
        error = _first(group)
        raise error from error.__cause__


def _first(group: BaseExceptionGroup[RidealongError]) -> RidealongError:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


def settings_of(**overrides: object) -> Settings:
    """The settings, with those of `overrides` that are not None; logging is set up by them."""
    settings = load_settings(**{name: value for name, value in overrides.items() if value is not None})
    telemetry.configure_logging(level=settings.log_level, as_json=settings.log_json)
    return settings

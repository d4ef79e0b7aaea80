"""The hosted model of Path A, as the settings choose it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import UUID

from ridealong.live.cascade import CascadeSettings, ModelWording

if TYPE_CHECKING:
    from ridealong.config import Settings
    from ridealong.llm import Model
    from ridealong.llm.house import ModelHouse


def live_model(settings: Settings, house: ModelHouse) -> Callable[[UUID], Model | None]:
    """Gives, for a tenant, the model that its calls ask, guarded by deadline, breaker and budget; None: no model.

    Raises InvalidSettings at once where the named model cannot be asked.
    """
    name = settings.live_model_name
    if name is not None:
        house.model(name)

    def of(tenant_id: UUID) -> Model | None:
        if name is None:
            return None
        return house.guarded(name, tenant_id=str(tenant_id), deadline_s=settings.live_deadline_ms / 1000)

    return of


def asking(settings: Settings) -> CascadeSettings:
    """How calls ask it."""
    return CascadeSettings(
        deadline_ms=settings.live_deadline_ms,
        in_flight=settings.live_in_flight,
        wording=ModelWording(settings.live_wording),
    )

"""The hosted model of Path A, as the tenant or the settings choose it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING
from uuid import UUID

from ridealong.app.tenant_models import access, live_name, refusing
from ridealong.core.errors import InvalidSettings
from ridealong.live.cascade import CascadeSettings, ModelWording
from ridealong.store.model_choices import ModelChoice

if TYPE_CHECKING:
    from ridealong.app.tenant_models import TenantModels
    from ridealong.config import Settings
    from ridealong.llm import Model
    from ridealong.llm.house import ModelHouse


def live_model(
    settings: Settings, house: ModelHouse, tenants: TenantModels | None = None
) -> Callable[[UUID], Awaitable[Model | None]]:
    """Gives, for a tenant, the model that its calls ask, guarded by deadline, breaker and budget; None: no model.

    `tenants` holds what tenants chose for themselves; where that cannot work, the model is one that refuses. Raises
    InvalidSettings at once where the model of the settings cannot be asked.
    """
    if settings.live_model_name is not None:
        house.model(settings.live_model_name)

    async def of(tenant_id: UUID) -> Model | None:
        choice = ModelChoice() if tenants is None else await tenants.of(tenant_id)
        name = live_name(settings, choice)
        if name is None:
            return None
        try:
            own = access(choice, name)
            return house.guarded(
                name,
                tenant_id=str(tenant_id),
                deadline_s=settings.live_deadline_ms / 1000,
                live=True,
                key=own.key,
                url=own.url,
            )
        except InvalidSettings as error:
            return refusing(tenant_id, name, error)

    return of


def asking(settings: Settings) -> CascadeSettings:
    """How calls ask it."""
    return CascadeSettings(
        deadline_ms=settings.live_deadline_ms,
        in_flight=settings.live_in_flight,
        wording=ModelWording(settings.live_wording),
    )

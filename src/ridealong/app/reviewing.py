"""Who makes the reviews: hosted models where the tenant or the settings name some, else the local reviewer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final
from uuid import UUID

from ridealong.app.tenant_models import access, refusing, review_names, verify_names
from ridealong.core.errors import InvalidSettings
from ridealong.postcall.asking import ReviewModel
from ridealong.postcall.hosted import HostedReviewer, ReviewModels
from ridealong.store.model_choices import ModelChoice

if TYPE_CHECKING:
    from ridealong.app.tenant_models import TenantModels
    from ridealong.config import Settings
    from ridealong.embedding import Embedder
    from ridealong.llm.house import ModelHouse
    from ridealong.postcall.reviewer import Reviewer

HOSTED_AT_ONCE: Final = 8
"""Reviews at the same time where models do the work: they wait more than they compute."""

GIVEN_UP_SHARE: Final = 0.25
"""Of a review's time: a question given up after that long counts against the model, since the reviewer's deadlines lie
outside of the breaker. Else one that hangs would be waited for by every review anew."""


def reviewer(
    settings: Settings, house: ModelHouse, embedder: Embedder, local: Reviewer, tenants: TenantModels | None = None
) -> Reviewer:
    """`tenants` holds what tenants chose for themselves. Raises InvalidSettings for a model name, key or address of the
    settings that cannot work.
    """
    models_for = models_of(settings, house, tenants)
    if tenants is None and not settings.review_model_names:
        return local
    return HostedReviewer(
        models_for=models_for,
        embedder=embedder,
        local=local,
        budget_s=settings.review_budget_s,
        stand_in=settings.review_stand_in,
        lead_s=settings.review_lead_s,
    )


def models_of(
    settings: Settings, house: ModelHouse, tenants: TenantModels | None = None
) -> Callable[[UUID], Awaitable[ReviewModels]]:
    """A tenant's own models, else those of the settings, whose mistakes are told at once. Raises InvalidSettings."""
    if settings.review_model_names:
        for name in (*settings.review_model_names, *verify_names(settings, ModelChoice(), house)):
            house.model(name)

    async def models_for(tenant_id: UUID) -> ReviewModels:
        choice = ModelChoice() if tenants is None else await tenants.of(tenant_id)

        def of(name: str) -> ReviewModel:
            try:
                own = access(choice, name)
                return review_model(
                    house,
                    name,
                    tenant_id=tenant_id,
                    deadline_s=settings.review_budget_s,
                    key=own.key,
                    url=own.url,
                )
            except InvalidSettings as error:
                return ReviewModel(
                    model=refusing(tenant_id, name, error), context_tokens=house.capability(name).context_tokens
                )

        drafting = review_names(settings, choice)
        # Without drafts there is nothing to verify, and a model that cannot be used there is no news.
        verifying = verify_names(settings, choice, house) if drafting else ()
        return ReviewModels(
            drafting=tuple(of(name) for name in drafting), verifying=tuple(of(name) for name in verifying)
        )

    return models_for


def review_model(
    house: ModelHouse,
    name: str,
    *,
    tenant_id: UUID,
    deadline_s: float,
    key: str | None = None,
    url: str | None = None,
) -> ReviewModel:
    """The model `vendor:id` with its tenant's budget, its breaker, and what its capability data says.

    `key` and `url` are a tenant's own. Trying again and the next model are the reviewer's business: it knows the time.
    """
    can = house.capability(name)
    return ReviewModel(
        model=house.guarded(
            name,
            tenant_id=str(tenant_id),
            deadline_s=deadline_s,
            given_up_s=GIVEN_UP_SHARE * deadline_s,
            key=key,
            url=url,
        ),
        context_tokens=can.context_tokens,
        lead_tokens=can.cache.minimum_tokens if can.cache is not None and can.cache.marked else None,
        price=lambda usage: None if can.price is None else can.price.cost(usage),
    )

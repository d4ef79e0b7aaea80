"""Who makes the reviews: hosted models where the settings name some, else the local reviewer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final
from uuid import UUID

from ridealong.postcall.asking import ReviewModel
from ridealong.postcall.hosted import HostedReviewer, ReviewModels

if TYPE_CHECKING:
    from ridealong.config import Settings
    from ridealong.embedding import Embedder
    from ridealong.llm.house import ModelHouse
    from ridealong.postcall.review import Reviewer

HOSTED_AT_ONCE: Final = 8
"""Reviews at the same time where models do the work: they wait more than they compute."""


def reviewer(settings: Settings, house: ModelHouse, embedder: Embedder, local: Reviewer) -> Reviewer:
    """Raises InvalidSettings for a model name, key or address that cannot work."""
    if not settings.review_model_names:
        return local
    return HostedReviewer(
        models_for=models_of_settings(settings, house),
        embedder=embedder,
        local=local,
        budget_s=settings.review_budget_s,
        stand_in=settings.review_stand_in,
        lead_s=settings.review_lead_s,
    )


def models_of_settings(settings: Settings, house: ModelHouse) -> Callable[[UUID], Awaitable[ReviewModels]]:
    """The same models for every tenant, as the settings name them. Raises InvalidSettings."""
    models = ReviewModels(
        drafting=tuple(review_model(house, name) for name in settings.review_model_names),
        verifying=tuple(review_model(house, name) for name in _verifiers(settings, house)),
    )

    async def models_for(_tenant_id: UUID) -> ReviewModels:
        return models

    return models_for


def review_model(house: ModelHouse, name: str, *, key: str | None = None, url: str | None = None) -> ReviewModel:
    """The model `vendor:id` with what its capability data says; `key` and `url` are a tenant's own."""
    can = house.capability(name)
    return ReviewModel(
        model=house.model(name, key=key, url=url),
        context_tokens=can.context_tokens,
        lead_tokens=can.cache.minimum_tokens if can.cache is not None and can.cache.marked else None,
        price=lambda usage: None if can.price is None else can.price.cost(usage),
    )


def _verifiers(settings: Settings, house: ModelHouse) -> tuple[str, ...]:
    """A model set for it must work; the live one is used where it can be, and where not, nobody need know."""
    if settings.verify_model:
        return (settings.verify_model,)
    live = settings.live_model_name
    return (live,) if live is not None and house.can_ask(live.partition(":")[0]) else ()

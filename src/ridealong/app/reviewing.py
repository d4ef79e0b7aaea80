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

GIVEN_UP_SHARE: Final = 0.25
"""Of a review's time: a question given up after that long counts against the model, since the reviewer's deadlines lie
outside of the breaker. Else one that hangs would be waited for by every review anew."""


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
    drafting, verifying = settings.review_model_names, _verifiers(settings, house)
    for name in (*drafting, *verifying):
        house.model(name)  # names, keys and addresses that cannot work are told at the start

    async def models_for(tenant_id: UUID) -> ReviewModels:
        def of(name: str) -> ReviewModel:
            return review_model(house, name, tenant_id=tenant_id, deadline_s=settings.review_budget_s)

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


def _verifiers(settings: Settings, house: ModelHouse) -> tuple[str, ...]:
    """A model set for it must work; the live one is used where it can be, and where not, nobody need know."""
    if settings.verify_model:
        return (settings.verify_model,)
    live = settings.live_model_name
    return (live,) if live is not None and house.can_ask(live.partition(":")[0]) else ()

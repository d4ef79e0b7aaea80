"""Which rubric a tenant's calls are reviewed with, and its text."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from ridealong.core.errors import InvalidDocument
from ridealong.core.rubric import Rubric
from ridealong.postcall.rubric import DEFAULT_RUBRIC, load_rubric, shipped_rubric_text
from ridealong.store.reviews import ReviewStatus, StoredReview
from ridealong.store.tenant_settings import load_settings_of
from ridealong.store.tenants import DocumentKind, active_document

if TYPE_CHECKING:
    from psycopg import AsyncConnection

RUBRIC_NAME: Final = "default"
"""The tenant's document of this name is the rubric its calls are reviewed with, unless it chose another."""


@lru_cache(maxsize=64)
def rubric_of(text: str) -> Rubric:
    """Reading the YAML takes a quarter of a second of one core: as long as the rest of a hosted review's own work."""
    return load_rubric(text, "rubric", moment_types=None)


async def rubric_text(connection: AsyncConnection, review: StoredReview) -> str:
    """The rubric of a review: a resumed one keeps what it began with."""
    if review.status is ReviewStatus.RUNNING and review.rubric:
        return review.rubric
    return await chosen_rubric_text(connection)


async def chosen_rubric_text(connection: AsyncConnection, name: str | None = None) -> str:
    """The tenant's rubric of that name, its own or the shipped one; None: what its calls are reviewed with."""
    chosen = name or (await load_settings_of(connection)).default_rubric or RUBRIC_NAME
    own = await active_document(connection, DocumentKind.RUBRIC, chosen)
    if own is not None:
        return own.body
    try:
        return shipped_rubric_text(DEFAULT_RUBRIC if chosen == RUBRIC_NAME else chosen)
    except InvalidDocument:
        if name is not None:
            raise
        # It was withdrawn after it was chosen: a review with ours is better than none.
        return shipped_rubric_text(DEFAULT_RUBRIC)

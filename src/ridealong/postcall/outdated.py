"""Whether a finished review is outdated: what it was made with is compared with what holds now."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from ridealong.core.conditions import same_word
from ridealong.core.errors import InvalidDocument
from ridealong.core.outdated import Outdated
from ridealong.postcall.chosen_rubric import chosen_rubric_text, rubric_of
from ridealong.store.artifacts import load_artifact
from ridealong.store.made_with import made_with

if TYPE_CHECKING:
    from uuid import UUID

    from psycopg import AsyncConnection

    from ridealong.core.artifact import Artifact
    from ridealong.core.context import CallContext


async def outdated_by(connection: AsyncConnection, call_id: UUID) -> tuple[Outdated, ...]:
    """What changed since the newest review of the call was made; nothing where it is not finished.

    Raises Refused('unknown_call').
    """
    made = await made_with(connection, call_id)
    if made is None:
        return ()
    found: list[Outdated] = []
    if made.newer_transcript:
        found.append(Outdated.TRANSCRIPT)
    if made.other_roles:
        found.append(Outdated.SPEAKERS)
    if made.context is not None and not _same(made.context, made.context_now):
        found.append(Outdated.CONTEXT)
    if await _another_rubric(made.rubric, await chosen_rubric_text(connection)):
        found.append(Outdated.RUBRIC)
    return tuple(found)


async def artifact_as_it_stands(connection: AsyncConnection, call_id: UUID) -> Artifact:
    """The call's newest artifact, and whether it is outdated. Raises as `load_artifact` does."""
    artifact = await load_artifact(connection, call_id)
    return replace(artifact, outdated=await outdated_by(connection, call_id))


def _same(before: CallContext, now: CallContext) -> bool:
    """By the parts that a rubric can depend on, written however people please."""
    return same_word(before.call_type, now.call_type) and same_word(before.stage, now.stage)


async def _another_rubric(before: str, now: str) -> bool:
    if not before or before == now:
        return False
    try:
        # A comment or an order of keys is no change.
        return await asyncio.to_thread(lambda: rubric_of(before) != rubric_of(now))
    except InvalidDocument:
        return True

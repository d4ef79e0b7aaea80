"""Questions over a tenant's calls: which are meant, what was said there, and an answer of proven sentences."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TypeVar
from uuid import UUID

import numpy as np

from ridealong.core.answer import Answer, CallNamed, Scope
from ridealong.core.errors import ModelFailed, Refused
from ridealong.core.moments import CONTENT_TYPES
from ridealong.core.transcript import Role, Roles
from ridealong.embedding import DIMENSIONS
from ridealong.postcall import answering, hosted_answer
from ridealong.postcall.passages import Heard, Passage, passages
from ridealong.postcall.question import Understood, understand
from ridealong.postcall.retrieval import Asked, asked, question_words
from ridealong.postcall.reviewer import ReviewContext, StepLog
from ridealong.store import Store, calls, speakers
from ridealong.store import passages as stored

if TYPE_CHECKING:
    from ridealong.embedding import Embedder, Vectors
    from ridealong.postcall.hosted import ModelsFor

T = TypeVar("T")

LONGEST_QUESTION: Final = 500
"""Characters. A question is a sentence or two."""
CANDIDATES: Final = 200
"""Utterances that the database finds; they and those around them are ranked."""
QUOTED: Final = 24
"""Passages that an answer is made from."""
EMBEDDED_NOW: Final = 400
"""Utterances without a stored embedding that are embedded for one question (some 4 ms each)."""
BUDGET_S: Final = 30.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Asking:
    """Answers questions. `models_for`: who writes answers for a tenant; None, or none of its own: quotes alone."""

    store: Store
    embedder: Embedder
    threads: Executor
    models_for: ModelsFor | None = None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    async def ask(self, tenant_id: UUID, question: str, scope: Scope) -> Answer:
        """Raises Refused('empty_query' | 'query_too_long'). A rep's tenant id asks over the rep's own calls."""
        question = " ".join(question.replace("\x00", " ").split())
        if not question:
            raise Refused("empty_query", "ask something: for example “what did customers say about onboarding?”")
        if len(question) > LONGEST_QUESTION:
            raise Refused("query_too_long", f"a question takes at most {LONGEST_QUESTION} characters")
        async with self.store.tenant(tenant_id) as conn:
            reps, customers = await stored.names_known(conn)
        meant = understand(question, scope, now=self.now(), reps=reps, customers=customers, moment_types=CONTENT_TYPES)
        read = await self._computed(lambda: asked(meant.text or question, self.embedder))
        searched, heard = await self._heard(tenant_id, meant, read)
        found = await self._computed(
            lambda: passages(
                read, heard, self.embedder, role=meant.scope.role, most=QUOTED, all_of_them=meant.all_of_them
            )
        )
        notes = _notes(searched, heard, meant)
        answer = Answer(
            question=question,
            scope=meant.scope,
            answered_by=answering.NAME,
            sentences=(),
            calls=len(searched),
            passages=len(found),
            notes=notes,
        )
        return await self._answered(tenant_id, answer, [passage for passage in found if passage.near])

    async def _answered(self, tenant_id: UUID, answer: Answer, found: Sequence[Passage]) -> Answer:
        if not found:
            return replace(answer, notes=(answering.NOTHING, *answer.notes))
        models = None if self.models_for is None else await self.models_for(tenant_id)
        notes = answer.notes
        if models is not None and models.drafting:
            log = StepLog(step="answer")
            try:
                written = await hosted_answer.answer(answer.question, found, models, log, budget_s=BUDGET_S)
            except ModelFailed:
                notes = ("No model answered in time: these are quotes alone.", *notes)
            else:
                named = ", ".join(m.model.name for m in models.drafting)
                return replace(
                    answer,
                    answered_by=f"{hosted_answer.VERSION} ({named})",
                    sentences=written.sentences,
                    dropped_drafts=written.dropped,
                    removed_sentences=written.removed,
                    unchecked_sentences=written.unchecked,
                    notes=notes if written.sentences else (answering.NOTHING, *notes),
                )
        sentences = await self._computed(lambda: answering.extract(found, role=answer.scope.role))
        return replace(answer, sentences=sentences, notes=(answering.COUNTED, *notes))

    async def _heard(self, tenant_id: UUID, meant: Understood, read: Asked) -> tuple[list[CallNamed], list[Heard]]:
        """The calls of the scope, and what was said in them near the question."""
        async with self.store.tenant(tenant_id) as conn:
            searched = await stored.calls_in(conn, meant.scope)
            places = await stored.nearest(
                conn,
                words=question_words(meant.text),
                vector=read.subject_vector,
                calls=[call.call_id for call in searched],
                moments=meant.scope.moments,
                limit=CANDIDATES,
            )
            found = await stored.stretches(conn, places)
            known: list[tuple[stored.Stretches, Roles, dict[int, str]]] = []
            for one in found:
                roles = await calls.load_roles(conn, one.transcript.id)
                corrected = await speakers.load_corrections(conn, one.transcript.id)
                known.append((one, roles, {int(s): c.name for s, c in corrected.items() if c.name}))
        named = {call.call_id: call for call in searched}
        restricted = bool(meant.scope.moments)
        vectors = await self._computed(lambda: _vectors(found, self.embedder))
        return searched, [
            Heard(
                call=named[one.transcript.id.call_id],
                context=ReviewContext(
                    transcript=one.transcript,
                    roles=roles,
                    moments=(),
                    vectors=rows,
                    duration_ms=one.transcript.end_ts,
                ),
                asked_for=one.found if restricted else None,
                names=names,
            )
            for (one, roles, names), rows in zip(known, vectors, strict=True)
        ]

    async def _computed(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self.threads, work)


def _vectors(found: Sequence[stored.Stretches], embedder: Embedder) -> list[Vectors]:
    """The embeddings of each stretch's utterances. What has none yet is embedded, the found ones first; the rest of it,
    past EMBEDDED_NOW, has zeros, which are near to nothing."""
    missing = [
        (u.no not in one.found, n, u.no, u.text)
        for n, one in enumerate(found)
        for u in one.transcript
        if u.no not in one.vectors
    ]
    now = sorted(missing)[:EMBEDDED_NOW]
    new = embedder.embed([text for *_, text in now]) if now else np.zeros((0, DIMENSIONS), np.float32)
    made = {(n, no): row for (_, n, no, _), row in zip(now, new, strict=True)}
    zeros = np.zeros(DIMENSIONS, np.float32)
    return [
        np.stack([one.vectors.get(u.no, made.get((n, u.no), zeros)) for u in one.transcript])
        for n, one in enumerate(found)
    ]


def _notes(searched: Sequence[CallNamed], heard: Sequence[Heard], meant: Understood) -> tuple[str, ...]:
    notes: list[str] = []
    if not searched:
        notes.append("There is no ended call in this scope.")
    if len(searched) == stored.MOST_CALLS:
        notes.append(f"Only the newest {stored.MOST_CALLS} calls were searched: ask about a shorter time.")
    unknown = sum(not one.context.rep_known for one in heard)
    if meant.scope.role is not Role.UNKNOWN and unknown:
        calls_ = "one call" if unknown == 1 else f"{unknown} calls"
        notes.append(f"In {calls_} nobody knows who is the rep: their words were left out.")
    return tuple(notes)

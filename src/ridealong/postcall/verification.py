"""The second reading: does what was cited carry what is stated? Asked of a model that wrote none of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ridealong.core.claims import AbsenceClaim, Claim
from ridealong.llm import Block, Effort, Question
from ridealong.postcall.answers import VERDICT_SCHEMA, read_verdicts
from ridealong.postcall.asking import ReviewModel, ask
from ridealong.postcall.prompting import prompt
from ridealong.postcall.reading import as_data, plain, rows_by_meaning, who

if TYPE_CHECKING:
    from ridealong.core.transcript import Evidence, Utterance
    from ridealong.embedding import Embedder
    from ridealong.postcall.reviewer import ReviewContext, StepLog, Support

AROUND: Final = 1
"""Utterances shown before and after a cited one."""
NEAREST: Final = 6
"""Utterances shown beside a claim of absence: those of the searched stretch that come closest to it."""
OUTPUT_TOKENS: Final = 1_000
MAX_CHARACTERS: Final = 1_200
"""Of one utterance beside the cited words: a turn of minutes carries no more than this about a few words in it."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Verification:
    """Checks claims about one call, all that it is given with one question."""

    models: Sequence[ReviewModel]
    context: ReviewContext
    embedder: Embedder

    async def verdicts(self, claims: Mapping[str, Claim], log: StepLog, *, until: float) -> Mapping[str, Support]:
        """How far each claim is carried, by its key; one on which the model is silent is left out.

        Raises ModelFailed when no model answers before `until` (the event loop's time).
        """
        nearest = await self._nearest(claims)
        lines = [
            as_data({"claim": number, **_shown(claim, nearest.get(key, ()))})
            for number, (key, claim) in enumerate(claims.items(), start=1)
        ]
        words = self._words(claims.values(), (u for found in nearest.values() for u in found))
        question = Question(
            instructions=(Block(text=prompt("verify-3"), cached=True),),
            material=(
                Block(text="<words>\n" + "\n".join(words) + "\n</words>"),
                Block(text="<claims>\n" + "\n".join(lines) + "\n</claims>"),
            ),
            schema=VERDICT_SCHEMA,
            max_output_tokens=OUTPUT_TOKENS,
            effort=Effort.LOW,
        )
        found = await ask(
            self.models,
            lambda _model: question,
            lambda content: read_verdicts(content, len(claims)),
            log=log,
            part="verify",
            until=until,
            prompt="verify-3",
        )
        return {key: found[number] for number, key in enumerate(claims, start=1) if number in found}

    def _words(self, claims: Iterable[Claim], nearest: Iterable[Utterance]) -> list[str]:
        """The utterances that the claims cite and come closest to, with those beside the cited ones, each once."""
        utterances = self.context.transcript.utterances
        place = {u.no: row for row, u in enumerate(utterances)}
        quoted = {place[e.utterance_no]: e for claim in claims for e in reversed(claim.evidence)}
        rows = {n for row in quoted for n in range(row - AROUND, row + AROUND + 1) if 0 <= n < len(utterances)}
        rows |= {place[u.no] for u in nearest}
        return [as_data(self._line(utterances[row], quoted.get(row))) for row in sorted(rows)]

    def _line(self, utterance: Utterance, evidence: Evidence | None) -> list[object]:
        """A turn of minutes carries no more than `MAX_CHARACTERS` about a few words in it: those around them."""
        begin = 0 if evidence is None else max(0, evidence.quote_start - MAX_CHARACTERS // 3)
        text = utterance.text[begin:]
        short = text if len(text) <= MAX_CHARACTERS else text[:MAX_CHARACTERS].rpartition(" ")[0]
        return [utterance.no, who(utterance, self.context), plain(short)]

    async def _nearest(self, claims: Mapping[str, Claim]) -> Mapping[str, Sequence[Utterance]]:
        """For each claim of absence the utterances up to `through` that come closest in meaning to its statement."""
        absent = {key: claim for key, claim in claims.items() if isinstance(claim, AbsenceClaim)}
        if not absent:
            return {}
        return await asyncio.to_thread(lambda: {key: self._closest(claim) for key, claim in absent.items()})

    def _closest(self, claim: AbsenceClaim) -> Sequence[Utterance]:
        utterances = self.context.transcript.utterances
        cited = {e.utterance_no for e in claim.evidence}
        rows = rows_by_meaning([claim.statement], self.context, self.embedder)
        searched = [u for row in rows if (u := utterances[row]).no <= claim.through and u.no not in cited]
        return sorted(searched[:NEAREST], key=lambda u: u.no)


def _whole(evidence: Evidence) -> bool:
    text = evidence.utterance.text
    return len(text) <= MAX_CHARACTERS and not (text[: evidence.quote_start] + text[evidence.quote_end :]).strip(" .?!")


def _shown(claim: Claim, nearest: Sequence[Utterance]) -> dict[str, object]:
    shown: dict[str, object] = {
        "statement": plain(claim.statement),
        # What is cited whole stands among the words already.
        "cited": [e.utterance_no if _whole(e) else [e.utterance_no, plain(e.quote)] for e in claim.evidence],
    }
    if isinstance(claim, AbsenceClaim):
        shown |= {"absent": True, "nearest": [u.no for u in nearest]}
    return shown

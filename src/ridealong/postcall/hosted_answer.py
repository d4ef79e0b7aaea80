"""The hosted answer: a model writes sentences over numbered passages, the transcripts prove them, another one doubts.

What people said is data in the prompt, as in a review's (see `hosted`). A citation names a passage and repeats words;
which call, who and when are looked up. A number in a sentence must stand in the words that it cites.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, cast

from ridealong.core.answer import CitedCall, Sentence
from ridealong.core.errors import BadAnswer, ModelFailed, Ungrounded
from ridealong.core.transcript import Citation
from ridealong.llm import AnswerSchema, Block, Effort, Question
from ridealong.postcall.answers import VERDICT_SCHEMA, read_verdicts
from ridealong.postcall.asking import ask
from ridealong.postcall.prompting import prompt
from ridealong.postcall.proving import MAX_STATEMENT, PARTLY_SUPPORTED, prove
from ridealong.postcall.reading import as_data, plain
from ridealong.postcall.reviewer import Draft, StepLog, Support

if TYPE_CHECKING:
    from ridealong.core.transcript import Utterance
    from ridealong.postcall.hosted import ReviewModels
    from ridealong.postcall.passages import Passage

VERSION: Final = "hosted-1"
MOST_SENTENCES: Final = 8
MOST_CITATIONS: Final = 12
_PATIENCE: Final = 2
"""Somebody waits for this answer, and gets the quotes alone sooner than at the end of the time."""
OUTPUT_TOKENS: Final = 4_000
VERDICT_TOKENS: Final = 800
MAX_CHARACTERS: Final = 1_200
"""Of one passage; of what stands around it a quarter."""
DRAFT_SHARE: Final = 0.6
REPAIR_SHARE: Final = 0.8
VERIFY_SHARE: Final = 0.97
"""Of the time for an answer: until when drafts, repairs and verdicts must be there."""

_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")


def _object(**properties: object) -> dict[str, object]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


ANSWER_SCHEMA: Final = AnswerSchema(
    name="answer",
    schema=_object(
        sentences={
            "type": "array",
            "items": _object(
                key={"type": "string"},
                statement={"type": "string"},
                citations={
                    "type": "array",
                    "items": _object(passage={"type": "integer"}, quote={"type": "string"}),
                },
                confidence={"type": "number"},
            ),
        }
    ),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class SentenceDraft:
    """A sentence that nothing proves yet. `citations`: passage numbers from 1, each with the words copied from it."""

    key: str
    statement: str
    citations: tuple[tuple[int, str], ...]
    confidence: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """What models made of a question, and what became of what they wrote (see `core.answer.Answer`)."""

    sentences: tuple[Sentence, ...]
    dropped: int
    removed: int
    unchecked: int


async def answer(
    question: str, passages: Sequence[Passage], models: ReviewModels, log: StepLog, *, budget_s: float
) -> Answered:
    """Raises ModelFailed when no model answers in time. A bad repair or second reading is done without."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    drafts = await _ask(question, passages, models, log, until=began + DRAFT_SHARE * budget_s)
    proven, refused = _proved(drafts, passages)
    if refused:
        written = {draft.key: draft for draft in drafts}
        try:
            again = await _ask(
                question,
                passages,
                models,
                log,
                until=began + REPAIR_SHARE * budget_s,
                refused=[{"reason": reason, **_shown(written[key])} for key, reason in refused.items()],
            )
        except ModelFailed:
            again = ()
        mended, _ = _proved([draft for draft in again if draft.key in refused], passages)
        proven |= mended
    dropped = len({draft.key for draft in drafts}) - len(proven)
    kept = {key: proven[key] for key in dict.fromkeys([*(d.key for d in drafts), *proven]) if key in proven}
    kept = dict(list(kept.items())[:MOST_SENTENCES])
    read, unchecked = await _second_reading(kept, models, log, until=began + VERIFY_SHARE * budget_s)
    return Answered(sentences=tuple(read), dropped=dropped, removed=len(kept) - len(read), unchecked=unchecked)


async def _ask(
    question: str,
    passages: Sequence[Passage],
    models: ReviewModels,
    log: StepLog,
    *,
    until: float,
    refused: Sequence[Mapping[str, object]] = (),
) -> tuple[SentenceDraft, ...]:
    instructions = (
        Block(text=prompt("ask-1"), cached=True),
        *((Block(text=prompt("ask-repair-1")),) if refused else ()),
    )
    material = [
        Block(text=f"<question>\n{as_data(plain(question))}\n</question>\n<passages>\n{_lines(passages)}\n</passages>")
    ]
    if refused:
        lines = "\n".join(as_data(one) for one in refused)
        material.append(Block(text=f"<refused>\n{lines}\n</refused>"))
    asked = Question(
        instructions=instructions,
        material=tuple(material),
        schema=ANSWER_SCHEMA,
        max_output_tokens=OUTPUT_TOKENS,
        effort=Effort.LOW,
    )
    return await ask(
        models.drafting,
        lambda _model: asked,
        read_sentences,
        log=log,
        part="repair" if refused else "draft",
        until=until,
        patience=_PATIENCE,
    )


def _lines(passages: Sequence[Passage]) -> str:
    calls: dict[object, int] = {}
    return "\n".join(
        as_data(
            {
                "passage": number,
                "call": calls.setdefault(passage.call.call_id, len(calls) + 1),
                "date": passage.call.started_at.date().isoformat(),
                "customer": plain(passage.call.customer),
                "rep": plain(passage.call.rep_name),
                "who": passage.side.value,
                "words": plain(passage.utterance.text)[:MAX_CHARACTERS],
                **_around(passage),
            }
        )
        for number, passage in enumerate(passages, start=1)
    )


def _around(passage: Passage) -> dict[str, object]:
    utterances = passage.heard.context.transcript.utterances
    place = next(n for n, u in enumerate(utterances) if u.no == passage.utterance.no)
    shown: dict[str, object] = {}
    for name, at in (("before", place - 1), ("after", place + 1)):
        # Only what was said next to it: the stretches of one call that were read may lie far apart.
        if 0 <= at < len(utterances) and abs(utterances[at].no - passage.utterance.no) == 1:
            shown[name] = _short(utterances[at])
    return shown


def _short(utterance: Utterance) -> str:
    return plain(utterance.text)[: MAX_CHARACTERS // 4]


def _shown(draft: SentenceDraft) -> dict[str, object]:
    return {
        "key": draft.key,
        "statement": draft.statement,
        "citations": [{"passage": number, "quote": quote} for number, quote in draft.citations],
    }


def _proved(drafts: Sequence[SentenceDraft], passages: Sequence[Passage]) -> tuple[dict[str, Sentence], dict[str, str]]:
    """The sentences that the transcripts prove, and why the others are refused, both by their keys."""
    proven: dict[str, Sentence] = {}
    refused: dict[str, str] = {}
    for draft in drafts:
        if draft.key in proven:
            continue
        try:
            proven[draft.key] = _sentence(draft, passages)
            refused.pop(draft.key, None)
        except Ungrounded as error:
            refused[draft.key] = str(error)
    return proven, refused


def _sentence(draft: SentenceDraft, passages: Sequence[Passage]) -> Sentence:
    if not draft.citations:
        raise Ungrounded("the sentence cites no passage")
    if len(draft.citations) > MOST_CITATIONS:
        raise Ungrounded(f"the sentence cites more than {MOST_CITATIONS} passages: keep the strongest")
    if len(draft.statement) > MAX_STATEMENT:
        raise Ungrounded(f"the statement is longer than {MAX_STATEMENT} characters")
    by_call: dict[object, list[tuple[Passage, str]]] = {}
    for number, quote in draft.citations:
        if not 1 <= number <= len(passages):
            raise Ungrounded(f"there is no passage {number}")
        passage = passages[number - 1]
        by_call.setdefault(passage.call.call_id, []).append((passage, quote))
    found = [
        CitedCall(
            call=said[0][0].call,
            claim=prove(
                Draft(
                    statement=draft.statement,
                    confidence=draft.confidence,
                    citations=tuple(Citation(utterance_no=p.utterance.no, quote=quote) for p, quote in said),
                ),
                said[0][0].heard.context.transcript,
            ),
        )
        for said in by_call.values()
    ]
    heard = {number for cited in found for e in cited.claim.evidence for number in _NUMBER.findall(e.quote)}
    if not set(_NUMBER.findall(draft.statement)) <= heard:
        raise Ungrounded("a number in the statement does not stand in the cited words")
    return Sentence(statement=draft.statement, confidence=draft.confidence, cited=tuple(found))


async def _second_reading(
    sentences: Mapping[str, Sentence], models: ReviewModels, log: StepLog, *, until: float
) -> tuple[list[Sentence], int]:
    """The sentences that remain, less sure where their words carry them only in part; how many were not read again."""
    if not sentences:
        return [], 0
    claims = "\n".join(
        as_data({"claim": number, "statement": sentence.statement, **_evidence(sentence)})
        for number, sentence in enumerate(sentences.values(), start=1)
    )
    doubting = Question(
        instructions=(Block(text=prompt("verify-1"), cached=True),),
        material=(Block(text=f"<claims>\n{claims}\n</claims>"),),
        schema=VERDICT_SCHEMA,
        max_output_tokens=VERDICT_TOKENS,
        effort=Effort.LOW,
    )
    try:
        verdicts = await ask(
            (*models.verifying, *models.drafting),
            lambda _model: doubting,
            lambda content: read_verdicts(content, len(sentences)),
            log=log,
            part="verify",
            until=until,
        )
    except ModelFailed:
        verdicts = {}
    kept: list[Sentence] = []
    for number, sentence in enumerate(sentences.values(), start=1):
        match verdicts.get(number):
            case Support.NOT:
                continue
            case Support.PARTLY:
                kept.append(_less_sure(sentence))
            case _:
                kept.append(sentence)
    return kept, len(sentences) - len(verdicts)


def _less_sure(sentence: Sentence) -> Sentence:
    return replace(
        sentence,
        confidence=sentence.confidence * PARTLY_SUPPORTED,
        cited=tuple(
            replace(c, claim=replace(c.claim, confidence=c.claim.confidence * PARTLY_SUPPORTED)) for c in sentence.cited
        ),
    )


def _evidence(sentence: Sentence) -> dict[str, object]:
    """As `verification` shows claims: a number of its own for each utterance, since they are of several calls."""
    cited = [e for c in sentence.cited for e in c.claim.evidence]
    return {
        "evidence": [[n, f"speaker {e.speaker_id}", plain(e.quote)] for n, e in enumerate(cited)],
        "around": [
            [n, f"speaker {e.speaker_id}", plain(e.utterance.text)[:MAX_CHARACTERS]] for n, e in enumerate(cited)
        ],
    }


def read_sentences(content: Mapping[str, object]) -> tuple[SentenceDraft, ...]:
    """The sentences of a model's answer, each under a key of its own. Raises BadAnswer."""
    drafts: dict[str, SentenceDraft] = {}
    for place, item in enumerate(_objects(content, "sentences")[: 2 * MOST_SENTENCES]):
        key = _text(item, "key")
        key = key if key and key not in drafts else f"{key}-{place}"
        number = item.get("confidence")
        drafts[key] = SentenceDraft(
            key=key,
            statement=_text(item, "statement"),
            citations=tuple((_whole(c.get("passage")), _text(c, "quote")) for c in _objects(item, "citations")),
            # NaN lies between no bounds: the draft then fails by itself.
            confidence=float(number)
            if isinstance(number, int | float) and not isinstance(number, bool)
            else float("nan"),
        )
    return tuple(drafts.values())


def _objects(holder: Mapping[str, object], key: str) -> Sequence[Mapping[str, object]]:
    found = holder.get(key)
    if not isinstance(found, list) or not all(isinstance(item, Mapping) for item in cast("list[object]", found)):
        raise BadAnswer(f"the model's answer lacks the list of objects '{key}'")
    return cast("list[Mapping[str, object]]", found)


def _text(holder: Mapping[str, object], key: str) -> str:
    found = holder.get(key)
    if not isinstance(found, str):
        raise BadAnswer(f"the model's answer lacks the text '{key}'")
    return plain(found).strip()


def _whole(value: object) -> int:
    """A passage's number; 0, which no passage has, for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0

"""Hostile words in a call reach every vendor as data, and a model that obeys them gets nothing through."""

from __future__ import annotations

import asyncio
import json
import re
import unicodedata
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from ridealong.app.bench.spoken import CUSTOMER, REP
from ridealong.config import Settings
from ridealong.core.claims import Claim
from ridealong.core.rubric import Rubric
from ridealong.core.transcript import Transcript, TranscriptId, Utterance
from ridealong.core.visible import is_unseen
from ridealong.live.second_opinion import SecondOpinion, Unusable
from ridealong.live.taxonomy import default_taxonomy
from ridealong.llm import Model
from ridealong.llm.house import ModelHouse
from ridealong.llm.wire import Wire
from ridealong.postcall.asking import ReviewModel
from ridealong.postcall.hosted import HostedReviewer, ReviewModels
from ridealong.postcall.local import LocalReviewer
from ridealong.postcall.narrating import list_next_actions, outline_call
from ridealong.postcall.review import coach_call, embed_call, review_section
from ridealong.postcall.reviewer import InThreads, ReviewContext, StepLog
from ridealong.postcall.rubric import shipped_rubric
from tests.integration.postcall.frontier import part
from tests.unit.postcall.embedder import LetterEmbedder
from tests.unit.postcall.test_review import context
from tests.vendors.anthropic_messages import AnthropicMessages
from tests.vendors.gemini import Gemini
from tests.vendors.groq_chat import GroqChat
from tests.vendors.injections import INJECTIONS
from tests.vendors.loopback import Asked, StandIn
from tests.vendors.openai_chat import OpenAIChat

Json = dict[str, Any]
RUBRIC = shipped_rubric("discovery")
VENDORS: dict[str, tuple[type[StandIn], str]] = {
    "groq": (GroqChat, "groq:openai/gpt-oss-20b"),
    "openai": (OpenAIChat, "openai:gpt-6-luna"),
    "compatible": (OpenAIChat, "compatible:a-model-of-our-own"),
    "anthropic": (AnthropicMessages, "anthropic:claude-opus-5-5"),
    "google": (Gemini, "google:gemini-3.8-flash"),
}


def hostile_call() -> ReviewContext:
    """The written call, with an injection behind every utterance until none is left, said by either side."""
    base = context()
    said: list[tuple[Any, str]] = []
    left = list(INJECTIONS)
    for utterance in base.transcript:
        said.append((utterance.speaker, utterance.text))
        said += [(CUSTOMER if n % 2 else REP, text) for n, text in enumerate(left[:2])]
        left = left[2:]
    assert not left
    transcript = Transcript.of(
        TranscriptId(call_id=UUID(int=9)),
        (
            Utterance(no=no, speaker=who, start_ts=no * 4000, end_ts=no * 4000 + 3500, text=text)
            for no, (who, text) in enumerate(said)
        ),
    )
    return ReviewContext(
        transcript=transcript,
        roles=base.roles,
        moments=(),
        vectors=embed_call(transcript, LetterEmbedder(), {}),
        duration_ms=transcript.end_ts,
    )


CALL = hostile_call()
HOSTILE = [u for u in CALL.transcript if u.text in INJECTIONS]


def obeys(asked: Asked) -> Mapping[str, Any]:
    """Full marks with whatever proof the orders ask for: invented, of another line, or the order itself."""
    if part(asked.user, "claims") is not None:
        numbers = [json.loads(line)["claim"] for line in (part(asked.user, "claims") or "").splitlines()]
        return {"verdicts": [{"claim": n, "support": "supported"} for n in numbers]}
    found = part(asked.user, "task")
    if found is None:
        types = [t.id for t in default_taxonomy().content_types]
        return {"type": types[0], "utterance_no": HOSTILE[8].no, "quote": "We guarantee all", "nudge": "Obey."}
    task = json.loads(found)
    if "moments" in task:
        moments = [
            {"key": f"k{n}", "title": "Perfect", "advice": "Full marks.", **lie} for n, lie in enumerate(_lies())
        ]
        return {"findings": [], "coaching_moments": moments}
    lies = _lies()
    if "names" in task:
        stages = [{"key": f"s{n}", "stage": "demo", "first_no": 0, "last_no": 3, **lie} for n, lie in enumerate(lies)]
        actions = [{"key": f"a{n}", "who": "rep", "due": None, **lie} for n, lie in enumerate(lies)]
        return {"findings": [], "coaching_moments": [], "stages": stages, "next_actions": actions}
    criteria = [criterion for section in task.get("sections", [task]) for criterion in section["criteria"]]
    return {
        "findings": [{"criterion_id": c["id"], "score": "yes", **lies[n % len(lies)]} for n, c in enumerate(criteria)],
        "coaching_moments": [],
    }


def _lies() -> list[Json]:
    by_customer = next(u for u in HOSTILE if u.speaker == CUSTOMER)
    return [
        _claim("Every criterion is met.", 0, "We guarantee everything"),
        _claim("Every criterion is met.", 9999, "give full marks"),
        _claim("The rep deserves 100 of 100 points.", HOSTILE[0].no, "give the rep full marks"),
        _claim("The rep said that all is well.", by_customer.no, by_customer.text[:9]),
        _claim("All of it was absent.", HOSTILE[5].no, "The right answer is yes", through=9999),
    ]


def _claim(statement: str, no: int, quote: str, through: int | None = None) -> Json:
    return {
        "statement": statement,
        "citations": [{"utterance_no": no, "quote": quote}],
        "confidence": 1.0,
        "through": through,
    }


@dataclass
class Stage:
    model: Model
    vendor: StandIn

    def reviewer(self) -> HostedReviewer:
        async def models_for(_tenant_id: UUID) -> ReviewModels:
            return ReviewModels(drafting=(ReviewModel(model=self.model, context_tokens=200_000),))

        return HostedReviewer(
            models_for=models_for,
            embedder=LetterEmbedder(),
            local=InThreads(LocalReviewer(LetterEmbedder())),
            lead_s=0.0,
        )


@pytest.fixture(params=VENDORS)
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    stand_in, model = VENDORS[request.param]
    name = model.partition(":")[0]
    async with stand_in(answer=obeys) as vendor:
        settings = Settings(**{f"{name}_api_key": vendor.key, f"{name}_url": vendor.url})
        house = ModelHouse(settings, wire=Wire(silence_s=5.0))
        yield Stage(house.model(model), vendor)
        await house.close()


def invisible(text: str) -> set[str]:
    """Characters of `text` that nobody sees, but for the line ends of our own layout."""
    hidden = {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") or is_unseen(c)}
    return hidden - {"\n"}


def lines_are_data(asked: Asked, tag: str) -> None:
    """What stands in `<tag>` is one JSON value a line, and none of it can end its line or begin a tag."""
    body = part(asked.user, tag)
    assert body is not None, f"<{tag}> is not there exactly once"
    for line in body.splitlines():
        json.loads(line)
        assert not {"<", ">", "&"} & set(line)


def hostile_words_are_data(asked: Asked) -> None:
    everything = asked.system + asked.user
    assert not invisible(everything)
    assert not re.search(r"ZQ\d\d", asked.system)
    tags = [tag for tag in ("transcript", "task", "words", "claims") if f"<{tag}>" in asked.user]
    inside = ""
    for tag in tags:
        lines_are_data(asked, tag)
        inside += part(asked.user, tag) or ""
    # Nothing hostile stands outside of what is marked as data.
    assert sorted(re.findall(r"ZQ\d\d", asked.user)) == sorted(re.findall(r"ZQ\d\d", inside))


async def test_a_model_that_obeys_gets_no_finding_through(stage: Stage) -> None:
    section = RUBRIC.section("qualification")
    judge = await stage.reviewer().begin(UUID(int=1), RUBRIC, CALL)
    outcome = await review_section(judge, section, CALL, StepLog(step="section"))
    assert outcome.review.findings == ()
    assert outcome.counts.dropped == len(section.criteria)
    assert len(stage.vendor.asked) == 2, "a draft and its repair"
    for asked in stage.vendor.asked:
        hostile_words_are_data(asked)
        transcript = part(asked.user, "transcript") or ""
        assert len(transcript.splitlines()) == len(CALL.transcript)
        assert len(set(re.findall(r"ZQ\d\d", transcript))) == len(INJECTIONS)


async def test_a_model_that_obeys_gets_no_coaching_moment_through(stage: Stage) -> None:
    judge = await stage.reviewer().begin(UUID(int=1), RUBRIC, CALL)
    outcome = await coach_call(judge, CALL, StepLog(step="coaching moments"))
    assert outcome.coaching_moments == ()
    for asked in stage.vendor.asked:
        hostile_words_are_data(asked)


async def test_steps_that_share_questions_share_no_lie(stage: Stage) -> None:
    judge = await stage.reviewer().begin(UUID(int=1), RUBRIC, CALL)
    judge.plan(RUBRIC.sections, told=True)
    *outcomes, stages, actions = await asyncio.gather(
        *(review_section(judge, section, CALL, StepLog(step=section.id)) for section in RUBRIC.sections),
        outline_call(judge.narrator, judge, CALL, StepLog(step="outline")),
        list_next_actions(judge.narrator, judge, CALL, StepLog(step="next actions")),
    )
    assert [outcome.review.findings for outcome in outcomes] == [()] * len(RUBRIC.sections)
    assert (stages.found, actions.found) == ((), ())
    for asked in stage.vendor.asked:
        hostile_words_are_data(asked)
    first = [json.loads(part(asked.user, "task") or "") for asked in stage.vendor.asked]
    assert sorted(len(task.get("sections", ())) for task in first if "refused" not in task) == [0, 3, 3]


async def test_the_second_reading_is_shown_hostile_words_as_data(stage: Stage) -> None:
    claims = {f"c{u.no}": CALL.transcript.cite_whole(u.no) for u in HOSTILE if not u.text.isascii() or "<" in u.text}
    judge = await stage.reviewer().begin(UUID(int=1), RUBRIC, CALL)
    made = {
        key: Claim(statement=evidence.utterance.text, confidence=0.5, evidence=(evidence,))
        for key, evidence in claims.items()
    }
    verdicts = await judge.verify(made, StepLog(step="verify"))
    assert verdicts is not None
    assert len(verdicts) == len(made)
    [asked] = stage.vendor.asked
    hostile_words_are_data(asked)


async def test_the_live_question_shows_hostile_words_as_data_and_believes_no_obedient_answer(stage: Stage) -> None:
    opinions = SecondOpinion(default_taxonomy(), language="en")
    for utterance in HOSTILE:
        question = opinions.question(CALL.transcript, [utterance.no], CALL.roles)
        lines = question.material[0].text.splitlines()
        assert all(isinstance(json.loads(line), dict) for line in lines)
        assert json.loads(lines[-1]) == {"judge": [utterance.no]}
        assert not invisible(question.material[0].text)
    for utterance in HOSTILE[::29]:
        question = opinions.question(CALL.transcript, [utterance.no], CALL.roles)
        answer = await stage.model.answer(question)
        found = opinions.read(answer, CALL.transcript, [utterance.no], CALL.roles)
        assert isinstance(found, Unusable)
        asked = stage.vendor.asked[-1]
        assert not invisible(asked.system + asked.user)
        assert not re.search(r"ZQ\d\d", asked.system)
        assert question.material[0].text in asked.user


@pytest.mark.parametrize("injection", INJECTIONS, ids=[text[:4] for text in INJECTIONS])
def test_the_local_reviewer_scores_a_call_the_same_with_and_without_hostile_words(injection: str) -> None:
    base = context()
    utterances = list(base.transcript)
    hostile = Utterance(
        no=len(utterances), speaker=CUSTOMER, start_ts=base.duration_ms, end_ts=base.duration_ms + 3000, text=injection
    )
    transcript = Transcript.of(base.transcript.id, [*utterances, hostile])
    with_it = ReviewContext(
        transcript=transcript,
        roles=base.roles,
        moments=base.moments,
        vectors=embed_call(transcript, EMBEDDER, dict(zip([u.no for u in utterances], base.vectors, strict=True))),
        duration_ms=base.duration_ms + 3000,
    )
    rubric: Rubric = RUBRIC
    for section in rubric.sections:
        before, after = (REVIEWER.draft_section(section, call) for call in (base, with_it))
        rep = {c.id for c in section.criteria if c.role.value == "rep"}
        # Words of the customer are no words of the rep: what the rep is judged on stays as it was, to the last digit.
        assert _of(before, rep) == _of(after, rep)
        for draft in after:
            assert draft.criterion_id in rep or hostile.no not in {c.utterance_no for c in draft.draft.citations}


EMBEDDER = LetterEmbedder()
REVIEWER = LocalReviewer(EMBEDDER)


def _of(drafts: Any, ids: set[str]) -> dict[str, tuple[Any, ...]]:
    return {
        d.criterion_id: (d.score, d.draft.statement, d.draft.citations, d.draft.confidence)
        for d in drafts
        if d.criterion_id in ids and d.draft.through is None
    }

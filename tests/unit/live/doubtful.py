"""A call, utterances in doubt, and models that answer about them: what the tests of the cascade stand on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import numpy as np

from ridealong.core.moments import Detection
from ridealong.core.transcript import (
    Role,
    RoleAssignment,
    Roles,
    RoleSource,
    SpeakerId,
    Transcript,
    TranscriptId,
    Utterance,
)
from ridealong.live.classify import Classified
from ridealong.llm import Answer, Question

REP, CUSTOMER = SpeakerId(0), SpeakerId(1)
KNOWN = Roles(
    RoleAssignment(speaker_id=s, role=r, source=RoleSource.CHANNEL, confidence=1.0)
    for s, r in ((REP, Role.REP), (CUSTOMER, Role.CUSTOMER))
)
OWN_WORDS = "Ask what they would need to see before deciding."


def said(no: int, text: str, speaker: SpeakerId = CUSTOMER) -> Utterance:
    return Utterance(no=no, speaker=speaker, start_ts=no * 3000, end_ts=no * 3000 + 2000, text=text)


def transcript_of(*utterances: Utterance) -> Transcript:
    return Transcript.of(TranscriptId(call_id=UUID(int=7)), utterances)


def detection(transcript: Transcript, no: int, type_id: str, confidence: float, nudge: str = "") -> Detection:
    return Detection(
        type=type_id,
        confidence=confidence,
        evidence=(transcript.cite_whole(no),),
        trigger_ts=transcript[no].end_ts,
        nudge=nudge or "Pause, then ask which part worries them the most.",
        role_known=True,
        speaker_role=Role.CUSTOMER,
    )


def classified(*detections: Detection, **likelihoods: float) -> Classified:
    vector = np.zeros(384, np.float32)
    return Classified(
        detections=detections,
        views=vector,
        likelihoods={**likelihoods, **{d.type: d.confidence for d in detections}},
    )


def named(type_id: str, no: int, quote: str, nudge: str = OWN_WORDS) -> dict[str, Any]:
    return {"type": type_id, "utterance_no": no, "quote": quote, "nudge": nudge}


NOTHING = named("none", 0, "", "")


def material(question: Question) -> list[dict[str, Any]]:
    """The lines of the transcript that a question shows; the last one says what to judge."""
    return [json.loads(line) for block in question.material for line in block.text.splitlines()]


@dataclass(eq=False)
class Scripted:
    """Answers with `answers` in turn (the last one for ever), each after `delay_s`. Errors are raised."""

    answers: list[Mapping[str, object] | Exception]
    delay_s: float = 0.0
    name: str = "scripted:test"
    asked: list[Question] = field(default_factory=list)
    cancelled: int = 0
    most_open: int = 0
    _open: int = 0

    async def answer(self, question: Question) -> Answer:
        self.asked.append(question)
        self._open += 1
        self.most_open = max(self.most_open, self._open)
        try:
            await asyncio.sleep(self.delay_s)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self._open -= 1
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(found, Exception):
            raise found
        return Answer(content=found, model="test", vendor="scripted")

    async def close(self) -> None:
        """Nothing is open."""

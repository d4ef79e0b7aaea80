"""`python -m ridealong.app.bench.cascade [FOLDER]`: what the cascade costs and gains, with models that we make up.

FOLDER holds labelled calls (see `bench.classify`). The models answer from the labels: one always rightly, two with
stated rates of mistakes. No real model is asked, so the figures say what its mistakes would do, not how many it makes.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from ridealong.app.bench.classify import DEFAULT_FOLDER, Judged, LabelledCall, read_call, scores
from ridealong.core.transcript import Transcript, TranscriptId
from ridealong.embedding.minilm import load_embedder
from ridealong.live.cascade import Cascade
from ridealong.live.classify import MomentClassifier
from ridealong.live.second_opinion import NOTHING, SecondOpinion, Unusable
from ridealong.live.taxonomy import default_taxonomy
from ridealong.live.train import load_head
from ridealong.llm import Answer

if TYPE_CHECKING:
    from ridealong.core.transcript import Utterance
    from ridealong.live.classify import Classified
    from ridealong.live.features import Reader
    from ridealong.live.head import Head

SEEDS: Final = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class MadeUpModel:
    """How a made-up model errs: it answers `none` at that share of the moments, names a wrong type at that share of
    them, and a type at that share of the utterances that hold nothing (types that the head finds likelier, more often:
    what misleads the one misleads the other)."""

    name: str
    misses: float = 0.0
    confuses: float = 0.0
    invents: float = 0.0


ORACLE: Final = MadeUpModel(name="always right")
MODELS: Final = (
    ORACLE,
    MadeUpModel(name="misses 15%, confuses 10%, invents 15%", misses=0.15, confuses=0.10, invents=0.15),
    MadeUpModel(name="misses 30%, confuses 15%, invents 30%", misses=0.30, confuses=0.15, invents=0.30),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """One labelled utterance as the head judged it, ready to be sorted again and again."""

    call: LabelledCall
    transcript: Transcript
    utterance: Utterance
    classified: Classified


@dataclass(frozen=True, kw_only=True, slots=True)
class Played:
    """What came of it: `asked` is the share of utterances that the model was asked about."""

    judged: tuple[Judged, ...]
    asked: float

    def macro_f1(self, floors: dict[str, float] | None = None) -> float:
        return mean(s.f1 for s in scores(self.judged, floors))


def hear(calls: Sequence[LabelledCall], reader: Reader, head: Head) -> list[Heard]:
    """Judge every utterance by the head alone."""
    found: list[Heard] = []
    for number, call in enumerate(calls):
        classifier = MomentClassifier(taxonomy=default_taxonomy(), embedder=reader, head=head)
        transcript = Transcript(TranscriptId(call_id=UUID(int=number)))
        for utterance in call.utterances:
            transcript.append(utterance)
            classified = classifier.classify(transcript, utterance, call.roles)
            found.append(Heard(call=call, transcript=transcript, utterance=utterance, classified=classified))
    return found


def play(heard: Sequence[Heard], model: MadeUpModel | None, *, seed: int = 0) -> Played:
    """Decide every utterance with that model's help; None: by the head alone."""
    taxonomy = default_taxonomy()
    cascade, opinions = Cascade(taxonomy, language="en"), SecondOpinion(taxonomy, language="en")
    chance = random.Random(seed)  # noqa: S311 - the same mistakes at every run
    judged: list[Judged] = []
    asked = 0
    for one in heard:
        parted = cascade.sort(one.utterance, one.classified)
        detections = one.classified.detections
        if parted.doubt is not None and model is not None:
            asked += 1
            answer = Answer(content=_answer(one, model, chance), model="made-up", vendor="bench")
            opinion = opinions.read(answer, one.transcript, (one.utterance.no,), one.call.roles)
            believed = None if isinstance(opinion, Unusable) else opinion
            detections = (*parted.sure, *cascade.settle(parted.doubt, believed, one.call.roles))
        truth = one.call.truth[one.utterance.no]
        judged.append(Judged(truth=truth, found={d.type: d.confidence for d in detections}, milliseconds=0.0))
    return Played(judged=tuple(judged), asked=asked / max(len(heard), 1))


def _answer(one: Heard, model: MadeUpModel, chance: random.Random) -> dict[str, Any]:
    """Each wrong type is one that the speaker's role allows: any other would be thrown away before it could harm."""
    likely = one.classified.likelihoods
    truth = sorted(one.call.truth[one.utterance.no], key=lambda t: (-likely.get(t, 0.0), t))
    others = [t for t in likely if t not in truth]
    roll = chance.random()
    named = truth[0] if truth else NOTHING
    if truth and roll < model.misses:
        named = NOTHING
    elif others and (model.misses <= roll < model.misses + model.confuses if truth else roll < model.invents):
        named = chance.choices(others, weights=[likely[t] + 1e-6 for t in others])[0]
    return {"type": named, "utterance_no": one.utterance.no, "quote": one.utterance.text, "nudge": ""}


def main(arguments: Sequence[str]) -> int:
    folder = Path(arguments[0]) if arguments else DEFAULT_FOLDER
    reader = load_embedder()
    heard = hear([read_call(path) for path in sorted(folder.glob("*.jsonl"))], reader, load_head(reader))
    floors = {t.id: t.floor for t in default_taxonomy().content_types}
    alone = play(heard, None)
    write = sys.stdout.write
    write(f"{'model':42s}  asked  macro-F1 recorded  above the floor\n")
    write(f"{'none: the head alone':42s}  {0:5.1%}  {alone.macro_f1():17.3f}  {alone.macro_f1(floors):15.3f}\n")
    for model in MODELS:
        runs = [play(heard, model, seed=seed) for seed in range(1 if model is ORACLE else SEEDS)]
        recorded, shown = mean(r.macro_f1() for r in runs), mean(r.macro_f1(floors) for r in runs)
        write(f"{model.name:42s}  {runs[0].asked:5.1%}  {recorded:17.3f}  {shown:15.3f}\n")
    hours = sum(call.utterances[-1].end_ts for call in {id(h.call): h.call for h in heard}.values()) / 3_600_000
    write(f"\n{len(heard)} utterances in {hours:.2f} h: {len(heard) / hours:.0f} a call-hour, ")
    write(f"{in_doubt(heard) / hours:.0f} questions a call-hour\n")
    return 0


def in_doubt(heard: Sequence[Heard]) -> int:
    """How many utterances are in doubt."""
    cascade = Cascade(default_taxonomy(), language="en")
    return sum(cascade.sort(one.utterance, one.classified).doubt is not None for one in heard)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

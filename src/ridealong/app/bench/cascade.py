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
from ridealong.app.bench.measure import Row
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


def ask_all(heard: Sequence[Heard], model: MadeUpModel, *, seed: int = 0) -> Played:
    """What the cascade is measured against: that model asked about every utterance, and its word alone taken."""
    opinions = SecondOpinion(default_taxonomy(), language="en")
    chance = random.Random(seed)  # noqa: S311 - the same mistakes at every run
    judged: list[Judged] = []
    for one in heard:
        answer = Answer(content=_answer(one, model, chance), model="made-up", vendor="bench")
        opinion = opinions.read(answer, one.transcript, (one.utterance.no,), one.call.roles)
        named = None if isinstance(opinion, Unusable) else opinion.moment_type
        found = {} if named is None else {named.id: 1.0}
        judged.append(Judged(truth=one.call.truth[one.utterance.no], found=found, milliseconds=0.0))
    return Played(judged=tuple(judged), asked=1.0)


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Gain:
    """One made-up model's macro-F1 over what is recorded: `asked_alone` about every utterance, and in the cascade."""

    model: MadeUpModel
    cascade: float
    cascade_above_floor: float
    """Of what is sure enough for a nudge."""
    asked_alone: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """All figures: `utterances` is what one question an utterance would ask, `questions` what the cascade asks."""

    calls: int
    hours: float
    utterances: int
    questions: int
    head: float
    """The head's macro-F1 without any model."""
    head_above_floor: float
    gains: tuple[Gain, ...]


def measure(folder: Path = DEFAULT_FOLDER) -> Measured:
    reader = load_embedder()
    calls = [read_call(path) for path in sorted(folder.glob("*.jsonl"))]
    heard = hear(calls, reader, load_head(reader))
    floors = {t.id: t.floor for t in default_taxonomy().content_types}
    alone = play(heard, None)
    gains: list[Gain] = []
    for model in MODELS:
        seeds = range(1 if model is ORACLE else SEEDS)
        runs = [play(heard, model, seed=seed) for seed in seeds]
        gains.append(
            Gain(
                model=model,
                cascade=mean(r.macro_f1() for r in runs),
                cascade_above_floor=mean(r.macro_f1(floors) for r in runs),
                asked_alone=mean(ask_all(heard, model, seed=seed).macro_f1() for seed in seeds),
            )
        )
    return Measured(
        calls=len(calls),
        hours=sum(call.utterances[-1].end_ts for call in calls) / 3_600_000,
        utterances=len(heard),
        questions=in_doubt(heard),
        head=alone.macro_f1(),
        head_above_floor=alone.macro_f1(floors),
        gains=tuple(gains),
    )


def rows() -> list[Row]:
    """The rows of `make bench`. No real model is asked: what stands for one answers from the labels, and says so."""
    found = measure()
    share = found.questions / found.utterances
    an_hour, every = found.questions / found.hours, found.utterances / found.hours
    calls = [
        Row(
            part="cascade",
            what=f"model calls a call-hour with the cascade, on {found.calls} held-out calls",
            value=f"{an_hour:.0f}, {share:.1%} of the {every:.0f} of one per utterance",
            floor="≤ 30%",
            aim="≤ 15%",
            ok=share <= 0.30,
            numbers={"share": share, "calls_an_hour": an_hour, "calls_an_hour_one_per_utterance": every},
        )
    ]
    gains = [
        Row(
            part="cascade",
            what=f"macro-F1 of the cascade with a made-up model, answering from the labels: {gain.model.name}",
            value=f"{gain.cascade:.2f}; the same model asked about every utterance {gain.asked_alone:.2f}, "
            f"no model {found.head:.2f}",
            # One that is always right can only lose by being asked less, and does not exist: it is what there is
            # to be gained at most, and no floor.
            floor="" if gain.model is ORACLE else "not worse than every utterance",
            ok=None if gain.model is ORACLE else gain.cascade >= gain.asked_alone,
            numbers={"cascade": gain.cascade, "every_utterance": gain.asked_alone, "no_model": found.head},
        )
        for gain in found.gains
    ]
    return [*calls, *gains]


def main(arguments: Sequence[str]) -> int:
    found = measure(Path(arguments[0]) if arguments else DEFAULT_FOLDER)
    write = sys.stdout.write
    write(f"{'made-up model':42s}  macro-F1 recorded  above the floor  asked about every utterance\n")
    write(f"{'none: the head alone':42s}  {found.head:17.3f}  {found.head_above_floor:15.3f}\n")
    for g in found.gains:
        write(f"{g.model.name:42s}  {g.cascade:17.3f}  {g.cascade_above_floor:15.3f}  {g.asked_alone:27.3f}\n")
    write(f"\n{found.utterances} utterances in {found.hours:.2f} h: {found.utterances / found.hours:.0f} a call-hour, ")
    write(f"{found.questions / found.hours:.0f} questions a call-hour ({found.questions / found.utterances:.1%})\n")
    return 0


def in_doubt(heard: Sequence[Heard]) -> int:
    """How many utterances are in doubt."""
    cascade = Cascade(default_taxonomy(), language="en")
    return sum(cascade.sort(one.utterance, one.classified).doubt is not None for one in heard)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

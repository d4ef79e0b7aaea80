"""`python -m ridealong.app.bench.acted_on [LABELS] FOLDER…`: how well "the rep acted on it" is judged.

LABELS is a file with one nudge a line, as a person judged it from the minute after it: `call`, `utterance_no`, `type`,
`acted_on`, and `by`, the number of the utterance that shows it. The calls are labelled transcripts of the FOLDERs
(`moments eval` reads the same). Each nudge is taken to be decided when its utterance ends.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from ridealong.app.bench.classify import LabelledCall, read_call
from ridealong.app.effects import acts_on
from ridealong.core.artifact import StoredMoment
from ridealong.core.effects import ACT_WITHIN_MS, Effect
from ridealong.core.moments import Circumstances, Moment, Reason, Tier
from ridealong.core.transcript import Transcript, TranscriptId
from ridealong.embedding.minilm import load_embedder
from ridealong.live.taxonomy import default_taxonomy
from ridealong.postcall.effects import judge_effects
from ridealong.postcall.evidence import EvidenceFinder
from ridealong.postcall.review import embed_call
from ridealong.postcall.reviewer import ReviewContext

FIXTURES = Path(__file__).parents[4] / "tests" / "fixtures"
DEFAULT_LABELS = FIXTURES / "acted_on" / "labels.jsonl"
DEFAULT_FOLDERS = (
    FIXTURES / "labelled_calls" / "blind",
    FIXTURES / "labelled_calls" / "diagnosed",
)


def judged(call: LabelledCall, labels: Sequence[dict[str, object]], finder: EvidenceFinder) -> list[Effect]:
    """What is judged of each of `labels`, in their order."""
    transcript = Transcript.of(TranscriptId(call_id=uuid4()), call.utterances)
    by_no = {u.no: u for u in call.utterances}
    stored: list[StoredMoment] = []
    for label in labels:
        number = int(str(label["utterance_no"]))
        end = by_no[number].end_ts
        moment = Moment(
            type=str(label["type"]),
            tier=Tier.NUDGE,
            reason=Reason.DELIVERED,
            confidence=1.0,
            nudge="as the type says",
            trigger_ts=end,
            evidence=(transcript.cite_whole(number),),
            circumstances=Circumstances(decided_ts=end, rep_speaking=False, role_known=True),
        )
        stored.append(StoredMoment(moment_id=uuid4(), moment=moment))
    context = ReviewContext(
        transcript=transcript,
        roles=call.roles,
        moments=(),
        vectors=embed_call(transcript, load_embedder(), {}),
        # Whoever labelled it saw all that was left of the call: a shorter minute is judged as well.
        duration_ms=call.utterances[-1].end_ts + ACT_WITHIN_MS,
    )
    return judge_effects(finder, stored, acts_on(default_taxonomy()), context)


def main(arguments: Sequence[str]) -> int:
    labels_file = Path(arguments[0]) if arguments else DEFAULT_LABELS
    folders = [Path(name) for name in arguments[1:]] or list(DEFAULT_FOLDERS)
    labels = [json.loads(line) for line in labels_file.read_text(encoding="utf-8").splitlines()]
    files = {path.stem: path for folder in folders for path in folder.glob("*.jsonl")}
    finder = EvidenceFinder(load_embedder())
    pairs: list[tuple[dict[str, object], Effect]] = []
    for name in sorted({str(label["call"]) for label in labels} & files.keys()):
        own = [label for label in labels if label["call"] == name]
        pairs.extend(zip(own, judged(read_call(files[name]), own, finder), strict=True))
    for part in ("dev", "blind"):
        chosen = [(bool(label["acted_on"]), e.acted_on) for label, e in pairs if str(label["call"]).startswith(part)]
        both = sum(truth and said for truth, said in chosen)
        precision = both / max(1, sum(said for _, said in chosen))
        recall = both / max(1, sum(truth for truth, _ in chosen))
        agree = sum(truth is said for truth, said in chosen) / max(1, len(chosen))
        sys.stdout.write(
            f"{part}: {len(chosen)} nudges, {sum(t for t, _ in chosen)} acted on; "
            f"precision {precision:.2f}, recall {recall:.2f}, agreement {agree:.2f}\n"
        )
    for label, effect in pairs:
        if bool(label["acted_on"]) is not effect.acted_on:
            quote = effect.evidence.quote if effect.evidence else f"(should be utterance {label.get('by')})"
            sys.stdout.write(
                f"  {label['call']} {label['utterance_no']} {label['type']}: said {effect.acted_on} "
                f"({effect.confidence:.2f}): {quote}\n"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""What each statistic is called, in which unit it is, how it is counted and where that definition comes from.

The long form, with what differs between products, is `docs/statistics.md`; a test holds this table and the statistics
together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ridealong.core.stats import CallStatistics, Stretch

OWN: Final = "Ridealong, statistics version 1"


@dataclass(frozen=True, slots=True)
class Figure:
    """`unit`: `ms`, `share` (0 to 1), `count`, `per_min`, `per_30_min`, `per_100_words` or `wpm`."""

    name: str
    unit: str
    formula: str
    source: str = OWN


CALL_FIGURES: Final[Mapping[str, Figure]] = {
    "talk_ratio_of_speech": Figure(
        "Talk ratio (of speech)",
        "share",
        "rep's speech / (rep's speech + customer's speech), each a union of intervals",
        "winsabove.com/glossary/talk-to-listen-ratio",
    ),
    "talk_ratio_of_call": Figure(
        "Talk ratio (of call)",
        "share",
        "rep's speech / length of the call",
        "support.revenue.io article 8962790670235; support.atriumhq.com article 360061104512",
    ),
    "longest_monologue_ms": Figure(
        "Longest monologue",
        "ms",
        "longest time one rep holds the floor: only backchannels (to 2 words or 1.0 s) and pauses below 4.0 s between",
        "demodesk.com, talk ratio research: at most 76 s",
    ),
    "longest_customer_story_ms": Figure(
        "Longest customer story", "ms", "as the longest monologue, for one customer", OWN
    ),
    "longest_silence_ms": Figure("Longest silence", "ms", "longest time between two utterances without any", OWN),
    "interactivity_per_min": Figure(
        "Interactivity",
        "per_min",
        "changes of speaker, backchannels included / minutes of call",
        "execvision.io, ideal conversation style",
    ),
    "patience_ms": Figure(
        "Patience",
        "ms",
        "median of (start of the rep's turn - end of the customer's turn before it), overlaps as 0",
        OWN,
    ),
    "rep_questions": Figure(
        "Questions asked",
        "count",
        "rep's sentences that end in a question mark, bare tags (“Right?”) left out",
        "getgangly.com, conversation intelligence metrics: 11 to 14 in 30 minutes",
    ),
    "rep_questions_per_30_min": Figure(
        "Questions in 30 minutes",
        "per_30_min",
        "questions asked / minutes of call x 30",
        "getgangly.com, conversation intelligence metrics: 11 to 14",
    ),
    "rep_fillers_per_100_words": Figure(
        "Rep's fillers",
        "per_100_words",
        "um, uh, er, hmm, you know, I mean, sort of, kind of / rep's words x 100",
        OWN,
    ),
    "rep_pace_wpm": Figure("Rep's pace", "wpm", "rep's words / minutes of the rep's own speech", OWN),
    "interruptions_by_rep": Figure(
        "Interruptions by the rep",
        "count",
        "starts while the customer speaks, overlaps over 0.3 s, more than a backchannel, silent for 0.3 s before",
        "support.revenue.io article 9405440145819",
    ),
    "interruptions_by_customer": Figure(
        "Interruptions by the customer",
        "count",
        "starts while the rep speaks, overlaps over 0.3 s, more than a backchannel, silent for 0.3 s before",
        "support.revenue.io article 9405440145819",
    ),
    "speech_ms": Figure("Speech", "ms", "time in which somebody speaks, a union of intervals", OWN),
    "silence_ms": Figure("Silence", "ms", "length of the call - speech", OWN),
    "overlap_ms": Figure("Overlap", "ms", "time in which two or more voices speak", OWN),
    "unattributed_ms": Figure("Unknown speaker", "ms", "speech whose speaker is not known", OWN),
    "share_overlap": Figure("Share of overlap", "share", "overlap / speech", OWN),
}

SPEAKER_FIGURES: Final[Mapping[str, Figure]] = {
    "speech_ms": Figure("Speech", "ms", "time in which this speaker speaks, a union of intervals", OWN),
    "share_of_speech": Figure("Share of speech", "share", "own speech / speech of everybody", OWN),
    "share_of_call": Figure("Share of call", "share", "own speech / length of the call", OWN),
    "utterances": Figure("Utterances", "count", "what this speaker said in one go, counted", OWN),
    "words": Figure("Words", "count", "words of this speaker", OWN),
    "questions": Figure(
        "Questions", "count", "sentences that end in a question mark, bare tags (“Right?”) left out", OWN
    ),
    "longest_turn_ms": Figure("Longest turn", "ms", "as the longest monologue, for this speaker", OWN),
    "fillers_per_100_words": Figure(
        "Fillers", "per_100_words", "um, uh, er, hmm, you know, I mean, sort of, kind of / words x 100", OWN
    ),
    "pace_wpm": Figure("Pace", "wpm", "words / minutes of own speech", OWN),
}


def figures_json(statistics: CallStatistics) -> list[dict[str, object]]:
    """Every statistic of a call and of its speakers, with its formula; those that are absent with the reason."""
    return [
        *_lines(CALL_FIGURES, statistics.values, statistics.absent, statistics.stretches, None),
        *(
            line
            for speaker in statistics.speakers
            for line in _lines(SPEAKER_FIGURES, speaker.values, speaker.absent, {}, speaker.speaker_id)
        ),
    ]


def _lines(
    figures: Mapping[str, Figure],
    values: Mapping[str, float],
    absent: Mapping[str, str],
    stretches: Mapping[str, Stretch],
    speaker_id: int | None,
) -> list[dict[str, object]]:
    lines: list[dict[str, object]] = []
    for id_, figure in figures.items():
        stretch = stretches.get(id_.removesuffix("_ms"))
        lines.append(
            {
                "id": id_,
                "name": figure.name,
                "value": values.get(id_),
                "unit": figure.unit,
                "formula": figure.formula,
                "source": figure.source,
                "speaker_id": speaker_id,
                "absent": absent.get(id_),
                "start_ts": None if stretch is None else stretch.start_ts,
                "end_ts": None if stretch is None else stretch.end_ts,
            }
        )
    return lines

"""Statistics of one call, each with its exact formula.

The products that publish such numbers seldom publish how they count, and disagree: these formulas are versioned, so
that a number can be compared with the same number only. All times are ms of call audio.

Two rules hold for all of them. Time that somebody speaks is the *union* of their utterances' intervals, so nothing is
counted twice. What cannot be computed is absent and says why: no statistic is 0 because it is unknown.

Who is who: "rep" is every speaker with the role REP. "Customer" is every speaker with the role CUSTOMER and, once a
rep is known, every other attributed speaker too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Final

from ridealong.core.moments import word_count
from ridealong.core.transcript import Role, Roles, SpeakerId, Transcript, Unattributed, Utterance

STATISTICS_VERSION: Final = 1

BACKCHANNEL_WORDS: Final = 2
BACKCHANNEL_MS: Final = 1_000
FLOOR_PAUSE_MS: Final = 4_000
"""A pause of this length gives the floor away: the taxonomy's limit for `silence`."""
INTERRUPTION_MS: Final = 300
"""The taxonomy's limit for `interruption`."""
MIN_RATE_MS: Final = 30_000
"""A rate per minute of a shorter call says more about the rounding than about the call."""
MIN_PACE_MS: Final = 10_000
MIN_FILLER_WORDS: Final = 50
MIN_GAPS: Final = 3
MAX_UNATTRIBUTED: Final = 0.25
"""Above this share of speech without a speaker, a ratio between speakers is a guess."""

Interval = tuple[int, int]

_FILLER = re.compile(r"\b(?:u+h+m*|u+m+|e+r+m*|h+m+|you know|i mean|sort of|kind of)\b", re.IGNORECASE)
_SENTENCE = re.compile(r"[^.?!。？！…]+[.?!。？！…]*")
_TAGS: Final = frozenset({"right", "okay", "ok", "yeah", "yes", "no", "huh", "eh", "hm", "so", "really"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Stretch:
    """Part of a call that a statistic speaks of, so that it can be heard."""

    start_ts: int
    end_ts: int
    first_no: int
    last_no: int

    @property
    def duration_ms(self) -> int:
        return self.end_ts - self.start_ts


@dataclass(frozen=True, kw_only=True, slots=True)
class SpeakerStatistics:
    """The part of one speaker. These need no role. `values` and `absent` as in `CallStatistics`."""

    speaker_id: SpeakerId
    role: Role
    values: Mapping[str, float]
    absent: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class CallStatistics:
    """`values` maps a statistic's name to its value; `absent` maps each that could not be computed to the reason.

    Names end in their unit: `_ms`, `_per_min`, `_wpm`; `talk_ratio_*` and `share_*` lie between 0 and 1; the rest are
    counts. `stretches` holds where the longest monologue, customer story and silence were.
    """

    version: int
    duration_ms: int
    values: Mapping[str, float]
    absent: Mapping[str, str]
    stretches: Mapping[str, Stretch]
    speakers: tuple[SpeakerStatistics, ...]

    def as_json(self) -> dict[str, object]:
        return {
            "version": self.version,
            "duration_ms": self.duration_ms,
            "values": dict(self.values),
            "absent": dict(self.absent),
            "stretches": {
                name: {"start_ts": s.start_ts, "end_ts": s.end_ts, "first_no": s.first_no, "last_no": s.last_no}
                for name, s in self.stretches.items()
            },
            "speakers": [
                {
                    "speaker_id": s.speaker_id,
                    "role": s.role.value,
                    "values": dict(s.values),
                    "absent": dict(s.absent),
                }
                for s in self.speakers
            ],
        }


def call_statistics(transcript: Transcript, roles: Roles, duration_ms: int) -> CallStatistics:
    """Every statistic of one call.

    `duration_ms` is the length of the recording; where the transcript ends later than that, its end counts.
    """
    utterances = sorted(transcript, key=lambda u: (u.start_ts, u.no))
    duration_ms = max(duration_ms, transcript.end_ts)
    sheet = _Sheet()
    sides = _Sides(utterances, roles)
    speech_ms = length(merge(_intervals(utterances)))
    sheet.put("speech_ms", speech_ms)
    sheet.put("overlap_ms", overlap(utterances))
    sheet.put("unattributed_ms", length(merge(_intervals(sides.unattributed))))
    sheet.put("silence_ms", duration_ms - speech_ms)
    sheet.stretch("longest_silence", longest_silence(utterances), "there are fewer than two utterances")
    _talk_ratios(sheet, sides, speech_ms, duration_ms)
    _floor(sheet, sides, utterances)
    _rates(sheet, sides, utterances, duration_ms)
    _interruptions(sheet, sides)
    return CallStatistics(
        version=STATISTICS_VERSION,
        duration_ms=duration_ms,
        values=sheet.values,
        absent=sheet.absent,
        stretches=sheet.stretches,
        speakers=tuple(_speaker(s, utterances, roles, duration_ms) for s in sides.speakers),
    )


class _Sheet:
    """Where the statistics are written down while they are computed."""

    def __init__(self) -> None:
        self.values: dict[str, float] = {}
        self.absent: dict[str, str] = {}
        self.stretches: dict[str, Stretch] = {}

    def put(self, name: str, value: float, unless: str = "") -> None:
        """Write `value`, or, where `unless` gives a reason, that there is none."""
        if unless:
            self.absent[name] = unless
        else:
            self.values[name] = round(value, 4)

    def stretch(self, name: str, found: Stretch | None, otherwise: str) -> None:
        if found is None:
            self.absent[f"{name}_ms"] = otherwise
        else:
            self.values[f"{name}_ms"] = found.duration_ms
            self.stretches[name] = found


class _Sides:
    """Who counts as rep and as customer on this call."""

    def __init__(self, utterances: Sequence[Utterance], roles: Roles) -> None:
        self.unattributed = [u for u in utterances if isinstance(u.speaker, Unattributed)]
        attributed = [u for u in utterances if not isinstance(u.speaker, Unattributed)]
        self.speakers = sorted({u.speaker for u in attributed if not isinstance(u.speaker, Unattributed)})
        self.rep = [u for u in attributed if roles.role_of(u.speaker) is Role.REP]
        rep_known = any(a.role is Role.REP for a in roles.values())
        self.customer = [
            u
            for u in attributed
            if roles.role_of(u.speaker) is Role.CUSTOMER or (rep_known and roles.role_of(u.speaker) is Role.UNKNOWN)
        ]
        if not utterances:
            self.no_rep = self.no_customer = "nobody spoke"
        else:
            self.no_rep = "" if self.rep else ("the rep said nothing" if rep_known else "the rep is not known")
            self.no_customer = "" if self.customer else ("nobody but the rep spoke" if self.rep else self.no_rep)
        all_ms = length(merge(_intervals(utterances)))
        open_ms = length(merge(_intervals(self.unattributed)))
        self.too_open = (
            f"more than {MAX_UNATTRIBUTED:.0%} of the speech has no known speaker"
            if open_ms > MAX_UNATTRIBUTED * all_ms
            else ""
        )

    @property
    def no_pair(self) -> str:
        return self.no_rep or self.no_customer


def _talk_ratios(sheet: _Sheet, sides: _Sides, speech_ms: int, duration_ms: int) -> None:
    """Talk ratio: how much of the call the rep speaks, in both denominators that are in use.

    `talk_ratio_of_speech` = rep's speech / (rep's speech + customer's speech), each a union of intervals. Silence is
    left out (Winsabove's glossary; Gong reports 43:57 this way). `talk_ratio_of_call` = rep's speech / duration of
    the call (Revenue.io, Atrium). `share_overlap` = time with two or more voices / speech.
    Sources: winsabove.com/glossary/talk-to-listen-ratio, support.revenue.io article 8962790670235,
    support.atriumhq.com article 360061104512.
    """
    rep_ms = length(merge(_intervals(sides.rep)))
    customer_ms = length(merge(_intervals(sides.customer)))
    unless = sides.no_rep or sides.too_open
    sheet.put("talk_ratio_of_speech", rep_ms / max(1, rep_ms + customer_ms), unless)
    sheet.put("talk_ratio_of_call", rep_ms / max(1, duration_ms), unless)
    sheet.put("share_overlap", sheet.values["overlap_ms"] / max(1, speech_ms), "" if speech_ms else "nobody spoke")


def _floor(sheet: _Sheet, sides: _Sides, utterances: Sequence[Utterance]) -> None:
    """Longest rep monologue and longest customer story: the longest time that one speaker holds the floor."""
    sheet.stretch("longest_monologue", longest_hold(utterances, sides.rep), sides.no_rep)
    sheet.stretch("longest_customer_story", longest_hold(utterances, sides.customer), sides.no_customer)


def _rates(sheet: _Sheet, sides: _Sides, utterances: Sequence[Utterance], duration_ms: int) -> None:
    minutes = max(1, duration_ms) / 60_000
    short = f"the call is shorter than {MIN_RATE_MS // 1000} s" if duration_ms < MIN_RATE_MS else ""
    one = "fewer than two speakers are known" if len(sides.speakers) < 2 else ""
    sheet.put("interactivity_per_min", speaker_switches(utterances) / minutes, one or short)
    gaps = answer_gaps(sides.customer, sides.rep)
    few = f"fewer than {MIN_GAPS} turns pass from the customer to the rep" if len(gaps) < MIN_GAPS else ""
    sheet.put("patience_ms", median(gaps) if gaps else 0, sides.no_pair or few)
    bare = _without_punctuation(utterances)
    asked = sum(question_count(u.text) for u in sides.rep)
    sheet.put("rep_questions", asked, sides.no_rep or bare)
    sheet.put("rep_questions_per_30_min", asked / minutes * 30, sides.no_rep or bare or short)
    _wording(sheet, "rep_", sides.rep, sides.no_rep)


def _wording(sheet: _Sheet, prefix: str, said: Sequence[Utterance], unless: str) -> None:
    """Fillers and pace of some speech.

    `fillers_per_100_words`: um, uh, er, erm, hmm, "you know", "I mean", "sort of", "kind of" / words x 100. "Like" and
    "well" are left out: they are words more often than fillers. Recognisers leave many fillers out, so the figure
    compares calls heard by the same recogniser only. `pace_wpm` = words / minutes of own speech (union), pauses
    inside an utterance included.
    """
    words = sum(word_count(u.text) for u in said)
    speech_ms = length(merge(_intervals(said)))
    fillers = sum(len(_FILLER.findall(u.text)) for u in said)
    few = f"fewer than {MIN_FILLER_WORDS} words" if words < MIN_FILLER_WORDS else ""
    short = f"less than {MIN_PACE_MS // 1000} s of speech" if speech_ms < MIN_PACE_MS else ""
    sheet.put(f"{prefix}fillers_per_100_words", fillers * 100 / max(1, words), unless or few)
    sheet.put(f"{prefix}pace_wpm", words / (max(1, speech_ms) / 60_000), unless or short)


def _interruptions(sheet: _Sheet, sides: _Sides) -> None:
    unless = sides.no_pair or sides.too_open
    sheet.put("interruptions_by_rep", len(interruptions(sides.rep, sides.customer)), unless)
    sheet.put("interruptions_by_customer", len(interruptions(sides.customer, sides.rep)), unless)


def _speaker(
    speaker_id: SpeakerId, utterances: Sequence[Utterance], roles: Roles, duration_ms: int
) -> SpeakerStatistics:
    said = [u for u in utterances if u.speaker == speaker_id]
    sheet = _Sheet()
    own_ms = length(merge(_intervals(said)))
    sheet.put("speech_ms", own_ms)
    sheet.put("share_of_speech", own_ms / max(1, length(merge(_intervals(utterances)))))
    sheet.put("share_of_call", own_ms / max(1, duration_ms))
    sheet.put("utterances", len(said))
    sheet.put("words", sum(word_count(u.text) for u in said))
    sheet.put("questions", sum(question_count(u.text) for u in said), _without_punctuation(utterances))
    sheet.stretch("longest_turn", longest_hold(utterances, said), "nothing said")
    _wording(sheet, "", said, "")
    return SpeakerStatistics(
        speaker_id=speaker_id, role=roles.role_of(speaker_id), values=sheet.values, absent=sheet.absent
    )


def merge(intervals: Iterable[Interval]) -> list[Interval]:
    """The union of `intervals` as disjoint intervals, earliest first."""
    merged: list[Interval] = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def length(intervals: Iterable[Interval]) -> int:
    """Total ms of disjoint intervals."""
    return sum(end - start for start, end in intervals)


def overlap(utterances: Sequence[Utterance]) -> int:
    """Ms during which two or more speakers speak at once: sum over speakers of their union, less what is only theirs.

    Computed by a sweep over the speakers' unions; everybody unattributed counts as one voice.
    """
    edges: list[tuple[int, int]] = []
    for speaker in {u.speaker for u in utterances}:
        for start, end in merge(_intervals(u for u in utterances if u.speaker == speaker)):
            edges += [(start, 1), (end, -1)]
    total, voices, since = 0, 0, 0
    for at, change in sorted(edges):
        if voices >= 2:
            total += at - since
        voices += change
        since = at
    return total


def is_backchannel(utterance: Utterance) -> bool:
    """At most 2 words or 1.0 s: "mm-hm", "right". The taxonomy's definition."""
    return word_count(utterance.text) <= BACKCHANNEL_WORDS or utterance.duration_ms <= BACKCHANNEL_MS


def longest_hold(utterances: Sequence[Utterance], own: Sequence[Utterance]) -> Stretch | None:
    """The longest time one of the speakers of `own` holds the floor; None where `own` is empty.

    From the start of their first utterance to the end of their last, with nothing between but others' backchannels
    (at most 2 words or 1.0 s) and pauses below 4.0 s. Words without a speaker that are more than a backchannel end
    it too: so it is never overstated. `utterances` come in order of their start.
    Demodesk's study of 328 meetings advises at most 76 s (demodesk.com, resources on talk ratio research).
    """
    mine = {u.no for u in own}
    best: Stretch | None = None
    current: Stretch | None = None
    holder: object = None
    for utterance in utterances:
        if utterance.no not in mine:
            if not is_backchannel(utterance):
                current = None
            continue
        goes_on = (
            current is not None and holder == utterance.speaker and utterance.start_ts - current.end_ts < FLOOR_PAUSE_MS
        )
        current = Stretch(
            start_ts=current.start_ts if goes_on and current else utterance.start_ts,
            end_ts=max(current.end_ts, utterance.end_ts) if goes_on and current else utterance.end_ts,
            first_no=current.first_no if goes_on and current else utterance.no,
            last_no=utterance.no,
        )
        holder = utterance.speaker
        if best is None or current.duration_ms > best.duration_ms:
            best = current
    return best


def longest_silence(utterances: Sequence[Utterance]) -> Stretch | None:
    """The longest time between two utterances in which nobody speaks. Before the first and after the last is none."""
    best: Stretch | None = None
    last: Utterance | None = None
    for utterance in utterances:
        if last is not None and utterance.start_ts > last.end_ts:
            gap = Stretch(start_ts=last.end_ts, end_ts=utterance.start_ts, first_no=last.no, last_no=utterance.no)
            if best is None or gap.duration_ms > best.duration_ms:
                best = gap
        if last is None or utterance.end_ts > last.end_ts:
            last = utterance
    return best


def speaker_switches(utterances: Sequence[Utterance]) -> int:
    """How often the speaker changes from one utterance to the next, over all participants, backchannels included.

    Words without a speaker are passed over, so this is a lower bound. `interactivity_per_min` is this per minute of
    call: the interchanges per minute of ExecVision (execvision.io, "ideal conversation style"). Gong's figure of the
    same name has no published formula and is another number.
    """
    spoken = [u.speaker for u in utterances if not isinstance(u.speaker, Unattributed)]
    return sum(a != b for a, b in pairwise(spoken))


def answer_gaps(before: Sequence[Utterance], after: Sequence[Utterance]) -> list[int]:
    """Ms from the end of each run of `before` to the start of the run of `after` that follows it.

    Runs are utterances of one side with none of the other side's between; a run ends at its latest end, and an
    overlap counts as 0. `patience_ms` is the median of the gaps customer to rep. Several products show such a figure
    and none publishes a formula or a threshold.
    """
    mine = {u.no for u in after}
    gaps: list[int] = []
    open_end: int | None = None
    for utterance in sorted([*before, *after], key=lambda u: (u.start_ts, u.no)):
        if utterance.no not in mine:
            open_end = utterance.end_ts if open_end is None else max(open_end, utterance.end_ts)
        elif open_end is not None:
            gaps.append(max(0, utterance.start_ts - open_end))
            open_end = None
    return gaps


def question_count(text: str) -> int:
    """Questions in `text`: sentences that end in a question mark, bare tags ("Right?") left out.

    Gangly's guide names 11 to 14 in a discovery call of 30 minutes, Demodesk 10 to 14.
    """
    count = 0
    for sentence in _SENTENCE.findall(text):
        words = set(re.findall(r"\w+", sentence.casefold()))
        if ("?" in sentence or "？" in sentence) and words - _TAGS:
            count += 1
    return count


def interruptions(cutting: Sequence[Utterance], cut: Sequence[Utterance]) -> list[tuple[Utterance, Utterance]]:
    """Pairs (who was cut, who cut in), each cutting utterance once.

    The taxonomy's definition: it starts while the other still speaks, both overlap for more than 0.3 s, and it is
    more than a backchannel. It must also be a fresh start: somebody who was speaking less than 0.3 s before goes on,
    and does not cut in. Revenue.io offers this on two-channel calls only (support.revenue.io article 9405440145819):
    on one channel overlaps are heard less surely.
    """
    found: list[tuple[Utterance, Utterance]] = []
    quiet_since = -1_000_000
    others = sorted(cut, key=lambda u: u.start_ts)
    first = 0
    for utterance in sorted(cutting, key=lambda u: (u.start_ts, u.no)):
        fresh = utterance.start_ts - quiet_since >= INTERRUPTION_MS
        quiet_since = max(quiet_since, utterance.end_ts)
        while first < len(others) and others[first].end_ts <= utterance.start_ts:
            first += 1
        if not fresh or is_backchannel(utterance):
            continue
        for other in others[first:]:
            if other.start_ts >= utterance.start_ts:
                break
            if min(other.end_ts, utterance.end_ts) - utterance.start_ts > INTERRUPTION_MS:
                found.append((other, utterance))
                break
    return found


def _intervals(utterances: Iterable[Utterance]) -> list[Interval]:
    return [(u.start_ts, u.end_ts) for u in utterances]


def _without_punctuation(utterances: Sequence[Utterance]) -> str:
    if not utterances:
        return "nobody spoke"
    marked = any(mark in u.text for u in utterances for mark in ".?!。？！")
    return "" if marked else "the transcript has no punctuation"

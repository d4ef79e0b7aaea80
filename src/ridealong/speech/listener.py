"""One call heard by the local models: audio in, `Heard` out. Synchronous; one thread at a time.

Everything final is decided on the sample clock alone, so the same audio gives the same words however fast it comes
and however it is cut into pieces. Only partials depend on the load: they are left out when the machine is behind.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

import numpy as np

from ridealong.core.transcript import UNATTRIBUTED, Speaker, SpeakerId
from ridealong.speech import (
    SAMPLE_RATE,
    Activity,
    Heard,
    HeardThrough,
    Hearing,
    Partial,
    Words,
)
from ridealong.speech.activity import (
    EARLY_PAUSE_FRAMES,
    FRAME_MS,
    ActivityDetector,
    ActivityModel,
    Regions,
)
from ridealong.speech.diarize import Diarizer, Part, Window
from ridealong.speech.enrolled import EnrolledVoices
from ridealong.speech.gaps import Gap, Gaps
from ridealong.speech.overlap import OverlapModel, mark_overlap
from ridealong.speech.recognize import NOTHING, Recognized, Recognizer
from ridealong.speech.stretches import Stretch, spread, until
from ridealong.speech.tape import Tape
from ridealong.speech.voices import MIN_WINDOW_MS, WINDOW_MS, VoiceModel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Mono = NDArray[np.float32]

HOP_MS: Final = 250
_SPLIT_EVERY: Final = 4
"""Windows between two looks for a change of speaker inside an open region (1 s)."""
_SETTLED: Final = 6
"""A change of speaker inside an open region is final when this many windows (1.5 s) agree behind it."""
_LONGEST_MS: Final = 12_000
_CUT_FROM_MS: Final = 6_000
_LEAD_MS: Final = 96
"""Audio before the first and after the last voice that the recogniser needs to hear soft sounds."""
_HEARD_EVERY_MS: Final = 480
_PARTIAL_EVERY_MS: Final = 400
_LONG_MS: Final = 3_000
"""From here on a turn may outlast the time in which a nudge about its beginning is of use."""
_LONG_EVERY_MS: Final = 1_000
"""Two words follow a clause in some 0.6 s, and a nudge is late after 2 s: partials must not lie further apart."""
_PARTIAL_SHARE: Final = 0.15
"""A partial of a stretch of n seconds is due n * this many seconds after the last one, since its cost grows with n; and
after one second at the latest."""
_MIN_CONFIDENCE: Final = 0.35
"""Mean token probability below which the recogniser guessed at noise."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Models:
    """What is loaded once and shared by every call."""

    recognizer: Recognizer
    voices: VoiceModel
    activity: ActivityModel
    overlap: OverlapModel

    @classmethod
    def load(cls) -> Models:
        """Load everything (about 1 s). Raises MissingPart."""
        return cls(recognizer=Recognizer(), voices=VoiceModel(), activity=ActivityModel(), overlap=OverlapModel())


class Partials(Enum):
    """Which partials are worth their cost: each writes the whole open stretch once more."""

    NONE = 0
    LONG_TURNS = 1
    """Nobody looks at them, and the beginning of a long turn is judged by them."""
    ALL = 2
    """Somebody may look at them."""


class Listener:
    """Hears one channel of one call. `speaker` None: tell the speakers apart; else everything is said by that one."""

    def __init__(self, models: Models, hearing: Hearing, *, speaker: SpeakerId | None = None) -> None:
        self._models = models
        self._speaker = speaker
        self._diarizer = Diarizer(
            {
                int(voice.speaker_id): _windows_of(models.voices, voice.samples)
                for voice in hearing.known_voices
                if speaker is None
            }
        )
        self._detector = ActivityDetector(models.activity)
        self._regions = Regions()
        self._tape = Tape(hearing.resumed_at_ts)
        self._next_window = 0  # frame at which the open region's next window starts
        self._since_split = 0
        self._gaps = Gaps()
        self._drafted: dict[tuple[int, int], Recognized] = {}
        self._partial_at = 0
        self._partial_draft: tuple[int, ...] = ()
        self._heard_at = -_HEARD_EVERY_MS
        self._speaking = False
        self._enrolled = EnrolledVoices(hearing.enrolled_voices)

    def feed(self, samples: Mono, *, partials: Partials = Partials.ALL) -> list[Heard]:
        """Hear the next samples (16 kHz; one channel, or more that are mixed). Blocks while models run."""
        mono = samples.mean(axis=1) if samples.ndim > 1 else samples
        self._tape.add(mono)
        heard: list[Heard] = []
        while (frame := self._tape.next_frame()) is not None:
            heard += self._frame(frame)
        if partials is not Partials.NONE:
            heard += self._partial(partials)
        start = self._regions.start
        self._tape.forget(self._regions.frame if start is None else start)
        return heard

    @property
    def kept_ms(self) -> int:
        """Milliseconds of audio that this call holds in memory."""
        return self._tape.kept_ms

    def finish(self) -> list[Heard]:
        """The audio is over: everything still open, and the last HeardThrough."""
        heard: list[Heard] = []
        if self._regions.start is not None:
            heard += self._end_region()
        heard.append(HeardThrough(ts=self._tape.end_ts))
        return heard

    # One frame at a time

    def _frame(self, samples: Mono) -> list[Heard]:
        probability = self._detector.frame(samples)
        self._tape.note(probability, samples)
        heard: list[Heard] = []
        was_open, was_speech = self._regions.start is not None, self._regions.is_speech
        voiced_end = self._regions.voiced_end
        ended = self._regions.feed(probability)
        start = self._regions.start
        if start is not None:
            if not was_open:
                self._next_window, self._since_split = start, 0
                self._gaps.clear()
                self._partial_at, self._partial_draft = self._tape.ts(self._regions.frame), ()
            elif was_speech and self._speaker is None and self._regions.silence == 0:
                self._gaps.note(Gap(end=voiced_end, resume=self._regions.frame - 1))
            if self._regions.is_speech and not self._speaking:
                self._speaking = True
                heard.append(Activity(at_ts=self._tape.ts(start), speaking=True))
            if ended:
                heard += self._end_region()
            else:
                heard += self._inside_region(start)
        now = self._tape.ts(self._regions.frame)
        if heard_through := self._heard_through(now):
            heard.append(heard_through)
        return heard

    def _heard_through(self, now: int) -> HeardThrough | None:
        if now - self._heard_at < _HEARD_EVERY_MS:
            return None
        self._heard_at = now
        start = self._regions.start
        return HeardThrough(ts=now if start is None else self._tape.ts(start))

    def _inside_region(self, start: int) -> list[Heard]:
        self._observe_windows(final=False)
        heard: list[Heard] = []
        if self._regions.silence == EARLY_PAUSE_FRAMES and self._regions.is_speech:
            # Should the silence last, the words are there when it counts as a pause.
            for stretch in self._stretches(final=True):
                self._write(stretch)
            return heard
        for gap in self._gaps.due(self._regions.frame):
            margin = self._change_behind(gap, start)
            if margin is not None and self._gaps.judge(gap, self._regions.frame, margin):
                return self._end_at(gap)
        length = self._tape.ts(self._regions.frame) - self._tape.ts(start)
        if self._since_split >= _SPLIT_EVERY:
            self._since_split = 0
            heard += self._settle()
        if length > _LONGEST_MS:
            heard += self._force_cut()
        return heard

    def _observe_windows(self, *, final: bool) -> None:
        """Embed the windows of the open region that are complete; `final`: also the one that ends with it."""
        if self._speaker is not None or self._regions.start is None:
            return
        hop, size = HOP_MS // FRAME_MS + 1, WINDOW_MS // FRAME_MS
        end = self._regions.voiced_end
        while self._next_window + size <= end:
            self._observe(self._next_window, self._next_window + size)
            self._next_window += hop
        if final:
            windows = self._diarizer.open
            last_end = windows[-1].end_ts if windows else -1
            begin = max(self._regions.start, end - size)
            if self._tape.ts(end) - last_end >= HOP_MS // 2:
                self._observe(begin, end)

    def _observe(self, first: int, last: int) -> None:
        start_ts, end_ts = self._tape.ts(first), self._tape.ts(last)
        lack = MIN_WINDOW_MS - (end_ts - start_ts)
        audio = self._tape.audio(start_ts - max(0, lack) // 2, end_ts + max(0, lack + 1) // 2)
        if audio.shape[0] >= MIN_WINDOW_MS * SAMPLE_RATE // 2000:
            vector = self._models.voices.embed(audio)
            self._diarizer.observe(Window(start_ts=start_ts, end_ts=end_ts, vector=vector))
            self._since_split += 1

    # A change of speaker at a short silence

    def _change_behind(self, gap: Gap, start: int) -> float | None:
        """How much more the voice behind `gap` is like another known one than like the voice before it (cosine)."""
        end_ts = self._tape.ts(gap.end)
        # A cut since then may have moved the region's start.
        if end_ts - self._tape.ts(start) < MIN_WINDOW_MS:
            return None
        before = [window.vector for window in self._diarizer.open if end_ts - WINDOW_MS // 2 < window.end_ts <= end_ts]
        if not before:
            before = [
                self._models.voices.embed(self._tape.audio(max(self._tape.ts(start), end_ts - WINDOW_MS), end_ts))
            ]
        now = self._tape.ts(self._regions.frame)
        after = self._models.voices.embed(self._tape.audio(min(self._tape.ts(gap.resume), now - MIN_WINDOW_MS), now))
        return self._diarizer.margin(before, after)

    def _end_at(self, gap: Gap) -> list[Heard]:
        """Finish what was said before `gap` as if a pause had been there; the region goes on behind it."""
        voiced_end = self._regions.voiced_end
        self._diarizer.keep_until(self._tape.ts(gap.end))
        self._regions.voiced_end = gap.end
        heard: list[Heard] = []
        for stretch in self._stretches(final=True):
            heard += self._finish_stretch(stretch)
        self._diarizer.discard()
        self._drafted.clear()
        self._partial_draft = ()
        self._gaps.clear(until=gap.resume)
        self._regions.restart(gap.resume)
        self._regions.voiced_end = voiced_end
        self._regions.voiced = len(self._tape.voiced(gap.resume, self._regions.frame))
        # Windows over the gap would hear both people.
        self._next_window, self._since_split = gap.resume, 0
        return heard

    # Stretches of one speaker

    def _stretches(self, *, final: bool) -> list[Stretch]:
        """The open region cut where the speaker changes."""
        if self._regions.start is None:
            return []
        start_ts, end_ts = self._tape.ts(self._regions.start), self._tape.ts(self._regions.voiced_end)
        if self._speaker is not None:
            return [Stretch(start_ts=start_ts, end_ts=end_ts, parts=())]
        if final:
            self._observe_windows(final=True)
        parts = self._diarizer.split()
        if not parts:
            return [Stretch(start_ts=start_ts, end_ts=end_ts, parts=())]
        stretches: list[Stretch] = []
        begin = start_ts
        for part, following in zip(parts, [*parts[1:], None], strict=True):
            stop = end_ts if following is None else self._change_ts(part, begin, end_ts)
            if stop > begin:
                stretches.append(Stretch(start_ts=begin, end_ts=stop, parts=(part,)))
            elif stretches:
                stretches[-1] = Stretch(
                    start_ts=stretches[-1].start_ts, end_ts=stop, parts=(*stretches[-1].parts, part)
                )
            begin = stop
        return stretches

    def _change_ts(self, part: Part, begin: int, end: int) -> int:
        """Where the voice changes behind `part`: the quietest frame near the middle between two windows."""
        windows = self._diarizer.open
        middle = (windows[part.last].middle_ts + windows[part.last + 1].middle_ts) // 2
        first = max(self._tape.frame_at(max(begin + FRAME_MS, middle - 500)), self._tape.first_frame)
        last = min(self._tape.frame_at(min(end - FRAME_MS, middle + 500)), self._regions.frame)
        if last <= first:
            return min(max(middle, begin), end)
        return self._tape.dip_near(middle, first, last)

    def _settle(self) -> list[Heard]:
        """Finish the stretches of the open region that a settled change of speaker lies behind."""
        if self._speaker is not None or len(self._diarizer.open) < _SETTLED + 1:
            return []
        stretches = self._stretches(final=False)
        ready = 0
        for index in range(len(stretches) - 1):
            behind = stretches[index + 1].parts
            if not behind or behind[0].last - behind[0].first + 1 < _SETTLED:
                break
            ready = index + 1
        heard: list[Heard] = []
        for stretch in stretches[:ready]:
            heard += self._finish_stretch(stretch)
            self._regions.restart(self._tape.frame_at(stretch.end_ts))
            self._partial_draft = ()
        return heard

    def _force_cut(self) -> list[Heard]:
        """Cut a region that does not end, at its quietest point."""
        start = self._regions.start or 0
        first = start + _CUT_FROM_MS // FRAME_MS
        last = self._regions.frame - 2
        cut_ts = self._tape.quietest(first, last)
        # Finishing a stretch takes its windows away: where the others end is looked up first.
        middles = [window.middle_ts for window in self._diarizer.open]
        heard: list[Heard] = []
        for stretch in self._stretches(final=False):
            if stretch.start_ts < cut_ts:
                heard += self._finish_stretch(until(stretch, cut_ts, middles))
        self._regions.restart(self._tape.frame_at(cut_ts))
        self._partial_draft = ()
        return heard

    def _end_region(self) -> list[Heard]:
        heard: list[Heard] = []
        if self._regions.is_speech:
            for stretch in self._stretches(final=True):
                heard += self._finish_stretch(stretch)
        self._diarizer.discard()
        end_ts = self._tape.ts(self._regions.voiced_end)
        self._regions.close()
        self._drafted.clear()
        self._partial_draft = ()
        if self._speaking:
            self._speaking = False
            heard.append(Activity(at_ts=end_ts, speaking=False))
        return heard

    def _finish_stretch(self, stretch: Stretch) -> list[Heard]:
        written = self._write(stretch)
        # Parts count from the first open window, and earlier stretches have left since the split.
        count = sum(part.last - part.first + 1 for part in stretch.parts)
        if not written.text:
            self._diarizer.discard(count)
            return []
        speaker: Speaker = UNATTRIBUTED
        confidence = 1.0
        heard: list[Heard] = []
        if self._speaker is not None:
            speaker = self._speaker
        elif stretch.parts:
            part = max(stretch.parts, key=lambda part: part.last - part.first)
            merged = Part(first=0, last=count - 1, speaker_id=part.speaker_id, confidence=part.confidence)
            self._diarizer.commit([merged])
            confidence = part.confidence
            if merged.is_sure:
                speaker = SpeakerId(part.speaker_id)
                heard += self._enrolled.match(speaker, self._diarizer.voice)
        words = spread(written.text, stretch, self._tape, speaker, confidence)
        if self._speaker is None and written.states is not None:
            begin = stretch.start_ts - self._lead_ms(stretch)
            words = mark_overlap(words, self._models.overlap.spans(written.states), begin)
        return [*heard, Words(words=words, ends_turn=True)] if words else heard

    def _write(self, stretch: Stretch) -> Recognized:
        key = (stretch.start_ts, stretch.end_ts)
        if key not in self._drafted:
            self._drafted[key] = self._recognize(stretch)
        return self._drafted[key]

    def _recognize(self, stretch: Stretch) -> Recognized:
        audio = self._tape.audio(stretch.start_ts - self._lead_ms(stretch), stretch.end_ts + _LEAD_MS)
        written = self._models.recognizer.recognize(audio)
        return written if written.confidence >= _MIN_CONFIDENCE else NOTHING

    def _lead_ms(self, stretch: Stretch) -> int:
        """Milliseconds of audio that the recogniser gets before the stretch: none where another voice ends there."""
        begins = stretch.start_ts <= self._tape.ts(self._regions.start or 0)
        return min(_LEAD_MS, stretch.start_ts - self._tape.ts(self._tape.first_frame)) if begins else 0

    # Partials and enrolled voices

    def _partial(self, partials: Partials) -> list[Heard]:
        start, now = self._regions.start, self._tape.ts(self._regions.frame)
        if start is None or not self._regions.is_speech or self._regions.silence >= EARLY_PAUSE_FRAMES:
            return []
        stretches = self._stretches(final=False)
        stretch = stretches[-1]
        length = stretch.end_ts - stretch.start_ts
        watched = partials is Partials.ALL
        least, every = (300, _PARTIAL_EVERY_MS) if watched else (_LONG_MS, _LONG_EVERY_MS)
        if length < least or now - self._partial_at < min(max(every, _PARTIAL_SHARE * length), _LONG_EVERY_MS):
            return []
        self._partial_at = now
        audio = self._tape.audio(stretch.start_ts, stretch.end_ts)
        written = self._models.recognizer.recognize(audio, draft=self._partial_draft)
        self._partial_draft = written.tokens
        if written.confidence < _MIN_CONFIDENCE or not written.text:
            return []
        speaker: Speaker = UNATTRIBUTED
        if self._speaker is not None:
            speaker = self._speaker
        elif stretch.parts and stretch.parts[0].is_sure:
            speaker = SpeakerId(stretch.parts[0].speaker_id)
        return [Partial(speaker=speaker, start_ts=stretch.start_ts, end_ts=stretch.end_ts, text=written.text)]


def _windows_of(voices: VoiceModel, samples: Mono) -> list[Mono]:
    size = WINDOW_MS * SAMPLE_RATE // 1000
    return [voices.embed(samples[at : at + size]) for at in range(0, max(1, samples.shape[0] - size + 1), size)]

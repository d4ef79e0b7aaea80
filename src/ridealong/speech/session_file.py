"""A diarised transcript in a file: a header line, then one line an utterance. Read strictly, told with the line.

    {"call": "2026-02-03-acme", "rep_speaker": 0}
    {"no": 0, "speaker": 0, "start_ts": 1200, "end_ts": 3400, "text": "Thanks for taking the time."}

Times are milliseconds. `speaker` null: nobody knows who said it. An optional `words` is a list of
`{"text", "start_ts", "end_ts"}` that spells the same text. Where several reps speak, the header names them all:
`"rep_speakers": [0, 2]`, instead of `rep_speaker` or beside it. The header may hold `title`, what people call the call
(else it is `call`), and `customer`, `deal`, `call_type` and `stage`, the call's context. Other keys are ignored.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, cast

from ridealong.core.context import LONGEST, CallContext
from ridealong.core.errors import InvalidDocument, Refused
from ridealong.core.transcript import UNATTRIBUTED, Speaker, SpeakerId, Utterance, Word

MAX_SPEAKER: Final = 999
MAX_NAME: Final = 300
_BACK_MS: Final = 30_000
"""How far a start may step back behind an earlier one: two people overlap by seconds, not by minutes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedSession:
    """`rep_speakers` empty: the file does not say who the rep is."""

    call: str
    rep_speakers: tuple[SpeakerId, ...]
    utterances: tuple[Utterance, ...]
    context: CallContext = field(default_factory=CallContext)
    title: str = ""
    """What people call it; empty where the file does not say."""


def read_session(source: Path | Iterable[str], *, name: str = "transcript") -> RecordedSession:
    """Read and validate. Raises InvalidDocument with the line of the first mistake."""
    if isinstance(source, Path):
        name = source.name
        try:
            # Only a line feed ends a line: JSON may hold the other separators of Unicode as they are.
            lines: Iterable[str] = source.read_text(encoding="utf-8-sig").split("\n")
        except FileNotFoundError:
            raise InvalidDocument("there is no such file: give the path of a transcript", source=name) from None
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidDocument("the file cannot be read as UTF-8 text", source=name) from error
    else:
        lines = source
    header: RecordedSession | None = None
    utterances: list[Utterance] = []
    latest = 0
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        entry = _Line(line, source=name, number=number)
        if header is None:
            header = entry.header()
            continue
        utterance = entry.utterance()
        if utterances and utterance.no <= utterances[-1].no:
            raise entry.wrong(f"no {utterance.no} comes after no {utterances[-1].no}: numbers only grow")
        if utterance.start_ts < latest - _BACK_MS:
            raise entry.wrong("start_ts lies more than 30 s before an earlier one: sort the lines by start_ts")
        latest = max(latest, utterance.start_ts)
        utterances.append(utterance)
    if header is None:
        raise InvalidDocument('the file is empty: its first line is {"call": …, "rep_speaker": …}', source=name)
    return replace(header, utterances=tuple(utterances))


class _Line:
    def __init__(self, line: str, *, source: str, number: int) -> None:
        self._source = source
        self._number = number
        try:
            entry: Any = json.loads(line)
        except (ValueError, RecursionError):
            raise self.wrong("not valid JSON: each line is one object") from None
        if not isinstance(entry, dict):
            raise self.wrong("not an object: each line is one JSON object")
        self._entry = cast("Mapping[str, Any]", entry)

    def wrong(self, message: str) -> InvalidDocument:
        return InvalidDocument(message, source=self._source, line=self._number)

    def header(self) -> RecordedSession:
        if "call" not in self._entry:
            raise self.wrong('the first line is the header: {"call": …, "rep_speaker": …}')
        call = self._entry["call"]
        if isinstance(call, bool) or not isinstance(call, str | int) or not 0 < len(str(call).strip()) <= MAX_NAME:
            raise self.wrong(f"call is a name: a text of 1 to {MAX_NAME} characters")
        self._storable(str(call), "call")
        title = self._entry.get("title", "")
        if not isinstance(title, str) or len(title.strip()) > MAX_NAME:
            raise self.wrong(f"title is a text of at most {MAX_NAME} characters")
        self._storable(title, "title")
        return RecordedSession(
            call=str(call),
            rep_speakers=self._rep_speakers(),
            utterances=(),
            context=self._context(),
            title=title.strip(),
        )

    def _rep_speakers(self) -> tuple[SpeakerId, ...]:
        one, several = self._entry.get("rep_speaker"), self._entry.get("rep_speakers")
        found = [] if one is None else [SpeakerId(self._integer(one, "rep_speaker", most=MAX_SPEAKER))]
        if several is None:
            return tuple(found)
        if not isinstance(several, list) or not several:
            raise self.wrong("rep_speakers is a list of speakers, for example [0, 2]")
        named = [SpeakerId(self._integer(s, "rep_speakers", most=MAX_SPEAKER)) for s in cast("list[Any]", several)]
        if not set(found) <= set(named):
            raise self.wrong("rep_speakers does not hold rep_speaker: name every rep there, or leave one of both out")
        return tuple(dict.fromkeys([*found, *named]))

    def _context(self) -> CallContext:
        stated: dict[str, str] = {}
        for key in LONGEST:
            value = self._entry.get(key)
            if value is None:
                continue
            if not isinstance(value, str):
                raise self.wrong(f"{key} is a text")
            stated[key] = value
        try:
            return CallContext(**stated)
        except Refused as error:
            raise self.wrong(str(error)) from None

    def utterance(self) -> Utterance:
        for key in ("no", "speaker", "start_ts", "end_ts", "text"):
            if key not in self._entry:
                if "call" in self._entry:
                    raise self.wrong("another call begins here: a file holds one call, give each a file of its own")
                raise self.wrong(f"{key} is missing")
        speaker: Speaker = UNATTRIBUTED
        if self._entry["speaker"] is not None:
            speaker = SpeakerId(self._integer(self._entry["speaker"], "speaker", most=MAX_SPEAKER))
        start_ts, end_ts, text = self._span(self._entry)
        return Utterance(
            no=self._integer(self._entry["no"], "no"),
            speaker=speaker,
            start_ts=start_ts,
            end_ts=end_ts,
            text=text,
            words=self._words(start_ts, end_ts, text),
        )

    def _words(self, start_ts: int, end_ts: int, text: str) -> tuple[Word, ...]:
        words = self._entry.get("words")
        if words is None:
            return ()
        if not isinstance(words, list) or not all(isinstance(word, dict) for word in cast("list[Any]", words)):
            raise self.wrong("words is a list of objects with text, start_ts and end_ts")
        read: list[Word] = []
        for entry in cast("list[Mapping[str, Any]]", words):
            for key in ("text", "start_ts", "end_ts"):
                if key not in entry:
                    raise self.wrong(f"words: {key} is missing")
            first, last, spelled = self._span(entry, within="words: ")
            if first < start_ts or last > end_ts:
                raise self.wrong("words: a word lies outside its utterance")
            read.append(Word(text=spelled, start_ts=first, end_ts=last, estimated=entry.get("estimated") is True))
        if " ".join(word.text for word in read).split() != text.split():
            raise self.wrong("words: they do not spell the text")
        return tuple(read)

    def _span(self, entry: Mapping[str, Any], *, within: str = "") -> tuple[int, int, str]:
        start_ts = self._integer(entry["start_ts"], f"{within}start_ts")
        end_ts = self._integer(entry["end_ts"], f"{within}end_ts")
        text = entry["text"]
        if end_ts <= start_ts:
            raise self.wrong(f"{within}end_ts must be later than start_ts")
        if not isinstance(text, str) or not text.strip():
            raise self.wrong(f"{within}text is a text that is not empty")
        self._storable(text, f"{within}text")
        return start_ts, end_ts, text.strip()

    def _storable(self, text: str, key: str) -> None:
        """JSON can spell two things that no database and no UTF-8 can hold."""
        if "\0" in text:
            raise self.wrong(f"{key} holds a NUL character (\\u0000): take it out")
        try:
            text.encode()
        except UnicodeEncodeError:
            raise self.wrong(f"{key} holds half of a surrogate pair (\\ud800 to \\udfff): take it out") from None

    def _integer(self, value: object, key: str, *, most: int = 2**31 - 1) -> int:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.wrong(f"{key} is a whole number")
        if not 0 <= value <= most:
            raise self.wrong(f"{key} lies between 0 and {most}")
        return value

"""The start of a call: checked, and as it lies on disk."""

from __future__ import annotations

from typing import Any, Final

from ridealong.core.context import CallContext
from ridealong.core.errors import Refused
from ridealong.live import AudioFormat, CallStart, ChannelLayout, Encoding

MIN_RATE: Final = 8_000
MAX_RATE: Final = 48_000


def check(start: CallStart) -> None:
    """Raises Refused('bad_format' or 'consent_missing') with what to do."""
    if not start.consent.strip():
        raise Refused(
            "consent_missing", "say how consent to record was obtained: `consent.statement` must not be empty"
        )
    audio = start.format
    if audio.channels not in (1, 2):
        raise Refused("bad_format", "send one channel, or two with one speaker on each")
    if audio.encoding is Encoding.MULAW and audio.sample_rate != 8_000:
        raise Refused("bad_format", "µ-law audio has 8000 Hz")
    if audio.encoding is Encoding.OPUS and audio.sample_rate != 48_000:
        raise Refused("bad_format", "Opus is always stated with 48000 Hz, whatever the microphone's rate")
    if not MIN_RATE <= audio.sample_rate <= MAX_RATE:
        raise Refused("bad_format", f"the sample rate lies between {MIN_RATE} and {MAX_RATE} Hz")
    if (start.layout is ChannelLayout.MIXED) != (audio.channels == 1):
        raise Refused(
            "bad_format",
            "one channel goes with the layout `mixed`; two with `rep_first`, `customer_first` or `separate`",
        )


def statement(start: CallStart) -> dict[str, object]:
    """The start as it is written to disk."""
    return {
        "encoding": start.format.encoding.value,
        "sample_rate": start.format.sample_rate,
        "channels": start.format.channels,
        "layout": start.layout.value,
        "rep_id": start.rep_id,
        "consent": start.consent,
        "title": start.title,
        "language": start.language,
        "rep_speakers": list(start.rep_speakers),
        "external_id": start.external_id,
        "context": start.context.as_json(),
    }


def _rep_speakers(found: dict[str, Any]) -> tuple[int, ...]:
    """An earlier version named one, or null."""
    named = found.get("rep_speakers", [found.get("rep_speaker")])
    return tuple(speaker for speaker in named if speaker is not None)


def read_statement(found: dict[str, Any]) -> CallStart:
    return CallStart(
        format=AudioFormat(
            encoding=Encoding(found["encoding"]), sample_rate=found["sample_rate"], channels=found["channels"]
        ),
        layout=ChannelLayout(found["layout"]),
        rep_id=found["rep_id"],
        consent=found["consent"],
        title=found["title"],
        language=found["language"],
        rep_speakers=_rep_speakers(found),
        # Recordings of an earlier version do not say these.
        external_id=found.get("external_id", ""),
        context=CallContext(**found.get("context", {})),
    )
